"""Sequences of images and films become each other; Pillow and FFmpeg's program are the truth."""

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from srcnn.system import sequences
from srcnn.system.errors import InputError
from srcnn.upscaling import inputs
from srcnn.upscaling.films import film_job, sequence_output
from tests.helpers.film_clips import Killed, decode, killed, make, picture, run
from tests.helpers.folders import refuse


def save_frames(numbers, pattern="in_%03d.png"):
    for number in numbers:
        Image.fromarray(picture(number, 32, 24)).save(pattern % number)


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


def test_a_sequence_becomes_a_film_at_the_rate_that_is_named(folder, capfd):
    save_frames(range(8, 20))
    assert run("--input", "in_%03d.png", "--output", "out.mkv", "--lossless", "--fps", "24000/1001") == 0
    with av.open("out.mkv") as film:
        assert film.streams.video[0].average_rate == Fraction(24000, 1001)
    frames, times = decode("out.mkv")
    assert len(frames) == 12 and frames[0][0].shape == (48, 64)
    assert np.allclose([float(t) for t in times], np.arange(12) * 1001 / 24000, atol=0.0006)
    assert "frames a second" not in capfd.readouterr().out
    assert run("--input", "in_%03d.png", "--output", "usual.mkv") == 0
    assert "in_%03d.png: assuming 25 frames a second; --fps sets another rate\n" in capfd.readouterr().out


def test_the_frames_of_a_sequence_are_those_of_its_film(folder):
    """FFmpeg makes a film of the same frames without loss, and both become the same."""
    if not shutil.which("ffmpeg"):
        pytest.skip("needs the program ffmpeg")
    save_frames(range(1, 6))
    words = ["ffmpeg", "-v", "error", "-i", "in_%03d.png", "-c:v", "ffv1", "-pix_fmt", "bgr0", "in.mkv"]
    subprocess.run(words, check=True)
    for source, target in (("in_%03d.png", "a.mkv"), ("in.mkv", "b.mkv")):
        assert run("--input", source, "--output", target, "--lossless") == 0
    for a, b in zip(decode("a.mkv")[0], decode("b.mkv")[0], strict=True):
        assert all(np.array_equal(*planes) for planes in zip(a, b, strict=True))


def test_a_sequence_becomes_another_one_photograph_by_photograph(folder, capfd):
    save_frames([7, 8, 11])
    assert run("--input", "in_%03d.png", "--output", "big/out_%05d.png") == 0
    assert "in_%03d.png: frames are missing: 9-10\n" in capfd.readouterr().err
    assert sorted(path.name for path in (folder / "big").glob("*.png")) == [
        f"out_{number:05d}.png" for number in (7, 8, 11)
    ]
    assert run("--input", "in_008.png", "--output", "alone.png") == 0
    np.testing.assert_array_equal(pixels("big/out_00008.png"), pixels("alone.png"))
    assert run("--input", "in_%03d.png", "--output", "big/out_%05d.png") == 0
    assert "3 of 3 already upscaled" in capfd.readouterr().out
    assert run("--input", "in_%03d.png", "--output", "others") == 0
    assert (folder / "others/in_011_x2.png").exists()


def test_a_film_becomes_a_sequence(folder, capfd):
    """The frames that the film without loss has, as FFmpeg makes RGB of them."""
    make("in.mkv", 5)
    assert run("--input", "in.mkv", "--output", "film.mkv", "--lossless") == 0
    assert run("--input", "in.mkv", "--output", "out_%02d.png") == 0
    names = sorted(path.name for path in folder.glob("out_*"))
    assert names == [f"out_{number:02d}.png" for number in range(1, 6)]
    if shutil.which("ffmpeg"):
        graph = "scale=flags=bicubic+full_chroma_int+accurate_rnd,format=rgb24"
        words = ["ffmpeg", "-v", "error", "-i", "film.mkv", "-vf", graph, "true_%02d.png"]
        subprocess.run(words, check=True)
        for name in names:
            difference = np.abs(pixels(name) - pixels(name.replace("out", "true")))
            assert difference.max() <= 2, name
    assert run("--input", "in.mkv", "--output", "out_%02d.png") == 0
    assert "1 of 1 already upscaled" in capfd.readouterr().out
    assert "already exists" in said(capfd, "in.mkv", "out_%02d.png", "--self_ensemble")
    assert "only files that this program wrote" in said(capfd, "out_%02d.png", "again.mkv")


