"""Upscaling: against the whole image in one pass, against the original, and what files keep."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import main
import utils
from main import trained
from srcnn import tf1
from srcnn.images import image_io
from srcnn.images.exif import ORIENTATION
from srcnn.networks.trained import factors_for
from srcnn.pixels import resize, tiles
from srcnn.pixels.colour import to_float, to_luminance
from srcnn.pixels.metrics import psnr
from srcnn.system.ledger import LIST
from srcnn.upscaling import photographs
from tests.conftest import ROOT, network_of, on_posix
from tests.helpers.image_files import SRGB
from tests.helpers.image_files import profile as profile_of


def run(*words):
    return main.main(["--is_train", "False", *map(str, words)])


@pytest.mark.parametrize(("filters", "channels"), [("9-1-5", 1), ("9-1-5", 3), ("9-5-5", 4)])
@pytest.mark.parametrize("tile", [37, 64])
def test_tiles_equal_one_pass_over_the_whole_image(monkeypatch, filters, channels, tile):
    monkeypatch.setattr(tiles, "TILE", tile)
    image = np.random.default_rng(0).random((41, 58, channels)).astype(np.float32)
    margin = network_of(filters).margin
    with tf1.session() as session:
        srcnn = trained(session, network_of(filters))
        result = photographs.enlarge(image, srcnn)
        whole = resize.imresize(image, 3)
        colour = whole[..., : 1 if channels == 1 else 3]
        y = to_luminance(colour)
        padded = np.pad(y, ((margin // 2, margin // 2), (margin // 2, margin // 2), (0, 0)), mode="edge")
        gain = 1 if channels == 1 else 255 / 219
        colour += gain * (srcnn.run(padded[np.newaxis])[0] - y)
    np.testing.assert_allclose(result, whole, atol=2e-5)


def test_it_restores_what_a_photograph_lost(data, folder):
    """From 8-bit colour files of a third of the size, it gains over bicubic what the paper does."""
    gains = []
    for path in utils.prepare_data(data / "Test/Set5"):
        original = resize.modcrop(utils.imread(path, is_grayscale=False), 3)
        utils.imsave(resize.imresize(original, 3, shrink=True), folder / "small.png")
        assert run("--input", "small.png", "--output", "large.png", "--overwrite") == 0
        large = utils.imread("large.png", is_grayscale=False)
        assert large.shape == original.shape
        bicubic = resize.imresize(utils.imread("small.png", is_grayscale=False), 3)
        gains.append(psnr(original, large, 3) - psnr(original, bicubic, 3))
    assert np.mean(gains) > 2.1 and min(gains) > 0.6


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_channels_depth_and_profile_are_kept(write, folder, suffix, channels, dtype):
    profile = SRGB if channels > 2 else profile_of(b"GRAY")
    before = write(f"photo{suffix}", (20, 30, channels), dtype, icc_profile=profile)
    assert run("--input", f"photo{suffix}", "--output", f"out{suffix}", "--scale", 2) == 0
    picture = image_io.read(folder / f"out{suffix}")
    assert picture.pixels.shape == (40, 60, channels)
    assert picture.pixels.dtype == dtype
    assert picture.icc_profile == profile
    small = resize.imresize(to_float(picture.pixels), 2, shrink=True)
    assert np.abs(small - to_float(before)).mean() < 0.02  # an enlargement of that picture, not another


def test_sixteen_bits_are_more_than_eight(write, folder):
    write("photo.png", (20, 30, 3), np.uint16)
    assert run("--input", "photo.png", "--output", "out.png") == 0
    assert len(np.unique(image_io.read(folder / "out.png").pixels)) > 256


def test_grey_stays_grey(write, folder):
    grey = write("grey.png", (30, 20, 1))
    image_io.save(np.repeat(grey, 3, axis=2), folder / "equal.png")
    for name in ("grey", "equal"):
        assert run("--input", f"{name}.png") == 0
    assert Image.open("sample/grey_x3.png").mode == "L"
    equal = image_io.read(folder / "sample/equal_x3.png").pixels.astype(int)
    assert np.ptp(equal, axis=2).max() == 0
    assert np.ptp(equal) > 100  # and a picture, not the flat grey of which people complain


def test_flat_colours_and_full_range_stay(folder):
    """Black, white and pure colours come out as they went in."""
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    for i, colour in enumerate(colours):
        image_io.save(np.broadcast_to(colour, (24, 24, 3)), folder / f"{i}.png")
        assert run("--input", f"{i}.png") == 0
        difference = image_io.read(folder / f"sample/{i}_x3.png").pixels.astype(int) - colour
        assert np.abs(difference).max() <= 3


def test_hidden_colours_do_not_bleed(folder):
    """A red disc on transparent ground whose hidden colour is green: no green edge."""
    y, x = np.mgrid[:40, :40]
    inside = (y - 20) ** 2 + (x - 20) ** 2 < 150
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[..., 1] = 255
    pixels[inside] = 200, 30, 30, 255
    image_io.save(pixels, folder / "disc.png")
    assert run("--input", "disc.png") == 0
    result = image_io.read(folder / "sample/disc_x3.png").pixels
    visible = result[..., 3] > 0
    assert 0.9 < visible.sum() / (9 * inside.sum()) < 1.3
    assert result[visible][:, 1].max() < 60


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_orientation_is_honoured(folder, suffix, orientation):
    """16-bit colour is turned by the project, the rest by Pillow: both the same."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8).repeat(3, 1))
    exif = image.getexif()
    exif[ORIENTATION] = orientation
    image.save(f"photo{suffix}", exif=exif)
    pixels = image_io.read(folder / f"photo{suffix}").pixels
    assert pixels.shape == ((8, 36, 3) if orientation < 5 else (36, 8, 3))
    raw = np.asarray(Image.open(f"photo{suffix}"))
    np.testing.assert_array_equal(image_io.UPRIGHT.get(orientation, np.asarray)(raw), pixels)
    assert run("--input", f"photo{suffix}", "--scale", 2) == 0
    saved = Image.open("sample/photo_x2.png")
    assert saved.size == (pixels.shape[1] * 2, pixels.shape[0] * 2)
    assert saved.getexif().get(ORIENTATION, 1) == 1


