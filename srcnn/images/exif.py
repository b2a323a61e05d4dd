"""EXIF: a TIFF without pixels. What an enlargement set upright makes untrue is changed; the rest stays.

It is changed in place: notes of makers of cameras count from its beginning and would be lost otherwise.
"""

import struct
from contextlib import suppress
from fractions import Fraction
from io import BytesIO

ORDERS = {b"II": "<", b"MM": ">"}  # of bytes, by how EXIF begins
MAGIC = b"II*\0", b"MM\0*"
DAMAGED = struct.error, ValueError, KeyError, OverflowError, OSError  # what is raised here on damaged EXIF
ORIENTATION, EXIF, GPS, INTEROPERABILITY = 0x0112, 0x8769, 0x8825, 0xA005
MAKER_NOTES = 0x927C
BELOW = {None: (EXIF, GPS), EXIF: (INTEROPERABILITY,)}  # tags that lead to directories, by directory
HEIGHTS, WIDTHS = (0x0101, 0xA003, 0x1002), (0x0100, 0xA002, 0x1001)
RESOLUTIONS = 0xA20E, 0xA20F  # pixels of the image on a length of the sensor
DENSITIES = 0x011A, 0x011B  # across and down
PLACES = 0x9214, 0xA214  # where in the image its subject is
THUMBNAIL, THUMBNAIL_LENGTH, SOFTWARE, CHANGED = 0x0201, 0x0202, 0x0131, 0x0132
# Orientation, sizes, resolution, versions, kind of colours: what any program writes. Alone they say nothing.
FORMAL = {ORIENTATION, EXIF, *HEIGHTS, *WIDTHS, 0x011A, 0x011B, 0x0128, 0x0213}
FORMAL |= {SOFTWARE, 0x9000, 0x9101, 0xA000, 0xA001}
# What a TIFF says of the photograph, not of how its pixels are stored.
OF_TIFF = {0x010D, 0x010E, 0x010F, 0x0110, 0x011D, 0x0131, 0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298}
OF_TIFF |= {*range(0x9C9B, 0x9CA0), EXIF, GPS}
BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # by type
BYTES |= {16: 8, 17: 8, 18: 8}  # of BigTIFF
LONG, RATIONAL, LONG8 = 4, 5, 16  # types
LARGEST = 2**24  # bytes of the values of a directory


def directory(file, order, at, big=False, of=None, wanted=None):
    """A directory of a TIFF and those below it: (type, count, bytes), or a dict of the same, by tag.

    file: binary. order: of bytes, as struct has it. at: its place. big: whether it is a BigTIFF.
    wanted: the tags of the first directory that are read; by default all.
    Raises DAMAGED for what is damaged.
    """
    counted, entry, length = ("Q", "HHQ8s", 20) if big else ("H", "HHI4s", 12)
    file.seek(at)
    (count,) = struct.unpack(order + counted, file.read(struct.calcsize(order + counted)))
    found, left = {}, LARGEST
    for values in struct.iter_unpack(order + entry, _exactly(file, count * length)):
        tag, kind, number, raw = values
        if wanted is not None and tag not in wanted:
            continue
        if kind not in BYTES:
            raise ValueError("a value has an unknown type")
        size = number * BYTES[kind]
        left -= size
        if left < 0:  # all may lie at one place
            raise ValueError("its values are too large")
        place = struct.unpack(order + ("Q" if big else "I"), raw)[0]
        if tag in BELOW.get(of, ()):
            below = place if not big or kind > 13 else struct.unpack(order + "I", raw[:4])[0]
            found[tag] = directory(file, order, below, big, tag)
        elif size > len(raw):
            here = file.tell()
            file.seek(place)
            found[tag] = kind, number, _exactly(file, size)
            file.seek(here)
        else:
            found[tag] = kind, number, raw[:size]
    return found


def _exactly(file, length):
    data = file.read(length) if length <= LARGEST else b""
    if len(data) < length:
        raise ValueError("it ends too early")
    return data


def is_whole(exif):
    """Whether all its values are there, so that they can be put elsewhere."""
    try:
        return bool(tree(exif))
    except DAMAGED:
        return False


def tree(exif):
    """The order of bytes of EXIF, and its first `directory`."""
    order = ORDERS[exif[:2]]
    return order, directory(BytesIO(exif), order, struct.unpack_from(order + "I", exif, 4)[0])


def packed(tags, order, at, big=False):
    """A `directory` and those below as bytes that lie at this, even, place."""
    counted, entry, pointer = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    inline = struct.calcsize(pointer)
    head, entries, values = struct.pack(order + counted, len(tags)), b"", b""
    length = len(head) + len(tags) * struct.calcsize(order + entry + pointer) + inline
    for tag, value in sorted(tags.items()):
        place = at + length + len(values)
        if isinstance(value, dict):
            kind, number, body = LONG8 if big else LONG, 1, packed(value, order, place, big)
        else:
            kind, number, body = value
        if len(body) > inline or isinstance(value, dict):
            values += body + bytes(len(body) % 2)
            body = struct.pack(order + pointer, place)
        entries += struct.pack(order + entry, tag, kind, number) + body.ljust(inline, b"\0")
    return head + entries + bytes(inline) + values


def first_directory(file, wanted):
    """The order of bytes of a TIFF, a binary file, what it says by these tags, and its other tags."""
    file.seek(0)
    head = file.read(16)
    order = ORDERS[head[:2]]
    big = struct.unpack_from(order + "H", head, 2)[0] == 43
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)
    tags = directory(file, order, at, big, wanted=wanted)
    file.seek(at)
    counted, length = ("Q", 20) if big else ("H", 12)
    (count,) = struct.unpack(order + counted, file.read(struct.calcsize(order + counted)))
    found = struct.iter_unpack(f"{order}H{length - 2}x", _exactly(file, count * length))
    return order, tags, {tag for (tag,) in found} - wanted


