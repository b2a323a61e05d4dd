"""Transparency of films: read of all that has it, enlarged by bicubic, and kept by what can hold it."""

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from srcnn.images import animations, image_io
from srcnn.pixels import resize
from srcnn.upscaling.films import film_job, frames, muxing
from srcnn.upscaling.films.decoding import decoded, opened, packets_of
from tests.helpers.film_clips import Killed, killed, make, picture, run

SOURCES = {  # kinds of films with transparency: encoder and format of pixels
    "in.webm": ("libvpx-vp9", "yuva420p"),
    "prores.mov": ("prores_ks", "yuva444p10le"),
    "runs.mov": ("qtrle", "argb"),
    "png.mov": ("png", "rgba"),
    "rgb.mkv": ("ffv1", "bgra"),
    "in.mkv": ("ffv1", "yuva422p10le"),
}


def disc(number):
    """A picture behind a disc that moves, its border soft: (h, w, 4) uint8."""
    y, x = np.mgrid[:48, :64]
    alpha = np.clip(255 * (1.2 - np.hypot(y - 24, x - 32 - number) / 20), 0, 255)
    return np.dstack([picture(number, 64, 48), alpha.astype(np.uint8)])


def clear(name, count=4, picture=disc):
    codec, format_ = SOURCES[name]
    with av.open(name, "w") as output:
        options = {"crf": "4", "b": "0", "auto-alt-ref": "0"} if "vpx" in codec else {}
        stream = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, format_
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgba").reformat(format=format_)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return name


def alphas(path):
    """The alpha of a film's frames in [0, 1], from its planes or its pixels; and their format."""
    with opened(Path(path)) as film:
        found = list(decoded(film.streams.video[0], packets_of(film, film.streams.video[0])))
    name, planes = found[0].format.name, []
    for frame in found:
        if frame.format.is_rgb:
            planes.append(frame.to_ndarray()[..., name.index("a")] / 255)
        else:
            (*_, alpha), peak = frames.planes(frame)
            planes.append(alpha / peak)
    return planes, name


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    ("words", "output", "format_"),
    [
        (["--codec", "vp9"], "out.webm", "yuva420p"),
        (["--codec", "vp9"], "out.mkv", "yuva420p"),
        (["--codec", "prores"], "out.mov", "yuva444p"),
        (["--lossless"], "out.mkv", "yuva"),
    ],
)
def test_alpha_is_enlarged_by_bicubic_and_kept(folder, name, words, output, format_):
    run("--input", clear(name), *words, "--output", output)
    before, after = alphas(name)[0], alphas(output)
    assert after[1].startswith(format_) and len(after[0]) == len(before) == 4
    for small, large in zip(before, after[0], strict=True):
        expected = resize.imresize(small.astype(np.float32)[..., np.newaxis], 2)[..., 0].clip(0, 1)
        error = 255 * np.abs(large - expected)
        # libswscale, which makes planes of RGB, is a level off for some.
        exact = 0.6 if format_ == "yuva420p" or name in ("in.webm", "prores.mov", "in.mkv") else 2.2
        assert error.max() < (8 if "vp9" in words else exact) and error.mean() < 1


def test_vp9_in_webm_keeps_it_by_itself_and_what_cannot_names_the_flag(folder, capfd):
    clear("in.webm")
    assert run("--input", "in.webm") == 0
    assert alphas("sample/in_x2.webm")[1] == "yuva420p"
    for words in (["--output", "out.mp4"], ["--output", "vp9.mp4", "--codec", "vp9"]):
        assert run("--input", "in.webm", *words) == 2
        said = (
            "in.webm: left out, since the format cannot hold it: transparency (kept by --codec vp9 in .webm"
        )
        assert said in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "output"), [(["--codec", "vp9"], "out.webm"), (["--codec", "prores"], "out.mov")]
)
def test_an_interrupted_film_keeps_it(folder, monkeypatch, words, output):
    """However many parts there are: Matroska has them, since NUT cannot."""
    clear("rgb.mkv", 6)
    monkeypatch.setattr(film_job, "SECONDS", 0)
    flags = ["--input", "rgb.mkv", *words, "--output", output]
    with monkeypatch.context() as patched:
        patched.setattr(muxing, "join", killed)
        with pytest.raises(Killed):
            run(*flags)
    parts = sorted(folder.glob(".out.*.parts/*.mkv"))
    assert len(parts) == 6
    for path in parts[3:]:
        path.unlink()
    run(*flags)
    found = alphas(output)[0]
    for number, alpha in enumerate(found):
        expected = resize.imresize(disc(number)[..., 3:], 2)[..., 0]
        assert np.abs(alpha - expected.clip(0, 1)).max() < 0.03
    assert len(found) == 6 and not list(folder.glob(".out*"))


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="there is no ffmpeg here")
def test_ffmpegs_program_reads_the_alpha(folder):
    run("--input", clear("rgb.mkv"), "--codec", "vp9", "--output", "out.webm")
    command = "ffmpeg -v error -c:v libvpx-vp9 -i out.webm -vf alphaextract -f rawvideo -pix_fmt gray -"
    raw = subprocess.run(command.split(), capture_output=True, check=True).stdout
    found = np.frombuffer(raw, np.uint8).reshape(-1, 96, 128)
    assert np.abs(found / 255 - np.stack(alphas("out.webm")[0])).max() < 0.01