def test_cmyk_becomes_rgb_and_palettes_keep_their_transparency(folder):
    Image.new("CMYK", (20, 10), (0, 255, 255, 0)).save("cmyk.jpg")
    palette = Image.new("P", (20, 10), 1)
    palette.putpalette([0, 0, 0, 10, 200, 30])
    palette.paste(0, (0, 0, 10, 10))
    palette.save("palette.gif", transparency=0)
    assert run("--input", "cmyk.jpg") == 0 and run("--input", "palette.gif") == 0
    red = image_io.read(folder / "sample/cmyk_x3.png").pixels.reshape(-1, 3).mean(0)
    assert red[0] > 200 and red[1] < 60
    alpha = image_io.read(folder / "sample/palette_x3.png").pixels[..., 3]
    assert alpha[:, :24].max() == 0 and alpha[:, -24:].min() == 255


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 7), (3, 2)])
def test_tiny_images_work(write, folder, size):
    write("tiny.png", (*size, 3))
    assert run("--input", "tiny.png") == 0
    assert image_io.read(folder / "sample/tiny_x3.png").pixels.shape == (size[0] * 3, size[1] * 3, 3)


@pytest.mark.parametrize(("scale", "factors"), [(6, [2, 3]), (8, [2, 2, 2]), (9, [3, 3]), (12, [2, 2, 3])])
def test_other_scales_are_composed(write, folder, capsys, scale, factors):
    assert factors_for(scale) == factors
    write("photo.png", (16, 20, 3))
    assert run("--input", "photo.png", "--scale", scale) == 0
    assert image_io.read(folder / f"sample/photo_x{scale}.png").pixels.shape == (16 * scale, 20 * scale, 3)
    printed = capsys.readouterr().out
    assert all(f"weights for x{factor}: " in printed for factor in factors)


def test_x4_is_not_composed(write, folder, capsys):
    write("photo.png", (16, 20, 3))
    assert run("--input", "photo.png", "--scale", 4) == 0
    printed = capsys.readouterr().out
    assert "weights for x4" in printed and "weights for x2" not in printed


def test_a_composed_enlargement_is_better_than_bicubic(data, folder):
    path = data / "Test/Set5/butterfly_GT.bmp"
    original = resize.modcrop(utils.imread(path, is_grayscale=False), 6)
    utils.imsave(resize.imresize(original, 6, shrink=True), folder / "small.png")
    assert run("--input", "small.png", "--output", "large.png", "--scale", 6) == 0
    bicubic = resize.imresize(utils.imread("small.png", is_grayscale=False), 6)
    large = utils.imread("large.png", is_grayscale=False)
    assert psnr(original, large, 6) > psnr(original, bicubic, 6) + 0.7


def test_a_folder_goes_through_and_a_broken_file_is_named(write, folder, capsys):
    write("photos/a.png", (12, 15, 3))
    write("photos/b.jpg", (12, 15, 3))
    write("photos/b.png", (12, 15, 1))
    (folder / "photos/broken.jpg").write_bytes((folder / "photos/b.jpg").read_bytes()[:300])
    (folder / "photos/empty.png").touch()
    (folder / "photos/notes.txt").write_text("not an image")
    assert run("--input", "photos", "--output", "out", "--scale", 2) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2 and "broken.jpg" in errors[0] and "empty.png" in errors[1]
    written = sorted(p.name for p in (folder / "out").iterdir())
    assert written.pop(0) == LIST
    assert written == ["a_x2.png", "b.jpg_x2.png", "b.png_x2.png"]
    listed = json.loads((folder / "sample/upscaled.json").read_text())["images"]
    assert [image["output"] for image in listed] == [f"out/{name}" for name in written]
    assert (listed[0]["width"], listed[0]["height"]) == (30, 24)


