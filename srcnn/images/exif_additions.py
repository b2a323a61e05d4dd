"""More entries for EXIF, beside what it has: directories are written anew at its end, and all else stays.

Notes of makers of cameras count from the beginning of EXIF, so nothing of it may move.
"""

import struct

from srcnn.images import exif as exif_

EMPTY = b"MM\0*\0\0\0\x08" + bytes(6)
ASCII, SHORT, UNDEFINED = 2, 3, 7  # types


def with_entries(exif: bytes, first: dict, inner: dict | None = None) -> bytes:
    """EXIF, or a new one, with these entries: first, of the photograph; inner, of its directory EXIF.

    They are values by tags: text, a whole number of 16 bits, a pair that is a rational number, or bytes.
    Raises DAMAGED if there is EXIF that is damaged.
    """
    data = bytearray(exif or EMPTY)
    order = exif_.ORDERS[bytes(data[:2])]
    (at,) = struct.unpack_from(order + "I", data, 4)
    new = {tag: _entry(order, value) for tag, value in first.items()}
    if inner:
        below = [place for place, tag in exif_.entries(data, order, at) if tag == exif_.EXIF]
        start = struct.unpack_from(order + "I", data, below[0] + 8)[0] if below else None
        entries = {tag: _entry(order, value) for tag, value in inner.items()}
        place = _appended(data, order, start, entries)
        new[exif_.EXIF] = exif_.LONG, 1, struct.pack(order + "I", place)
    struct.pack_into(order + "I", data, 4, _appended(data, order, at, new))
    return bytes(data)


def tags_of(exif: bytes) -> tuple[set[int], set[int]]:
    """The tags of EXIF, of the first directory and of that called EXIF. Raises DAMAGED if it is damaged."""
    if not exif:
        return set(), set()
    order = exif_.ORDERS[exif[:2]]
    (at,) = struct.unpack_from(order + "I", exif, 4)
    found = {tag: place for place, tag in exif_.entries(exif, order, at)}
    below = struct.unpack_from(order + "I", exif, found[exif_.EXIF] + 8) if exif_.EXIF in found else ()
    return set(found), {tag for start in below for _, tag in exif_.entries(exif, order, start)}


def _entry(order, value):
    """(type, count, bytes) of a value."""
    if isinstance(value, str):
        body = value.encode("utf-8", "surrogateescape") + b"\0"
        return ASCII, len(body), body
    if isinstance(value, int):
        return SHORT, 1, struct.pack(order + "H", value)
    if isinstance(value, tuple):
        return exif_.RATIONAL, 1, struct.pack(order + "II", *value)
    return UNDEFINED, len(value), value


def _appended(data, order, at, new):
    """Appends a directory of the entries of the one at a place, or None, and new ones. Returns its place."""
    entries, link = {}, bytes(4)
    if at is not None:
        for place, tag in exif_.entries(data, order, at):
            entries[tag] = bytes(data[place : place + 12])
            link = bytes(data[place + 12 : place + 16]).ljust(4, b"\0")
    for tag, (kind, count, body) in new.items():
        if len(body) > 4:
            data += bytes(len(data) % 2)
            place = len(data)
            data += body
            body = struct.pack(order + "I", place)
        entries[tag] = struct.pack(order + "HHI", tag, kind, count) + body.ljust(4, b"\0")
    data += bytes(len(data) % 2)
    place = len(data)
    data += struct.pack(order + "H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + link
    return place
