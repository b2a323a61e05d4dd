"""Which files an upscaling takes, and where their results go."""

import glob
import os
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from srcnn.images import animations, image_io, tiff_pages
from srcnn.settings import Upscaling
from srcnn.system.errors import InputError, expecting
from srcnn.system.file_names import names
from srcnn.system.folders import CLOSED, check_taken, listed
from srcnn.system.ledger import written
from srcnn.system.progress import say
from srcnn.system.sequences import is_sequence, member, members, missing, unlike
from srcnn.upscaling.file_kinds import ENDINGS, is_film, is_other, size_of
from srcnn.upscaling.films.containers import FILMS, check_holds, ending_for
from srcnn.upscaling.image_formats import PNG, check_named, encoded, ending_of
from srcnn.upscaling.work import Work


def plan(words: list[str], output: str | None, asked: Upscaling) -> list[Work]:
    """What is to be done.

    words: images, films, folders of them, and patterns. output: a file or a folder, or None for
    sample_dir/NAME_xSCALE.png, for films with their own ending if it holds the codec, see `ending_for`.
    asked: its own inputs and output may be pipes, in whose place words and output are. With `recursive`, the
    sub-folders of the results have the names of those that are taken; all pages of a TIFF go to .tif.
    Raises InputError if there is nothing to take, an ending is of no format, or two results have one name.
    """
    if len(words) == 1 and is_sequence(words[0]) and output and _is_file(output):
        return _of_sequence(Path(words[0]), Path(output), asked)
    several = len(words) > 1 or Path(words[0]).is_dir()
    if several:
        _check_folder(output)
    found = sources(words, asked.recursive)
    if output and not several and len(found) == 1 and _is_file(output):
        source, target = found[0][0], Path(output)
        taken = _taken(source, asked.images)
        _check_ending(source, target, asked, taken.pages)
        size, how = _measured(source, asked.goal, taken.pages)
        noted = size if is_sequence(target) else ""
        return [Work(source, target, **how, coding=asked.image_coding, images=taken, size=noted)]
    _check_folder(output)
    groups: dict[Path, list[Path]] = {}
    for path, below in found:
        groups.setdefault(below, []).append(path)
    work = []
    for below, paths in groups.items():
        work += _plan_folder(paths, Path(output or asked.sample_dir) / below, asked)
    targets = {_place(path) for item in work for path in (item.target, item.other) if path}
    results = [item.source for item in work if _place(item.source) in targets]
    ours = {parent: written(parent) for parent in {path.parent for path in results}}
    before = {path for path in results if path.name in ours[path.parent]}  # by the same command
    return [item for item in work if item.source not in before]


def _of_sequence(source, target, asked):
    """The Work of a sequence of images that becomes another one, frame by frame, or a film."""
    frames, coding = _frames_of(source), asked.image_coding
    images = replace(asked.images, pages=False)
    if is_sequence(target):
        image_io.format_of(target)
        check_named(source, target, coding)
        _say_gaps(source, frames)
        measured = {number: _measured(path, asked.goal) for number, path in frames.items()}
        return [
            Work(frames[n], member(target, n), **how, coding=coding, images=images, size=size)
            for n, (size, how) in measured.items()
        ]
    _check_ending(source, target, asked)
    if gaps := missing(frames):
        raise InputError(f"{source}: frames are missing: {gaps}; add them, or renumber the others")
    if len(frames) < len(members(source)):
        raise InputError(f"{source}: includes frames that this program wrote; move them to another folder")
    for path in frames.values():
        _check_begins(path)
    return [Work(source, target, **_measured(source, asked.goal)[1], coding=coding, images=images)]


def _check_begins(frame):
    """Raises InputError for a frame that is empty or cannot be read: FFmpeg would end the film there."""
    try:
        with open(frame, "rb") as file:
            if not file.read(1):
                raise InputError(f"{frame}: is empty; replace it")
    except OSError as error:
        raise InputError(f"{frame}: cannot be read: {error.strerror}; correct that") from error


def _frames_of(sequence):
    """The paths of a sequence's frames by their numbers, but for what this program wrote.

    Raises InputError if there are none.
    """
    ours = written(sequence.parent)
    frames = {number: path for number, path in members(sequence).items() if path.name not in ours}
    if not frames:
        raise InputError(f"--input {sequence}: matches no file, or only files that this program wrote")
    return frames


