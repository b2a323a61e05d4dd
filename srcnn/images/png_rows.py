"""Whether a PNG has all of its rows: where its stream ends early, Pillow makes the others black."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from srcnn.images.decoders import DamagedImage

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the kind of colours
WHOLE = ((0, 1, 0, 1),)  # the first row, and in steps of how many; the same of columns
ADAM7 = (0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)
PART = 2**16  # bytes of a stream, which become 2**26 at most


def may_lack(image: Image.Image, pixels: np.ndarray) -> bool:
    """Whether rows may be missing of a PNG that Pillow opened. pixels: (h, w, channels) that it became.

    Missing ones are of one colour; of an interlaced picture they lie between the others.
    """
    return bool(image.info.get("interlace")) or bool((pixels[-1] == pixels[-1, 0]).all())


def checks(data: bytes) -> Iterator[None]:
    """Checks one picture of a PNG after another. Raises DamagedImage if rows of it are missing."""
    for needed, parts in _streams(memoryview(data)):
        if _ends_before(needed, parts):
            raise DamagedImage("rows are missing")
        yield


def _streams(data) -> Iterator[tuple[int, list]]:
    """Of each picture, how many bytes it needs, and the parts of its stream."""
    header: tuple[int, ...] = ()
    at, frame, needed, parts = 8, (0, 0), 0, []
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if name in (b"IDAT", b"fdAT"):
            needed = _bytes_of(header[:2] if name == b"IDAT" else frame, *header[2:])
            parts.append(body[4:] if name == b"fdAT" else body)
        elif parts:
            yield needed, parts
            parts = []
        if name == b"IHDR" and not header:
            header = struct.unpack_from(">IIBB2xB", body)
        elif name == b"fcTL" and len(body) >= 26:
            frame = struct.unpack_from(">II", body, 4)
        at += length + 12
    if parts:
        yield needed, parts


def _bytes_of(size, bits, kind, is_interlaced):
    """How many bytes the rows of a picture have, each with that of its filter. size: (width, height)."""
    total = 0
    for top, down, left, across in ADAM7 if is_interlaced else WHOLE:
        width, height = len(range(left, size[0], across)), len(range(top, size[1], down))
        total += height * (1 + -(-width * bits * CHANNELS[kind] // 8)) if width else 0
    return total


def _ends_before(needed, parts):
    """Whether a stream ends before so many bytes. One that is damaged otherwise Pillow refuses itself."""
    stream, count = zlib.decompressobj(), 0
    for piece in (part[at : at + PART] for part in parts for at in range(0, len(part), PART)):
        try:
            count += len(stream.decompress(piece))
        except zlib.error:
            return False
        if stream.eof or count >= needed:
            break
    return count < needed
