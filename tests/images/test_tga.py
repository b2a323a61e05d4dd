"""TGA files whose packets go on over the ends of rows, as the first version of the format lets them."""

import struct

import numpy as np
import pytest

from srcnn.system.errors import InputError
from tests.helpers.image_files import read


def packed(pixels, longest, comment=b"", palette=b"", down=False):
    """A TGA of (h, w, 1, 3 or 4) pixels, of packets of up to so many equal, or else different, pixels."""
    height, width, channels = pixels.shape
    kind = 9 if palette else 11 if channels == 1 else 10
    head = struct.pack(
        "<BBBHHB4x", len(comment), bool(palette), kind, 0, len(palette) // 3, 24 * bool(palette)
    )
    flags = (0x20 if down else 0) | (8 if channels == 4 else 0)
    out = head + struct.pack("<HHBB", width, height, 8 * channels, flags) + comment + palette
    order = [2, 1, 0, 3][:channels] if channels > 1 else [0]
    flat = (pixels if down else pixels[::-1]).reshape(-1, channels)[:, order]
    at = 0
    while at < len(flat):
        same = next(
            (n for n in range(1, min(longest, len(flat) - at)) if (flat[at + n] != flat[at]).any()), None
        )
        count = min(longest, len(flat) - at) if same is None else same
        if count > 1:
            out += bytes([127 + count]) + flat[at].tobytes()
        else:
            count = min(longest, len(flat) - at)
            out += bytes([count - 1]) + flat[at : at + count].tobytes()
        at += count
    return out


def areas(channels):
    """Long runs of one colour, and pixels that all differ, neither of which end with the rows."""
    pixels = np.random.default_rng(0).integers(0, 256, (40 * 50, channels), np.uint8)
    for start in range(0, len(pixels), 400):
        pixels[start : start + 333] = pixels[start]
    pixels[..., 3:] |= 1
    return pixels.reshape(40, 50, channels)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("more", [{}, {"comment": b"by hand"}, {"down": True}])
@pytest.mark.parametrize("longest", [128, 77])
def test_packets_may_cross_the_ends_of_rows(channels, more, longest):
    pixels = areas(channels)
    np.testing.assert_array_equal(read(packed(pixels, longest, **more), "a.tga").pixels, pixels)


def test_a_palette_and_a_last_packet_that_is_too_long():
    colours = np.random.default_rng(1).integers(0, 256, (256, 3), np.uint8)
    indices = areas(1)
    content = packed(indices, 128, palette=colours[:, ::-1].tobytes())
    np.testing.assert_array_equal(read(content, "a.tga").pixels, colours[indices[..., 0]])
    pixels = areas(3)
    pixels[0] = pixels[0, 0]  # which are the last ones of the file
    content = packed(pixels, 128)
    assert content[-4] & 128
    content = content[:-4] + bytes([255]) + content[-3:]
    np.testing.assert_array_equal(read(content, "a.tga").pixels, pixels)


def test_one_that_ends_too_early_is_damaged():
    for length in (17, 18, 300, -1):
        with pytest.raises(InputError, match=r"a\.tga: "):
            read(packed(areas(3), 128)[:length], "a.tga")
