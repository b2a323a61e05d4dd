"""BMP files with an alpha that their header does not declare, or that Pillow does not know."""

import struct

import numpy as np
import pytest
from PIL import Image

from tests.helpers.image_files import random, read


def bmp(samples, bits, masks=(), file=True):
    """A BMP, or without its own header a DIB, of rows of bytes, top down."""
    height, width, size = len(samples), samples.shape[1] * 8 // bits, 40 + 4 * len(masks)
    numbers = size, width, -height, 1, bits, 3 if masks else 0, 0, 2835, 2835, 0, 0
    head = struct.pack("<IiiHHIIiiII", *numbers) + struct.pack(f"<{len(masks)}I", *masks)
    start = b"BM" + struct.pack("<I4xI", 14 + size + samples.size, 14 + size) if file else b""
    return start + head + np.ascontiguousarray(samples).tobytes()


@pytest.mark.parametrize("name", ["a.bmp", "a.dib"])
def test_alpha_of_32_bits_counts_unless_it_is_0_everywhere(name):
    pixels = random(4)
    for alpha in (pixels[..., 3], np.uint8(255), np.uint8(0)):
        pixels[..., 3] = alpha
        content = bmp(pixels[..., [2, 1, 0, 3]].reshape(len(pixels), -1), 32, file=name == "a.bmp")
        expected = pixels if np.any(alpha) else pixels[..., :3]
        np.testing.assert_array_equal(read(content, name).pixels, expected)


def test_one_that_a_mask_rules_out_does_not_count():
    pixels = random(4)
    masks = 0xFF0000, 0xFF00, 0xFF, 0
    content = bmp(pixels[..., [2, 1, 0, 3]].reshape(len(pixels), -1), 32, masks)
    np.testing.assert_array_equal(read(content, "a.bmp").pixels, pixels[..., :3])


def test_alpha_of_one_bit():
    numbers = np.arange(0, 2**16, 97, np.uint16)[: 20 * 32].reshape(20, 32)
    masks = 0x7C00, 0x3E0, 0x1F, 0x8000
    pixels = read(bmp(numbers.astype("<u2").view(np.uint8), 16, masks), "a.bmp").pixels
    np.testing.assert_array_equal(pixels[..., 3], (numbers >> 15) * 255)
    levels = np.stack([numbers >> shift & 31 for shift in (10, 5, 0)], 2)
    np.testing.assert_allclose(pixels[..., :3], levels * 255 / 31, atol=1)


def test_what_pillow_writes_keeps_its_alpha(tmp_path):
    pixels = random(4)
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(read((tmp_path / "a.bmp").read_bytes(), "a.bmp").pixels, pixels)
