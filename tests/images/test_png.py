"""PNG files: as small as zlib's whole search makes them, nearly, and with all that they carry."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from srcnn.images import image_io, png
from srcnn.images.metadata import Metadata
from tests.helpers.image_files import SRGB, profile


def photograph(channels=3, size=(500, 340), depth=np.uint8):
    """Enlarged, as results are."""
    colours = Image.fromarray(data.astronaut()).resize(size, Image.Resampling.BICUBIC)
    pixels = np.asarray(colours.convert("L" if channels < 3 else "RGB"))
    pixels = np.atleast_3d(pixels)
    if channels in (2, 4):
        ramp = np.linspace(0, 255, size[0]).astype(np.uint8)
        pixels = np.concatenate([pixels, np.broadcast_to(ramp[:, np.newaxis], (*pixels.shape[:2], 1))], 2)
    if depth == np.uint8:
        return pixels
    return np.uint16(257) * pixels + np.arange(size[0], dtype=np.uint16)[:, np.newaxis] % 200


def text():
    with Image.new("RGB", (700, 400), "white") as image:
        draw = ImageDraw.Draw(image)
        for top in range(0, 400, 20):
            draw.text((5, top), "What repeats is found again. " * 4, "black", ImageFont.load_default(14))
        return np.asarray(image.resize((1400, 800), Image.Resampling.BICUBIC))


def grey_as_rgb():
    return photograph(1).repeat(3, axis=2)


KINDS = {"photograph": photograph, "text": text, "grey stored as RGB": grey_as_rgb}


def by_pillow(pixels):
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")  # level 6
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_hardly_larger_than_by_the_whole_search(kind, tmp_path):
    pixels = KINDS[kind]()
    image_io.save(pixels, tmp_path / "a.png")
    largest = 1.08 * len(by_pillow(pixels))
    assert (tmp_path / "a.png").stat().st_size <= largest
    assert len(png.encoded(pixels)) <= largest


def test_photographs_are_not_searched_and_drawings_are():
    assert png.settings(photograph())["compress_type"] == png.zlib.Z_RLE
    assert png.settings(text())["compress_type"] != png.zlib.Z_RLE


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_all_that_a_file_carries_comes_back(channels, depth, tmp_path):
    pixels, path = photograph(channels, depth=depth), tmp_path / "a.png"
    exif = Image.Exif()
    exif[0x010E] = "of whom"
    info = Metadata(exif.tobytes().removeprefix(b"Exif\0\0"), b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    icc = SRGB if channels > 2 else None
    image_io.save(pixels, path, icc, info=info)
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)  # which knows no grey with alpha
    kept = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    np.testing.assert_array_equal(np.atleast_3d(stored), pixels[..., kept])
    with Image.open(path) as image:
        image.load()
        assert image.info.get("icc_profile") == icc
        assert image.getexif()[0x010E] == "of whom"
        assert "adobe:ns:meta/" in str(image.info["xmp"])


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (3, 40)])
def test_few_rows_are_enough(size, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    image_io.save(pixels, tmp_path / "a.png")
    assert (image_io.read(tmp_path / "a.png").pixels == pixels).all()
    assert (np.asarray(Image.open(BytesIO(png.encoded(pixels)))) == pixels).all()


@pytest.mark.parametrize("size", [(1, 1), (20, 33), (300, 200)])
def test_grey_with_alpha_profile_and_16_bits(tmp_path, monkeypatch, size):
    """Which neither Pillow nor OpenCV writes; read as libpng, by OpenCV, expands it."""
    monkeypatch.setattr(png, "BLOCK", 1000)
    pixels = np.random.default_rng(0).integers(0, 65536, (*size, 2), np.uint16)
    image_io.save(pixels, tmp_path / "a.png", profile(b"GRAY"))
    picture = image_io.read(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert picture.icc_profile == profile(b"GRAY")
    expanded = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(expanded, pixels[..., [0, 0, 0, 1]])