def test_hidden_colours_do_not_bleed(folder):
    """White where nothing is seen, black where something is: no edge of white is left."""

    def half(_):
        pixels = np.full((48, 64, 4), [255, 255, 255, 0], np.uint8)
        pixels[:, :32] = [0, 0, 0, 255]
        return pixels

    assert run("--input", clear("rgb.mkv", 1, half), "--lossless", "--output", "out.mkv") == 0
    with av.open("out.mkv") as film:
        (y, blue, _, alpha), _ = frames.planes(next(film.decode(video=0)))
    assert y[alpha > 0].max() <= 17 and np.abs(blue[alpha > 0].astype(int) - 128).max() <= 1


def test_visible_pixels_of_halved_chroma_stay():
    """A sample of chroma is hidden where all of its pixels are; an odd size has one more."""
    alpha = np.zeros((5, 7), np.uint8)
    alpha[1, 1] = alpha[4, 6] = 255
    chroma = np.arange(12, dtype=np.uint8).reshape(3, 4)
    (found,) = frames.visible(alpha, [chroma])
    assert found[0, 0] == 0 and found[2, 3] == 11 and {*np.unique(found)} == {0, 11}


def test_a_film_without_alpha_gets_none(folder):
    make("in.webm", 2, codec="libvpx-vp9")
    assert run("--input", "in.webm") == 0
    with av.open("sample/in_x2.webm") as film:
        assert not [key for key in film.streams.video[0].metadata if key.lower() == "alpha_mode"]


@pytest.mark.parametrize("target", ["frame_%02d.png", "frame_%02d.tif", "out.png", "out.webp"])
@pytest.mark.parametrize("name", ["rgb.mkv", "in.mkv"])
def test_pictures_made_of_a_film_have_its_alpha(folder, name, target):
    assert run("--input", clear(name), "--output", target) in (0, 2)  # 10 bits are not for all of them
    if "%" in target:
        found = [image_io.read(folder / (target % number)).pixels for number in range(1, 5)]
    else:
        found = animations.read(folder / target).frames
    for number, pixels in enumerate(found):
        expected = resize.imresize(disc(number)[..., 3:], 2)[..., 0].clip(0, 1)
        alpha = pixels[..., 3] / np.iinfo(pixels.dtype).max
        assert pixels.shape == (96, 128, 4) and np.abs(alpha - expected).max() < 0.015
        assert (alpha == 1).any() and (alpha == 0).any()
    assert len(found) == 4


def test_bits_that_are_lost_on_the_way_to_pictures_are_one_loss(folder, capfd):
    make("in.mkv", 2, codec="ffv1", format_="yuv420p12le")
    assert run("--input", "in.mkv", "--output", "out.gif") == 2
    assert re.findall(r"\d+ bits \(now \d+\)", capfd.readouterr().err) == ["12 bits (now 8)"]


def test_jpegs_made_of_a_film_say_what_they_leave_out(folder, capfd):
    assert run("--input", clear("rgb.mkv"), "--output", "frame_%02d.jpg") == 2
    assert "transparency" in capfd.readouterr().err
    assert image_io.read(folder / "frame_01.jpg").pixels.shape == (96, 128, 3)


@pytest.mark.parametrize("name", SOURCES)
def test_alpha_that_hides_nothing_is_no_loss(folder, capfd, name):
    """As that of recordings of a screen; at the end of the film it does hide something."""

    def late(number):
        pixels = disc(number)
        pixels[..., 3] = 255 if number < 2 else 128
        return pixels

    for count, left_out in ((2, False), (3, True)):
        clear(name, count, late)
        run("--input", name, "--output", f"{count}.mp4")
        assert ("transparency" in capfd.readouterr().err) == left_out
