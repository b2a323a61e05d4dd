"""Elements of Matroska and WebM that FFmpeg's muxer writes only of what PyAV has no way to tell it."""

import zlib
from collections.abc import Iterator
from pathlib import Path

SEGMENT, TRACKS, ENTRY, NAME, VIDEO, COLOUR = 0x18538067, 0x1654AE6B, 0xAE, 0x536E, 0xE0, 0x55B0
CRC, VOID = 0xBF, 0xEC
ROOM = " " * 512  # at the end of a track's name: bytes for the elements, which take its place
HEAD = 2**24  # bytes from the beginning within which the tracks are described
LONG = 9  # bytes of the id and size of a VOID


def element(id_: int, *body: bytes) -> bytes:
    """An element of EBML with this id, RFC 8794."""
    content = b"".join(body)
    return id_.to_bytes((id_.bit_length() + 7) // 8) + (len(content) | 1 << 56).to_bytes(8) + content


def put(path: Path, video: dict[int, bytes], colour: list[bytes]) -> bool:
    """Puts elements into the track whose name ends with ROOM; returns whether there is one.

    Nothing of the file but that track changes, its length neither. video: elements of its pictures by their
    ids, instead of those that are there. colour: more of what it says of colours.
    """
    with open(path, "r+b") as file:
        data = bytearray(file.read(HEAD))
        for id_, body, end in _children(data, _first(data, SEGMENT, 0, len(data)), len(data)):
            if id_ == TRACKS and end <= len(data):
                for inner, start, stop in _children(data, body, end):
                    if inner == ENTRY and (entry := _changed(data[start:stop], video, colour)):
                        data[start:stop] = entry
                        _check_again(data, body, end)
                        file.seek(body)
                        file.write(data[body:end])
                        return True
    return False


def _children(data, at, end) -> Iterator[tuple[int, int, int]]:
    """(id, beginning of the body, end) of the elements that lie in a range."""
    while at < end:
        length = 9 - data[at].bit_length()
        id_ = int.from_bytes(data[at : at + length])
        at += length
        length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + length]) & ((1 << 7 * length) - 1)
        at += length
        yield id_, at, at + size
        at += size


def _first(data, wanted, at, end):
    """Where the body of the first element with an id begins; `end` if there is none."""
    return next((body for id_, body, _ in _children(data, at, end) if id_ == wanted), end)


def _changed(entry, video, colour):
    """The body of a track with the elements, as long as it was; None if its name does not end with ROOM."""
    found = [(id_, bytes(entry[body:end])) for id_, body, end in _children(entry, 0, len(entry))]
    name = dict(found).get(NAME, b"").decode()
    inner = dict(found).get(VIDEO, b"")
    if not name.endswith(ROOM) or not inner:
        return None
    pictures = {id_: inner[body:end] for id_, body, end in _children(inner, 0, len(inner))}
    if colour:
        pictures[COLOUR] = b"".join([pictures.get(COLOUR, b""), *colour])
    new = {
        NAME: name[: -len(ROOM)].encode(),
        VIDEO: b"".join(element(id_, body) for id_, body in (pictures | video).items()),
    }
    changed = b"".join(element(id_, body) for id_, old in found if (body := new.get(id_, old)) or id_ != NAME)
    room = len(entry) - len(changed) - LONG
    return changed + element(VOID, bytes(room)) if room >= 0 else None


def _check_again(data, body, end):
    """Writes the checksum of the element in a range, if it begins with one."""
    id_, start, stop = next(_children(data, body, end))
    if id_ == CRC:
        data[start:stop] = zlib.crc32(data[stop:end]).to_bytes(4, "little")
