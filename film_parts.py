"""The encoded parts of a film in work: files in a hidden folder beside it, each written whole."""

import hashlib
import itertools
import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import av

from film_files import location
from naming import cut
from writing import replacing

LONGEST_NAME = 120  # bytes of the target's that its folder has; file systems take 255
LOCK = ".lock", ".lock_owner"  # of `locks.locked`


class Part(NamedTuple):
    """One part."""

    path: Path
    stamps: list  # time stamps of its frames, in the order of its packets
    broken: int  # frames that could not be decoded before its last


def folder_of(target, about):
    """The folder for the parts of `target`; another one wherever `about`, plain values, differs.

    The ending of the target does not matter: a film that one container cannot hold goes on in another.
    """
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
    return target.with_name(f".{cut(target.stem, LONGEST_NAME)}.{digest}.parts")


def finished(folder):
    """The Parts that are there, from the first frame on without a gap."""
    parts, first = [], 0
    while (note := folder / f"{first:09d}.json").is_file():
        parts.append(Part(note.with_suffix(".nut"), **json.loads(note.read_text())))
        first += len(parts[-1].stamps)
    return parts


def write(folder, first, frames, add_stream, enough, broken):
    """Encodes frames as the part that begins with frame number `first`; returns it, None without frames.

    frames: iterator; those up to the one at which enough() is true are taken. add_stream: adds the stream of
    the encoder to an output. broken: tells how many frames before a time stamp could not be decoded. Raises
    InputError if the part cannot be written.
    """
    frame = next(frames, None)
    if frame is None:
        return None
    path, stamps = folder / f"{first:09d}.nut", []
    keep = {"avoid_negative_ts": "disabled"}  # or all stamps would be moved
    with (
        replacing(path) as temporary,
        av.open(location(temporary), "w", format="nut", container_options=keep) as output,
    ):
        stream = add_stream(output)
        for frame in itertools.chain([frame], frames, [None]):  # noqa: B020
            for packet in stream.encode(frame):
                stamps.append(packet.pts)
                output.mux_one(packet)
            if frame is None:
                break
            if enough():
                for packet in stream.encode(None):
                    stamps.append(packet.pts)
                    output.mux_one(packet)
                break
    note = {"stamps": stamps, "broken": broken(max(stamps))}
    with replacing(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(note))
    return Part(path, **note)


def remove(folder):
    """Removes what this program has in a folder of parts, and the folder."""
    for path in [*folder.glob("*.nut"), *folder.glob("*.json"), *(folder / name for name in LOCK)]:
        path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