def test_the_page_of_a_run_that_goes_on_shows_what_was_made_before(write, folder, capsys):
    words = "--input", "photos", "--scale", 2
    for name in ("b", "c", "a"):
        write(f"photos/{name}.png", (12, 15, 3))
        assert run(*words) == 0
    listed = json.loads((folder / "sample/upscaled.json").read_text())["images"]
    assert [image["input"] for image in listed] == ["photos/a.png", "photos/b.png", "photos/c.png"]
    assert [image["seconds"] is None for image in listed] == [False, True, True]
    page = (folder / "sample/upscaled.html").read_text()
    assert all(page.count(f"{name}_x2.png") > 1 for name in "abc")  # in the table, and as an exhibit
    (folder / "sample/upscaled.html").unlink()  # killed before there was one
    assert run(*words) == 0
    assert (folder / "sample/upscaled.html").read_text().count("b_x2.png") > 1
    assert run("--input", "photos/b.png", "--scale", 2) == 0  # the page is of the last command
    assert "a_x2.png" not in (folder / "sample/upscaled.html").read_text()
    assert run(*words) == 0
    assert (folder / "sample/upscaled.html").read_text().count("a_x2.png") > 1


def test_an_animation_gives_its_first_frame_where_there_can_be_no_other(folder, capsys):
    frames = [Image.new("L", (20, 10), value) for value in (255, 0, 80)]
    frames[0].save("moving.gif", save_all=True, append_images=frames[1:])
    assert run("--input", "moving.gif", "--output", "out.tif") == 0
    assert "3 frames" in capsys.readouterr().err
    assert image_io.read(folder / "out.tif").pixels[..., 0].min() > 250


@pytest.mark.parametrize("name", ["out.jpg", "out.webp", "out.bmp", "out.tif", "out.jp2", "out.ppm"])
def test_the_ending_chooses_the_format(write, folder, name):
    write("photo.png", (16, 16, 3))
    assert run("--input", "photo.png", "--output", name) == 0
    with Image.open(name) as image:
        assert image.size == (48, 48) and image.format == image_io.format_of(folder / name)


PEAKS = """
import resource, sys
import main
from srcnn.system import progress
progress.LOG_SECONDS = 0
unit = 1 if sys.platform == "darwin" else 1024
for name in ("tiny", "photo", "large"):
    words = ["--is_train", "False", "--input", f"{name}.jpg", "--output", f"{name}_x3.jpg"]
    status = main.main(words)
    if status:
        sys.exit(status)
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""


@on_posix
def test_a_hundred_megapixels_fit_in_3_gb(folder):
    """By what a pixel of a result takes, in one process; with progress in the log.

    2.4 GB for 100 megapixels beside the 0.6 GB of the libraries are 24 bytes a pixel: 3 of the image,
    3 of the result, 3 of what is being encoded, and three times as much for what a library may copy.
    """
    sides = {"tiny": 100, "photo": 600, "large": 1700}
    for name, side in sides.items():
        y, x = np.mgrid[:side, :side]
        pixels = np.stack([x * 7 % 256, y * 5 % 256, (x + y) // 26], 2).astype(np.uint8)
        image_io.save(pixels, folder / f"{name}.jpg")
    words, env = [sys.executable, "-c", PEAKS], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert " of 400, " in done.stdout  # tiles of 256x256
    assert "large_x3.jpg: 5100x5100 pixels" in done.stdout
    _, before, after = (int(line.split()[1]) for line in done.stdout.splitlines() if line[:4] == "peak")
    a_pixel = (after - before) / (9 * (sides["large"] ** 2 - sides["photo"] ** 2))
    assert a_pixel < 24, f"{a_pixel} bytes"


@pytest.mark.parametrize("name", ["b.jpg", "b.bmp", "b.ppm"])
@pytest.mark.parametrize("channels", [2, 4])
def test_an_alpha_that_is_opaque_is_not_in_the_way(write, folder, name, channels, capfd):
    """Screenshots have one: nothing is lost without it. One pixel that shows through is."""
    pixels = write("a.png", (9, 7, channels))
    pixels[..., -1] = 255
    image_io.save(pixels, folder / "a.png")
    image_io.save(pixels[..., :-1], folder / "opaque.png")
    assert run("--input", "a.png", "--scale", 2, "--output", name) == 0
    assert run("--input", "opaque.png", "--scale", 2, "--output", f"c{name}") == 0
    np.testing.assert_array_equal(image_io.read(name).pixels, image_io.read(f"c{name}").pixels)
    pixels[3, 3, -1] = 254
    image_io.save(pixels, folder / "d.png")
    assert run("--input", "d.png", "--scale", 2, "--output", f"d{name}") == 2
    assert "cannot keep the image's transparency" in capfd.readouterr().err
