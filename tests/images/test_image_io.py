"""Image files of all formats: modes, limits, damage, and what each ending keeps when written."""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from srcnn.images import image_io, ordinary
from srcnn.system.errors import InputError
from tests.helpers.image_files import RNG, SRGB, encoded, png, profile, random, read, tif


def test_modes_as_pillow_writes_them(tmp_path):
    """Each mode in each format that takes it: the pixels are those of a conversion before."""
    colour = Image.fromarray(random(3))
    alpha = Image.fromarray(random(4))
    sources = [colour.convert("1"), colour.convert("L"), colour, alpha, alpha.convert("LA")]
    sources += [colour.quantize(16), colour.convert("CMYK")]
    done = 0
    for image in sources:
        for suffix in (".bmp", ".gif", ".png", ".tga", ".tif", ".ppm", ".qoi", ".jp2", ".webp"):
            path = tmp_path / f"a{suffix}"
            try:
                image.save(path, **({"lossless": True, "exact": True} if suffix == ".webp" else {}))
            except (OSError, ValueError):  # this format has no such mode
                continue
            if suffix == ".gif" and image.mode not in ("1", "L", "P"):
                continue  # with fewer colours, or other ones
            pixels = image_io.read(path).pixels
            mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[pixels.shape[2]]
            expected = np.asarray(image.convert(mode)).reshape(pixels.shape)
            np.testing.assert_array_equal(pixels, expected, f"{image.mode} {suffix}")
            if suffix in (".png", ".qoi", ".tga", ".tif", ".webp"):
                assert (pixels.shape[2] in (2, 4)) == (image.mode in ("LA", "RGBA"))
            done += 1
    assert done > 35


def test_imageio_reads_what_is_ordinary(tmp_path, monkeypatch):
    """Whatever the files are called: for imageio, names may be addresses, archives and cameras."""
    monkeypatch.setattr(ordinary, "_by_pillow", None)
    monkeypatch.chdir(tmp_path)
    for name in ("~a.png", "<video0>.png", "in.zip/a.jpg", "http:/a.bmp", "imageio:a.png"):
        Path(name).parent.mkdir(exist_ok=True)
        image_io.save(random(3), name)
        np.testing.assert_array_equal(image_io.read(name).pixels, np.asarray(Image.open(name)))


