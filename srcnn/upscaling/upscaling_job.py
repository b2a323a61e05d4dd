"""The job of --input: photographs and films, one after the other, and a page of them."""

import itertools
import json
import math
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from srcnn import tf1
from srcnn.cluster import shares
from srcnn.images import image_io, jpeg
from srcnn.networks import conditioning
from srcnn.networks.network import Network
from srcnn.networks.trained import at_quality, find_known
from srcnn.page import report
from srcnn.page.pictures import data_uri
from srcnn.settings import FilmCoding, Source, Upscaling
from srcnn.system import ledger
from srcnn.system.atomic_write import published
from srcnn.system.errors import InputError, needing, one_line
from srcnn.system.ledger import check_replaceable, made_before
from srcnn.system.output_paths import check_apart, check_writable
from srcnn.system.progress import progress
from srcnn.system.threads import cores
from srcnn.upscaling import gathering, photographs, pipeline
from srcnn.upscaling.inputs import Work, is_film, plan, size_of
from srcnn.upscaling.photographs import Options
from srcnn.upscaling.pipes import as_files
from srcnn.upscaling.sizes import factors_for

LOOKED_AT = 100  # files, whether they are of JPEG
CLEAN = 90  # quality of JPEG from which on a clean network does well


def upscale_files(upscaling: Upscaling, load: Callable) -> int:
    """Upscales files; returns the exit status: 2 if some cannot be used, which are named and left out.

    load: gives an SRCNN with trained weights for a session and a Network. Raises InputError, before the work,
    for what nothing can be made of.
    """
    goal, coding = upscaling.goal, upscaling.coding
    with as_files(upscaling.inputs, upscaling.output) as files:
        planned = plan(
            files.inputs, files.output, upscaling.sample_dir, goal, upscaling.recursive, coding.lossless
        )
        work = shares.part_of(planned, upscaling.shard)
        if coding != FilmCoding() and not any(is_film(item.source) for item in work):
            raise InputError(f"--{'lossless' if coding.lossless else 'crf'} is for films; leave it out")
        if not work:
            print("nothing for this shard: there are fewer files")
            return 0
        work = with_qualities(upscaling, work, files)
        names = [] if files.to_pipe or upscaling.shard else ["upscaled.html", "upscaled.json"]
        pages = [Path(upscaling.sample_dir) / name for name in names]
        check_results(upscaling.sample_dir, work, pages)
        named = work[0].target == Path(files.output or "")  # no list beside a file that the user named
        if named and (upscaling.shard or upscaling.gather):
            raise InputError("one result cannot be shared out; leave out --shard, --gather and TF_CONFIG")
        with tf1.session() as sess:
            stages = Stages(partial(load, sess), upscaling.network, upscaling.source)
            todo = work if upscaling.overwrite and not upscaling.gather else left_to_do(work, stages, coding)
            if upscaling.gather:
                told, status = {}, 2 if gathering.check_gathered(work, todo) else 0
            else:
                options = Options(goal, upscaling.overwrite, noted=not named)
                results = upscaled(todo, stages, options, coding)
                results = gathering.noting(results) if upscaling.shard else results
                told, status = say_upscaled(results, files)
            left = {item.target for item in todo}
            earlier = [item for item in work if item.target not in left]
            if pages and (told or (earlier and not are_of(pages, earlier))):
                save_upscaled(upscaling.sample_dir, stages, goal, work, told | told_again(earlier, goal))
    return status


def with_qualities(upscaling, work, files):
    """The work with the qualities of JPEG files, where the network is conditioned on them."""
    network, checkpoint_dir = upscaling.network, upscaling.source.checkpoint_dir
    if network.degradation != "jpeg":
        hinted = (
            item
            for item in work[:LOOKED_AT]
            if is_compressed(item.source) and has_cleaner(network, checkpoint_dir, item)
        )
        for item in itertools.islice(hinted, 1):
            print(f"{files.said(item.source)}: is a JPEG file; --degradation jpeg takes its blocks away")
        return work
    found = []
    for item in work:
        try:
            quality, scale = upscaling.quality, upscaling.goal.scale
            quality = None if item.error else conditioning.check_quality(item.source, quality, scale)
            found.append(item._replace(quality=quality))
        except InputError as error:
            found.append(item._replace(ratio=None, error=error))
    return found


