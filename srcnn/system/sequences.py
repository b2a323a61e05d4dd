"""Sequences of images, a file for each frame: frame_%04d.png names all of them, as FFmpeg has it."""

import itertools
import os
import re
from collections.abc import Iterable
from pathlib import Path

PATTERN = re.compile(r"((?:[^%]|%%)*)%(?:0[1-9])?d((?:[^%]|%%)*)")  # what is before a number, and after


def is_sequence(path: Path | str) -> bool:
    """Whether a path names a sequence, and no file that is called so."""
    return bool(PATTERN.fullmatch(os.path.basename(path))) and not os.path.lexists(path)


def unlike(path: Path) -> Path:
    """The path, or a similar one if its name, which is of one file, would be taken for that of a sequence."""
    return path.with_name(path.name.replace("%", "_")) if PATTERN.fullmatch(path.name) else path


def member(path: Path, number: int) -> Path:
    """The path of the frame of a number."""
    return path.with_name(path.name % number)


def members(path: Path, of_any_kind: bool = False) -> dict[int, Path]:
    """The paths of the frames that there are of a sequence, by their numbers, in order.

    of_any_kind: also what has the name of one and is no file, such as a folder.
    """
    found = PATTERN.fullmatch(path.name)
    if not found or not path.parent.is_dir():
        return {}
    before, after = (part.replace("%%", "%") for part in found.groups())
    numbers = []
    with os.scandir(path.parent) as entries:
        names = [entry.name for entry in entries if of_any_kind or entry.is_file()]
    for name in names:
        digits = name[len(before) : len(name) - len(after)]
        if digits.isdecimal() and digits.isascii() and path.name % int(digits) == name:
            numbers.append(int(digits))
    return {number: member(path, number) for number in sorted(numbers)}


def files_of(paths: Iterable[Path]) -> list[Path]:
    """The paths, with the frames that there are instead of those that name a sequence."""
    return [file for path in paths for file in (members(path).values() if is_sequence(path) else [path])]


def missing(numbers: Iterable[int]) -> str:
    """The numbers that are missing between the first and the last, as text such as 7, 9-12; empty if none."""
    there = sorted(numbers)
    gaps = [(a + 1, b - 1) for a, b in itertools.pairwise(there) if b > a + 1]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in gaps)
