"""Animated pictures: all frames, their times, and how often they are played."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
import scipy.io
from PIL import Image, ImageCms, WebPImagePlugin

import main
from srcnn.images import animations, image_io, png
from srcnn.pixels import resize
from srcnn.system.errors import InputError
from tests.conftest import ROOT
from tests.helpers.image_files import chunk

WORDS = ["--is_train", "False", "--scale", "2", "--checkpoint_dir", str(ROOT / "checkpoint")]
TIMES = [100, 50, 200, 1000]


def picture(number, channels=3):
    y, x = np.mgrid[:30, :40]
    levels = [(np.sin((x + y * c + 5 * number) / 9) * 90 + 128) for c in range(1, 4)]
    levels += [np.where(x > 8 + number, 255, 0)] * (channels - 3)
    return np.stack(levels, 2).astype(np.uint8)


def write(path, channels=3, count=4, **more):
    frames = [Image.fromarray(picture(number, channels)) for number in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=TIMES[:count], **more)


def write_16_bits(path):
    """An animated PNG of 16 bits, which Pillow cannot write: two black frames of 2x2."""
    rows, numbers = zlib.compress((b"\0" + bytes(2 * 6)) * 2), struct.Struct(">IIIIIHHBB")

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)))
        file.write(chunk(b"acTL", struct.pack(">II", 2, 0)))
        file.write(chunk(b"fcTL", numbers.pack(0, 2, 2, 0, 0, 1, 10, 0, 0)) + chunk(b"IDAT", rows))
        file.write(chunk(b"fcTL", numbers.pack(1, 2, 2, 0, 0, 1, 10, 0, 0)))
        file.write(chunk(b"fdAT", struct.pack(">I", 2) + rows) + chunk(b"IEND", b""))


def frames_of(path):
    with Image.open(path) as image:
        found = []
        for number in range(image.n_frames):
            image.seek(number)
            found.append((np.asarray(image.convert("RGBA")), image.info["duration"]))
        return found, image.info.get("loop")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("name", ["in.gif", "in.webp", "in.png"])
def test_all_frames_their_times_and_loops(folder, name, channels):
    """Into a picture of its own kind, and by default into an animated PNG."""
    write(name, channels, loop=3, **({"lossless": True} if "webp" in name else {}))
    for words, target in (([], "sample/in_x2.png"), (["--output", "out" + name], "out" + name)):
        assert main.main([*WORDS, "--input", name, *words]) == 0
        (before, loop), (after, new_loop) = frames_of(name), frames_of(target)
        assert [time for _, time in after] == [time for _, time in before] == TIMES
        assert new_loop == (4 if "gif" in name and "gif" not in target else 3) and loop == 3
        for (small, _), (large, _) in zip(before, after, strict=True):
            assert large.shape == (60, 80, 4)
            shrunk = resize.imresize(large.astype(np.float32), 2, shrink=True)
            seen = (small[..., 3] == 255) & (np.abs(shrunk[..., 3] - 255) < 1)
            assert np.abs(shrunk - small)[seen][:, :3].mean() < 8  # a palette may be in between
            assert np.abs(shrunk[..., 3] - small[..., 3]).mean() < 16


@pytest.mark.parametrize(("loop", "plays"), [(None, 1), (0, 0), (1, 2)])
def test_how_often_a_gif_is_played(folder, loop, plays):
    write("in.gif", loop=loop) if loop is not None else write("in.gif")
    for name in ("out.png", "out.gif"):
        assert main.main([*WORDS, "--input", "in.gif", "--output", name]) == 0
    assert frames_of("out.png")[1] == plays
    assert frames_of("out.gif")[1] == loop


def test_a_picture_for_those_who_cannot_show_animations_is_not_of_it(folder, capfd):
    write("in.png", count=4, loop=0, default_image=True)
    with Image.open("in.png") as image:
        shown = image.n_frames - 1
    assert main.main([*WORDS, "--input", "in.png"]) == 2  # it is lost, and that is said
    assert len(frames_of("sample/in_x2.png")[0]) == shown
    assert "in.png: left out: the still picture for programs without animation\n" in capfd.readouterr().err


def test_pages_and_pictures_that_stand_still_are_the_first(folder, capfd):
    write("in.gif")
    frames = [Image.fromarray(picture(number)) for number in range(3)]
    frames[0].save("pages.tif", save_all=True, append_images=frames[1:])
    for words, said in ((["in.gif", "--output", "out.jpg"], "4 frames"), (["pages.tif"], "3 pages")):
        assert main.main([*WORDS, "--input", *words]) == 0
        assert f"has {said}; using the first one" in capfd.readouterr().err


def test_half_transparency_is_not_lost_in_a_gif(folder, fails):
    frames = [Image.fromarray(np.dstack([picture(n), np.full((30, 40), 100, np.uint8)])) for n in range(2)]
    frames[0].save("in.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert "partly transparent" in fails(*WORDS, "--input", "in.webp", "--output", "out.gif")


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize(("name", "words"), [("moving.png", []), ("still.png", []), ("x.mat", ["--export"])])
def test_what_came_while_it_was_written_stays(folder, monkeypatch, capfd, name, words, links):
    """The last moment at which a file of somebody else can appear, on file systems with links and without."""
    write("in.gif", count=4 if name == "moving.png" else 1)

    def then_somebody_saves(save):
        def saving(*args, **more):
            save(*args, **more)
            (folder / name).write_text("mine")

        return saving

    monkeypatch.setattr(Image.Image, "save", then_somebody_saves(Image.Image.save))
    monkeypatch.setattr(png, "write", then_somebody_saves(png.write))
    monkeypatch.setattr(scipy.io, "savemat", then_somebody_saves(scipy.io.savemat))
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError("no links")))
    words = ["--export", name, "--scale", "3"] if words else ["--input", "in.gif", "--output", name]
    assert main.main([*WORDS, *words]) == 2
    assert f"{name}: already exists" in capfd.readouterr().err
    assert (folder / name).read_text() == "mine"
    assert sorted(path.name for path in folder.iterdir()) == sorted(["in.gif", name])


def test_an_animation_that_lies_on_its_side_is_set_upright(folder):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    write("in.png", exif=exif)
    assert main.main([*WORDS, "--input", "in.png"]) == 0
    assert main.main([*WORDS[:2], *WORDS[4:], "--width", "60", "--input", "in.png"]) == 0
    for name in ("in_x2.png", "in_60x80.png"):
        with Image.open(f"sample/{name}") as image:
            assert image.getexif() == {0x0112: 1, 0x010F: "Maker"}
            assert image.n_frames == 4 and image.size == (60, 80)
            shrunk = resize.imresize(np.asarray(image.convert("RGB")).astype(np.float32), 2, shrink=True)
        assert np.abs(shrunk - np.rot90(picture(0), 3)).mean() < 4


def test_what_an_animation_would_lose_is_refused(folder, capfd):
    def refused(*words):
        assert main.main([*WORDS, "--input", *words]) == 2
        assert not (folder / "out.gif").exists()
        return capfd.readouterr().err

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write("in.png", icc_profile=profile)
    assert "out.gif: GIF cannot keep the colour profile" in refused("in.png", "--output", "out.gif")
    assert main.main([*WORDS, "--input", "in.png"]) == 0
    with Image.open("sample/in_x2.png") as image:
        assert image.info["icc_profile"] == profile
    grey = profile[:16] + b"GRAY" + profile[20:]
    shades = [Image.fromarray(picture(number)[..., 0]) for number in range(3)]
    shades[0].save("grey.png", save_all=True, append_images=shades[1:], icc_profile=grey)
    assert "grey.png: has a grey colour profile" in refused("grey.png")
    write_16_bits("deep.png")
    assert "deep.png: has 16 bits" in refused("deep.png")


def test_an_animation_of_too_many_pixels_is_refused_before_it_is_decoded(folder, monkeypatch, capfd):
    write("in.gif")
    monkeypatch.setattr(animations, "LARGEST", 4 * 80 * 60 - 1)
    monkeypatch.setattr(animations, "read", None)
    assert main.main([*WORDS, "--input", "in.gif"]) == 2
    assert "would have more than 19,199 pixels in all" in capfd.readouterr().err


def webp_of_canvas(width, height, count):
    """An animated WebP of little but its canvas: frames of 4x4 pixels."""
    file = io.BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 128)).save(file, "WEBP", lossless=True)

    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data

    def three(*numbers):
        return b"".join(struct.pack("<I", number)[:3] for number in numbers)

    content = chunk(b"VP8X", bytes([0x12, 0, 0, 0]) + three(width - 1, height - 1)) + chunk(b"ANIM", bytes(6))
    frame = file.getvalue()[file.getvalue().index(b"VP8L") :]
    content += chunk(b"ANMF", three(0, 0, 3, 3, 100) + b"\0" + frame) * count
    return b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content


@pytest.mark.parametrize("width, height, count", [(10_000_000, 20, 8), (16_000, 16_000, 2)])
@pytest.mark.parametrize("output", ["out.png", "out.webp", "out.gif"])
def test_a_canvas_much_larger_than_its_file_is_refused_before_it_is_made(
    folder, monkeypatch, capfd, width, height, count, output
):
    """In the program, and by who reads it: nothing asks Pillow for the pixels, which take a minute."""
    (folder / "in.webp").write_bytes(webp_of_canvas(width, height, count))
    monkeypatch.setattr(WebPImagePlugin.WebPImageFile, "load", None)
    assert main.main([*WORDS, "--input", "in.webp", "--output", output]) == 2
    assert "pixels in all; shorten the animation first" in capfd.readouterr().err
    with pytest.raises(InputError, match=r"in\.webp: has more than 268,435,456 pixels in all"):
        animations.read(folder / "in.webp")


def test_a_canvas_that_no_webp_has_is_refused(folder, monkeypatch):
    (folder / "in.webp").write_bytes(webp_of_canvas(16_384, 4, 2))
    with pytest.raises(InputError, match="a canvas of more than 16,383 pixels a side"):
        image_io.read(folder / "in.webp")
    (folder / "in.webp").write_bytes(webp_of_canvas(16_383, 4, 2))
    assert image_io.read(folder / "in.webp").pixels.shape == (4, 16_383, 4)
    assert len(animations.read(folder / "in.webp").frames) == 2


@pytest.mark.parametrize("suffix, largest", [(".gif", 65535), (".webp", 16383), (".png", 70000)])
def test_the_largest_results_can_be_read_and_larger_ones_are_refused(folder, suffix, largest):
    path = folder / f"a{suffix}"
    frames = [np.full((1, largest, 3), n * 100, np.uint8) for n in range(2)]
    frames[1][0, 7] = 9
    animations.save(animations.Animation(frames, [100, 100], 0), path)
    assert image_io.read(path).frames == 2
    np.testing.assert_array_equal(animations.read(path).frames, frames)
    animations.check_size(path, 2, 1, largest)
    if suffix != ".png":
        with pytest.raises(InputError, match=r"is more than .* can hold; use \.png"):
            animations.check_size(path, 2, 1, largest + 1)


def test_a_broken_frame_is_named(folder, capfd):
    write("in.gif")
    file = (folder / "in.gif").read_bytes()
    (folder / "in.gif").write_bytes(file[: len(file) * 2 // 3])
    assert main.main([*WORDS, "--input", "in.gif", "--output", "out.gif"]) == 2
    assert "in.gif: frame 3 cannot be read" in capfd.readouterr().err
    assert not (folder / "out.gif").exists()


def test_times_are_rounded_so_that_none_are_lost(folder, fails):
    """PNG has fractions; WebP counts milliseconds, GIF ten of them, which shows nothing for too long."""
    first, *others = [Image.new("RGB", (6, 5), (40 * n, 0, 0)) for n in range(6)]
    exact = [100.1, 33.4, 33.4, 33.4, 33.4, 66.7]
    first.save("in.png", save_all=True, append_images=others, duration=exact)
    for name, step in (("out.png", 0.1), ("out.webp", 1), ("out.gif", 10)):
        assert main.main([*WORDS, "--input", "in.png", "--output", name]) == 0
        times = [time for _, time in frames_of(name)[0]]
        for count in range(1, 7):
            assert sum(times[:count]) == pytest.approx(sum(exact[:count]), abs=0.51 * step)
    first.save("long.webp", save_all=True, append_images=others, duration=[700_000] + [40] * 5)
    assert "655.35 s" in fails(*WORDS, "--input", "long.webp", "--output", "long.gif")
    # Pillow makes one frame of equal ones, which would then be shown for too long.
    black = np.zeros((5, 6, 3), np.uint8)
    still = animations.Animation([black, black, black + 9], [400_000, 400_000, 40], 0)
    with pytest.raises(InputError, match=r"still.gif: GIF cannot hold these frames .* use .png"):
        animations.save(still, folder / "still.gif")
    assert not (folder / "still.gif").exists()