def said(capfd, source, target, *more):
    """What is said of a command that fails."""
    capfd.readouterr()
    assert run("--input", source, "--output", target, *more) == 2
    return capfd.readouterr().err


@pytest.mark.parametrize("source", ["in.mkv", "in_%03d.png"])
def test_another_size_is_not_taken_for_done(folder, capfd, source):
    """Both pass through the network for x3, and the names of frames do not tell the size."""
    save_frames([1, 2])
    make("in.mkv", 2, (32, 24))
    for size in ((80, 60), (96, 72)):
        more = "--scale", size[0] / 32, "--output", "out_%d.png"
        assert run("--input", source, *more, *(["--overwrite"] if size[0] == 96 else [])) == 0
        assert run("--input", source, *more) == 0
        assert "already upscaled" in capfd.readouterr().out
        assert Image.open("out_2.png").size == size
        assert "already exists; add --overwrite" in said(capfd, source, "out_%d.png")


@pytest.mark.parametrize(
    ("first", "second", "is_fine"),
    [
        *[("L", "RGB", False), ("RGB", "L", False), ("RGB", "RGBA", False), ("RGB", "I;16", False)],
        *[("RGBA", "RGB", True), ("RGB", "P", True), ("L", "1", True)],
    ],
)
def test_frames_of_kinds_that_one_film_cannot_have_are_refused(folder, capfd, first, second, is_fine):
    """The first frame tells how all are encoded; others would lose colours, or have wrong ones."""
    for number, mode in enumerate((first, second)):
        image = Image.new("RGB", (32, 24), (204, 51, 51) if mode in ("RGB", "RGBA", "P") else (255, 255, 255))
        (image.convert("L") if mode == "I;16" else image).convert(mode).save(f"in_{number}.png")
    if not is_fine:
        error = said(capfd, "in_%d.png", "out.mkv")
        assert "in_%d.png: its frames change from" in error and "in one pixel format" in error
        assert sorted(path.name for path in folder.iterdir()) == ["in_0.png", "in_1.png"]
        return
    assert run("--input", "in_%d.png", "--output", "out.mkv", "--lossless") == 0, capfd.readouterr().err
    with av.open("out.mkv") as film:
        for number, frame in enumerate(film.decode(video=0)):
            truth = pixels_in_rgb(f"in_{number}.png")[12, 16]
            assert np.abs(frame.to_ndarray(format="rgb24").astype(int) - truth).max() <= 3


@pytest.mark.parametrize("see_through", [False, True])
def test_frames_with_a_palette_keep_all_chroma_and_their_transparency(folder, see_through):
    """Stripes of one pixel, which 4:2:0 would blend."""
    stripes = np.zeros((24, 32), np.uint8)
    stripes[:, ::2] = 1
    image = Image.fromarray(stripes, "P")
    image.putpalette([255, 0, 0, 0, 0, 255])
    for number in range(2):
        image.save(f"in_{number}.png", **({"transparency": 1} if see_through else {}))
    assert run("--input", "in_%d.png", "--output", "out.mkv", "--lossless") == 0
    with av.open("out.mkv") as film:
        frame = next(film.decode(video=0))
    assert frame.format.name == ("yuva444p" if see_through else "yuv444p")
    rgba = frame.to_ndarray(format="rgba").astype(int)
    red = rgba[24, :, 0]
    assert see_through or red[7:-4:4].min() > red[5:-4:4].max() + 100
    assert (rgba[..., 3].min() < 50) == see_through


