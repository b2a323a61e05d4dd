"""--list: what an upscaling would do, as lines, without doing it."""

import sys
from collections.abc import Callable, Collection
from pathlib import Path

from srcnn.networks.trained import Stages
from srcnn.settings import FilmCoding, Upscaling
from srcnn.system.errors import InputError, expecting, needing
from srcnn.system.output_paths import check_free
from srcnn.system.progress import say
from srcnn.system.threads import Budget
from srcnn.upscaling.file_kinds import is_of_films, size_before
from srcnn.upscaling.pipeline import PIXELS, Photograph
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
    done is said on stderr, as far as it shows before a file is decoded, but for the first frames of films and
    images whose --format may not keep what they have.
    """
    status, left = 0, {item.target for item in todo}
    options = Options(upscaling.goal, upscaling.overwrite, noted=False)
    load_networks(todo, stages)  # which says what weights it takes
    for item in work:
        if item.target not in left:
            say(files.shown(f"{item.source}: already done, as {item.target}"))
            continue
        try:
            target = place_of(item, stages, upscaling.coding, note, options)
            with expecting(item.source):
                height, width = options.goal.size(*size_before(item))
        except InputError as error:
            say(files.shown(f"main.py: error: {error}"), sys.stderr)
            status = 2
            continue
        of = " a frame" if is_of_films(item) else " of the first page" if item.images.pages else ""
        made = f"{item.source}: {target}, {width}x{height} pixels{of}, by {networks(item, stages)}"
        say(files.shown(made))
    say(f"{len(todo)} of {len(work)} files remain to be done. Nothing was written.")
    return status


def place_of(item: Work, stages: Stages, coding: FilmCoding, note: Callable, options: Options) -> Path:
    """Where a result is to be. Raises InputError for a file that cannot be done."""
    if item.error:
        raise item.error
    if is_of_films(item):
        check_film(item, coding, note, options)
    elif item.other:
        return Photograph(options, Budget(PIXELS), item).place(stages)
    elif not options.overwrite:
        check_free(item.target)
    return item.target


def check_film(item: Work, coding: FilmCoding, note: Callable, options: Options) -> None:
    """Raises InputError for a film that cannot be done, as its first frames show."""
    with needing("av", item.source):
        from srcnn.upscaling.films import outputs
        from srcnn.upscaling.films.film_job import looked_at
    outputs.check_free(item.target, options)
    with expecting(item.source):
        film, _, encoder = looked_at(item.source, item.target, options.goal, coding, item.rate)
        outputs.begin(film, encoder, item.target, note(item), options)


def networks(item: Work, stages: Stages) -> str:
    """The networks that a file passes through, in words."""
    srcnns = stages(item.ratio, item.quality)
    shapes = [f"{srcnn.network.shape} x{srcnn.network.scale}" for srcnn in srcnns]
    quality = f" for JPEG at quality {item.quality}" if item.quality else ""
    return f"{shapes[0]}{quality}{''.join(f', then {shape}' for shape in shapes[1:])}"
