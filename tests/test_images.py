"""Every kind of image file: read as computed from how it was made, or refused in a line; written whole."""

import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

import images
import tiff
from errors import InputError

SIZE = (20, 33)
RNG = np.random.default_rng(0)


def random(channels, top=255):
    pixels = RNG.integers(0, top + 1, (*SIZE, channels))
    pixels[0, 0], pixels[0, 1] = 0, top
    return pixels.astype(np.uint8 if top == 255 else np.uint16)


def profile(space):
    """A small profile: header and a table of no tags. space: 4 bytes, b"GRAY" or b"RGB "."""
    return struct.pack(
        ">I4sI4s4s4s12s4s", 132, b"test", 0x04000000, b"mntr", space, b"XYZ ", b"", b"acsp"
    ).ljust(132, b"\0")


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def equals(picture, expected, tolerance=0):
    assert picture.pixels.dtype == expected.dtype and picture.pixels.shape == expected.shape
    difference = np.abs(picture.pixels.astype(int) - expected)
    assert difference.max() <= tolerance
    return True


@pytest.fixture
def read(tmp_path):
    """Reads bytes as a file of that name."""

    def call(content, name):
        (tmp_path / name).write_bytes(content)
        return images.read(tmp_path / name)

    return call


# TIFF: written by tifffile, LZW by OpenCV, JPEG by Pillow


def tif(samples, planar=False, **tags):
    if planar:
        samples, tags["planarconfig"] = np.moveaxis(samples, 2, 0).copy(), "separate"
    elif samples.shape[2] == 1:
        samples = samples[..., 0]
    else:
        tags["planarconfig"] = "contig"
    file = io.BytesIO()
    tifffile.imwrite(file, samples, metadata=None, **tags)
    return file.getvalue()


LAYOUTS = {
    "strips": {},
    "tiles": {"tile": (16, 16)},
    "deflate": {"compression": "zlib", "rowsperstrip": 7},
    "predictor": {"compression": "zlib", "predictor": True},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "big-endian BigTIFF": {"bigtiff": True, "byteorder": ">", "compression": "zlib"},
}


@pytest.mark.parametrize("top", [255, 65535])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tiff(read, layout, planar, top):
    for channels in (1, 2, 3, 4):
        pixels = random(channels, top)
        tags = {**LAYOUTS[layout], "photometric": "rgb" if channels > 2 else "minisblack"}
        if channels in (2, 4):
            tags["extrasamples"] = ["unassalpha"]
        assert equals(read(tif(pixels, planar and channels > 1, **tags), "a.tif"), pixels)


