"""--list: what an upscaling would do, as lines, without doing it."""

import sys
from collections.abc import Collection

from srcnn.networks.trained import Stages
from srcnn.settings import Upscaling
from srcnn.system.errors import InputError, expecting, needing
from srcnn.system.output_paths import check_free
from srcnn.system.progress import say
from srcnn.system.sequences import is_sequence
from srcnn.upscaling.file_kinds import is_of_films, size_before
from srcnn.upscaling.pipes import Files
from srcnn.upscaling.work import Work, load_networks


def print_list(
    work: list[Work], todo: Collection[Work], stages: Stages, upscaling: Upscaling, files: Files
) -> int:
    """Prints a line for each file: its result, how large, by which networks; returns the exit status.

    todo: the part of the work that is not done yet. What cannot be done is said on stderr, as far as it
    shows before a file is decoded, but for the first frames of films.
    """
    status, left = 0, {item.target for item in todo}
    load_networks(todo, stages)  # which says what weights it takes
    for item in work:
        if item.target not in left:
            say(files.shown(f"{item.source}: already done, as {item.target}"))
            continue
        try:
            height, width = size_of_result(item, upscaling)
        except InputError as error:
            say(files.shown(f"main.py: error: {error}"), sys.stderr)
            status = 2
            continue
        of = " a frame" if is_of_films(item) else " of the first page" if item.images.pages else ""
        made = f"{item.source}: {item.target}, {width}x{height} pixels{of}, by {networks(item, stages)}"
        say(files.shown(made))
    say(f"{len(todo)} of {len(work)} files remain to be done. Nothing was written.")
    return status


def size_of_result(item: Work, upscaling: Upscaling) -> tuple[int, int]:
    """(height, width) of a result. Raises InputError for a file that cannot be done."""
    goal = upscaling.goal
    if item.error:
        raise item.error
    if not upscaling.overwrite and not is_sequence(item.target):
        check_free(item.target)
    with expecting(item.source):
        if is_of_films(item):
            with needing("av", item.source):
                from srcnn.upscaling.films.film_job import looked_at
            looked_at(item.source, item.target, goal, upscaling.coding, item.rate)
        return goal.size(*size_before(item))


def networks(item: Work, stages: Stages) -> str:
    """The networks that a file passes through, in words."""
    srcnns = stages(item.ratio, item.quality)
    shapes = [f"{srcnn.network.shape} x{srcnn.network.scale}" for srcnn in srcnns]
    quality = f" for JPEG at quality {item.quality}" if item.quality else ""
    return f"{shapes[0]}{quality}{''.join(f', then {shape}' for shape in shapes[1:])}"
