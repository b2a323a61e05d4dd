"""--format, --image_quality and --lossless."""

import io
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

import main
from srcnn.images import image_io
from srcnn.settings import ImageCoding
from srcnn.system.errors import InputError
from tests.conftest import ROOT
from tests.helpers.film_clips import make
from tests.helpers.image_files import SRGB, random
from tests.helpers.pictures import smooth


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    return tmp_path


def run(*words):
    return main.main([*map(str, words), "--scale", "2"])


def save(name, pixels, **more):
    """Without the encoders of the program."""
    grey = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    Image.fromarray(grey).save(Path("in") / name, **more)


def animation(name):
    first, *others = (Image.fromarray(smooth(12, 16, 3, seed=seed)) for seed in range(3))
    first.save(Path("in") / name, save_all=True, append_images=others, duration=80)


def results():
    return sorted(path.name for path in Path("out").iterdir() if path.name[0] != ".")


def times():
    return {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("jpg", "JPEG"),
        ("webp", "WEBP"),
        ("avif", "AVIF"),
        ("tif", "TIFF"),
        ("jp2", "JPEG2000"),
        ("png", "PNG"),
    ],
)
def test_a_folder_is_written_in_the_format_asked_for(ending, kind):
    save("a.png", smooth(12, 16, 3))
    save("b.bmp", smooth(12, 16, 3))
    assert run("in", "--output", "out", "--format", ending) == 0
    assert results() == [f"a_x2.{ending}", f"b_x2.{ending}"]
    for path in Path("out").glob("*_x2.*"):
        with Image.open(path) as image:
            assert (image.format, image.size) == (kind, (32, 24))
    before = times()
    assert run("in", "--output", "out", "--format", ending) == 0
    assert times() == before


def test_what_a_format_cannot_keep_becomes_png_and_is_said(capfd):
    """Once: the same command knows its results again, in the place where they went."""
    save("alpha.png", smooth(12, 16, 4))
    save("deep.png", smooth(12, 16, 1).astype(np.uint16) * 257)
    save("plain.png", smooth(12, 16, 3))
    animation("moving.gif")
    words = "in", "--output", "out", "--format", "jpg"
    assert run(*words) == 0
    assert results() == ["alpha_x2.png", "deep_x2.png", "moving_x2.png", "plain_x2.jpg"]
    err = capfd.readouterr().err
    assert "in/alpha.png: JPEG cannot keep the image's transparency; the result is alpha_x2.png\n" in err
    assert "in/deep.png: JPEG cannot keep the image's 16 bits; the result is deep_x2.png\n" in err
    assert "in/moving.gif: .jpg has no animations; the result is moving_x2.png\n" in err
    with Image.open("out/moving_x2.png") as image:
        assert image.n_frames == 3
    listed = Path("sample/upscaled.json").read_text(encoding="utf-8")
    assert all(f"out/{name}" in listed for name in results())
    before = times()
    assert run(*words) == 0
    assert "4 of 4 already upscaled" in capfd.readouterr().out and times() == before
    assert run(*words, "--overwrite") == 0
    assert capfd.readouterr().err.count("; the result is ") == 3 and set(times()) == set(before)


def test_shards_gather_what_went_elsewhere_and_what_failed_there(capfd):
    save("alpha.png", smooth(12, 16, 4))
    save("plain.png", smooth(12, 16, 3))
    animation("moving.gif")
    whole = Path("in/moving.gif").read_bytes()
    Path("in/moving.gif").write_bytes(whole[: len(whole) - 60])
    words = "in", "--output", "out", "--format", "jpg"
    assert [run(*words, "--shard", f"{number}/2") for number in (1, 2)] == [0, 2]
    capfd.readouterr()
    assert run(*words, "--gather") == 2
    out, err = capfd.readouterr()
    assert "in/moving.gif: frame" in err and "cannot be read" in err
    assert results() == ["alpha_x2.png", "plain_x2.jpg"] and "2 of 3 already upscaled" in out


def test_a_png_that_is_there_is_no_reason_for_an_error(capfd):
    """As of an earlier run without --format; and one of the user's is left as it is."""
    save("alpha.png", smooth(12, 16, 4))
    assert run("in", "--output", "out") == 0
    before = times()
    assert run("in", "--output", "out", "--format", "jpg") == 0
    assert times() == before
    Path("out/alpha_x2.png").write_bytes(b"the user's own")
    capfd.readouterr()
    assert run("in", "--output", "out", "--format", "jpg") == 2
    assert "out/alpha_x2.png: already exists" in capfd.readouterr().err
    assert Path("out/alpha_x2.png").read_bytes() == b"the user's own"


