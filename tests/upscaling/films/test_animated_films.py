"""Animated pictures become films, and short films animated pictures; Pillow and FFmpeg are the truth."""

import shutil
import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from srcnn.images import animations
from srcnn.upscaling.films import film_job
from srcnn.upscaling.films.animation_output import timed
from tests.helpers.film_clips import decode, make, picture, run, sound

LASTING = [40, 100, 70, 500]  # milliseconds


def save(path, frames, **more):
    first, *others = [Image.fromarray(frame) for frame in frames]
    first.save(path, save_all=True, append_images=others, **{"duration": LASTING, "loop": 0} | more)


@pytest.mark.parametrize("name", ["in.gif", "in.webp", "in.png"])
@pytest.mark.parametrize("target", ["out.mp4", "out.webm"])
def test_every_frame_is_shown_as_long(folder, name, target, capfd):
    more = {"lossless": True} if name == "in.webp" else {}
    save(name, [np.full((24, 32, 3), 60 * number, np.uint8) for number in range(4)], **more)
    assert run("--input", name, "--output", target) == 0, capfd.readouterr().err
    frames, times = decode(target)
    assert [float(time) for time in times] == [0, 0.04, 0.14, 0.21]
    levels = [plane[0].mean() for plane in frames]  # of luminance, 16 to 235
    np.testing.assert_allclose(levels, [16 + number * 60 * 219 / 255 for number in range(4)], atol=2)
    with av.open(target) as film:
        assert film.duration == 710_000  # microseconds, those of the last frame included


@pytest.mark.parametrize(
    ("target", "scale", "expected"),
    [
        ("out.mp4", 2, "yuv420p"),
        ("out.mov", 1.5, "yuv420p"),
        ("out.webm", 2, "yuv420p"),
        ("out.mkv", 2, "yuv444p"),
    ],
)
def test_films_of_pictures_are_what_players_know(folder, capfd, target, scale, expected):
    """4:2:0, which has as much chroma as the pictures if it is twice as large; Matroska keeps 4:4:4."""
    save("in.gif", [picture(number, 32, 24) for number in range(4)])
    status = run("--input", "in.gif", "--output", target, "--scale", scale)
    assert ("4:4:4 (now 4:2:0)" in capfd.readouterr().err) == (status == 2) == (scale < 2)
    with av.open(target) as film, Image.open("in.gif") as first:
        frame = next(film.decode(video=0))
        assert frame.format.name == expected
        colours = np.asarray(first.convert("RGB").resize((frame.width, frame.height))).astype(int)
        assert np.abs(frame.to_ndarray(format="rgb24") - colours).mean() < 15


def test_a_gif_that_does_not_say_how_long_is_shown_as_in_browsers(folder):
    save("in.gif", [np.full((24, 32, 3), 60 * number, np.uint8) for number in range(3)], duration=[0, 10, 20])
    assert run("--input", "in.gif", "--output", "out.mkv") == 0
    assert [float(time) for time in decode("out.mkv")[1]] == [0, 0.1, 0.2]


def test_transparency_that_a_film_cannot_have_is_named(folder, capfd):
    frames = [np.dstack([picture(n, 32, 24), np.full((24, 32), 255, np.uint8)]) for n in range(2)]
    frames[1][:5, :5] = 0
    save("in.png", frames, duration=40)
    assert run("--input", "in.png", "--output", "out.mp4") == 2
    said = capfd.readouterr().err
    assert said.startswith(
        "main.py: in.png: left out, since the format cannot hold it: transparency (kept by "
    )
    assert said.count("\n") == 1
    assert len(decode("out.mp4")[0]) == 2


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("out.gif", [40, 40, 40, 50, 40, 40]),  # hundredths of a second, whose sums are nearest
        ("out.webp", [42, 41, 42, 42, 41, 42]),
        ("out.png", [Fraction(125, 3)] * 6),
        ("out.apng", [Fraction(125, 3)] * 6),
    ],
)
def test_a_film_becomes_an_animated_picture(folder, capfd, target, expected):
    stamps = [number * 3750 for number in range(24)]  # of 1/90000 s
    make("in.mp4", 24, stamps=stamps, change=lambda output, _: sound(output))
    assert run("--input", "in.mp4", "--output", target) == 2
    assert capfd.readouterr().err.endswith("the format cannot hold it: audio aac\n")
    found = animations.read(folder / target)
    assert len(found.frames) == 24 and found.frames[0].shape == (96, 128, 3) and found.plays == 0
    np.testing.assert_allclose(found.milliseconds[:6], [float(ms) for ms in expected], atol=1e-6)
    # The encoder's last frame lasts 1/25 s.
    assert sum(found.milliseconds) == pytest.approx(23 * 125 / 3 + 40, abs=5 if target == "out.gif" else 0.5)
    assert run("--input", "in.mp4", "--output", "true.mkv", "--lossless") == 0
    with av.open("true.mkv") as film:
        true = [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(video=0)]
    errors = [np.abs(a - b).mean() for a, b in zip(found.frames, true, strict=True)]
    assert max(errors) < {"out.gif": 15, "out.webp": 6}.get(target, 4)  # chroma is enlarged in another way


