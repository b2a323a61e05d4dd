"""The job of --input: photographs and films, one after the other, and a page of them."""

import itertools
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from fractions import Fraction
from functools import partial
from pathlib import Path

from srcnn import tf1
from srcnn.cluster import shards
from srcnn.images import jpeg
from srcnn.networks import conditioning
from srcnn.networks.trained import Stages, has_cleaner
from srcnn.page import report
from srcnn.settings import FilmCoding, Upscaling
from srcnn.system import ledger
from srcnn.system.errors import InputError, expecting, needing
from srcnn.system.ledger import check_replaceable, made_before
from srcnn.system.output_paths import check_apart, check_writable
from srcnn.system.progress import progress, say
from srcnn.system.sequences import files_of, is_sequence
from srcnn.system.threads import cores
from srcnn.upscaling import gathering, pipeline
from srcnn.upscaling.file_kinds import is_film, is_of_films
from srcnn.upscaling.films.containers import FILMS
from srcnn.upscaling.image_formats import check_used
from srcnn.upscaling.inputs import plan
from srcnn.upscaling.listing import print_list
from srcnn.upscaling.pipes import Files, as_files
from srcnn.upscaling.results_page import Listed, exhibit_of, is_current, line, listed_again, save_pages
from srcnn.upscaling.sizes import Goal
from srcnn.upscaling.work import Options, Upscaled, Work, load_networks

USUAL_RATE = 25  # frames a second of a sequence of images, which FFmpeg takes, too
SHOWS = 90  # quality of JPEG up to which no image held out is worse by a network for JPEG, docs/training.md


def upscale_files(upscaling: Upscaling, load: Callable) -> int:
    """Upscales files; returns the exit status: 2 if some cannot be used, which are named and left out.

    load: gives an SRCNN with trained weights for a session and a Network. Raises InputError, before the work,
    for what nothing can be made of.
    """
    goal, coding = upscaling.goal, upscaling.coding
    pipes = upscaling.inputs, upscaling.output, upscaling.image_coding, upscaling.images.pages
    with as_files(*pipes) as files:
        work = planned(upscaling, files)
        if not work:
            print("This shard has nothing to do, since there are fewer files than shards.")
            return 0
        # No list beside a file that the user named; one beside the many of a sequence.
        named = work[0].target == Path(files.output or "") and not is_sequence(work[0].target)
        no_page = named and upscaling.sample_dir == Upscaling.sample_dir  # nor a page, unless with its folder
        names = [] if files.to_pipe or upscaling.shard or no_page else ["upscaled.html", "upscaled.json"]
        pages = [Path(upscaling.sample_dir) / name for name in names]
        check_results(upscaling.sample_dir, work, pages)
        if named and (upscaling.shard or upscaling.gather):
            raise InputError("a single result cannot be divided; leave out --shard, --gather and TF_CONFIG")
        with tf1.session() as sess:
            stages = Stages(partial(load, sess), upscaling.network, upscaling.source)
            anew = upscaling.overwrite and not upscaling.gather
            work = work if anew else settled(work, stages, coding)
            todo = work if anew else left_to_do(work, stages, coding)
            if upscaling.lists:
                note = partial(noted_as, stages=stages, coding=coding)
                return print_list(work, todo, stages, upscaling, note, files)
            listed: dict[Path, Listed] = {}
            if upscaling.gather:
                status = 2 if gathering.check_gathered(work, todo) else 0
            else:
                options = Options(goal, upscaling.overwrite, not named, not files.to_pipe)
                results = upscaled(todo, stages, options, coding)
                results = results if anew else with_others(results, todo, stages, coding)
                results = gathering.noting(results, todo) if upscaling.shard else results
                listed, status = print_results(results, files)
            if pages:
                work = settled(work, stages, coding)  # as other runs have left it by now
                earlier = [item for item, note in noted(work, stages, coding) if note]
                list_results(pages, work, listed, earlier, list(stages.models.values()), goal)
    return status


def list_results(
    pages: list[Path],
    work: list[Work],
    listed: dict[Path, Listed],
    earlier: list[Work],
    models: list,
    goal: Goal,
) -> None:
    """Saves the pages of the work, unless they are those of earlier results, and there are no new ones.

    listed: what was made now. earlier: what is there, by this run or others.
    """
    earlier = [item for item in earlier if item.target not in listed]
    if listed or (earlier and not is_current(pages, earlier)):
        listed |= listed_again(earlier, goal)
        targets = [target for item in work for target in (item.target, item.other)]
        in_order = [listed[target] for target in targets if target in listed]
        save_pages(pages[0].parent, models, goal, in_order)


