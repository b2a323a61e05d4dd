"""HEIC as phones write it: turned once, with profile, 10 bits and transparency, or one line why not."""

import sys

import numpy as np
import pytest
from PIL import Image

import main
from srcnn.images import image_io
from srcnn.images.exif import ORIENTATION
from tests.conftest import ROOT
from tests.helpers.image_files import SRGB

pillow_heif = pytest.importorskip("pillow_heif")
Y, X = np.mgrid[:24, :32]
PIXELS = np.stack([X * 7, Y * 9, X + Y, 255 - X * 5], 2).astype(np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(pixels, **more):
    image = Image.fromarray(pixels)
    pillow_heif.from_pillow(image).save("a.heic", quality=100, chroma=444, **more)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_once(folder, orientation):
    """pillow-heif writes what EXIF says as a turn of the file's own, and both are there."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    save(PIXELS[..., :3], exif=exif.tobytes(), icc_profile=SRGB)
    picture = image_io.read("a.heic")
    expected = image_io.UPRIGHT.get(orientation, np.asarray)(PIXELS[..., :3])
    assert picture.pixels.shape == expected.shape and picture.icc_profile == SRGB
    assert np.abs(picture.pixels.astype(int) - expected).max() < 6


def test_grey_and_transparency(folder):
    for pixels in (PIXELS[..., 0], PIXELS):
        save(pixels)
        found = image_io.read("a.heic").pixels
        assert np.abs(found.astype(int) - pixels.reshape(found.shape)).max() < 6
    assert (
        main.main(["--is_train", "False", "--input", "a.heic", "--checkpoint_dir", str(ROOT / "checkpoint")])
        == 0
    )
    assert image_io.read("sample/a_x3.png").pixels.shape == (72, 96, 4)


def test_ten_bits_are_sixteen(folder):
    deep = PIXELS[..., :3].astype(np.uint16) * 257 + 64
    pillow_heif.from_bytes("RGB;16", (32, 24), deep.tobytes()).save("a.heic", quality=-1, chroma=444)
    found = image_io.read("a.heic").pixels
    assert found.dtype == np.uint16 and len(np.unique(found % 256)) > 50
    assert np.abs(found.astype(int) - deep).max() < 300


def test_colours_of_hdr_are_refused(folder):
    words = {"color_primaries": 9, "transfer_characteristics": 16, "matrix_coefficients": 9}
    save(PIXELS[..., :3], **words, full_range_flag=1, save_nclx_profile=True)
    with pytest.raises(image_io.InputError, match="not sRGB"):
        image_io.read("a.heic")


def test_without_pillow_heif_one_line_says_what_to_install(folder, fails, monkeypatch):
    save(PIXELS[..., :3])
    Image.new("RGB", (9, 9)).save("b.png")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for words in (["a.heic"], ["a.heic", "--width", "99"], ["b.png", "--output", "b.heic"]):
        assert "pip install pillow-heif" in fails("--is_train", "False", "--input", *words)
