"""Boxes of MP4 and QuickTime that FFmpeg's muxer writes only of what PyAV has no way to tell it."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

DESCRIPTION = b"mdia", b"minf", b"stbl", b"stsd"  # boxes, from a track to what describes its packets
HEADER = 2**22  # bytes that describe a film, at most
BEFORE = {b"stsd": 8}  # bytes of a box before those that lie in it


def box(kind: bytes, *body: bytes) -> bytes:
    content = b"".join(body)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def put(path: Path, track: int, boxes: bytes) -> bool:
    """Adds boxes to the description of a track's packets; returns whether that can be done.

    It can be if the box that describes the film is the last, as it is by default: no packet is moved.
    """
    with open(path, "r+b") as file:
        end = file.seek(0, 2)
        at = next((at for kind, at, size in top_level(file) if kind == b"moov" and at + size == end), None)
        if at is None:
            return False
        file.seek(at)
        film = bytearray(file.read())
        if not _add(film, track, boxes):
            return False
        file.seek(at)
        file.write(film)
        return True


def top_level(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(kind, beginning, size) of the boxes of a file that lie in no other, up to what is none."""
    end, at = file.seek(0, 2), 0
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))
        yield kind, at, size
        if size < 8 or not kind.isalnum():
            return
        at += size


def headers(path: Path, kind: str) -> Iterator[bytes]:
    """What describes a film of MP4 or Matroska, in parts: its beginning, and the box `moov`, wherever it is.

    kind: of the container, as FFmpeg calls it; there is nothing of others.
    """
    if not any(name in kind for name in ("mp4", "matroska")):
        return
    with open(path, "rb") as file:
        yield file.read(HEADER)
        for box_kind, at, size in top_level(file):
            if box_kind == b"moov":
                file.seek(at)
                yield file.read(min(size, HEADER))
                return


def _add(film, track, boxes):
    """Adds boxes to the bytes of `moov`; returns whether the track is there."""
    tracks = [place for place in _children(film, 0) if film[place + 4 : place + 8] == b"trak"]
    if track >= len(tracks):
        return False
    around = [0, tracks[track]]
    for kind in DESCRIPTION:
        inner = [place for place in _children(film, around[-1]) if film[place + 4 : place + 8] == kind]
        if not inner:
            return False
        around.append(inner[0])
    around.append(next(_children(film, around[-1])))
    end = around[-1] + _size(film, around[-1])
    for place in around:
        struct.pack_into(">I", film, place, _size(film, place) + len(boxes))
    film[end:end] = boxes
    return True


def _size(data, place):
    return struct.unpack_from(">I", data, place)[0]


def _children(data, place) -> Iterator[int]:
    """Where the boxes begin that lie in the one at a place."""
    at = place + 8 + BEFORE.get(bytes(data[place + 4 : place + 8]), 0)
    end = place + _size(data, place)
    while at < end:
        yield at
        at += max(_size(data, at), 8)