def pixels_in_rgb(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_a_name_like_that_of_a_sequence_is_of_one_file(folder):
    save_frames([1])
    (folder / "in_001.png").rename("50%d.png")
    make("c%03d.mkv", 2)
    assert run("--input", "50%d.png", "c%03d.mkv", "--output", "out") == 0
    assert pixels("out/50_d_x2.png").shape == (48, 64, 3)
    assert len(decode("out/c_03d_x2.mkv")[0]) == 2


def test_a_changed_frame_is_made_anew_and_one_of_somebody_else_stays(folder, capfd):
    make("in.mkv", 3)
    assert run("--input", "in.mkv", "--output", "out_%d.png") == 0
    Image.new("RGB", (4, 4)).save("out_2.png")
    assert "out_2.png: already exists" in said(capfd, "in.mkv", "out_%d.png")
    assert pixels("out_2.png").shape == (4, 4, 3)
    assert run("--input", "in.mkv", "--output", "out_%d.png", "--overwrite") == 0
    assert pixels("out_2.png").shape == (96, 128, 3)


def test_a_kill_costs_no_frame_that_is_written(folder, monkeypatch):
    make("in.mkv", 5)
    save, saved = sequence_output.image_io.save, []

    def saving(array, path, **more):
        if len(saved) == 2:
            killed()
        saved.append(path.name)
        save(array, path, **more)

    monkeypatch.setattr(sequence_output.image_io, "save", saving)
    with pytest.raises(Killed):
        run("--input", "in.mkv", "--output", "out_%d.png")
    monkeypatch.setattr(film_job.encoded_parts, "write", killed)  # all are encoded
    monkeypatch.setattr(sequence_output.image_io, "save", save)
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("out_*")}
    assert len(before) == 2
    with pytest.raises(Killed):
        run("--input", "in.mkv", "--output", "other_%d.png")
    monkeypatch.setattr(film_job.encoded_parts, "write", lambda *_: None)
    assert run("--input", "in.mkv", "--output", "out_%d.png") == 0
    assert len(sequences.members(folder / "out_%d.png")) == 5
    assert all((folder / name).stat().st_mtime_ns == changed for name, changed in before.items())
    assert not list(folder.glob(".*.parts"))


def test_ten_bits_become_sixteen(folder):
    make("in.mkv", 2, codec="ffv1", format_="yuv420p10le")
    assert run("--input", "in.mkv", "--output", "out_%d.png") == 0
    with av.open("out_1.png") as found:
        assert found.streams.video[0].format.name == "rgb48be"


@pytest.mark.parametrize("says", [False, True])
def test_exif_that_says_nothing_is_no_loss(folder, capfd, says):
    """FFmpeg makes EXIF of every TIFF; that of a camera is named."""
    exif = Image.Exif()
    if says:
        exif[0x010F] = "Camera"
    for number in range(2):
        Image.fromarray(picture(number, 32, 24)).save(f"in_{number}.tif", exif=exif)
    assert run("--input", "in_%d.tif", "--output", "out.mkv") == (2 if says else 0)
    assert ("EXIF of frames" in capfd.readouterr().err) == says


def test_frames_of_a_format_that_ffmpeg_takes_for_films_are_refused(folder, capfd):
    for number in range(2):
        Image.fromarray(picture(number, 32, 24)).save(f"in_{number}.gif")
    assert "in_%d.gif: frames of this format cannot become a film" in said(capfd, "in_%d.gif", "out.mkv")


