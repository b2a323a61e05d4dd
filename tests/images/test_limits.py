"""What is the largest of each format: what is written can be read again, what is larger is refused before."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

import utils
from srcnn.images import image_io, ordinary
from srcnn.system.errors import InputError
from srcnn.upscaling import photographs
from srcnn.upscaling.sizes import Goal
from tests.helpers.image_files import RNG, random


@pytest.mark.parametrize("suffix", sorted(image_io.WRITABLE))
def test_the_longest_side_of_each_format_can_be_read(tmp_path, suffix):
    name, path = image_io.WRITABLE[suffix], tmp_path / f"a{suffix}"
    longest = image_io.LARGEST_SIDE.get(name, 70_000)
    for shape in ((1, longest), (longest, 1)):
        image_io.save(RNG.integers(0, 256, (*shape, 1), np.uint8), path)
        assert image_io.read(path).pixels.shape[:2] == image_io.size(path) == shape
        if name in image_io.LARGEST_SIDE:
            with pytest.raises(InputError, match="is more than"):
                image_io.check_fits(path, *(n + (n > 1) for n in shape), random(1))


@pytest.mark.parametrize("suffix, pixels", [(".avif", 2**28), (".qoi", 400_000_000)])
def test_all_pixels_that_decoders_read(tmp_path, suffix, pixels):
    """The usual limits of libavif, 16384 x 16384, and of the decoder that QOI is named after."""
    path, width = tmp_path / f"a{suffix}", 16_000 if suffix == ".qoi" else 16_384
    image_io.check_fits(path, pixels // width, width, random(3))
    with pytest.raises(InputError, match=r"is more than .* can hold"):
        image_io.check_fits(path, pixels // width + 1, width, random(3))


def test_all_pixels_of_the_largest_result_can_be_read(tmp_path):
    """Tests, which need numbers of each pixel, take fewer."""
    assert image_io.LARGEST == photographs.LARGEST == 2 * Image.MAX_IMAGE_PIXELS
    path, side = tmp_path / "a.png", 16_390
    Image.new("1", (side, side)).save(path)
    assert side**2 > image_io.LARGEST_TESTED and image_io.size(path) == (side, side)
    assert image_io.read(path).pixels.shape == (side, side, 1)
    with pytest.raises(InputError, match="more than 268,435,456 pixels"):
        utils.imread(path)


@pytest.mark.parametrize("scale, fits", [(2, 16384), (Fraction(11, 10), 16384), (3, 10922), (1, 32768)])
def test_what_becomes_too_large_is_refused_by_its_header(scale, fits):
    photographs.check_size("a.png", (fits, fits), Goal(scale=scale))
    with pytest.raises(InputError, match=r"a.png: would become more than 1,073,741,824 pixels"):
        photographs.check_size("a.png", (fits + 1, fits + 1), Goal(scale=scale))


def test_a_profile_of_more_parts_than_a_jpeg_has(tmp_path):
    profile = random(3).tobytes() * (image_io.LARGEST_PROFILE_IN_JPEG // 1980 + 1)
    profile = profile[:36] + b"acsp" + profile[40:]
    kept = profile[: image_io.LARGEST_PROFILE_IN_JPEG]
    image_io.save(random(3), tmp_path / "a.jpg", kept[:16] + b"RGB " + kept[20:])
    assert len(image_io.read(tmp_path / "a.jpg").icc_profile) == image_io.LARGEST_PROFILE_IN_JPEG
    with pytest.raises(InputError, match="of this size"):
        image_io.save(random(3), tmp_path / "b.jpg", profile[: len(kept) + 1])


def test_what_an_encoder_refuses_is_named(tmp_path, monkeypatch):
    """As WebP does with details that do not fit in 512 KB of its first partition."""

    def refuse(*_, **__):
        raise ValueError("encoding error 6")

    monkeypatch.setattr(ordinary.iio, "imwrite", refuse)
    with pytest.raises(InputError, match=r"a\.webp: cannot be encoded \(encoding error 6\); use .png"):
        image_io.save(random(3), tmp_path / "a.webp")
    assert not list(tmp_path.iterdir())
