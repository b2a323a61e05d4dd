"""--list: what an upscaling would do, as lines, without doing it."""

import sys
from collections.abc import Collection

from srcnn.networks.trained import Stages
from srcnn.settings import Upscaling
from srcnn.system.errors import InputError, expecting, needing
from srcnn.system.output_paths import check_free
from srcnn.system.progress import progress, say
from srcnn.system.sequences import is_sequence
from srcnn.upscaling import pipeline
from srcnn.upscaling.file_kinds import is_of_films, size_before
from srcnn.upscaling.pipes import Files
from srcnn.upscaling.work import Options, Work, load_networks


def print_list(
    work: list[Work], todo: Collection[Work], stages: Stages, upscaling: Upscaling, files: Files
) -> int:
    """Prints a line for each file: its result, how large, by which networks; returns the exit status.

    todo: the part of the work that is not done yet. What cannot be done is said on stderr, of films as far as
    their first frames show it, of pages as far as it shows before they are decoded.
    """
    status, left = 0, {item.target for item in todo}
    load_networks(todo, stages)  # which says what weights it takes
    for item in progress(work, "looking at files"):
        if item.target not in left:
            say(files.shown(f"{item.source}: already done, as {item.target}"))
            continue
        try:
            item, (height, width) = result_of(item, stages, upscaling)
        except InputError as error:
            say(files.shown(f"main.py: error: {error}"), sys.stderr)
            status = 2
            continue
        of = " a frame" if is_of_films(item) else " of the first page" if item.images.pages else ""
        made = f"{item.source}: {item.target}, {width}x{height} pixels{of}, by {networks(item, stages)}"
        say(files.shown(made))
    say(f"{len(todo)} of {len(work)} files remain to be done. Nothing was written.")
    return status


def result_of(item: Work, stages: Stages, upscaling: Upscaling) -> tuple[Work, tuple[int, int]]:
    """The work on a file with the place of its result, and (height, width) of that.

    Raises InputError for a file that cannot be done.
    """
    goal = upscaling.goal
    if item.error:
        raise item.error
    if not is_of_films(item) and not item.images.pages:
        return pipeline.planned(item, stages, Options(goal, upscaling.overwrite, noted=False))
    if not upscaling.overwrite and not is_sequence(item.target):
        check_free(item.target)
    with expecting(item.source):
        if item.images.pages:
            return item, goal.size(*size_before(item))
        with needing("av", item.source):
            from srcnn.upscaling.films.film_job import looked_at
        film, _, encoder = looked_at(item.source, item.target, goal, upscaling.coding, item.rate)
        return item, film.turned_size(*encoder.size)


def networks(item: Work, stages: Stages) -> str:
    """The networks that a file passes through, in words."""
    srcnns = stages(item.ratio, item.quality)
    shapes = [f"{srcnn.network.shape} x{srcnn.network.scale}" for srcnn in srcnns]
    quality = f" for JPEG at quality {item.quality}" if item.quality else ""
    return f"{shapes[0]}{quality}{''.join(f', then {shape}' for shape in shapes[1:])}"
