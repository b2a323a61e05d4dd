"""Colour profiles: the one made for cameras that are set to Adobe RGB, and damaged ones."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

import main
from srcnn.images import icc_profiles, image_io
from tests.conftest import ROOT
from tests.helpers.image_files import SRGB, profile, random, read

SRGB_OF_XYZ = np.array(  # of D65: IEC 61966-2-1
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
XYZ_OF_ADOBE = np.array(  # of D65: Adobe RGB (1998) Color Image Encoding, 4.3.5.3
    [[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]]
)


def photograph(space, index, kind="JPEG", mode="RGB", **more):
    """As a camera writes it. space, index: of EXIF, None if it has none."""
    y, x = np.mgrid[:48, :64]
    image = Image.fromarray(np.stack([x * 4, y * 5, 255 - x * 3], 2).astype(np.uint8))
    exif = Image.Exif()
    below = exif.get_ifd(0x8769)
    below.update({0xA001: space} if space else {})
    below.update({0xA005: {1: index}} if index else {})
    file = io.BytesIO()
    image.convert(mode).save(file, kind, exif=exif, quality=95, **more)
    return file.getvalue()


@pytest.mark.parametrize(
    "space, index, is_adobe_rgb",
    [
        *((65535, "R03", True), (None, "R03", True), (None, b"R03\0", True), (2, None, True)),
        *(
            (1, "R03", False),
            (65535, None, False),
            (1, "R98", False),
            (65535, "R98", False),
            (None, None, False),
        ),
    ],
)
def test_exif_says_of_which_colours_a_photograph_is(space, index, is_adobe_rgb):
    picture = read(photograph(space, index), "a.jpg")
    assert picture.icc_profile == (icc_profiles.ADOBE_RGB if is_adobe_rgb else None)
    assert ("Adobe RGB" in picture.notice) == is_adobe_rgb


def test_a_profile_in_the_file_says_more():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read(photograph(65535, "R03", icc_profile=profile), "a.jpg")
    assert picture.icc_profile == profile and not picture.notice


@pytest.mark.parametrize("damaged", [b"no profile" * 30, SRGB[:-1]])
def test_a_damaged_profile_in_the_file_says_nothing(damaged):
    picture = read(photograph(65535, "R03", icc_profile=damaged), "a.jpg")
    assert picture.icc_profile == icc_profiles.ADOBE_RGB and "Adobe RGB" in picture.notice
    assert picture.metadata.left_out == "damaged colour profile"


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_only_rgb_is_adobe_rgb(mode):
    """Others have no such primaries, and no profile that could be damaged."""
    picture = read(photograph(2, None, mode=mode), "a.jpg")
    assert picture.icc_profile is None and not picture.notice and not picture.metadata.left_out


def test_the_profile_is_that_of_adobe_rgb():
    """By lcms, against the formulas of both colour spaces, within what sRGB can show."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profiles.ADOBE_RGB))
    assert "Adobe RGB" in ImageCms.getProfileDescription(profile)
    rng = np.random.default_rng(0)
    pixels = (100 + 60 * rng.random((40, 50, 3))).astype(np.uint8)
    srgb = ImageCms.createProfile("sRGB")
    found = ImageCms.profileToProfile(Image.fromarray(pixels), profile, srgb, renderingIntent=1)
    linear = (pixels / 255) ** (2 + 51 / 256) @ (SRGB_OF_XYZ @ XYZ_OF_ADOBE).T
    assert linear.min() > 0.0031308 and linear.max() < 1
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(np.asarray(found) - expected).max() < 1.5


def test_the_result_has_the_profile_and_a_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jpg").write_bytes(photograph(65535, "R03"))
    words = "--is_train", "False", "--scale", "2", "--checkpoint_dir", str(ROOT / "checkpoint")
    for name in ("b.jpg", "b.png", "b.tif", "b.webp"):
        assert main.main([*words, "--input", "a.jpg", "--output", name]) == 0
        picture = image_io.read(name)
        assert picture.icc_profile == icc_profiles.ADOBE_RGB and not picture.notice
        assert capsys.readouterr().err.startswith("a.jpg: comes from a camera set to Adobe RGB")


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
@pytest.mark.parametrize("damaged", [profile(b"CMYK"), profile(b"RGB "), b"no profile" * 30, b"x"])
def test_cmyk_with_a_damaged_profile_is_as_without_one_and_that_is_said(tmp_path, suffix, damaged):
    image = Image.fromarray(random(4)).convert("CMYK")
    image.save(tmp_path / f"a{suffix}")
    image.save(tmp_path / f"b{suffix}", icc_profile=damaged)
    picture = image_io.read(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(picture.pixels, image_io.read(tmp_path / f"a{suffix}").pixels)
    assert picture.icc_profile is None and picture.metadata.left_out == "damaged colour profile"
    with Image.open(tmp_path / f"b{suffix}") as opened:
        np.testing.assert_array_equal(image_io.pixels_of(opened), picture.pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp", ".avif"])
@pytest.mark.parametrize("damaged", [b"no profile" * 30, SRGB[:-1], SRGB[:50]], ids=["none", "cut", "short"])
def test_any_damaged_profile_is_left_out_and_said(tmp_path, suffix, damaged):
    Image.fromarray(random(3)).save(tmp_path / f"a{suffix}", icc_profile=damaged)
    picture = image_io.read(tmp_path / f"a{suffix}")
    assert picture.icc_profile is None and picture.metadata.left_out == "damaged colour profile"


def test_a_profile_of_jpeg_of_which_a_part_is_missing_is_said():
    content = photograph(1, None, icc_profile=np.random.default_rng(0).bytes(100_000))
    at = content.rfind(b"ICC_PROFILE\0") - 4
    (length,) = struct.unpack_from(">H", content, at + 2)
    picture = read(content[:at] + content[at + 2 + length :], "a.jpg")
    assert picture.icc_profile is None and picture.metadata.left_out == "damaged colour profile"


@pytest.mark.parametrize(("mode", "space"), [("L", b"RGB "), ("RGB", b"GRAY"), ("RGB", b"CMYK")])
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_a_profile_of_other_pixels_is_left_out_and_said(tmp_path, monkeypatch, capsys, suffix, mode, space):
    """Of grey pixels, a profile of RGB says nothing: what libpng writes without it."""
    monkeypatch.chdir(tmp_path)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(random(3)).convert(mode).save(f"a{suffix}", icc_profile=srgb[:16] + space + srgb[20:])
    assert main.main([f"a{suffix}", "--output", "b.png", "--scale", "2"]) == 0
    said = capsys.readouterr().err
    assert said.startswith(f"a{suffix}: has a colour profile that does not fit its pixels")
    assert said.count("\n") == 1
    with Image.open("b.png") as result:
        assert "icc_profile" not in result.info
