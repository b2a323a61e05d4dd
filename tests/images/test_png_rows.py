"""PNG files whose stream ends properly before their last rows: refused; what is whole, read."""

import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest

from srcnn.images import animations, image_io
from tests.helpers.image_files import png, random, read
from tests.images.test_apng import NOTHING, REPLACES, chunk, written

KINDS = {  # bits, kind of colours, channels
    "grey": (8, 0, 1),
    "bilevel": (1, 0, 1),
    "RGB": (8, 2, 3),
    "RGBA": (8, 6, 4),
    "palette": (4, 3, 1),
    "grey of 16 bits": (16, 0, 1),
    "RGB of 16 bits": (16, 2, 3),
    "grey with alpha of 16 bits": (16, 4, 2),
}
PALETTE = b"PLTE", bytes(range(200, 248))  # its first colour is not black
SIZES = (9, 7), (8, 5), (1, 1), (1, 6), (5, 1)


def shortened(content, less, name=b"IDAT", before=0):
    """A PNG whose last chunk of this name has a stream of fewer bytes. before: bytes before it."""
    at = content.rfind(name) - 4
    (length,) = struct.unpack_from(">I", content, at)
    start, end = at + 8 + before, at + 8 + length
    data = content[at + 8 : start] + zlib.compress(zlib.decompress(content[start:end])[:-less])
    chunk = name + data
    size, checksum = struct.pack(">I", len(data)), struct.pack(">I", zlib.crc32(chunk))
    return content[:at] + size + chunk + checksum + content[end + 4 :]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_missing_rows_are_refused(kind, interlaced, size):
    bits, colours, channels = KINDS[kind]
    samples = np.random.default_rng(0).integers(1, 2**bits, (*size, channels))
    chunks = [PALETTE] if kind == "palette" else []
    content = png(samples, bits, colours, *chunks, interlaced=interlaced)
    assert read(content, "a.png").pixels.shape[:2] == size
    row = 1 + -(-size[1] * bits * channels // 8)
    for less in (row, len(zlib.decompress(content[content.find(b"IDAT") + 4 : -16]))):
        with pytest.raises(image_io.InputError, match=r"a\.png: cannot be read as an image"):
            read(shortened(content, less), "a.png")


def test_a_last_row_of_one_colour_is_no_damage():
    samples = np.zeros((300, 400, 3), int)
    for interlaced in (False, True):
        np.testing.assert_array_equal(
            read(png(samples, 8, 2, interlaced=interlaced), "a.png").pixels, samples
        )


def test_missing_rows_of_a_frame_are_refused(tmp_path):
    path, pixels = tmp_path / "a.png", np.random.default_rng(0).integers(1, 256, (20, 33, 3), np.uint8)
    written(path, [(pixels, 0, 0, NOTHING, REPLACES), (pixels[:9, :12], 5, 3, NOTHING, REPLACES)])
    assert len(animations.read(path).frames) == 2
    content = path.read_bytes()
    path.write_bytes(shortened(content, 1 + 12 * 3, b"fdAT", before=4))
    with pytest.raises(image_io.InputError, match=r"frame 2 cannot be read \(rows are missing\)"):
        animations.read(path)
    np.testing.assert_array_equal(image_io.read(path).pixels, pixels)  # the first one is whole
    path.write_bytes(shortened(content, 1 + 33 * 3))
    with pytest.raises(image_io.InputError, match="frame 1 cannot be read"):
        animations.read(path)


def test_data_before_the_first_frame_is_refused_or_passed_over(tmp_path):
    path, pixels = tmp_path / "a.png", random(3)
    written(path, [(pixels, 0, 0, NOTHING, REPLACES)] * 2, still=pixels)
    content = path.read_bytes()
    stray = chunk(b"fdAT", struct.pack(">I", 0) + zlib.compress(b""))
    for number in range(4):  # of the chunks that follow
        old = content.find((b"fcTL", b"fdAT")[number % 2] + struct.pack(">I", number))
        content = content[: old + 4] + struct.pack(">I", number + 1) + content[old + 8 :]
        (length,) = struct.unpack_from(">I", content, old - 4)
        checksum = zlib.crc32(content[old : old + 4 + length])
        content = content[: old + 4 + length] + struct.pack(">I", checksum) + content[old + 8 + length :]
    at = content.find(b"fcTL") - 4
    path.write_bytes(content[:at] + stray + content[at:])
    with suppress(image_io.InputError):
        assert len(animations.read(path).frames) == 2