def test_damaged_exif_is_no_reason_to_refuse_the_pixels(tmp_path):
    """Pillow, and so imageio, raises when it looks at it."""
    for suffix in (".jpg", ".png"):
        Image.fromarray(random(3)).save(tmp_path / f"a{suffix}", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
        picture = image_io.read(tmp_path / f"a{suffix}")
        np.testing.assert_array_equal(picture.pixels, np.asarray(Image.open(tmp_path / f"a{suffix}")))
        assert picture.metadata.left_out == "damaged EXIF"


def test_frames_are_counted(tmp_path):
    pages = [Image.fromarray(random(3)) for _ in range(3)]
    for suffix in (".gif", ".png", ".tif", ".webp"):
        pages[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=pages[1:])
        assert image_io.read(tmp_path / f"a{suffix}").frames == 3
    tifffile.imwrite(tmp_path / "a.tif", RNG.integers(0, 9, (4, 20, 30), np.uint16), photometric="minisblack")
    assert image_io.read(tmp_path / "a.tif").pixels.shape == (20, 30, 1)


def test_what_is_too_large_is_refused_at_once(monkeypatch):
    header = struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    bomb = start + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + struct.pack(">I", 9) + b"IDAT"
    large = bytearray(tif(random(3, 65535), photometric="rgb"))
    for tag in (256, 257):  # width and height become 40,000
        place = large.find(struct.pack("<HHI", tag, 4, 1))
        place = place if place > 0 else large.find(struct.pack("<HHI", tag, 3, 1))
        large[place + 8 : place + 10] = struct.pack("<H", 40000)
    for name, content in (("a.png", bomb), ("a.ppm", b"P6 40000 40000 255 "), ("a.tif", bytes(large))):
        with pytest.raises(InputError, match=f"{image_io.LARGEST:,} pixels"):
            read(content, name)


def test_a_panorama_is_read(tmp_path):
    Image.new("L", (30000, 3000), 77).save(tmp_path / "a.png")
    pixels = image_io.read(tmp_path / "a.png").pixels
    assert pixels.shape == (3000, 30000, 1) and pixels.min() == pixels.max() == 77


def test_files_that_cannot_be_opened(tmp_path, monkeypatch):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(InputError, match=r"a\.png: cannot be read: Is a directory"):
        image_io.read(tmp_path / "a.png")
    with pytest.raises(InputError, match="no such file"):
        image_io.read(tmp_path / "b.png")

    def forbid(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(image_io, "open", forbid, raising=False)
    with pytest.raises(InputError, match=r"c\.tif: cannot be read: Permission denied"):
        image_io.read(tmp_path / "c.tif")


def test_damaged_files_are_refused_without_a_word(tmp_path, capfd):
    """By all decoders, some of which would write to stderr, in C."""
    contents = {"a.tif": cv2.imencode(".tif", random(3, 65535))[1].tobytes(), "b.tif": tif(random(3, 65535))}
    contents["c.png"] = png(random(3, 65535), 16, 2, (b"iCCP", b"x\0\0" + zlib.compress(b"nonsense")))
    contents["d.jp2"] = encoded(".jp2", random(3, 65535).repeat(2, 0))
    for name in ("e.png", "f.tif", "g.webp", "h.jp2", "i.jpg", "j.gif"):
        Image.fromarray(random(3)).save(tmp_path / name)
        contents[name] = (tmp_path / name).read_bytes()
    rng = np.random.default_rng(7)
    for name, content in contents.items():
        for n in range(40):
            bad = np.frombuffer(content, np.uint8).copy()
            if n % 2:
                bad = bad[: rng.integers(1, len(bad))]
            bad[rng.integers(0, len(bad), 3)] = rng.integers(0, 256, 3)
            (tmp_path / name).write_bytes(bad.tobytes())
            try:
                image_io.read(tmp_path / name)
            except InputError as error:
                assert "\n" not in str(error) and name in str(error)
    assert capfd.readouterr() == ("", "")


SUFFIXES = sorted({*Image.registered_extensions(), *image_io.WRITABLE, *image_io.SUFFIXES, ".xyz", ""})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_ending_keeps_everything_or_is_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    written = set()
    for channels in (1, 2, 3, 4):
        for dtype in (np.uint8, np.uint16):
            for icc in (None, profile(b"GRAY") if channels < 3 else SRGB):
                y, x, c = np.mgrid[:48, :56, :channels]
                pixels = (120 + 100 * np.sin(x / 20 + c) * np.cos(y / 30)).astype(dtype)
                if channels in (2, 4):
                    pixels[..., -1] = 255
                    pixels[:16, :16, -1] = 0
                pixels = pixels * dtype(257) + 3 if dtype == np.uint16 else pixels
                try:
                    image_io.check_fits(path, *pixels.shape[:2], pixels, icc)
                except InputError as error:
                    assert "; use ." in str(error) and "\n" not in str(error)
                    continue
                image_io.save(pixels, path, icc)
                picture = image_io.read(path)
                assert picture.pixels.dtype == dtype and picture.icc_profile == icc and picture.frames == 1
                expected = pixels
                if picture.pixels.shape[2] != channels:  # grey as RGB, of the same pixels
                    expected = pixels[..., [0, 0, 0, 1][: channels + 2]]
                assert picture.pixels.shape == expected.shape
                exact = suffix not in (".avif", ".heic", ".heif", ".hif", ".jfif", ".jpeg", ".jpg", ".webp")
                seen = expected[..., -1:] > 0 if channels in (2, 4) else True
                difference = np.abs(picture.pixels.astype(int) - expected) * seen
                assert difference.mean() < (1e-9 if exact else 2)
                if channels in (2, 4):
                    assert np.abs(picture.pixels[..., -1].astype(int) - expected[..., -1]).max() <= (
                        not exact
                    )
                written.add((channels, dtype))
    assert bool(written) == (suffix in image_io.WRITABLE)
    # What people use keeps what it can: this is no refusal of everything.
    assert not written or (1, np.uint8) in written


def test_what_people_use_keeps_what_it_can(tmp_path):
    def fits(suffix, channels, top=255, icc=None):
        try:
            image_io.save(random(channels, top), tmp_path / f"a{suffix}", icc)
        except InputError:
            return False
        return True

    for channels in (1, 2, 3, 4):
        assert fits(".png", channels, 65535) and fits(".tif", channels, 65535)
        assert fits(".tif", channels, 65535, profile(b"GRAY") if channels < 3 else SRGB)
        for suffix in (".png", ".tif", ".webp", ".tga", ".qoi", ".jp2"):
            assert fits(suffix, channels)
    for suffix in (".png", ".jpg", ".webp", ".tif"):
        assert fits(suffix, 3, icc=SRGB)
    assert not fits(".bmp", 3, icc=SRGB) and not fits(".webp", 1, icc=profile(b"GRAY"))
    assert not fits(".pgm", 3) and not fits(".gif", 3) and not fits(".ico", 3)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [
        ".jp2",
        ".jpg",
        ".png",
        ".qoi",
        ".tga",
        ".tif",
        ".webp",
    ]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (3, 2)])