@pytest.mark.parametrize("top", [255, 65535])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("channels", [2, 4])
def test_premultiplied_alpha_is_divided_out(read, channels, planar, top):
    straight = random(channels, top)
    alpha = straight[..., -1:] = np.maximum(straight[..., -1:], top // 4)
    stored = straight.copy()
    stored[..., :-1] = np.round(straight[..., :-1] * (alpha / top))
    kind = "rgb" if channels == 4 else "minisblack"
    for layout in ({}, {"compression": "zlib"}):
        content = tif(stored, planar, photometric=kind, extrasamples=["assocalpha"], **layout)
        assert equals(read(content, "a.tif"), straight, 2)
    stored[3, 4] = 0
    assert read(tif(stored, photometric=kind, extrasamples=["assocalpha"]), "a.tif").pixels[3, 4].max() == 0


@pytest.mark.parametrize("top", [255, 65535])
def test_white_may_be_zero(read, top):
    pixels = random(1, top)
    for layout in LAYOUTS.values():
        assert equals(read(tif(pixels, photometric="miniswhite", **layout), "a.tif"), top - pixels)
    both = random(2, top)
    content = tif(both, photometric="miniswhite", extrasamples=["unassalpha"])
    assert equals(read(content, "a.tif"), np.concatenate([top - both[..., :1], both[..., 1:]], 2))


def test_bilevel_tiff(read):
    bits = random(1) > 99
    white = (bits * 255).astype(np.uint8)
    assert equals(read(tif(bits, photometric="minisblack"), "a.tif"), white)
    assert equals(read(tif(bits, photometric="miniswhite"), "a.tif"), 255 - white)


def test_channels_beyond_alpha_are_left_out(read):
    for top in (255, 65535):
        for planar in (False, True):
            pixels = random(5, top)
            tags = {"photometric": "rgb", "planar": planar}
            content = tif(pixels, extrasamples=["unassalpha", "unspecified"], **tags)
            assert equals(read(content, "a.tif"), pixels[..., :4])
            content = tif(pixels, extrasamples=["unspecified", "unspecified"], **tags)
            assert equals(read(content, "a.tif"), pixels[..., :3])


@pytest.mark.parametrize("top", [255, 65535])
@pytest.mark.parametrize("compression", [5, 32773])
def test_other_compressions_of_tiff(read, compression, top):
    """LZW and PackBits."""
    for channels in (1, 3, 4):
        pixels = random(channels, top)
        swapped = pixels[..., [2, 1, 0, 3][:channels]] if channels > 1 else pixels
        content = cv2.imencode(".tif", swapped, [cv2.IMWRITE_TIFF_COMPRESSION, compression])[1].tobytes()
        assert equals(read(content, "a.tif"), pixels)


def lzw(content):
    """A TIFF of a strip a plane, without compression, with that of LZW: nothing but single bytes."""
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first
        tags = page.tags["Compression"], page.tags["StripOffsets"], page.tags["StripByteCounts"]
        places, order = list(zip(page.dataoffsets, page.databytecounts, strict=True)), file.byteorder
    offsets, lengths = [], []
    for start, length in places:
        codes = []
        for at in range(start, start + length, 200):  # before codes become longer than 9 bits
            codes += [256, *content[at : min(at + 200, start + length)]]
        bits = (np.array([*codes, 257])[:, None] >> np.arange(8, -1, -1)) & 1
        strip = np.packbits(bits.astype(np.uint8)).tobytes()
        offsets.append(len(content))
        lengths.append(len(strip))
        content += strip
    content = bytearray(content)
    for tag, numbers in zip(tags, ([5], offsets, lengths), strict=True):
        kind = {3: "H", 4: "I", 16: "Q"}[tag.dtype]
        struct.pack_into(f"{order}{len(numbers)}{kind}", content, tag.valueoffset, *numbers)
    return bytes(content)


@pytest.mark.parametrize("top", [255, 65535])
@pytest.mark.parametrize("order", ["<", ">"])
def test_lzw_tiff_of_all_kinds(read, order, top):
    for kind in ("miniswhite", "minisblack", "rgb"):
        for extra in ([], ["unassalpha"], ["assocalpha"], ["unspecified"]):
            colours = 3 if kind == "rgb" else 1
            for planar in (False, True)[: len(extra) + colours]:
                stored = random(colours + len(extra), top)
                expected = stored[..., : colours + (extra not in ([], ["unspecified"]))].copy()
                if extra == ["assocalpha"]:
                    stored[..., -1] = expected[..., -1] = np.maximum(stored[..., -1], top // 2)
                    stored[..., :-1] = np.minimum(stored[..., :-1], stored[..., -1:])
                    expected[..., :-1] = np.round(stored[..., :-1] * (top / stored[..., -1:]))
                if kind == "miniswhite":
                    expected[..., 0] = top - expected[..., 0]
                content = lzw(tif(stored, planar, photometric=kind, extrasamples=extra, byteorder=order))
                try:
                    picture = read(content, "a.tif")
                except InputError:  # better than another picture, but not for kinds that people have
                    assert planar or kind != "rgb"
                else:
                    assert equals(picture, expected, 1)


def test_pillows_compressions_of_tiff(tmp_path):
    smooth = np.kron(RNG.integers(60, 200, (4, 4, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    for compression, tolerance in (("jpeg", 70), ("tiff_lzw", 0), ("tiff_adobe_deflate", 0), ("packbits", 0)):
        Image.fromarray(smooth).save(tmp_path / "a.tif", compression=compression)
        assert equals(images.read(tmp_path / "a.tif"), smooth, tolerance)
    Image.fromarray(smooth[..., 0] > 99).save(tmp_path / "a.tif", compression="group4")
    assert equals(images.read(tmp_path / "a.tif"), ((smooth[..., :1] > 99) * 255).astype(np.uint8))


REFUSED_TIFF = {
    "signed 8": (random(1).view(np.int8), {}, "8 or 16 bits"),
    "signed 16": (random(1, 65535).view(np.int16), {}, "8 or 16 bits"),
    "signed 16 colour": (random(3, 65535).view(np.int16), {"photometric": "rgb"}, "8 or 16 bits"),
    "32": (random(1).astype(np.uint32), {}, "8 or 16 bits"),
    "32 colour": (random(3).astype(np.uint32), {"photometric": "rgb"}, "8 or 16 bits"),
    "signed 32": (random(1).astype(np.int32), {}, "8 or 16 bits"),
    "64": (random(1).astype(np.uint64), {}, "8 or 16 bits"),
    "float": (random(1).astype(np.float32), {}, "8 or 16 bits"),
    "half": (random(1).astype(np.float16), {}, "8 or 16 bits"),
    "colour float": (random(3).astype(np.float32), {"photometric": "rgb"}, "8 or 16 bits"),
    "CMYK of 16 bits": (random(4, 65535), {"photometric": "separated"}, "convert it to RGB"),
    "Lab of 16 bits": (random(3, 65535), {"photometric": "cielab"}, "convert it to RGB"),
    "five bands": (random(5), {"photometric": "minisblack"}, "5 channels"),
    "five deep bands": (random(5, 65535), {"photometric": "minisblack", "planar": True}, "5 channels"),
}


@pytest.mark.parametrize("kind", REFUSED_TIFF)
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_that_cannot_come_out_right_is_refused(read, kind, order):
    samples, tags, advice = REFUSED_TIFF[kind]
    for layout in ({}, {"compression": "zlib"}):
        with pytest.raises(InputError, match=advice) as error:
            read(tif(samples, byteorder=order, **{"photometric": "minisblack", **tags, **layout}), "a.tif")
        assert "\n" not in str(error.value) and "a.tif" in str(error.value)


def test_lab_becomes_rgb_without_the_profile_of_lab(read):
    """Neutral and known colours, by the formulas of CIE with the white of D50."""
    samples = np.zeros((*SIZE, 3), np.uint8)
    samples[..., 0] = np.linspace(0, 255, SIZE[1]).round()
    picture = read(tif(samples, photometric="cielab", iccprofile=profile(b"Lab ")), "a.tif")
    f = (samples[..., :1] / 255 * 100 + 16) / 116
    linear = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    expected = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    assert np.abs(picture.pixels - expected * 255).max() < 2
    assert picture.icc_profile is None
    samples[...] = [138, 81, 70]  # 54, 81, 70: nearly the red of sRGB
    red = read(tif(samples, photometric="cielab"), "a.tif").pixels.reshape(-1, 3).mean(0)
    assert red[0] > 245 and red[1] < 40 and red[2] < 40


def test_missing_parts_of_a_tiff_are_not_black(read):
    for layout in ({}, {"compression": "zlib", "rowsperstrip": 5}, {"tile": (16, 16), "compression": "zlib"}):
        content = tif(random(3, 65535), photometric="rgb", **layout)
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            page = file.pages.first
            lengths = page.tags["StripByteCounts" if "tile" not in layout else "TileByteCounts"]
            at, first = lengths.valueoffset, struct.pack("<I", page.databytecounts[0])
            end = max(np.add(page.dataoffsets, page.databytecounts))
        damaged = [content[: end - 9] if end == len(content) else content[: end - 9].ljust(9, b"\0")]
        size = 4 if content[at : at + 4] == first else 2
        for count in (0, page.databytecounts[0] // 2):
            damaged.append(content[:at] + struct.pack("<I", count)[:size] + content[at + size :])
        for bad in damaged:
            with pytest.raises(InputError):
                read(bad, "a.tif")


# PNG of all kinds, written by the format's own rules


ADAM7 = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))


def png(samples, bits, kind, *chunks, interlaced=False):
    rows = b""
    for top, down, left, across in ADAM7 if interlaced else ((0, 1, 0, 1),):
        part = samples[top::down, left::across]
        for row in part.reshape(len(part), -1).astype(">u2"):
            digits = np.unpackbits(row.view(np.uint8)).reshape(-1, 16)[:, 16 - bits :]
            rows += b"\0" + np.packbits(digits).tobytes()
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], bits, kind, 0, 0, interlaced)
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return content


@pytest.mark.parametrize("with_key", [False, True])
@pytest.mark.parametrize(
    ("bits", "kind", "channels"),
    [(1, 0, 1), (2, 0, 1), (4, 0, 1), (8, 0, 1), (16, 0, 1), (8, 2, 3), (16, 2, 3)],
)
def test_png_with_a_transparent_colour(read, bits, kind, channels, with_key):
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
def test_png_with_alpha(read, bits, kind, channels):
    pixels = random(channels, 2**bits - 1)
    assert equals(read(png(pixels, bits, kind), "a.png"), pixels)


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
@pytest.mark.parametrize("bits", [8, 16])
def test_interlaced_png(read, bits, kind, channels):
    pixels = random(channels, 2**bits - 1)
    assert equals(read(png(pixels, bits, kind, interlaced=True), "a.png"), pixels)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_png_of_a_palette(read, bits):
    indices = RNG.integers(0, 2**bits, (*SIZE, 1))
    palette = RNG.integers(0, 256, (2**bits, 4), np.uint8)
    colours = (b"PLTE", palette[:, :3].tobytes())
    assert equals(read(png(indices, bits, 3, colours), "a.png"), palette[indices[..., 0], :3])
    content = png(indices, bits, 3, colours, (b"tRNS", palette[:, 3].tobytes()))
    assert equals(read(content, "a.png"), palette[indices[..., 0]])


def test_colour_spaces_named_without_a_profile(read):
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
    for index in ("R98", "R03"):
        image = Image.fromarray(pixels)
        exif = image.getexif()
        exif.get_ifd(0x8769)[0xA005] = {1: index}
        file = io.BytesIO()
        image.save(file, "JPEG", exif=exif)
        assert index.encode() in file.getvalue()
        if index == "R98":
            assert read(file.getvalue(), "a.jpg").pixels.shape == pixels.shape
        else:
            with pytest.raises(InputError, match="sRGB"):
                read(file.getvalue(), "a.jpg")


def test_the_profile_of_a_bmp(read):
    """In the fifth of its headers, which has a place for it."""
    pixels = random(3)
    rows = b"".join(row[:, ::-1].tobytes().ljust(100, b"\0") for row in pixels[::-1])
    header = struct.pack("<IiiHHIIIIII", 124, SIZE[1], SIZE[0], 1, 24, 0, len(rows), 0, 0, 0, 0)
    header = header.ljust(56, b"\0") + b"DEBM"
    header = header.ljust(108, b"\0") + struct.pack("<IIII", 4, 124 + len(rows), len(SRGB), 0)
    content = b"BM" + struct.pack("<IHHI", 138 + len(rows) + len(SRGB), 0, 0, 138) + header + rows + SRGB
    picture = read(content, "a.bmp")
    assert equals(picture, pixels) and picture.icc_profile == SRGB


# PPM, AVIF, JPEG 2000


@pytest.mark.parametrize("top", [100, 255, 256, 300, 1023, 65535])
@pytest.mark.parametrize(("magic", "channels"), [(5, 1), (6, 3)])
def test_ppm_of_any_maximum(read, magic, channels, top):
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


def test_plain_ppm(read):
    stored = RNG.integers(0, 256, (*SIZE, 3))
    content = f"P3 {SIZE[1]} {SIZE[0]} 255 " + " ".join(map(str, stored.ravel()))
    assert equals(read(content.encode(), "a.ppm"), stored.astype(np.uint8))
    with pytest.raises(InputError, match="P6"):
        read(content.replace(" 255 ", " 999 ", 1).encode(), "a.ppm")
    with pytest.raises(InputError):
        read(b"Pf %d %d -1.0\n" % SIZE + bytes(SIZE[0] * SIZE[1] * 4), "a.pfm")


def encoded(suffix, pixels, *options):
    swapped = pixels if pixels.shape[2] == 1 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    done, content = cv2.imencode(suffix, swapped, list(options))
    assert done
    return content.tobytes()


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("channels", [3, 4])
def test_avif_of_more_than_8_bits(read, bits, channels):
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
def test_jpeg_2000_of_any_depth(read, bits, channels):
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


# Other modes of Pillow


def test_modes_as_pillow_writes_them(tmp_path):
    """Each mode in each format that takes it: the pixels are those of a conversion before."""
    colour = Image.fromarray(random(3))
    alpha = Image.fromarray(random(4))
    sources = [colour.convert("1"), colour.convert("L"), colour, alpha, alpha.convert("LA")]
    sources += [colour.quantize(16), colour.convert("CMYK"), colour.convert("YCbCr")]
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
            print(image.mode, suffix)
            pixels = images.read(path).pixels
            mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[pixels.shape[2]]
            expected = np.asarray(image.convert(mode)).reshape(pixels.shape)
            if not (suffix == ".jp2" and image.mode == "YCbCr"):
                np.testing.assert_array_equal(pixels, expected, f"{image.mode} {suffix}")
            if suffix in (".png", ".qoi", ".tga", ".tif", ".webp"):
                assert (pixels.shape[2] in (2, 4)) == (image.mode in ("LA", "RGBA"))
            done += 1
    assert done > 35


def test_the_profile_of_cmyk_or_of_the_wrong_colours_is_not_passed_on(tmp_path):
    path = tmp_path / "a.jpg"
    cases = [("CMYK", profile(b"CMYK"), None), ("CMYK", SRGB, None), ("L", SRGB, None)]
    cases += [("L", profile(b"GRAY"), profile(b"GRAY")), ("RGB", SRGB, SRGB), ("RGB", profile(b"GRAY"), None)]
    cases += [("RGB", b"nonsense" * 30, None)]
    for mode, icc, kept in cases:
        Image.new(mode, (9, 8)).save(path, icc_profile=icc)
        if icc == profile(b"CMYK"):  # of no use for a conversion
            with pytest.raises(InputError):
                images.read(path)
        else:
            assert images.read(path).icc_profile == kept, (mode, icc[:20])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("top", [255, 65535])
def test_tiff_lying_on_its_side(read, orientation, top):
    """As the standard defines it: where row 0 and column 0 of the file belong."""
    pixels = random(3, top)
    row0 = {1: "top", 2: "top", 3: "bottom", 4: "bottom", 5: "left", 6: "right", 7: "right", 8: "left"}
    column0 = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}
    expected = pixels if row0[orientation] in ("top", "bottom") else pixels.transpose(1, 0, 2)
    if "bottom" in (row0[orientation], column0[orientation]):
        expected = expected[::-1]
    if "right" in (row0[orientation], column0[orientation]):
        expected = expected[:, ::-1]
    tag = [(274, 3, 1, orientation, True)]
    assert equals(read(tif(pixels, photometric="rgb", extratags=tag), "a.tif"), expected)
    lzw = read(tif(pixels[..., :1], photometric="minisblack", extratags=tag), "b.tif")
    assert equals(lzw, expected[..., :1])


def test_frames_are_counted(tmp_path):
    pages = [Image.fromarray(random(3)) for _ in range(3)]
    for suffix in (".gif", ".png", ".tif", ".webp"):
        pages[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=pages[1:])
        assert images.read(tmp_path / f"a{suffix}").frames == 3
    tifffile.imwrite(tmp_path / "a.tif", RNG.integers(0, 9, (4, 20, 30), np.uint16), photometric="minisblack")
    assert images.read(tmp_path / "a.tif").pixels.shape == (20, 30, 1)


# Limits and failures


def test_what_is_too_large_is_refused_at_once(read, monkeypatch):
    header = struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    bomb = start + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + struct.pack(">I", 9) + b"IDAT"
    large = bytearray(tif(random(3, 65535), photometric="rgb"))
    for tag in (256, 257):  # width and height become 40,000
        place = large.find(struct.pack("<HHI", tag, 4, 1))
        place = place if place > 0 else large.find(struct.pack("<HHI", tag, 3, 1))
        large[place + 8 : place + 10] = struct.pack("<H", 40000)
    for name, content in (("a.png", bomb), ("a.ppm", b"P6 40000 40000 255 "), ("a.tif", bytes(large))):
        with pytest.raises(InputError, match=f"{images.LARGEST:,} pixels"):
            read(content, name)


def test_a_panorama_is_read(tmp_path):
    Image.new("L", (30000, 3000), 77).save(tmp_path / "a.png")
    pixels = images.read(tmp_path / "a.png").pixels
    assert pixels.shape == (3000, 30000, 1) and pixels.min() == pixels.max() == 77


def test_files_that_cannot_be_opened(tmp_path, monkeypatch):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(InputError, match=r"a\.png: cannot be read: Is a directory"):
        images.read(tmp_path / "a.png")
    with pytest.raises(InputError, match="no such file"):
        images.read(tmp_path / "b.png")

    def forbid(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(images, "open", forbid, raising=False)
    with pytest.raises(InputError, match=r"c\.tif: cannot be read: Permission denied"):
        images.read(tmp_path / "c.tif")


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
                images.read(tmp_path / name)
            except InputError as error:
                assert "\n" not in str(error) and name in str(error)
    assert capfd.readouterr() == ("", "")


# Writing


SUFFIXES = sorted({*Image.registered_extensions(), *images.WRITABLE, *images.SUFFIXES, ".xyz", ""})


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
                    images.check_fits(path, *pixels.shape[:2], pixels, icc)
                except InputError as error:
                    assert "; take ." in str(error) and "\n" not in str(error)
                    continue
                images.save(pixels, path, icc)
                picture = images.read(path)
                assert picture.pixels.dtype == dtype and picture.icc_profile == icc and picture.frames == 1
                expected = pixels
                if picture.pixels.shape[2] != channels:  # grey as RGB, of the same pixels
                    expected = pixels[..., [0, 0, 0, 1][: channels + 2]]
                assert picture.pixels.shape == expected.shape
                exact = suffix not in (".avif", ".jfif", ".jpeg", ".jpg", ".webp")
                seen = expected[..., -1:] > 0 if channels in (2, 4) else True
                difference = np.abs(picture.pixels.astype(int) - expected) * seen
                assert difference.mean() < (1e-9 if exact else 2)
                if channels in (2, 4):
                    assert np.abs(picture.pixels[..., -1].astype(int) - expected[..., -1]).max() <= (
                        not exact
                    )
                written.add((channels, dtype))
    assert bool(written) == (suffix in images.WRITABLE)
    # What people use keeps what it can: this is no refusal of everything.
    assert not written or (1, np.uint8) in written


def test_what_people_use_keeps_what_it_can(tmp_path):
    def fits(suffix, channels, top=255, icc=None):
        try:
            images.save(random(channels, top), tmp_path / f"a{suffix}", icc)
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
    for suffix in images.WRITABLE:
        for channels in (1, 3):
            if (suffix, channels) != (".pgm", 3):
                pixels = np.full((*size, channels), 130, np.uint8)
                images.save(pixels, tmp_path / f"a{suffix}")
                assert np.abs(images.read(tmp_path / f"a{suffix}").pixels - 130.0).max() <= 3


def test_files_of_more_than_4_gb(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff, "LARGEST_CLASSIC", 1000)
    pixels = random(4)
    images.save(pixels, tmp_path / "a.tif")
    assert (tmp_path / "a.tif").read_bytes()[:4] == b"II+\0"
    assert equals(images.read(tmp_path / "a.tif"), pixels)


def test_threads_read_what_one_reads(tmp_path, capfd):
    pixels = random(3)
    for n in range(6):
        Image.fromarray(pixels).save(tmp_path / f"{n}.tif", compression="tiff_lzw")
        images.save(pixels.astype(np.uint16) * 257, tmp_path / f"{n}.png")
        broken = bytearray((tmp_path / f"{n}.tif").read_bytes())
        broken[9:400] = bytes(391)
        (tmp_path / f"{n}-broken.tif").write_bytes(broken)

    def pixels_of(path):
        try:
            return images.read(path).pixels
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
