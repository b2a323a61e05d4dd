"""EXIF and XMP of photographs in the enlargement, read by exiftool where it is, and by Pillow."""

import json
import shutil
import struct
import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

import main
from srcnn.images import exif, image_io
from srcnn.images.exif import ORIENTATION
from tests.conftest import ROOT

WORDS = ["--is_train", "False", "--scale", "2", "--checkpoint_dir", str(ROOT / "checkpoint")]
PLACE = {1: "N", 2: (48.0, 12.0, 0.0), 3: "E", 4: (16.0, 22.0, 12.0)}
DATE = "2021:05:06 07:08:09"
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description tiff:Orientation="6" xmp:Rating="4">
<tiff:ImageWidth>30</tiff:ImageWidth><xmp:Thumbnails><rdf:Alt/></xmp:Thumbnails></rdf:Description></rdf:RDF>
</x:xmpmeta>"""


@pytest.fixture
def photograph(tmp_path, monkeypatch):
    """As a camera notes it, on its side: 30x20 pixels, with a date, a place, XMP and a small picture."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 15, 3), np.uint8).repeat(4, 0).repeat(2, 1)
    exif = Image.Exif()
    exif[0x010F], exif[ORIENTATION] = "Camera", 6
    exif[0x8769] = {
        0x9003: DATE,
        0xA002: 30,
        0xA003: 20,
        0xA20E: IFDRational(3000),
        0x9214: (5, 6),
        0x927C: b"note" * 9,
    }
    exif[0x8825] = PLACE
    Image.fromarray(pixels).save("a.jpg", exif=with_thumbnail(exif.tobytes()), xmp=XMP)
    return tmp_path


def with_thumbnail(exif):
    """EXIF of Pillow with a second directory, of a small picture, at the end."""
    data = bytearray(exif[6:])
    order = "<" if data[:2] == b"II" else ">"
    (count,) = struct.unpack_from(order + "H", data, 8)
    struct.pack_into(order + "I", data, 10 + 12 * count, len(data))
    place = len(data) + 2 + 24 + 4
    data += struct.pack(order + "HHHIIHHIII", 2, 0x0201, 4, 1, place, 0x0202, 4, 1, 9, 0) + b"thumbnail"
    return exif[:6] + bytes(data)


def test_a_small_picture_said_to_be_where_the_rest_is_harms_nothing(photograph):
    with Image.open("a.jpg") as image:
        data = with_thumbnail(image.getexif().tobytes())
        at = data.rindex(struct.pack("<HHI" if b"II" in data[:8] else ">HHI", 0x0201, 4, 1)) + 8
        image.save("b.jpg", exif=data[:at] + bytes(4) + data[at + 4 :])
    assert upscale("--input", "b.jpg", "--output", "b.png") == 0
    assert Image.open("b.png").getexif()[0x010F] == "Camera"


def upscale(*words):
    return main.main([*WORDS, *map(str, words)])


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp", "avif", "heic", "jp2"])
def test_dates_and_places_survive_and_sizes_are_those_of_the_result(photograph, ending):
    """From a JPEG into each format, and from that into PNG."""
    if ending == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    notes = None if ending == "tif" else b"note" * 9  # which count from the beginning of the file
    assert upscale("--input", "a.jpg", "--output", f"b.{ending}") == (0 if notes else 2)
    assert upscale("--input", f"b.{ending}", "--output", "c.png") == 0
    results = (f"b.{ending}", 40, 60), ("c.png", 80, 120)
    for name, width, height in results[ending == "jp2" :]:  # of which Pillow does not read them
        assert b"thumbnail" not in (photograph / name).read_bytes()
        with Image.open(name) as image:
            assert image.size == (width, height)
            image.load()
            exif, xmp = image.getexif(), image.info["xmp"]
        inner = exif.get_ifd(0x8769)
        assert exif[0x010F] == "Camera" and exif.get(ORIENTATION, 1) == 1
        assert (inner[0x9003], inner[0xA002], inner[0xA003]) == (DATE, width, height)
        assert inner[0xA20E] == 3000 * width / 20 and inner.get(0x927C) == notes and 0x9214 not in inner
        assert exif.get_ifd(0x8825) == PLACE
        assert b'tiff:Orientation="1"' in xmp and b'Rating="4"' in xmp and b"Thumb" not in xmp
        assert b"<tiff:ImageWidth>%d<" % width in xmp


@pytest.mark.skipif(not shutil.which("exiftool"), reason="apt-get install libimage-exiftool-perl")
@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp", "avif", "heic", "jp2"])
def test_an_independent_reader_finds_them(photograph, ending):
    assert upscale("--input", "a.jpg", "--output", f"b.{ending}") == (2 if ending == "tif" else 0)
    done = subprocess.run(["exiftool", "-json", "-n", f"b.{ending}"], capture_output=True, check=True)
    (found,) = json.loads(done.stdout)
    assert found["DateTimeOriginal"] == DATE and found["Rating"] == 4 and found["Make"] == "Camera"
    assert found["GPSLatitude"] == pytest.approx(48.2) and found["GPSLongitude"] == pytest.approx(16.37)
    assert found.get("Orientation", 1) == 1 and found["ExifImageWidth"] == 40
    assert "ThumbnailImage" not in found and "Error" not in found