def test_tiny_images_in_every_format(tmp_path, size):
    for suffix in image_io.WRITABLE:
        for channels in (1, 3):
            if (suffix, channels) != (".pgm", 3):
                pixels = np.full((*size, channels), 130, np.uint8)
                image_io.save(pixels, tmp_path / f"a{suffix}")
                assert np.abs(image_io.read(tmp_path / f"a{suffix}").pixels - 130.0).max() <= 3


def test_threads_read_what_one_reads(tmp_path, capfd):
    pixels = random(3)
    for n in range(6):
        Image.fromarray(pixels).save(tmp_path / f"{n}.tif", compression="tiff_lzw")
        image_io.save(pixels.astype(np.uint16) * 257, tmp_path / f"{n}.png")
        broken = bytearray((tmp_path / f"{n}.tif").read_bytes())
        broken[9:400] = bytes(391)
        (tmp_path / f"{n}-broken.tif").write_bytes(broken)

    def pixels_of(path):
        try:
            return image_io.read(path).pixels
        except InputError:
            return None

    paths = sorted(tmp_path.iterdir()) * 10
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(pixels_of, paths))
    for path, one in zip(paths, found, strict=True):
        if "broken" in path.name:
            assert one is None
        else:
            np.testing.assert_array_equal(one // (257 if path.suffix == ".png" else 1), pixels)
    assert capfd.readouterr().err == ""
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


@pytest.mark.parametrize("alpha", ["any", "none"])
def test_the_fourth_byte_of_a_tga_is_alpha_unless_it_is_0_everywhere(tmp_path, alpha):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 7, 4)).astype(np.uint8)
    if alpha == "none":
        pixels[..., 3] = 0
    for bits in (0, 8):
        header = struct.pack("<BBB5xHHHHBB", 0, 0, 2, 0, 0, 7, 6, 32, 0x20 | bits)  # from the top
        (tmp_path / "a.tga").write_bytes(header + pixels[..., [2, 1, 0, 3]].tobytes())
        np.testing.assert_array_equal(
            image_io.read(tmp_path / "a.tga").pixels, pixels[..., : 4 if alpha == "any" else 3]
        )


def test_formats_are_found_by_ending(tmp_path):
    assert image_io.format_of(tmp_path / "a.JPG") == "JPEG"
    with pytest.raises(InputError, match="xyz"):
        image_io.format_of(tmp_path / "a.xyz")