def planned(upscaling: Upscaling, files: Files) -> list[Work]:
    """What this shard is to do."""
    work = plan(files.inputs, files.output, upscaling)
    is_any = any(item.target.suffix.lower() in FILMS for item in work)
    check_used(work, upscaling.image_coding, is_any)
    check_coding(upscaling, work, is_any)
    if upscaling.images.pages and not any(item.images.pages for item in work):
        raise InputError("--pages is for TIFF files; leave it out")
    work = [refused_for_films(item) for item in shards.shard_of(work, upscaling.shard)]
    return with_qualities(upscaling, with_rates(upscaling, work))


def check_coding(upscaling: Upscaling, work: list[Work], to_films: bool) -> None:
    """Raises InputError for flags of films where there are none, and for a --codec that PyAV has not.

    to_films: whether results are films.
    """
    coding = upscaling.coding
    from_films = any(is_film(item.source) for item in work)
    # --lossless is of images, too; it is --codec ffv1 where they do not know of it.
    names = {"lossless": None if upscaling.image_coding.lossless else "codec"}
    for name, value in asdict(coding).items():
        shown, is_used = names.get(name, name), from_films if name == "deinterlace" else to_films
        if value not in (None, False) and shown and not is_used:
            raise InputError(f"--{shown} is for films; leave it out")
    if coding.codec:
        with needing("av", f"--codec {coding.codec}"):
            from srcnn.upscaling.films.encoders import check_available
        check_available(coding.codec)


def refused_for_films(item: Work) -> Work:
    """The same, or an error for a film with a flag that is for images, such as --edges."""
    if item.error or not item.images.noted or not is_of_films(item):
        return item
    (name, *_) = item.images.noted
    error = InputError(f"{item.source}: --{name} is for images, not films; leave one out")
    return item._replace(ratio=None, error=error)


def with_rates(upscaling: Upscaling, work: list[Work]) -> list[Work]:
    """The work with the rates of sequences of images."""
    is_any = any(is_sequence(item.source) for item in work)
    if upscaling.rate and not is_any:
        raise InputError("--fps is for a sequence of images that becomes a film; leave it out")
    if is_any and not upscaling.rate:
        say(f"{work[0].source}: assuming {USUAL_RATE} frames a second; --fps sets another rate")
    rate = upscaling.rate or Fraction(USUAL_RATE)
    return [item._replace(rate=rate) if is_sequence(item.source) else item for item in work]


def with_qualities(upscaling: Upscaling, work: list[Work]) -> list[Work]:
    """The work with the qualities of JPEG files, where a network is conditioned on them."""
    if upscaling.reads_quality:
        ratios = {item.ratio for item in work if item.ratio}
        cleaned = {r for r in ratios if has_cleaner(upscaling.network, upscaling.source, r)}
        return [
            item._replace(quality=shown_quality(item.source)) if item.ratio in cleaned else item
            for item in work
        ]
    if upscaling.network.degradation != "jpeg":
        return work
    found = []
    for item in work:
        try:
            quality, scale = upscaling.quality, upscaling.goal.scale
            with expecting(item.source):
                quality = None if item.error else conditioning.check_quality(item.source, quality, scale)
            found.append(item._replace(quality=quality))
        except InputError as error:
            found.append(item._replace(ratio=None, error=error))
    return found


def shown_quality(path: Path) -> int | None:
    """The quality of a JPEG file whose compression shows; None for others."""
    quality = jpeg.quality_of(path)
    return quality if quality and quality <= SHOWS else None


def print_results(results: Generator[Upscaled, None, None], files: Files) -> tuple[dict[Path, Listed], int]:
    """Prints what became of files as it comes; returns what is Listed of each target, and the exit status."""
    lines: dict[Path, dict] = {}
    exhibits: dict[Path, Future] = {}  # of the first MOST_EXHIBITS
    status = 0
    with closing(results), ThreadPoolExecutor(cores()) as drawing:  # so that the networks need not wait
        for image in results:
            if image.notice:
                say(files.shown(image.notice), sys.stderr)
            if image.error or image.warning:
                error = f"error: {image.error}" if image.error else image.warning
                say(f"main.py: {files.shown(error)}", sys.stderr)
                status = 2
            if image.error or not image.size:
                continue
            height, width = image.size
            pages = f"{image.pages} pages, the first of " if image.pages > 1 else ""
            made = f"{files.shown(image.target)}: {pages}{width}x{height} pixels, {image.seconds} s"
            by = f", by the network for JPEG at quality {image.quality}" if image.quality else ""
            say(made + by)
            if image.pictures and len(lines) < report.MOST_EXHIBITS:
                exhibits[image.target] = drawing.submit(exhibit_of, image, image.pictures)
            lines[image.target] = line(image, files.shown(image.source))
    drawn = {target: report.shown(target, future.result) for target, future in exhibits.items()}
    return {target: Listed(lines[target], drawn.get(target)) for target in lines}, status