def test_same_keeps_the_format_of_each_file():
    for name in ("a.JPG", "b.png", "c.webp", "d.tif", "e.bmp", "f.ppm", "still.gif"):
        save(name, smooth(12, 16, 3))
    save("g.jpe", smooth(12, 16, 3), format="JPEG")
    animation("moving.gif")
    assert run("in", "--output", "out", "--format", "same") == 0
    kept = ["a_x2.jpg", "b_x2.png", "c_x2.webp", "d_x2.tif", "e_x2.bmp", "f_x2.ppm", "g_x2.jpg"]
    assert results() == [*kept, "moving_x2.gif", "still_x2.png"]
    before = times()
    assert run("in", "--output", "out", "--format", "same") == 0
    assert times() == before


def test_another_quality_does_not_count_as_done(capfd):
    save("a.png", smooth(48, 64, 3, noise=40))
    words = "in", "--output", "out", "--format", "jpg"
    assert run(*words, "--image_quality", 40) == 0
    small = Path("out/a_x2.jpg").stat().st_size
    assert run(*words) == 2
    assert "out/a_x2.jpg: already exists; add --overwrite" in capfd.readouterr().err
    assert run(*words, "--overwrite") == 0
    assert Path("out/a_x2.jpg").stat().st_size > 2 * small
    assert run(*words, "--format", "webp") == 0
    assert results() == ["a_x2.jpg", "a_x2.webp"]


def decoded(path):
    """By OpenCV, or by libheif."""
    if path.endswith("heic"):
        return np.asarray(pillow_heif.open_heif(path))
    return cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)


@pytest.mark.parametrize("ending", ["jpg", "avif", "heic"])
def test_chroma_is_whole_where_quality_is_high(ending):
    """As in red text on blue: 4:2:0 makes purple of bars a pixel wide."""
    bars = np.zeros((32, 32, 3), np.uint8)
    bars[:, ::2], bars[:, 1::2] = (255, 0, 0), (0, 0, 255)

    def error(quality):
        image_io.save(bars, f"bars.{ending}", coding=ImageCoding(quality=quality))
        return np.abs(decoded(f"bars.{ending}").astype(int) - bars).mean()

    assert error(None) < 3 and error(90) < 6 and error(89) > 30


def test_chroma_is_whole_by_what_the_file_says(folder):
    for quality, layer in ((95, (1, 1)), (90, (1, 1)), (89, (2, 2))):
        image_io.save(smooth(16, 16, 3), "a.jpg", coding=ImageCoding(quality=quality))
        with Image.open("a.jpg") as image:
            assert image.layer[0][1:3] == layer


