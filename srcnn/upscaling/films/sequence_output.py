"""A film as a sequence of images, a file for each frame."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from srcnn.images import image_io
from srcnn.system import ledger
from srcnn.system.atomic_write import remove_leftovers
from srcnn.system.errors import InputError
from srcnn.system.output_paths import check_free
from srcnn.system.progress import progress
from srcnn.system.sequences import member, members
from srcnn.upscaling.films.film import Film, Part, Size
from srcnn.upscaling.films.pictures import frames_of, pixels_of
from srcnn.upscaling.films.pixel_formats import is_high_bit_depth
from srcnn.upscaling.work import Work

FIRST = 1  # number of the first frame


def bits_of(film: Film, target: Path) -> int:
    """The depth of the frames: 16 bits for a film of more than 8, where the format has them."""
    has_place = image_io.format_of(target) in image_io.KEEP_16_BITS
    return 16 if has_place and is_high_bit_depth(film.format) else 8


def check(film: Film, target: Path, size: Size, about: dict, overwrite: bool) -> None:
    """Raises InputError, before the work, if frames cannot be written or would replace what is there.

    size: (height, width) of the frames. about: what is noted of each.
    """
    pixels = np.zeros((1, 1, 3), f"u{bits_of(film, target) // 8}")
    image_io.check_fits(target, *size, pixels)
    ours = ledger.written(target.parent)
    for path in members(target, of_any_kind=True).values():
        if path.is_dir():
            raise InputError(f"{path}: is a folder; move it away, or choose another --output")
        if not overwrite and ours.get(path.name) != about:
            check_free(path)


def write(
    film: Film, parts: list[Part], item: Work, about: dict, overwrite: bool, check_source: Callable
) -> None:
    """Writes the frames of parts, but those that are there already, and notes them one by one and together.

    item: whose target names the sequence. Frames after the last that the program wrote earlier are removed.
    check_source: raises InputError if the source was changed.
    """
    target, count = item.target, sum(len(part.stamps) for part in parts)
    format_ = {8: "rgb24", 16: "rgb48le"}[bits_of(film, target)]
    ours = ledger.written(target.parent)
    paths = [member(target, number) for number in range(FIRST, FIRST + count)]
    if new := [path for path in paths if ours.get(path.name) != about]:
        remove_leftovers(new[0])  # of the one that a kill met
    frames = progress(frames_of(parts), f"{target.name}, writing", count)
    for path, frame in zip(paths, frames, strict=False):
        if ours.get(path.name) != about:
            pixels = pixels_of(frame, film, format_, with_alpha=True)
            image_io.save(pixels, path, about=about, overwrite=overwrite, coding=item.coding)
    check_source()
    for number, path in members(target).items():
        if number >= FIRST + count and path.name in ours:
            path.unlink()
    ledger.note(target, target, about)