def has_cleaner(network, checkpoint_dir, item):
    """Whether there are weights for JPEG for the first network that a file would pass through."""
    if item.error:
        return False
    own = Source(checkpoint_dir=checkpoint_dir)

    def has(scale):
        return find_known(network._replace(degradation="jpeg", scale=scale), own)

    return has(factors_of(item.ratio, has)[0])


def is_compressed(path):
    """Whether a file is a JPEG of a quality that shows."""
    quality = jpeg.quality_of(path)
    return quality is not None and quality < CLEAN


def say_upscaled(results, files):
    """Prints what became of files as it comes; returns the entry and exhibit of each target, and the status.

    There is no exhibit of those after the first MOST_EXHIBITS.
    """
    told, status = {}, 0
    with closing(results), ThreadPoolExecutor(cores()) as drawing:  # so that the networks need not wait
        for image in results:
            if image.said:
                tqdm.write(image.said, file=sys.stderr)
            if image.error or image.warning:
                error = f"error: {image.error}" if image.error else image.warning
                tqdm.write(f"main.py: {one_line(files.said(error))}", file=sys.stderr)
                status = 2
            if image.error:
                continue
            height, width = image.size
            tqdm.write(one_line(f"{files.said(image.target)}: {width}x{height} pixels, {image.seconds} s"))
            exhibit = None
            if image.pictures and len(told) < report.MOST_EXHIBITS:
                exhibit = drawing.submit(exhibit_of, image)
            told[image.target] = entry(files.said(image.source), *image[1:4]), exhibit
    return {target: (line, found and found.result()) for target, (line, found) in told.items()}, status


def exhibit_of(image):
    """The exhibit of an Upscaled."""
    exhibit = report.exhibit(image.target.name, image.pictures, {}, image.size)
    return exhibit | {"loop": image.loop and data_uri(image.loop, "webp")}


