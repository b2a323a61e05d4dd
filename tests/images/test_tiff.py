"""Every kind of TIFF: read as computed from how it was made, or refused in a line."""

import io
import struct

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from srcnn.images import image_io, tiff
from srcnn.system.errors import InputError
from tests.helpers.image_files import RNG, SIZE, equals, lzw, profile, random, read, tif

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
def test_tiff(layout, planar, top):
    for channels in (1, 2, 3, 4):
        pixels = random(channels, top)
        tags = {**LAYOUTS[layout], "photometric": "rgb" if channels > 2 else "minisblack"}
        if channels in (2, 4):
            tags["extrasamples"] = ["unassalpha"]
        assert equals(read(tif(pixels, planar and channels > 1, **tags), "a.tif"), pixels)


@pytest.mark.parametrize("top", [255, 65535])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("channels", [2, 4])
def test_premultiplied_alpha_is_divided_out(channels, planar, top):
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
def test_white_may_be_zero(top):
    pixels = random(1, top)
    for layout in LAYOUTS.values():
        assert equals(read(tif(pixels, photometric="miniswhite", **layout), "a.tif"), top - pixels)
    both = random(2, top)
    content = tif(both, photometric="miniswhite", extrasamples=["unassalpha"])
    assert equals(read(content, "a.tif"), np.concatenate([top - both[..., :1], both[..., 1:]], 2))


def test_bilevel_tiff():
    bits = random(1) > 99
    white = (bits * 255).astype(np.uint8)
    assert equals(read(tif(bits, photometric="minisblack"), "a.tif"), white)
    assert equals(read(tif(bits, photometric="miniswhite"), "a.tif"), 255 - white)


def test_channels_beyond_alpha_are_left_out():
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
def test_other_compressions_of_tiff(compression, top):
    """LZW and PackBits."""
    for channels in (1, 3, 4):
        pixels = random(channels, top)
        swapped = pixels[..., [2, 1, 0, 3][:channels]] if channels > 1 else pixels
        content = cv2.imencode(".tif", swapped, [cv2.IMWRITE_TIFF_COMPRESSION, compression])[1].tobytes()
        assert equals(read(content, "a.tif"), pixels)


@pytest.mark.parametrize("top", [255, 65535])
@pytest.mark.parametrize("order", ["<", ">"])
def test_lzw_tiff_of_all_kinds(order, top):
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
        assert equals(image_io.read(tmp_path / "a.tif"), smooth, tolerance)
    Image.fromarray(smooth[..., 0] > 99).save(tmp_path / "a.tif", compression="group4")
    assert equals(image_io.read(tmp_path / "a.tif"), ((smooth[..., :1] > 99) * 255).astype(np.uint8))


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
def test_tiff_that_cannot_come_out_right_is_refused(kind, order):
    samples, tags, advice = REFUSED_TIFF[kind]
    for layout in ({}, {"compression": "zlib"}):
        with pytest.raises(InputError, match=advice) as error:
            read(tif(samples, byteorder=order, **{"photometric": "minisblack", **tags, **layout}), "a.tif")
        assert "\n" not in str(error.value) and "a.tif" in str(error.value)


def test_lab_becomes_rgb_without_the_profile_of_lab():
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


