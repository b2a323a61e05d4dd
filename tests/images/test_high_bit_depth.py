"""PNG, PPM, AVIF and JPEG 2000 of all depths, colour profiles: read as computed from how they are made."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from srcnn.images import image_io
from srcnn.system.errors import InputError
from tests.helpers.image_files import RNG, SIZE, SRGB, encoded, equals, png, profile, random, read


@pytest.mark.parametrize("with_key", [False, True])
@pytest.mark.parametrize(
    ("bits", "kind", "channels"),
    [(1, 0, 1), (2, 0, 1), (4, 0, 1), (8, 0, 1), (16, 0, 1), (8, 2, 3), (16, 2, 3)],
)
def test_png_with_a_transparent_colour(bits, kind, channels, with_key):
    full = 65535 if bits == 16 else 255
    for n in range(3):
        stored = RNG.integers(0, 2**bits, (*SIZE, channels))
        stored[5, 6] = stored[7, 8]
        expected = (stored * (full // (2**bits - 1))).astype(np.uint16 if bits == 16 else np.uint8)
        key = stored[5, 6] if n else stored[5, 6] * 0
        chunks = []
        if with_key:
            chunks = [(b"tRNS", struct.pack(f">{channels}H", *key))]
            alpha = np.where((stored == key).all(2, keepdims=True), 0, full).astype(expected.dtype)
            expected = np.concatenate([expected, alpha], 2)
        assert equals(read(png(stored, bits, kind, *chunks), "a.png"), expected)


@pytest.mark.parametrize(("kind", "channels"), [(4, 2), (6, 4)])
@pytest.mark.parametrize("bits", [8, 16])
def test_png_with_alpha(bits, kind, channels):
    pixels = random(channels, 2**bits - 1)
    assert equals(read(png(pixels, bits, kind), "a.png"), pixels)


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
@pytest.mark.parametrize("bits", [8, 16])
def test_interlaced_png(bits, kind, channels):
    pixels = random(channels, 2**bits - 1)
    assert equals(read(png(pixels, bits, kind, interlaced=True), "a.png"), pixels)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_png_of_a_palette(bits):
    indices = RNG.integers(0, 2**bits, (*SIZE, 1))
    palette = RNG.integers(0, 256, (2**bits, 4), np.uint8)
    colours = (b"PLTE", palette[:, :3].tobytes())
    assert equals(read(png(indices, bits, 3, colours), "a.png"), palette[indices[..., 0], :3])
    content = png(indices, bits, 3, colours, (b"tRNS", palette[:, 3].tobytes()))
    assert equals(read(content, "a.png"), palette[indices[..., 0]])


def test_colour_spaces_named_without_a_profile():
    pixels = random(3)
    assert equals(read(png(pixels, 8, 2, (b"cICP", bytes([1, 13, 0, 1]))), "a.png"), pixels)
    for numbers in ([9, 16, 0, 1], [12, 13, 0, 1]):
        with pytest.raises(InputError, match="sRGB"):
            read(png(pixels, 8, 2, (b"cICP", bytes(numbers))), "a.png")
        chunks = (b"cICP", bytes(numbers)), (b"iCCP", b"x\0\0" + zlib.compress(SRGB))
        assert read(png(pixels, 8, 2, *chunks), "a.png").icc_profile == SRGB
    for gamma, right in ((45455, True), (100000, False), (55556, False)):
        content = png(pixels, 8, 2, (b"gAMA", struct.pack(">I", gamma)))
        if right:
            assert equals(read(content, "a.png"), pixels)
        else:
            with pytest.raises(InputError, match="sRGB"):
                read(content, "a.png")


def test_the_profile_of_a_bmp():
    """In the fifth of its headers, which has a place for it."""
    pixels = random(3)
    rows = b"".join(row[:, ::-1].tobytes().ljust(100, b"\0") for row in pixels[::-1])
    header = struct.pack("<IiiHHIIIIII", 124, SIZE[1], SIZE[0], 1, 24, 0, len(rows), 0, 0, 0, 0)
    header = header.ljust(56, b"\0") + b"DEBM"
    header = header.ljust(108, b"\0") + struct.pack("<IIII", 4, 124 + len(rows), len(SRGB), 0)
    content = b"BM" + struct.pack("<IHHI", 138 + len(rows) + len(SRGB), 0, 0, 138) + header + rows + SRGB
    picture = read(content, "a.bmp")
    assert equals(picture, pixels) and picture.icc_profile == SRGB


@pytest.mark.parametrize("top", [100, 255, 256, 300, 1023, 65535])
@pytest.mark.parametrize(("magic", "channels"), [(5, 1), (6, 3)])
def test_ppm_of_any_maximum(magic, channels, top):
    stored = RNG.integers(0, top + 1, (*SIZE, channels))
    stored[0, 0], stored[0, 1] = 0, top
    content = b"P%d\n# a comment\n%d %d\n%d\n" % (magic, SIZE[1], SIZE[0], top)
    content += stored.astype(">u2" if top > 255 else np.uint8).tobytes()
    kind, full = (np.uint16, 65535) if top > 255 else (np.uint8, 255)
    picture = read(content, "a.ppm")
    assert picture.pixels.dtype == kind and picture.pixels.shape == stored.shape
    assert np.abs(picture.pixels - stored * full / top).max() <= 0.5
    with pytest.raises(InputError, match=r"a\.ppm"):
        read(content[:-3], "a.ppm")


def test_plain_ppm():
    stored = RNG.integers(0, 256, (*SIZE, 3))
    content = f"P3 {SIZE[1]} {SIZE[0]} 255 " + " ".join(map(str, stored.ravel()))
    assert equals(read(content.encode(), "a.ppm"), stored.astype(np.uint8))
    with pytest.raises(InputError, match="P6"):
        read(content.replace(" 255 ", " 999 ", 1).encode(), "a.ppm")
    with pytest.raises(InputError):
        read(b"Pf %d %d -1.0\n" % SIZE + bytes(SIZE[0] * SIZE[1] * 4), "a.pfm")


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("channels", [3, 4])
def test_avif_of_more_than_8_bits(bits, channels):
    stored = np.kron(RNG.integers(0, 2**bits, (2, 3, channels)), np.ones((16, 16, 1))).astype(np.uint16)
    stored[0, 0], stored[0, 1] = 0, 2**bits - 1
    if not cv2.haveImageWriter(".avif"):
        pytest.skip("this OpenCV writes no AVIF")
    content = encoded(".avif", stored, cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, 100)
    picture = read(content, "a.avif")
    assert picture.pixels.dtype == np.uint16
    assert np.abs(picture.pixels - stored * 65535.0 / (2**bits - 1)).max() <= 65535 / 2**bits * 2
    place = content.find(b"colrnclx")
    assert place > 0
    with pytest.raises(InputError, match="sRGB"):
        read(content[: place + 11] + b"\x10" + content[place + 12 :], "a.avif")


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_2000_of_any_depth(bits, channels):
    """10 and 12 bits are made of 16 by the depth in the header: without loss, only the middle is moved."""
    stored = RNG.integers(0, 2**bits, (40, 50, channels))
    lossless = cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000
    if bits == 8:
        content = encoded(".jp2", stored.astype(np.uint8), *lossless)
    else:
        moved = stored - 2 ** (bits - 1) + 2**15
        content = bytearray(encoded(".jp2", moved.astype(np.uint16), *lossless))
        start = content.find(b"\xff\x4f\xff\x51")
        for place in (content.find(b"ihdr") + 14, *(start + 42 + 3 * i for i in range(channels))):
            assert content[place] == 15
            content[place] = bits - 1
    picture = read(bytes(content), "a.jp2")
    full = 255 if bits == 8 else 65535
    assert picture.pixels.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert np.abs(picture.pixels - stored * full / (2**bits - 1)).max() <= 0.5
    place = content.find(b"colr")
    box = struct.pack(">I", 11 + len(SRGB)) + b"colr\2\0\0" + SRGB
    content = content[: place - 4] + box + content[place + 11 :]
    place = content.find(b"jp2h") - 4
    size = int.from_bytes(content[place : place + 4], "big") - 15 + len(box)
    content = content[:place] + struct.pack(">I", size) + content[place + 4 :]
    assert read(bytes(content), "a.jp2").icc_profile == (SRGB if channels > 1 else None)


def test_the_profile_of_cmyk_or_of_the_wrong_colours_is_not_passed_on(tmp_path):
    path = tmp_path / "a.jpg"
    cases = [("CMYK", profile(b"CMYK"), None), ("CMYK", SRGB, None), ("L", SRGB, None)]
    cases += [("L", profile(b"GRAY"), profile(b"GRAY")), ("RGB", SRGB, SRGB), ("RGB", profile(b"GRAY"), None)]
    cases += [("RGB", b"nonsense" * 30, None)]
    for mode, icc, kept in cases:
        Image.new(mode, (9, 8)).save(path, icc_profile=icc)
        assert image_io.read(path).icc_profile == kept, (mode, icc[:20])