@pytest.mark.parametrize("ending", ["webp", "avif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossless_is_exact_to_two_decoders(ending, channels):
    """With all that lies beside the pixels; colours under an alpha of 0 too."""
    pixels = random(channels)
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    info = image_io.Metadata(exif.tobytes()[6:], b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>a</x:xmpmeta>")
    icc = SRGB if channels > 2 else None
    image_io.save(pixels, f"a.{ending}", icc, info=info, coding=ImageCoding(lossless=True))
    expected = pixels if channels > 2 else pixels[..., [0, 0, 0, 1][: channels + 2]]
    with Image.open(f"a.{ending}") as image:
        assert np.array_equal(np.asarray(image), expected)
        assert image.info.get("icc_profile") == icc and image.getexif()[0x010F] == "Maker"
    other = cv2.imread(f"a.{ending}", cv2.IMREAD_UNCHANGED)
    order = cv2.COLOR_BGRA2RGBA if other.shape[2] == 4 else cv2.COLOR_BGR2RGB
    assert np.array_equal(cv2.cvtColor(other, order), expected)
    picture = image_io.read(f"a.{ending}")
    assert np.array_equal(picture.pixels, expected) and picture.metadata.xmp == info.xmp


@pytest.mark.parametrize("ending", ["webp", "avif"])
def test_lossless_results_are_those_of_png(ending):
    save("a.png", smooth(12, 16, 3, noise=60))
    assert run("in/a.png", "--output", "out/a.png") == 0
    assert run("in/a.png", "--output", f"out/a.{ending}", "--lossless") == 0
    with Image.open("out/a.png") as expected, Image.open(f"out/a.{ending}") as image:
        assert np.array_equal(np.asarray(image), np.asarray(expected))


def test_without_an_encoder_lossless_avif_is_refused(monkeypatch):
    monkeypatch.setattr(cv2, "haveImageWriter", lambda name: False)
    save("a.png", smooth(12, 16, 3))
    with pytest.raises(InputError, match=r"--format avif: the installed OpenCV has no AVIF.*use \.webp"):
        from srcnn.upscaling.image_formats import ending_of

        ending_of(Path("a.png"), ImageCoding("avif", lossless=True))


def test_same_and_lossless_make_png_of_what_always_loses():
    save("a.jpg", smooth(12, 16, 3))
    save("b.webp", smooth(12, 16, 3))
    assert run("in", "--output", "out", "--format", "same", "--lossless") == 0
    assert results() == ["a_x2.png", "b_x2.webp"]


def test_same_keeps_webp_without_loss():
    """As exact as PNG; in one with a profile VP8L is not the first chunk."""
    for name, more in (("a", {}), ("b", {"icc_profile": SRGB})):
        save(f"{name}.webp", smooth(12, 16, 3), lossless=True, **more)
    save("c.webp", smooth(12, 16, 3))
    assert run("in", "--output", "out", "--format", "same") == 0 and run("in", "--output", "exact") == 0
    kinds = {path.name[0]: b"VP8L" in path.read_bytes() for path in Path("out").glob("*.webp")}
    assert kinds == {"a": True, "b": True, "c": False}
    for name in "ab":
        expected = image_io.read(f"exact/{name}_x2.png").pixels
        np.testing.assert_array_equal(np.asarray(Image.open(f"out/{name}_x2.webp")), expected)
    before = times()
    assert run("in", "--output", "out", "--format", "same") == 0 and times() == before
    assert run("in", "--output", "small", "--format", "same", "--image_quality", 95) == 0
    assert [b"VP8L" in path.read_bytes() for path in Path("small").glob("*.webp")] == [False] * 3


def test_an_animation_takes_a_quality():
    animation("a.gif")
    words = "in", "--format", "webp", "--output"
    assert run(*words, "exact") == 0 and run(*words, "out", "--image_quality", 30) == 0
    large, small = Path("exact/a_x2.webp"), Path("out/a_x2.webp")
    assert small.stat().st_size < large.stat().st_size / 2
    with Image.open(small) as image:
        assert image.n_frames == 3


def test_a_pipe_has_the_format_asked_for():
    save("a.png", smooth(12, 16, 3))
    words = [sys.executable, ROOT / "main.py", "--input", "-", "--scale", "2", "--format", "webp"]
    done = subprocess.run(words, input=Path("in/a.png").read_bytes(), capture_output=True, check=True)
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert (image.format, image.size) == ("WEBP", (32, 24))
    assert b"standard output: 32x24 pixels" in done.stderr


BAD = {
    "in/a.png --output a.png --format jpg": "--output a.png: contradicts --format jpg; leave one out",
    "in/a.png --image_quality 50": "--image_quality is for JPEG, WebP, AVIF and HEIC",
    "in/a.png --format jpg --image_quality 0": "from 1 to 100",
    "in --format gif": "--format",
    "in --format jpg --lossless": "--format jpg: JPEG always loses something; use .webp or .png",
    "in/a.png --output a.heic --lossless": "a.heic: HEIF always loses something",
    "in --format webp --lossless --image_quality 9": "leave one out",
    "in --lossless": "--lossless is for films, WebP and AVIF; leave it out",
    "--input - --format same": "--format same: standard input has no extension",
    "--format jpg --is_train False": "--format is for upscaling; add --input",
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(words, fails):
    save("a.png", smooth(12, 16, 3))
    assert BAD[words] in fails(*words.split())


def test_files_of_a_format_agree_with_an_output_of_another_ending():
    save("a.png", smooth(12, 16, 3))
    assert run("in/a.png", "--output", "out/a.JPEG", "--format", "jpg") == 0
    assert run("in/a.png", "--output", "out/b.tiff", "--format", "tif") == 0
    assert results() == ["a.JPEG", "b.tiff"]


def test_frames_of_films_and_sequences_take_a_quality(capfd):
    """Frames that are there count as done, but not with another quality."""
    make("film.mkv", count=3)
    save("in_1.png", smooth(12, 16, 3))
    for source, target in (("film.mkv", "out/film_%d.jpg"), ("in/in_%d.png", "again/a_%d.jpg")):
        assert run(source, "--output", target, "--image_quality", 40) == 0
    with Image.open("again/a_1.jpg") as image:
        assert image.layer[0][1:3] == (2, 2)
    with Image.open("out/film_1.jpg") as image:
        assert image.layer[0][1:3] == (2, 2)  # as below a quality of 90
    before = times()
    words = "film.mkv", "--output", "out/film_%d.jpg"
    assert run(*words, "--image_quality", 40) == 0 and times() == before
    assert run(*words) == 2
    assert "out/film_1.jpg: already exists" in capfd.readouterr().err and times() == before
    assert run(*words, "--overwrite") == 0
    with Image.open("out/film_1.jpg") as image:
        assert image.layer[0][1:3] == (1, 1)
    assert run("film.mkv", "--output", "a.webp", "--image_quality", 5) == 0
    assert run("film.mkv", "--output", "b.webp", "--lossless") == 0
    assert Path("a.webp").stat().st_size < Path("b.webp").stat().st_size / 2