def test_sixteen_bits_and_animations_keep_them(photograph):
    with Image.open("a.jpg") as image:
        more = {"exif": image.info["exif"], "xmp": image.info["xmp"]}
        image.load()
        image.save("moving.webp", save_all=True, append_images=[image.rotate(180)], **more)
    picture = image_io.read("a.jpg")
    info = picture.metadata.of_size((30, 20), (30, 20))
    image_io.save(picture.pixels.astype(np.uint16) * 257, "deep.png", info=info)
    for source, target in (("deep.png", "deeper.png"), ("moving.webp", "b.webp"), ("moving.webp", "b.png")):
        assert upscale("--input", source, "--output", target) == 0
        with Image.open(target) as image:
            assert image.getexif().get_ifd(0x8825) == PLACE
    assert upscale("--input", "moving.webp", "--output", "b.gif") == 2


def test_a_tiff_with_layers_keeps_them(photograph, capsys):
    """What Photoshop keeps in its own tag, which is named, may be far larger than the photograph."""
    pixels = np.zeros((20, 30, 3), np.uint8)
    layers = [(37724, 7, 2**24 + 1, bytes(2**24 + 1), True)]
    tifffile.imwrite("layers.tif", pixels, datetime="2021:05:06 07:08:09", extratags=layers)
    assert upscale("--input", "layers.tif", "--output", "b.png") == 2
    assert "layers.tif: left out: layers of Photoshop" in capsys.readouterr().err
    assert Image.open("b.png").getexif()[0x0132] == DATE


def test_what_cannot_keep_them_is_refused(photograph, fails):
    for name in ("b.bmp", "b.tga", "b.ppm"):
        assert "EXIF or XMP; use .png" in fails(*WORDS, "--input", "a.jpg", "--output", name)
    with Image.open("a.jpg") as image:  # what every program writes is no reason
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        image.save("plain.jpg", exif=exif, xmp=b"")
    assert upscale("--input", "plain.jpg", "--output", "b.bmp") == 0


def test_damage_is_said_and_harms_nothing_else(photograph, capsys):
    exif = image_io.read("a.jpg").metadata.exif
    rng = np.random.default_rng(0)
    for n in range(60):
        bad = np.frombuffer(exif, np.uint8).copy()
        bad[rng.integers(0, len(bad), 6)] = rng.integers(0, 256, 6)
        Image.new("RGB", (9, 9)).save("bad.jpg", exif=b"Exif\0\0" + bad.tobytes()[: -n or None])
        info = image_io.read("bad.jpg").metadata
        for name in ("bad.png", "bad.tif"):
            try:
                image_io.save(np.zeros((18, 18, 3), np.uint8), name, info=info.of_size((9, 9), (18, 18)))
            except image_io.InputError as error:
                assert "metadata" in str(error)
    Image.new("RGB", (9, 9)).save("bad.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert upscale("--input", "bad.jpg") == 2
    assert "bad.jpg: left out: damaged EXIF" in capsys.readouterr().err
    assert Image.open("sample/bad_x2.png").size == (18, 18)


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_values_of_exif_may_fill_what_is_allowed_to_the_last_byte(beyond):
    """Two values, which lie at the same place, so that a small file may claim any size."""
    half = exif.LARGEST // 2
    sizes = half, half + beyond
    head = struct.pack("<H" + 2 * "HHII" + "I", 2, 0x010E, 2, sizes[0], 30, 0x010F, 2, sizes[1], 30, 0)
    data = BytesIO(head + bytes(max(sizes)))
    if beyond > 0:
        with pytest.raises(ValueError, match="too large"):
            exif.directory(data, "<", 0)
    else:
        assert [value[1] for value in exif.directory(data, "<", 0).values()] == list(sizes)


def test_notes_of_a_tiff_are_left_out_and_said(photograph, capfd):
    """They count from the beginning of a file that the result is not."""
    with Image.open("a.jpg") as image:
        _, tags = exif.tree(image.info["exif"][6:])
    whole = exif.packed(tags, "<" if image.info["exif"][6:8] == b"II" else ">", 8)
    start = (b"II*\0\x08\0\0\0" if image.info["exif"][6:8] == b"II" else b"MM\0*\0\0\0\x08") + whole
    found, had_notes = exif.of_tiff(*exif.first_directory(BytesIO(start), exif.OF_TIFF)[:2])
    assert had_notes and b"note" * 9 in start and b"note" * 9 not in found and DATE.encode() in found
    with Image.open("a.jpg") as image:
        image.save("b.tif", exif=image.getexif())
    assert b"note" * 9 in Path("b.tif").read_bytes()
    assert upscale("--input", "b.tif", "--output", "c.png") == 2
    assert "b.tif: left out: notes of the camera's maker" in capfd.readouterr().err
    assert b"note" * 9 not in Path("c.png").read_bytes()


@pytest.mark.parametrize("ending", ["png", "webp", "jpg", "avif"])
def test_an_orientation_in_xmp_alone_turns_nothing(photograph, ending):
    """As in browsers, libvips and ImageMagick."""
    more = {"xmp": XMP}
    if ending == "png":
        more = {"pnginfo": PngInfo()}
        more["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    Image.new("RGB", (20, 30), "red").save(f"x.{ending}", **more)
    assert image_io.size(f"x.{ending}") == (30, 20)
    assert image_io.read(f"x.{ending}").pixels.shape == (30, 20, 3)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "jpeg", None])
def test_an_orientation_in_xmp_alone_turns_no_tiff(photograph, compression):
    image = Image.new("RGB", (20, 30), "red")
    image = image if compression else image.quantize(2)  # palettes are read by Pillow, too
    image.save("x.tif", compression=compression, tiffinfo={700: XMP})
    picture = image_io.read("x.tif")
    assert image_io.size("x.tif") == picture.pixels.shape[:2] == (30, 20)
    assert picture.metadata.xmp == XMP
