"""The encoded parts of a film in work: files in a hidden folder beside it, each written whole."""

import glob
import hashlib
import itertools
import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import av

from srcnn.system.atomic_write import replacing
from srcnn.system.errors import InputError
from srcnn.system.file_names import cut
from srcnn.system.own_files import check_regular, json_object
from srcnn.system.progress import progress
from srcnn.upscaling.films.decoding import location
from srcnn.upscaling.films.film import Part

BLOCK = 2**20  # bytes that are read at a time
LONGEST_NAME = 120  # bytes of the target's that its folder has; file systems take 255
DIGITS = 12  # of a digest in its name
# Names of parts and their notes, and of what kills left of writing them.
OWN = re.compile(r"(\d{9}|\.\d{9}\.\d+\.[0-9a-f]{8}-\d+)\.(nut|mkv|json)")


def folder_of(target: Path, about: list) -> Path:
    """The folder for the parts of `target`; another one wherever `about`, plain values, differs.

    The ending of the target does not matter: a film that one container cannot hold goes on in another.
    """
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:DIGITS]
    return target.with_name(f"{_begun(target)}.{digest}.parts")


def _begun(target):
    return f".{cut(target.stem, LONGEST_NAME)}"


def folders_of(target: Path) -> list[Path]:
    """The folders that there are with parts of `target`, of whatever settings."""
    return sorted(target.parent.glob(f"{glob.escape(_begun(target))}.{'[0-9a-f]' * DIGITS}.parts"))


def finished(folder: Path, ending: str = ".nut") -> list[Part]:
    """The Parts that are there, files of an ending, from the first frame on without a gap or damage."""
    parts: list[Part] = []
    first = 0
    for _ in progress(list(folder.glob(f"*{ending}")), "checking parts"):
        part = _whole(path_of(folder, first, ending))
        if not part:
            break
        parts.append(part)
        first += len(part.stamps)
    return parts


def path_of(folder: Path, first: int, ending: str) -> Path:
    """The path of the part that begins with frame number `first`."""
    return folder / f"{first:09d}{ending}"


def _whole(path):
    """The Part at a path; None if it is not there as it was written: a power cut may leave anything."""
    with suppress(OSError, ValueError, TypeError, KeyError, InputError):
        for file in (path, path.with_suffix(".json")):
            check_regular(file)
        note = json_object(path.with_suffix(".json").read_bytes())
        part = Part(path, note["stamps"], note["broken"])
        if part.stamps and note["crc"] == _crc(part):  # which is of what the note tells, too
            return part
    return None


def _crc(part):
    """The CRC of a part's file and of what its note tells."""
    crc = zlib.crc32(json.dumps(part[1:]).encode())
    with open(part.path, "rb") as file:
        while block := file.read(BLOCK):
            crc = zlib.crc32(block, crc)
    return crc


def write(path: Path, frames: Iterator, add_stream: Callable, enough: Callable, broken, check) -> Part | None:
    """Encodes frames as a part; returns it, None without frames.

    path: see `path_of`. frames: iterator; those up to the one at which enough() is true are taken.
    add_stream: adds the stream of the encoder to an output. broken: tells how many frames before a time stamp
    could not be decoded. check: raises InputError if the part is not to be kept. Raises InputError if the
    part cannot be written.
    """
    frame = next(frames, None)
    if frame is None:
        return None
    stamps, kind = [], "nut" if path.suffix == ".nut" else "matroska"
    keep = {"avoid_negative_ts": "disabled"}  # or all stamps would be moved
    with (
        replacing(path) as temporary,
        av.open(location(temporary), "w", format=kind, container_options=keep) as output,
    ):
        stream, begin = add_stream(output), frame.pts
        for frame in _until(enough, itertools.chain([frame], frames)):  # noqa: B020
            if frame is not None:
                frame.pts -= begin  # stamps below 0, which there may be, are none of this container's
            for packet in stream.encode(frame):
                stamps.append(packet.pts + begin)
                output.mux_one(packet)
    check()
    part = Part(path, stamps, broken(max(stamps)))
    note = {"stamps": part.stamps, "broken": part.broken, "crc": _crc(part)}
    with replacing(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(note), "ascii")
    return part


def _until(enough, frames):
    """The frames up to the one at which enough() is true, and None, by which encoders end."""
    for frame in frames:
        yield frame
        if enough():
            break
    yield None


def remove(folder: Path) -> None:
    """Removes the parts from a folder, which goes with its lock."""
    for path in list(folder.iterdir()):
        if OWN.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)
