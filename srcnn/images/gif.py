"""Frames of GIF files, put together as browsers do it (GIF89a specification, W3C 1990).

Pillow lets the canvas grow with frames beyond it, and fills what no frame has drawn with a colour.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from srcnn.images.decoders import DamagedImage

NOTHING, BACKGROUND, BEFORE = 0, 2, 3  # what a frame leaves behind: itself, nothing, what was there before
PLAIN_TEXT, COMMENT, APPLICATION = 0x01, 0xFE, 0xFF  # labels of extensions
OF_LOOPS = b"NETSCAPE2.0", b"ANIMEXTS1.0"  # applications
APPLICATIONS = {b"XMP DataXMP": "XMP", b"ICCRGBG1012": "colour profile"}
LARGEST_CANVAS = 2**28  # pixels


class Frame(NamedTuple):
    """A frame as it is stored. box: left, top, width, height on the canvas."""

    box: tuple[int, int, int, int]
    palette: bytes
    flags: int
    data: bytes  # of LZW, as the file has it
    transparent: int | None
    leaves: int


def pictures(content: bytes) -> Iterator[np.ndarray]:
    """Yields (h, w, 4) uint8 of a GIF file's frames, all as large as its canvas; a frame's rest is cut off.

    The canvas is the logical screen, or as large as the first frame needs. What nobody drew is transparent.
    """
    canvas = None
    for frame in _frames(content):
        left, top, width, height = frame.box
        if canvas is None:
            w, h = struct.unpack_from("<HH", content, 6)
            w, h = max(w, left + width), max(h, top + height)
            if w * h > LARGEST_CANVAS:
                raise MemoryError
            canvas = np.zeros((h, w, 4), np.uint8)
        before = canvas.copy() if frame.leaves == BEFORE else None
        place = canvas[top : top + height, left : left + width]
        pixels = _decoded(frame)[: place.shape[0], : place.shape[1]]
        drawn = pixels[..., 3:] > 0
        place[...] = np.where(drawn, pixels, place)
        yield canvas.copy()
        if before is not None:
            canvas = before
        elif frame.leaves == BACKGROUND:
            place[...] = 0


def fills_canvas(content: bytes) -> bool:
    """Whether the first frame covers the whole canvas, as nearly all do."""
    frame = next(_frames(content))
    w, h = struct.unpack_from("<HH", content, 6)
    return frame.box[:2] == (0, 0) and frame.box[2] >= w and frame.box[3] >= h


def _decoded(frame):
    """(h, w, 4) of a frame, by Pillow from a GIF of it alone."""
    _, _, width, height = frame.box
    bits = (len(frame.palette) // 3).bit_length() - 2
    alone = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80 | bits, 0, 0) + frame.palette
    alone += b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, frame.flags & 0x40) + frame.data + b"\x3b"
    with Image.open(BytesIO(alone)) as image:
        numbers = np.asarray(image)
    colours = np.frombuffer(frame.palette, np.uint8).reshape(-1, 3)
    alpha = np.full((len(colours), 1), 255, np.uint8)
    if frame.transparent is not None and frame.transparent < len(alpha):
        alpha[frame.transparent] = 0
    return np.concatenate([colours, alpha], axis=1)[np.minimum(numbers, len(colours) - 1)]


def _frames(content):
    """Yields each Frame of a file. Raises DamagedImage where it ends too early."""
    try:
        yield from _parsed(content)
    except (IndexError, struct.error) as error:
        raise DamagedImage("it ends too early") from error


def comments(content: bytes) -> tuple[list[bytes], list[str]]:
    """The comments of a file, up to where it is damaged, and what else it says, in words."""
    found, words = [], []
    with suppress(IndexError, struct.error, DamagedImage):
        _, at = _palette(content, content[10], 13)
        while content[at] in (0x21, 0x2C):
            if content[at] == 0x2C:
                at = _after_blocks(content, _palette(content, content[at + 9], at + 10)[1] + 1)
                continue
            label, end = content[at + 1], _after_blocks(content, at + 2)
            name = content[at + 3 : at + 14]
            if label == COMMENT:
                found.append(_joined(content, at + 2))
            elif label == APPLICATION and name not in OF_LOOPS:
                words.append(APPLICATIONS.get(name, f"extension {name[:8].decode('latin-1').strip()}"))
            elif label == PLAIN_TEXT:
                words.append("plain text")
            at = end
    return found, list(dict.fromkeys(words))


def _joined(content, at):
    """What the blocks at a place hold."""
    parts = []
    while content[at]:
        parts.append(content[at + 1 : at + 1 + content[at]])
        at += content[at] + 1
    return b"".join(parts)


def _parsed(content):
    flags, at = content[10], 13
    shared, at = _palette(content, flags, at)
    transparent, leaves = None, NOTHING
    while content[at] != 0x3B:
        kind = content[at]
        if kind == 0x21:
            if content[at + 1] == 0xF9 and content[at + 2] == 4:
                said, number = content[at + 3], content[at + 6]
                transparent, leaves = (number if said & 1 else None), said >> 2 & 7
            at = _after_blocks(content, at + 2)
        elif kind == 0x2C:
            *box, flags = struct.unpack_from("<HHHHB", content, at + 1)
            palette, start = _palette(content, flags, at + 10)
            at = _after_blocks(content, start + 1)
            if not (palette or shared):
                raise DamagedImage("a frame has no palette")
            yield Frame(tuple(box), palette or shared, flags, content[start:at], transparent, leaves)
            transparent, leaves = None, NOTHING
        else:
            raise DamagedImage("a block has an unknown kind")


def _palette(content, flags, at):
    """The bytes of a palette, if there is one, and what comes after it."""
    length = 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
    palette = content[at : at + length]
    if len(palette) < length:
        raise DamagedImage("it ends too early")
    return palette, at + length


def _after_blocks(content, at):
    while content[at]:
        at += content[at] + 1
    return at + 1