def of_tiff(order, tags):
    """What a directory of a TIFF says of its photograph, as EXIF or empty, and whether there were notes.

    Those of the maker of a camera count from the beginning of the file, so they cannot go elsewhere.
    """
    tags = {tag: value for tag, value in tags.items() if tag in OF_TIFF}
    if not tags:
        return b"", False
    had_notes = _drop_notes(tags)
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(order + "I", 8) + packed(tags, order, 8), had_notes


def without_notes(exif):
    """EXIF without what the maker of the camera noted, and whether there was such."""
    order, tags = tree(exif)
    if not _drop_notes(tags):
        return exif, False
    return exif[:2] + struct.pack(order + "HI", 42, 8) + packed(tags, order, 8), True


def _drop_notes(tags):
    below = tags.get(EXIF, {})
    return isinstance(below, dict) and below.pop(MAKER_NOTES, None) is not None


def says_something(exif):
    """Whether there is more in EXIF than any program writes. Raises DAMAGED if it is damaged."""
    if exif[:4] not in MAGIC:
        raise ValueError("no EXIF")
    order, places = _places(exif)
    tags = {tag for at in places for _, tag in entries(exif, order, at)}
    of_size(exif, (1, 1), (1, 1))
    return bool(tags - FORMAL)


def without_orientation(exif):
    data = bytearray(exif)
    order, places = _places(data)
    for place, tag in reversed(entries(data, order, places[0])):
        if tag == ORIENTATION:
            _remove(data, order, places[0], place)
    return bytes(data)


def turned(exif):
    """EXIF of an image that was set upright, whose dots per inch across and down change places."""
    data = bytearray(exif)
    order, places = _places(data)
    found = {tag: place + 2 for place, tag in entries(data, order, places[0]) if tag in DENSITIES}
    if len(found) == 2:
        x, y = (found[tag] for tag in DENSITIES)
        data[x : x + 10], data[y : y + 10] = data[y : y + 10], data[x : x + 10]
    return bytes(data)


def _places(exif):
    """The order of bytes, as struct has it, and where directories are that tell of sizes."""
    order = ORDERS[bytes(exif[:2])]
    places = list(struct.unpack_from(order + "I", exif, 4))
    for pointer in (EXIF, INTEROPERABILITY):
        found = [place for place, tag in entries(exif, order, places[-1]) if tag == pointer]
        if not found:
            break
        places += struct.unpack_from(order + "I", exif, found[0] + 8)
    return order, places


def entries(exif, order, at):
    """The entries of the directory at a place: (place, tag) of each."""
    (count,) = struct.unpack_from(order + "H", exif, at)
    places = range(at + 2, at + 2 + 12 * count, 12)
    return [(place, struct.unpack_from(order + "H10x", exif, place)[0]) for place in places]


def of_size(exif, before, after):
    """EXIF of an enlargement. before, after: (height, width), upright."""
    data = bytearray(exif)
    order, places = _places(data)
    _remove_thumbnail(data, order, places[0])
    for at in places:
        for place, tag in reversed(entries(data, order, at)):
            if tag == ORIENTATION:
                struct.pack_into(order + "HIHH", data, place + 2, 3, 1, 1, 0)
            elif tag in HEIGHTS or tag in WIDTHS:
                struct.pack_into(order + "HII", data, place + 2, 4, 1, after[tag in WIDTHS])
            elif tag in RESOLUTIONS:
                _multiply(data, order, place, Fraction(after[1], before[1]))
            elif tag in PLACES:
                _remove(data, order, at, place)
    return bytes(data)


def _multiply(data, order, place, factor):
    """Multiplies the rational number of an entry."""
    kind, at = struct.unpack_from(order + "2xH4xI", data, place)
    if kind != RATIONAL:
        return
    top, bottom = struct.unpack_from(order + "II", data, at)
    if bottom:
        number = (Fraction(top, bottom) * factor).limit_denominator(2**10)
        struct.pack_into(order + "II", data, at, min(number.numerator, 2**32 - 1), number.denominator)


def _remove(data, order, at, place):
    """Removes an entry of the directory at a place."""
    (count,) = struct.unpack_from(order + "H", data, at)
    end = at + 2 + 12 * count + 4
    data[place:end] = data[place + 12 : end] + bytes(12)
    struct.pack_into(order + "H", data, at, count - 1)


def _remove_thumbnail(data, order, first):
    """Cuts off the directory after the first one, and blanks the small picture that it tells of."""
    (count,) = struct.unpack_from(order + "H", data, first)
    link = first + 2 + 12 * count
    with suppress(struct.error):  # which may be damaged, or not there
        (second,) = struct.unpack_from(order + "I", data, link)
        struct.pack_into(order + "I", data, link, 0)
        if second:
            found = {tag: place + 8 for place, tag in entries(data, order, second)}
            places = [found[tag] for tag in (THUMBNAIL, THUMBNAIL_LENGTH) if tag in found]
            if len(places) == 2:
                start, length = (struct.unpack_from(order + "I", data, place)[0] for place in places)
                if start < second:  # damaged: there is what is to be kept
                    return
                end = min(start + length, len(data))
                data[start:end] = b"" if end == len(data) and start < end else bytes(max(0, end - start))