def test_the_colours_of_a_gif_are_as_good_as_ffmpegs(folder):
    if not shutil.which("ffmpeg"):
        pytest.skip("needs the program ffmpeg")
    make("in.mkv", 6)
    assert run("--input", "in.mkv", "--output", "true.png") == 0
    assert run("--input", "in.mkv", "--output", "out.gif") == 0
    graph = "split[a][b];[a]palettegen[p];[b][p]paletteuse"
    subprocess.run(["ffmpeg", "-v", "error", "-i", "true.png", "-vf", graph, "ffmpeg.gif"], check=True)
    names = "true.png", "out.gif", "ffmpeg.gif"
    true, ours, theirs = (np.array(animations.read(folder / name).frames, float) for name in names)
    # Newer FFmpegs choose colours by how they look, which costs a little of this.
    assert ((ours - true) ** 2).mean() < 1.3 * ((theirs - true) ** 2).mean()


def test_frames_that_gif_cannot_show_are_counted(folder, capfd):
    """It counts hundredths of a second, and browsers show one of them as ten."""
    make("in.mkv", 30, stamps=[number * 1000 for number in range(30)])  # 90 a second
    assert run("--input", "in.mkv", "--output", "out.gif") == 2
    assert "frames, since GIF shows 50 a second" in capfd.readouterr().err
    found = animations.read(folder / "out.gif")
    assert min(found.milliseconds) >= 20 and 15 < len(found.frames) < 20
    assert sum(found.milliseconds) == pytest.approx(29 * 100 / 9 + 40, abs=5)  # the last one lasts 1/25 s


def test_times_in_steps():
    assert timed([0, 25, 50, 75, 100], 10, 20) == ([0, 1, 2, 3], [20, 30, 30, 20])
    assert timed([0, 10, 20, 30], 10, 20) == ([0, 2], [20, 20])
    assert timed([0, Fraction(100, 3), Fraction(200, 3)], None, 0) == ([0, 1], [Fraction(100, 3)] * 2)


def test_a_film_that_is_too_long_for_an_animation_is_refused_before_the_work(folder, fails):
    make("in.mkv", 3, (1280, 720))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(animations, "LARGEST", 3 * 2560 * 1440 - 1)
        said = fails("--is_train", "False", "--scale", 2, "--input", "in.mkv", "--output", "out.gif")
    assert "out.gif: 3 frames of 2560x1440 pixels are more than the 11,059,199 in all" in said


def test_another_ending_goes_on_with_the_same_parts(folder, monkeypatch, capfd):
    """A film whose GIF cannot be written is not enlarged again for WebP."""
    make("in.mkv", 3)
    monkeypatch.setattr(animations, "LONGEST", 1)
    assert run("--input", "in.mkv", "--output", "out.gif") == 2
    assert "out.gif: GIF shows no frame for longer than 0.001 s; use .png or .webp" in capfd.readouterr().err
    assert run("--input", "in.mkv", "--output", "out.webp") == 0
    assert "in.mkv: continuing from frame 3" in capfd.readouterr().out
    assert not list(folder.glob(".out.*.parts"))


def test_a_film_of_one_frame(folder):
    make("in.mkv", 1)
    assert run("--input", "in.mkv", "--output", "out.gif") == 0
    with Image.open("out.gif") as found:
        assert found.size == (128, 96)


@pytest.mark.parametrize("target", ["out.gif", "out.webp", "out_%d.png"])
def test_colours_that_cannot_become_rgb_are_said_before_the_work(folder, monkeypatch, capfd, target):
    def prepare(_, stream):
        stream.codec_context.colorspace = 8  # YCgCo

    make("in.mkv", 3, change=prepare)
    monkeypatch.setattr(film_job, "encode", lambda *_: pytest.fail("the work began"))
    assert run("--input", "in.mkv", "--output", target) == 2
    assert "in.mkv: has colours of a kind that cannot become RGB" in capfd.readouterr().err


def test_frames_of_one_millisecond_are_one_in_webp(folder, capfd):
    make("in.mp4", 4, stamps=[0, 20, 9000, 18000])  # ticks of 1/90000 of a second
    assert run("--input", "in.mp4", "--output", "out.webp") == 2
    assert (
        "left out, since the format cannot hold it: 1 frame, since WEBP shows 1000" in capfd.readouterr().err
    )
    assert Image.open("out.webp").n_frames == 3