def are_of(pages, earlier):
    """Whether the page is there, and the list beside it is of these targets."""
    page, listed = pages
    try:
        images = json.loads(listed.read_text("utf-8"))["images"]
        return page.exists() and [image["output"] for image in images] == [
            str(item.target) for item in earlier
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def told_again(earlier, goal):
    """The entry and exhibit of each target that was made before, from the files."""
    told = {}
    for item in progress(earlier, "looking at earlier results"):
        source, target, exhibit = item.source, item.target, None
        size = size_of(target) if is_film(target) else goal.size(*size_of(source))
        is_shown = len(told) < report.MOST_EXHIBITS and not is_film(target)
        if is_shown and math.prod(size) <= image_io.LARGEST:  # larger ones are written, but not read
            pixels, result = (image_io.read(path).pixels for path in (source, target))
            pictures = photographs.compared(pixels, result, report.centre(*size))
            exhibit = report.exhibit(target.name, pictures, {}, size)
        told[target] = entry(source, target, size), exhibit
    return told


def entry(source, target, size, seconds=None):
    """A line of the table of an upscaling. seconds: None if it was made before."""
    height, width = size
    return {"input": str(source), "output": str(target), "width": width, "height": height, "seconds": seconds}


def save_upscaled(sample_dir, stages, goal, work, told):
    """Writes the page of an upscaling, and the same as JSON. told: entry and exhibit by target."""
    folder, first = Path(sample_dir), next(iter(stages.models.values()))
    weights = [srcnn.source for srcnn in stages.models.values()]
    done = [told[item.target][0] for item in work if item.target in told]
    exhibits = [exhibit for item in work if (exhibit := told.get(item.target, (None, None))[1])]
    with published(folder, "--sample_dir") as staging:
        about = {"weights": weights, "self_ensemble": first.self_ensemble}
        found = {**goal.plain, **about, "images": done}
        report.save_json(found, staging / "upscaled.json")
        rows = [list(done[0])]
        rows += [["-" if value is None else str(value) for value in line.values()] for line in done]
        w1, what = first.sess.run(first.weights["w1"]), f"upscaled, {goal.text}"
        exhibits = exhibits[: report.MOST_EXHIBITS]
        page = staging / "upscaled.html", weights, rows, exhibits, w1, what, goal.plain
        report.save_job(stages.network, first.self_ensemble, *page)
    print(f"compare with bicubic: {folder / 'upscaled.html'}")


def check_results(sample_dir, work, pages):
    """Raises InputError, before the work, if results cannot be written or would harm a file of the user's."""
    check_apart([item.source for item in work], [*pages, *(item.target for item in work)])
    check_replaceable(pages, "--sample_dir")
    if pages:
        check_writable(sample_dir, "--sample_dir")
    for folder in {item.target.parent for item in work}:
        check_writable(folder, "--output")


def left_to_do(work, stages, coding):
    """The part of the work whose results are not there yet, as these networks made them from these files."""

    def about(item):
        made_from = None if item.error else ledger.origin(item.source, stages(item))
        return made_from and made_from | film_settings(coding, item.source)

    results = [(item.target, partial(about, item)) for item in work]
    todo = []
    for item, note in zip(work, made_before(progress(results, "looking for earlier results")), strict=True):
        if note is None:
            todo.append(item)
        elif is_film(item.target):
            name_parts(item.target)
    if len(todo) < len(work):
        print(f"{len(work) - len(todo)} of {len(work)} were upscaled before")
    return todo


def name_parts(target):
    """Prints which parts of a film that is done a kill has left."""
    with needing("av", target):
        from srcnn.upscaling.films.film_job import name_others
    name_others(None, target)


def upscaled(work, stages, options, coding):
    """Yields an Upscaled for each file of the work."""
    for item in {(item.ratio, item.quality): item for item in work}.values():
        stages(item)  # weights that are missing are missed now
    with closing(_in_turn(work, stages, options, coding)) as results:
        yield from progress(results, "upscaling", len(work)) if len(work) > 1 else results


def _in_turn(work, stages, options, coding):
    """Films one by one, and the photographs between them in pipelines: so no message waits for a film."""
    for are_films, items in itertools.groupby(work, lambda item: is_film(item.source)):
        if are_films:
            yield from (upscaled_film(item, stages, options, coding) for item in items)
        else:
            yield from pipeline.upscaled(list(items), stages, options)


def upscaled_film(item, stages, options, coding):
    """The Upscaled of a film."""
    try:
        if item.error:
            raise item.error
        with needing("av", item.source):
            from srcnn.upscaling.films.film_job import upscale_film
        return upscale_film(item.source, item.target, stages(item), options, coding)
    except InputError as error:
        return photographs.Upscaled(item.source, item.target, error=error)


def film_settings(coding, path):
    return asdict(coding) if is_film(path) else {}


def factors_of(ratio, has):
    """The scales of the networks that an image passes through in turn; has: whether there is one for a scale.

    One network for the whole way, if there is one, is better than several.
    """
    factors, whole = factors_for(ratio), [int(ratio)] if ratio.denominator == 1 else []
    found = next(filter(has, [*whole, math.prod(factors)]), None)
    return [found] if found else factors or [1]


class Stages:
    """The networks that files pass through, each loaded when it is first asked for.

    load: gives the SRCNN of a Network. network: see `Upscaling`. models: SRCNNs by Network.
    """

    def __init__(self, load: Callable, network: Network, source: Source):
        self.load, self.network, self.source = load, network, source
        self.models: dict[Network, Any] = {}

    def __call__(self, item: Work) -> list:
        """The SRCNNs that a file passes through in turn to be as large as it shall, or somewhat larger.

        An item with an error needs none. Of networks for JPEG the first one cleans, the others see no JPEG
        any more. Raises InputError if there are no weights for one of them.
        """
        if item.error:
            return []
        first, *others = factors_of(item.ratio, self._has)
        srcnns = [self._model(scale=first)]
        if item.quality:
            at_quality(srcnns[0], item.quality)
        return srcnns + [self._model(scale=scale, degradation="matlab", quality=None) for scale in others]

    def _has(self, scale):
        if self.source.weights not in (None, "shipped"):
            return True
        return find_known(self.network._replace(scale=scale), self.source)

    def _model(self, **changes):
        network = self.network._replace(**changes)
        if network not in self.models:
            self.models[network] = self.load(network)
        return self.models[network]