def test_missing_parts_of_a_tiff_are_not_black():
    for layout in ({}, {"compression": "zlib", "rowsperstrip": 5}, {"tile": (16, 16), "compression": "zlib"}):
        content = tif(random(3, 65535), photometric="rgb", **layout)
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            page = file.pages.first
            lengths = page.tags["StripByteCounts" if "tile" not in layout else "TileByteCounts"]
            at, first = lengths.valueoffset, struct.pack("<I", page.databytecounts[0])
            end = max(np.add(page.dataoffsets, page.databytecounts))
        damaged = [content[: end - 9] if end == len(content) else content[: end - 9].ljust(9, b"\0")]
        size = 4 if content[at : at + 4] == first else 2
        for count in (0,) * bool(layout) + (page.databytecounts[0] // 2,):
            damaged.append(content[:at] + struct.pack("<I", count)[:size] + content[at + size :])
        for bad in damaged:
            with pytest.raises(InputError):
                read(bad, "a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("top", [255, 65535])
def test_tiff_lying_on_its_side(orientation, top):
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


def test_files_of_more_than_4_gb(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff, "LARGEST_CLASSIC", 1000)
    pixels = random(4)
    image_io.save(pixels, tmp_path / "a.tif")
    assert (tmp_path / "a.tif").read_bytes()[:4] == b"II+\0"
    assert equals(image_io.read(tmp_path / "a.tif"), pixels)


def test_no_pixels_are_refused_at_once(tmp_path):
    """And not row by row, of which there may be four thousand million; by who only asks for the size, too."""
    content = tif(random(4, 65535), photometric="rgb", extrasamples=["assocalpha"])
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        tags = file.pages.first.tags
        places = {tag: tags[tag].valueoffset for tag in (256, 257, 278)}
        size = 2 if tags[256].dtype == 3 else 4
    empty = bytearray(content)
    for tag, number in ((256, 0), (257, 256**size - 1), (278, 256**size - 1)):
        empty[places[tag] : places[tag] + size] = number.to_bytes(size, "little")
    with pytest.raises(InputError, match="no size"):
        read(bytes(empty), "a.tif")
    many = content + bytes(range(1, 201))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        start = file.pages.first.tags[256].offset
    many = many[: start + 4] + struct.pack("<II", 50, len(content)) + many[start + 12 :]
    many = many[: start + 2] + struct.pack("<H", 4) + many[start + 4 :]
    with pytest.raises(InputError, match="no size"):
        read(many, "a.tif")
    for damaged in (bytes(empty), many):
        (tmp_path / "a.tif").write_bytes(damaged)
        with pytest.raises(InputError, match="no size"):
            image_io.size(tmp_path / "a.tif")


@pytest.mark.parametrize("layout", [{}, {"rowsperstrip": 7}, {"tile": (16, 16)}, {"planar": True}])
@pytest.mark.parametrize("top", [255, 65535])
@pytest.mark.parametrize("count", [0, 2**31, 1])
def test_byte_counts_without_compression_may_be_none_or_too_large(layout, top, count):
    """As libtiff reads them: how many bytes there are follows from the size. Too few are damage."""
    expected = random(3, top)
    content = bytearray(tif(expected, photometric="rgb", bigtiff=True, **layout))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        tag = file.pages.first.tags["TileByteCounts" if "tile" in layout else "StripByteCounts"]
        kind = {3: "H", 4: "I", 16: "Q"}[tag.dtype]
    number = min(count, 2 ** (8 * struct.calcsize(kind)) - 1)
    struct.pack_into(f"<{tag.count}{kind}", content, tag.valueoffset, *[number] * tag.count)
    if count == 1:
        with pytest.raises(InputError, match="ends too early"):
            read(content, "a.tif")
    else:
        np.testing.assert_array_equal(read(content, "a.tif").pixels, expected)


@pytest.mark.parametrize("compression", [1, 5, 8, 32773])
def test_a_single_strip_without_its_count_goes_on_to_the_end(tmp_path, compression):
    """As libtiff, and so libvips, reads it; whatever the count, what is cut off is damage."""
    path, expected = tmp_path / "a.tif", random(3)
    kinds = {1: "raw", 5: "tiff_lzw", 8: "tiff_adobe_deflate", 32773: "packbits"}
    Image.fromarray(expected).save(path, compression=kinds[compression])
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        assert page.compression == compression and len(page.dataoffsets) == 1
        tag, end = page.tags[279], page.dataoffsets[0] + page.databytecounts[0]
    content[tag.valueoffset : tag.valueoffset + {3: 2, 4: 4}[tag.dtype]] = bytes({3: 2, 4: 4}[tag.dtype])
    np.testing.assert_array_equal(read(content, "a.tif").pixels, expected)
    if end == len(content):
        with pytest.raises(InputError):
            read(content[:-20], "a.tif")


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("bits", [8, 16])
def test_colour_maps_of_8_bits(compression, bits):
    """Which writers made that misread the standard; libtiff knows them by their numbers."""
    indices, colours = random(1), random(3).reshape(-1, 3)[:256]
    numbers = colours.T.astype(np.uint16) * (257 if bits == 16 else 1)
    content = tif(indices, photometric="palette", colormap=numbers, compression=compression)
    np.testing.assert_array_equal(read(content, "a.tif").pixels, colours[indices[..., 0]])


@pytest.mark.parametrize(
    "channels, kinds, kept, words",
    [
        (4, ["unspecified"], 3, "1 extra channel"),
        (5, ["unassalpha", "unspecified"], 4, "1 extra channel"),
        (5, ["unspecified"] * 2, 3, "2 extra channels"),
        (4, ["unassalpha"], 4, ""),
    ],
)
def test_channels_that_are_left_out_are_said(channels, kinds, kept, words):
    picture = read(tif(np.repeat(random(1), channels, 2), photometric="rgb", extrasamples=kinds), "a.tif")
    assert picture.pixels.shape[2] == kept and picture.metadata.left_out == words


def test_cmyk_with_more_channels_is_named():
    content = tif(np.repeat(random(1), 5, 2), photometric="separated", extrasamples=["unassalpha"])
    with pytest.raises(InputError, match="CMYK with 5 channels; convert it to RGB"):
        read(content, "a.tif")


def test_sides_of_tiles_may_be_no_numbers():
    content = bytearray(tif(random(3), photometric="rgb", tile=(16, 16), bigtiff=True))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        place = file.pages.first.tags["TileWidth"].offset
    struct.pack_into("<QQ", content, place + 4, 1025, len(content))  # of which tifffile makes an array
    content += bytes(range(1, 251)) * 20
    with pytest.raises(InputError, match="no size"):
        read(content, "a.tif")