def _say_gaps(sequence, frames):
    if gaps := missing(frames):
        say(f"{sequence}: frames are missing: {gaps}", sys.stderr)


def _place(path):
    """What tells a path from others: on Windows not its case."""
    return os.path.normcase(os.path.abspath(path))


def _is_file(output):
    """Whether an --output that may not exist yet is the name of a file."""
    path = Path(output)
    return bool(path.suffix) and not path.is_dir() and not output.endswith(("/", os.sep))


def _check_folder(output):
    """Raises InputError if an --output for several images is a file, or named as one, or as an ending."""
    if output and is_sequence(output):
        raise InputError(f"--output {output}: is for the frames of one film; for several, name a folder")
    if output and Path(output).name.lower() in ENDINGS and not os.path.isdir(output):
        raise InputError(f"--output {output}: is an extension without a name; name a file or a folder")
    if output and (Path(output).is_file() or (_is_file(output) and Path(output).suffix.lower() in ENDINGS)):
        raise InputError(f"--output {output}: is a single file; for several images, name a folder")


def _taken(path, images):
    """How a file is taken: only a TIFF by its pages."""
    return replace(images, pages=images.pages and tiff_pages.is_tiff(path))


def _check_ending(source, target, asked, pages=False):
    codec = asked.coding.family
    is_moving = is_film(source) or animations.count(source) > 1
    if is_sequence(target):
        if not is_moving:
            raise InputError(f"{target}: is for the frames of a film; name a file or a folder")
        image_io.format_of(target)
    elif is_moving and (is_film(source) or target.suffix.lower() in FILMS):
        endings = *FILMS, *animations.KINDS
        if target.suffix.lower() not in endings:
            raise InputError(f"{target}: is not a format for films; use one of {', '.join(endings)}")
        if codec and target.suffix.lower() in FILMS:
            check_holds(target, codec)
    elif target.suffix.lower() in FILMS:
        if source.suffix.lower() not in image_io.SUFFIXES:
            raise InputError(f"{source}: cannot be read as a film; name another file")
        size_of(source)  # a damaged file is told of as that
        why = "is a single image, and a film needs several frames"
        raise InputError(f"{source}: {why}; name an --output for an image, such as .png")
    elif pages and target.suffix.lower() not in (".tif", ".tiff"):
        raise InputError(f"{target}: --pages writes TIFF; name an --output with the ending .tif")
    elif not animations.fit(source, target):
        image_io.format_of(target)
    if target.suffix.lower() not in FILMS:
        check_named(source, target, asked.image_coding)


def _plan_folder(paths, folder, asked):
    """The Work of files whose results lie in one folder."""
    places: dict[str, Path] = {}
    for path in paths:
        other = places.setdefault(path.name.casefold(), path)
        if other.parent != path.parent:
            raise InputError(
                f"{other} and {path}: would have the same result in {folder}; upscale them in two runs, "
                "each with its own --output"
            )
    coding = asked.image_coding
    taken = [_taken(path, asked.images) for path in paths]
    measured = [_measured(path, asked.goal, how.pages) for path, how in zip(paths, taken, strict=True)]

    def ending(path, how):
        if is_film(path):
            return ending_for(path.suffix.lower(), asked.coding.family)
        return ending_of(path, coding, how.pages)

    endings = [
        f"_{size}{ending(path, how)}" for path, how, (size, _) in zip(paths, taken, measured, strict=True)
    ]
    others = {f"_{size}{PNG}" for path, (size, _) in zip(paths, measured, strict=True) if not is_film(path)}
    chosen = names([unlike(path) for path in paths], sorted({*endings, *others}))
    work = [
        Work(path, folder / (name + ending), **more, images=how)
        for path, how, name, ending, (_, more) in zip(paths, taken, chosen, endings, measured, strict=True)
    ]
    return [item if is_film(item.source) else encoded(item, coding) for item in work]