@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        ((-1, 0, 0, 1), lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        ((1, 0, 0, -1), lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)),
        ((0, 1, 1, 0), lambda image: image.transpose(Image.Transpose.TRANSPOSE)),
        ((0, -1, -1, 0), lambda image: image.transpose(Image.Transpose.TRANSVERSE)),
        ((0, 1, -1, 0), lambda image: image.transpose(Image.Transpose.ROTATE_270)),
        ((-1, 0, 0, -1), lambda image: image.transpose(Image.Transpose.ROTATE_180)),
    ],
)
def test_images_of_a_film_are_upright_and_not_mirrored(folder, matrix, turned):
    """As of cameras that look at whoever holds them."""
    a, b, c, d = (n * 65536 for n in matrix)
    make("in.mkv", 1)
    make(
        "turned.mp4", 1, change=lambda _, stream: stream.set_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
    )
    for name in ("in.mkv", "turned.mp4"):
        assert run("--input", name, "--output", f"{name}_%d.png") == 0
    expected = turned(Image.open("in.mkv_1.png"))
    np.testing.assert_array_equal(pixels("turned.mp4_1.png"), np.asarray(expected))


def test_the_advice_for_a_sequence_names_no_film_of_its_pattern(folder):
    """A path such as out_%d.mkv would be one file of that very name."""
    for codec, advice in ((None, "convert it to another format first"), ("av1", "use another --codec")):
        naming = film_job.naming(folder / "in.mkv", folder / "out_%d.png", codec)
        with pytest.raises(InputError, match=advice), naming:
            raise av.error.InvalidDataError(1, "invalid")


def test_what_cannot_be_done_is_said_before_the_work(folder, fails):
    save_frames([1, 2, 4])
    make("in.mp4", 2)
    save_frames([1], "still_%d.png")
    words = "--is_train", "False", "--scale", 2, "--input"
    assert "frames are missing: 3; add them" in fails(*words, "in_%03d.png", "--output", "out.mp4")
    assert "name a file or a folder" in fails(*words, "in_001.png", "--output", "out_%d.png")
    assert "name a folder" in fails(*words, "in_001.png", "in_002.png", "--output", "out_%d.png")
    assert "matches no file" in fails(*words, "nothing_%d.png", "--output", "out.mp4")
    assert "--fps is for a sequence" in fails(*words, "in.mp4", "--fps", 24)
    assert "is not a frame rate" in fails(*words, "in_%03d.png", "--fps", 0)
    assert "is a single image" in fails(*words, "in_001.png", "--output", "out.mp4")
    assert "which is an input" in fails(*words, "still_%d.png", "--output", "still_1.png", "--overwrite")
    assert "is not a format for photographs" in fails(*words, "in.mp4", "--output", "out_%d.xyz")
    Image.new("RGB", (20, 20)).save("in_003.png")
    assert "from 32x24 to 20x20 pixels" in fails(*words, "in_%03d.png", "--output", "out.mp4")


@pytest.mark.parametrize("way", ["folder", "dangling link"])
@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_what_is_in_the_way_is_said_before_the_work(folder, capfd, way, more):
    make("in.mkv", 2)
    if way == "folder":
        (folder / "out_2.png").mkdir()
    else:
        (folder / "out_2.png").symlink_to("nowhere")
    before = set(folder.rglob("*"))
    if way == "folder" or not more:
        assert "out_2.png: " in said(capfd, "in.mkv", "out_%d.png", *more)
        assert set(folder.rglob("*")) == before
    else:
        assert run("--input", "in.mkv", "--output", "out_%d.png", *more) == 0
        assert not (folder / "out_2.png").is_symlink() and not (folder / "nowhere").exists()


def test_an_empty_frame_does_not_end_the_film(folder, monkeypatch, capfd):
    """FFmpeg takes an empty file, or one that may not be read, for the end of a sequence."""
    save_frames(range(1, 6))
    (folder / "in_002.png").write_bytes(b"")
    assert "in_002.png: is empty; replace it" in said(capfd, "in_%03d.png", "out.mkv")
    save_frames([2])
    Path("empty.gif").touch()
    assert "empty.gif: damaged, or not of a supported image format" in said(capfd, "empty.gif", "out.mkv")
    monkeypatch.setattr(inputs, "open", refuse("in_003.png"), raising=False)
    assert "in_003.png: cannot be read: Permission denied" in said(capfd, "in_%03d.png", "out.mkv")