def check_results(sample_dir: str, work: list[Work], pages: list[Path]) -> None:
    """Raises InputError, before the work, if results cannot be written or would harm a file of the user's."""
    targets = files_of(path for item in work for path in (item.target, item.other) if path)
    check_apart(files_of(item.source for item in work), [*pages, *targets])
    check_replaceable(pages, "--sample_dir")
    if pages:
        check_writable(sample_dir, "--sample_dir")
    for folder in {item.target.parent for item in work}:
        check_writable(folder, "--output")


def settled(work: list[Work], stages: Stages, coding: FilmCoding) -> list[Work]:
    """The work, with the places of results that were made before and went elsewhere."""
    others = [item.elsewhere for item in work if item.other]
    notes = made_before((item.target, partial(noted_as, item, stages, coding)) for item in others)
    found = {item.source: item for item, note in zip(others, notes, strict=True) if note}
    return [found.get(item.source, item) for item in work]


def left_to_do(work: list[Work], stages: Stages, coding: FilmCoding) -> list[Work]:
    """The part of the work whose results are not there yet, as these networks made them from these files."""
    todo = []
    for item, note in noted(work, stages, coding):
        if note is None:
            todo.append(item)
        elif is_film(item.target):
            name_parts(item.target)
    if len(todo) < len(work):
        print(f"{len(work) - len(todo)} of {len(work)} already upscaled")
    return todo


def noted(work: list[Work], stages: Stages, coding: FilmCoding) -> Iterator[tuple[Work, dict | None]]:
    """Pairs of each item of the work and the note of its result, None if that is not there; `made_before`."""
    results = [(item.target, partial(noted_as, item, stages, coding)) for item in work]
    return zip(work, made_before(progress(results, "looking for earlier results")), strict=True)


def noted_as(item: Work, stages: Stages, coding: FilmCoding) -> dict | None:
    """What would be noted of a result that is made now; None for what cannot be."""
    made_from = None if item.error else ledger.origin(item.source, item.networks(stages))
    of_film = coding.noted if is_of_films(item) else {}
    return made_from and made_from | of_film | item.noted


def with_others(
    results: Iterable[Upscaled], work: list[Work], stages: Stages, coding: FilmCoding
) -> Generator[Upscaled, None, None]:
    """Passes on what was upscaled; that another run has made the same result before is no error.

    work: that gives these results.
    """
    before = {item.target: ledger.identity_if_there(item.target) for item in work}

    def may_be_theirs(path):
        return is_sequence(path) or ledger.identity_if_there(path) not in (None, before.get(path))

    for item, image in zip(work, results, strict=True):
        like = [item]
        if image.target == item.other:  # which a run without --format may have made, too
            item = item.elsewhere
            like = [item, item._replace(instead_of="")]
        there = (one for one in like if may_be_theirs(one.target))
        same = made_before((one.target, partial(noted_as, one, stages, coding)) for one in there)
        if image.error and any(same):
            image = Upscaled(item.source, item.target, notice=f"{item.target}: another run has made it")
        yield image


def name_parts(target: Path) -> None:
    """Prints which parts of a film that is done a kill has left."""
    with needing("av", target):
        from srcnn.upscaling.films.film_job import name_others
    name_others(None, target)


def upscaled(
    work: list[Work], stages: Stages, options: Options, coding: FilmCoding
) -> Generator[Upscaled, None, None]:
    """Yields an Upscaled for each file of the work."""
    load_networks(work, stages)
    with closing(_in_turn(work, stages, options, coding)) as results:
        yield from progress(results, "upscaling", len(work)) if len(work) > 1 else results


def _in_turn(work, stages, options, coding):
    """Films one by one, and the photographs between them in pipelines: so no message waits for a film."""
    for are_films, items in itertools.groupby(work, is_of_films):
        if are_films:
            yield from (upscaled_film(item, stages, options, coding) for item in items)
        else:
            yield from pipeline.upscaled(list(items), stages, options)


def upscaled_film(item: Work, stages: Stages, options: Options, coding: FilmCoding) -> Upscaled:
    """The Upscaled of a film."""
    try:
        if item.error:
            raise item.error
        with needing("av", item.source):
            from srcnn.upscaling.films.film_job import upscale_film
        srcnns = stages(item.ratio, item.quality)
        with expecting(item.source):
            return upscale_film(item, srcnns, options, coding)
    except InputError as error:
        return Upscaled(item.source, item.target, error=error)
