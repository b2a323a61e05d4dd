"""--list: what an upscaling would do, as lines, without doing it."""

import sys
from collections.abc import Callable, Collection

from srcnn.networks.trained import Stages
from srcnn.settings import FilmCoding, Upscaling
from srcnn.system.errors import InputError, expecting, needing
from srcnn.system.output_paths import check_free
from srcnn.system.progress import progress, say
from srcnn.upscaling import pipeline
from srcnn.upscaling.file_kinds import is_of_films, size_before
from srcnn.upscaling.pipes import Files
from srcnn.upscaling.work import Options, Work, load_networks


def print_list(
    work: list[Work],
    todo: Collection[Work],
    stages: Stages,
    upscaling: Upscaling,
    note: Callable,
    files: Files,
) -> int:
    """Prints a line for each file: its result, how large, by which networks; returns the exit status.

    todo: the part of the work that is not done yet. note: what is noted of a Work's result. What cannot be
    done is said on stderr, of films as far as their first frames show it, of pages as far as it shows before
    they are decoded.
    """
    status, left = 0, {item.target for item in todo}
    load_networks(todo, stages)  # which says what weights it takes
    for item in progress(work, "looking at files"):
        if item.target not in left:
            say(files.shown(f"{item.source}: already done, as {item.target}"))
            continue
        try:
            item, (height, width) = result_of(item, stages, upscaling, note)
        except InputError as error:
            say(files.shown(f"main.py: error: {error}"), sys.stderr)
            status = 2
            continue
        of = " a frame" if is_of_films(item) else " of the first page" if item.images.pages else ""
        made = f"{item.source}: {item.target}, {width}x{height} pixels{of}, by {networks(item, stages)}"
        say(files.shown(made))
    say(f"Remaining: {len(todo)} of {len(work)}. Nothing was written.")
    return status


def result_of(
    item: Work, stages: Stages, upscaling: Upscaling, note: Callable
) -> tuple[Work, tuple[int, int]]:
    """The work on a file with the place of its result, and (height, width) of that.

    Raises InputError for a file that cannot be done.
    """
    options = Options(upscaling.goal, upscaling.overwrite, noted=False)
    if item.error:
        raise item.error
    if is_of_films(item):
        return item, size_of_film(item, upscaling.coding, note, options)
    if not item.images.pages:
        return pipeline.planned(item, stages, options)
    if not options.overwrite:
        check_free(item.target)
    with expecting(item.source):
        return item, options.goal.size(*size_before(item))


def size_of_film(item: Work, coding: FilmCoding, note: Callable, options: Options) -> tuple[int, int]:
    """(height, width) of a film's result. Raises InputError where its first frames show that it cannot be."""
    with needing("av", item.source):
        from srcnn.upscaling.films import outputs
        from srcnn.upscaling.films.film_job import looked_at
    outputs.check_free(item.target, options)
    with expecting(item.source):
        film, _, encoder = looked_at(item.source, item.target, options.goal, coding, item.rate)
        outputs.begin(film, encoder, item.target, note(item), options)
        return film.turned_size(*encoder.size)


def networks(item: Work, stages: Stages) -> str:
    """The networks that a file passes through, in words."""
    srcnns = stages(item.ratio, item.quality)
    shapes = [f"{srcnn.network.shape} x{srcnn.network.scale}" for srcnn in srcnns]
    quality = f" for JPEG at quality {item.quality}" if item.quality else ""
    return f"{shapes[0]}{quality}{''.join(f', then {shape}' for shape in shapes[1:])}"