def _measured(path, goal, pages=False):
    """What names the size of a result, such as x3 or 3000x2000, and the ratio, or error, of its Work.

    pages: whether all pages of a TIFF are taken, the first of which names the size.
    """
    if goal.scale:
        return goal.text, {"ratio": Fraction(goal.scale)}
    try:
        with expecting(path):
            sizes = _sizes(path) if pages else {f"{path}:": size_of(path)}
    except InputError as error:
        return goal.text, {"error": error}
    ratios = {what: goal.ratio(*size) for what, size in sizes.items()}
    for what, (height, width) in sizes.items():
        if ratios[what] <= 1:
            large = f"{what} already has {width}x{height} pixels"
            text = f"{large}, so {goal.text} does not enlarge it; choose a larger size"
            return goal.text, {"error": InputError(text)}
    (height, width), *_ = (goal.size(*size) for size in sizes.values())
    first, *others = dict.fromkeys(ratios.values())
    more = {"page_ratios": (first, *others)} if others else {}
    return f"{width}x{height}", {"ratio": first, **more}


def _sizes(path):
    """(height, width) of each page of a TIFF, by what a message begins with that names it."""
    return {f"{path}: page {page.number}": page.size for page in tiff_pages.pages_of(path).taken}


def sources(words: list[str], recursive: bool) -> list[tuple[Path, Path]]:
    """Pairs of the path of a file and the folder that it lies in below the one that was named."""
    found: dict[str, tuple[Path, Path]] = {}
    for word in words:
        for path, below in _named(word, recursive):
            found.setdefault(_place(path), (path, below))
    return list(found.values())


def _named(word, recursive):
    path = Path(word)
    if path.is_dir():
        return _in_folder(path, recursive)
    if path.is_file():
        return [(path, Path())]
    if is_sequence(path):
        frames = _frames_of(path)
        _say_gaps(path, frames)
        return [(frame, Path()) for frame in frames.values()]
    if path.exists():
        raise InputError(f"--input {word}: is neither a file nor a folder; for a pipe, use --input -")
    if not any(sign in word for sign in "*?["):
        raise InputError(f"--input {word}: no such file or folder")
    folder, pattern = os.path.split(word)
    if not os.path.isdir(folder):  # whose name may have brackets, too
        folder, pattern = "", word
    matches = sorted(
        Path(folder, match) for match in glob.glob(pattern, root_dir=folder or None, recursive=True)
    )
    ours = {parent: written(parent) for parent in {path.parent for path in matches}}
    found: list[tuple[Path, Path]] = []
    for path in matches:
        if path.is_dir():
            found += _in_folder(path, recursive) if recursive else []
        elif path.is_file() and path.name not in ours[path.parent]:
            found.append((path, Path()))
    if not found:
        raise InputError(f"--input {word}: matches no file, or only files that this program wrote")
    return found


def _is_program(path):
    """Whether a file has the ending of transport streams, and is a text: one of TypeScript."""
    if path.suffix.lower() not in (".ts", ".mts"):
        return False
    with open(path, "rb") as file:
        start = file.read(512)
    return bool(start) and not any(byte < 9 or 13 < byte < 32 for byte in start)


def _misnamed(path):
    """What a file is that has an ending of films and is none, in words; None for others."""
    with suppress(OSError):  # of which reading it as a film tells
        if _is_program(path):
            return f"{path.suffix} of TypeScript"
        return f"{path.suffix} without moving pictures" if is_other(path) else None
    return None


def _in_folder(folder, recursive):
    """The images and films of a folder but for what this program wrote; what is left out is counted."""
    found: list[tuple[Path, Path]] = []
    left: Counter[str] = Counter()
    waiting = [folder]
    while waiting:
        inner = waiting.pop(0)
        try:
            paths, others = listed(inner, ENDINGS)
        except InputError:
            if inner == folder:
                raise
            left[CLOSED] += 1
            continue
        misnamed = {path: kind for path in paths if (kind := _misnamed(path))}
        left.update(misnamed.values())
        found += [(path, inner.relative_to(folder)) for path in paths if path not in misnamed]
        for path, kind in others.items():
            if not recursive or kind != "sub-folders":
                left[kind] += 1
            elif path.is_symlink():  # which may lead back
                left["links to folders"] += 1
            else:
                waiting.append(path)
    check_taken(folder, found, left, ENDINGS)
    return found
