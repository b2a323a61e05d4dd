"""Dots per inch, IPTC, texts and comments: kept where the format has a place, else named; read by others."""

import io
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, IptcImagePlugin
from PIL.PngImagePlugin import PngInfo

import main
from srcnn.images import image_io
from srcnn.upscaling.films.animated_source import as_film
from tests.conftest import ROOT
from tests.helpers.seeds import IPTC

IMAGE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8))
EXIF_FORMATS = ["jpg", "tif", "webp", "avif"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def enlarged(source, target):
    """Writes a result twice as large without a network; returns what is said to be left out."""
    picture = image_io.read(source)
    height, width = picture.pixels.shape[:2]
    info = picture.metadata.of_size((height, width), (2 * height, 2 * width))
    info = image_io.fitting_metadata(Path(target), info)
    image_io.save(picture.pixels.repeat(2, 0).repeat(2, 1), target, info=info)
    assert not image_io.read(target).metadata.left_out
    return info.left_out


def opened(name):
    with Image.open(name) as image:
        image.load()
        return image


def dots(name):
    """Dots per inch as Pillow finds them."""
    image = opened(name)
    exif = image.getexif()
    return image.info.get("dpi") or (exif.get(0x011A), exif.get(0x011B))


@pytest.mark.parametrize("source", ["jpg", "png", "tif", "bmp", "webp"])
@pytest.mark.parametrize("target", ["jpg", "png", "tif", "bmp", "webp", "avif", "heic"])
def test_dots_per_inch_stay(source, target):
    if target == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    exif = Image.Exif()
    exif.update({0x011A: 300.0, 0x011B: 200.0, 0x0128: 2})
    IMAGE.save(f"a.{source}", **({"exif": exif} if source == "webp" else {"dpi": (300, 200)}))
    assert enlarged(f"a.{source}", f"b.{target}") == ""
    np.testing.assert_allclose(np.array(dots(f"b.{target}"), float), (300, 200), atol=0.02)
    if {source, target} <= {"jpg", "tif", "webp"}:
        assert dots(f"b.{target}") == (300, 200)


def test_other_units_stay_and_what_has_no_place_is_named():
    """Dots on a centimetre, an odd number on a metre, the shape of pixels alone."""
    file = io.BytesIO()
    IMAGE.save(file, "JPEG", dpi=(300, 300))
    content = file.getvalue()
    for unit, x, y in ((2, 118, 59), (0, 2, 1)):
        Path("a.jpg").write_bytes(content[:13] + struct.pack(">BHH", unit, x, y) + content[18:])
        assert enlarged("a.jpg", "b.jpg") == ""
        assert opened("b.jpg").info["jfif_unit"] == unit and opened("b.jpg").info["jfif_density"] == (x, y)
        assert enlarged("a.jpg", "b.qoi") == ("dots per inch" if unit else "shape of pixels")
        enlarged("a.jpg", "b.tif")
        with tifffile.TiffFile("b.tif") as tif:
            tags = tif.pages.first.tags
            (a, b), (c, d) = tags[282].value, tags[283].value
            assert a / b == 2 * c / d and tags[296].value == (3 if unit else 1)
    chunk = struct.pack(">II4sIIB", 0, 9, b"pHYs", 2834, 1000, 1)[4:]
    IMAGE.save("c.png")
    content = Path("c.png").read_bytes()
    with_chunk = content[:33] + chunk + struct.pack(">I", zlib.crc32(chunk[4:])) + content[33:]
    Path("c.png").write_bytes(with_chunk)
    assert enlarged("c.png", "d.png") == "" and chunk in Path("d.png").read_bytes()
    IMAGE.save("usual.jpg", dpi=(72, 72))  # as programs write that were not told
    assert enlarged("usual.jpg", "b.qoi") == "" and "exif" not in opened("usual.jpg").info


@pytest.mark.parametrize("ending", ["jpg", "tif", "webp"])
def test_dots_across_and_down_change_places_where_the_picture_is_turned(ending):
    exif = Image.Exif()
    exif.update({0x0112: 6, 0x010F: "Maker", 0x011A: 300.0, 0x011B: 200.0, 0x0128: 2})
    IMAGE.save("a.jpg", exif=exif, dpi=(300, 200))
    assert enlarged("a.jpg", f"b.{ending}") == ""
    result = opened(f"b.{ending}")
    assert result.size == (16, 18) and dots(f"b.{ending}") == (200, 300)
    assert (result.getexif()[0x011A], result.getexif()[0x011B]) == (200, 300)


def with_iptc(name):
    """A JPEG or TIFF with IPTC and a small picture of Photoshop's."""
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + bytes(len(IPTC) % 2)
    thumbnail = b"8BIM\x04\x0c\0\0\0\0\0\x08SMALL..."
    if name.endswith("jpg"):
        body = b"Photoshop 3.0\0" + thumbnail + resource
        IMAGE.save(name, extra=b"\xff\xed" + struct.pack(">H", len(body) + 2) + body)
    else:
        tags = [(33723, 7, len(IPTC), IPTC, True)]
        tifffile.imwrite(name, np.asarray(IMAGE), photometric="rgb", metadata=None, extratags=tags)


@pytest.mark.parametrize("source", ["a.jpg", "a.tif"])
def test_iptc_goes_through_every_format_that_has_it(source):
    with_iptc(source)
    assert enlarged(source, "b.png") == enlarged("b.png", "c.tif") == enlarged("c.tif", "d.jpg") == ""
    for name in (source, "c.tif", "d.jpg"):
        assert IptcImagePlugin.getiptcinfo(opened(name)) == {(2, 25): b"holiday"}
    assert b"SMALL" not in Path("d.jpg").read_bytes()
    assert enlarged(source, "e.jp2") == enlarged("e.jp2", "f.jpg") == ""
    assert IptcImagePlugin.getiptcinfo(opened("f.jpg")) == {(2, 25): b"holiday"}
    assert cv2.imread("e.jp2").shape == (16, 18, 3)
    for ending in ("webp", "avif", "bmp"):
        assert enlarged(source, f"b.{ending}") == "IPTC"


def test_iptc_larger_than_a_part_of_a_jpeg():
    keyword = b"\x1c\x02\x19\x03\xe8" + b"k" * 1000
    tags = [(33723, 7, 100 * len(keyword), 100 * keyword, True)]
    tifffile.imwrite("a.tif", np.asarray(IMAGE), photometric="rgb", metadata=None, extratags=tags)
    assert enlarged("a.tif", "b.jpg") == enlarged("b.jpg", "c.tif") == ""
    assert len(IptcImagePlugin.getiptcinfo(opened("c.tif"))[2, 25]) == 100


TEXTS = {"Title": "Tïtle", "Author": "日本", "Copyright": "me", "Comment": "box 7", "parameters": "a tree"}


def with_texts(name, texts):
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    info.add(b"tIME", struct.pack(">H5B", 2020, 1, 2, 3, 4, 5))
    IMAGE.save(name, pnginfo=info)


def test_texts_stay_in_png(monkeypatch):
    with_texts("a.png", TEXTS | {"prompt": json.dumps({"node": "é"}) * 5000})
    assert enlarged("a.png", "b.png") == ""
    assert opened("b.png").text == opened("a.png").text
    assert b"tIME" + struct.pack(">H5B", 2020, 1, 2, 3, 4, 5) in Path("b.png").read_bytes()
    assert cv2.imread("b.png").shape == (16, 18, 3)  # by libpng, which takes no wrong chunk
    first = Path("b.png").read_bytes()
    enlarged("a.png", "b.png")
    assert Path("b.png").read_bytes() == first


@pytest.mark.parametrize("ending", EXIF_FORMATS)
def test_texts_go_to_tags_of_the_same_meaning(ending):
    with_texts("a.png", TEXTS | {"Creation Time": "noon"})
    said = enlarged("a.png", f"b.{ending}")
    assert said == ("text Creation Time" if ending == "jpg" else "texts Comment, Creation Time")
    exif = opened(f"b.{ending}").getexif()
    assert exif[0x010D] in ("Tïtle", "Tïtle".encode().decode("latin-1")) and exif[0x8298] == "me"
    assert exif[0x0132] == "2020:01:02 03:04:05"
    assert exif.get_ifd(0x8769)[0x9286] == b"ASCII\0\0\0a tree"
    if ending == "jpg":
        assert opened("b.jpg").info["comment"] == b"box 7"


def test_jpeg_2000_has_a_comment_beside_its_boxes():
    with_texts("a.png", {"Comment": "box 7", "parameters": "a tree"})
    assert enlarged("a.png", "b.jp2") == enlarged("b.jp2", "c.jpg") == ""
    found = opened("c.jpg")
    assert found.info["comment"] == opened("b.jp2").info["comment"] == b"box 7"
    assert found.getexif().get_ifd(0x8769)[0x9286] == b"ASCII\0\0\0a tree"


def test_what_exif_says_already_is_not_replaced():
    exif = Image.Exif()
    exif[0x013B], exif[0x010F] = "Other", "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2021:05:06 07:08:09"
    info = PngInfo()
    info.add_text("Author", "me")
    info.add_text("Copyright", "us")
    IMAGE.save("a.png", exif=exif, pnginfo=info)
    assert enlarged("a.png", "b.jpg") == "text Author"
    found = opened("b.jpg").getexif()
    assert (found[0x013B], found[0x8298], found[0x010F]) == ("Other", "us", "Maker")
    assert found.get_ifd(0x8769)[0x9003] == "2021:05:06 07:08:09"


def test_comments_of_every_format():
    """Each into PNG, and from there into JPEG; bytes of no encoding stay what they are in JPEG."""
    IMAGE.save("a.jpg", extra=b"\xff\xfe\0\x08second", comment=b"first \xff")
    IMAGE.save("a.gif", comment=b"first")
    IMAGE.save("a.jp2", comment=b"first")
    IMAGE.save("a.tga", id_section=b"first")
    Path("a.ppm").write_bytes(b"P6\n#first\n1 1\n# second\n255\n#ab")
    for ending in ("gif", "jp2", "tga", "ppm"):
        assert enlarged(f"a.{ending}", "b.png") == enlarged("b.png", "b.jpg") == ""
        assert opened("b.png").text["Comment"] in ("first", "second")
        assert opened("b.jpg").app["COM"] in (b"first", b"second")
        assert enlarged(f"a.{ending}", "b.bmp") == "comment"
    assert enlarged("a.jpg", "b.jpg") == ""
    assert [data for name, data in opened("b.jpg").applist if name == "COM"] == [b"second", b"first \xff"]
    assert enlarged("a.jpg", "b.png") == ""
    assert b"tEXtComment\0first \xff" in Path("b.png").read_bytes()


def test_the_program_says_what_is_lost(capfd):
    words = ["--scale", "2", "--checkpoint_dir", str(ROOT / "checkpoint")]
    with_texts("a.png", {"parameters": "a tree", "x\x1b[31m\x9b": "red"})
    assert main.main([*words, "--input", "a.png", "--output", "b.bmp"]) == 2
    said = capfd.readouterr().err
    assert "a.png: left out: texts parameters, x" in said and "\x1b" not in said and "\x9b" not in said
    IMAGE.quantize(9).save(
        "a.gif", save_all=True, append_images=[IMAGE.rotate(180).quantize(9)], comment=b"c"
    )
    for target in ("b.gif", "b.png", "b.webp"):
        assert main.main([*words, "--input", "a.gif", "--output", target]) == 0
    assert opened("b.gif").info["comment"] == b"c" and opened("b.png").text["Comment"] == "c"
    assert opened("b.webp").getexif().get_ifd(0x8769)[0x9286] == b"ASCII\0\0\0c"


def test_a_film_of_an_animation_has_no_place_for_its_comment():
    frames = [IMAGE.quantize(9), IMAGE.rotate(180).quantize(9)]
    for comment, words in ((b"c", ("comment",)), (b"", ())):
        frames[0].save("a.gif", save_all=True, append_images=frames[1:], comment=comment)
        assert as_film(Path("a.gif"), len(words))[1] == words


def test_parts_that_are_not_kept_are_named():
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" GCamera:MotionPhoto="1"/>'
    IMAGE.save("a.jpg", extra=b"\xff\xe1\0\x08FLIR\0\1" + b"\xff\xeb\0\x08JPc2pa", xmp=xmp)
    picture = image_io.read("a.jpg")
    assert picture.metadata.left_out == "APP1 FLIR, content credentials"
    assert picture.notice == "has the film of a live photograph, which the result does not have"
    IMAGE.save("a.jpg", extra=b"\xff\xe2\0\x22urn:iso:std:iso:ts:21496:-1\0\0\0\0\0")
    assert image_io.read("a.jpg").notice == "has a gain map, which the result does not have"
    info = PngInfo()
    info.add(b"caBX", b"credentials")
    info.add(b"npTc", b"of nobody")
    IMAGE.save("a.png", pnginfo=info)
    assert image_io.read("a.png").metadata.left_out == "content credentials, chunk npTc"
    content = io.BytesIO()
    IMAGE.save(content, "GIF")
    data = content.getvalue()
    extension = b"!\xff\x0bXMP DataXMP\x03abc\0!\xff\x0bNETSCAPE2.0\x03\1\0\0\0"
    at = data.index(b"\x2c\0\0\0\0")
    Path("a.gif").write_bytes(data[:at] + extension + data[at:])
    assert image_io.read("a.gif").metadata.left_out == "XMP"
    for ending, credentials in (("webp", b"C2PA\x04\0\0\0abcd"), ("avif", b"\0\0\0\x0cjumbabcd")):
        IMAGE.save(f"a.{ending}")
        content = Path(f"a.{ending}").read_bytes()
        if ending == "webp":
            content = content[:4] + struct.pack("<I", len(content) + 4) + content[8:]
        Path(f"a.{ending}").write_bytes(content + credentials)
        assert image_io.read(f"a.{ending}").metadata.left_out == "content credentials"


HOSTILE = [
    b"\xff\xed\0\x12Photoshop 3.0\0\0\0",
    b"\xff\xed\0\x1cPhotoshop 3.0\x008BIM\x04\x04\0\0\xff\xff\xff\xff",
    b"\xff\xed\0\x17Photoshop 3.0\x008BIM\x04\x04\xff",
    b"\xff\xfe\0\x02",
    b"\xff\xfe\0\x05\0\0\0",
    b"\xff\xe0\0\x0dJFIF\0\1\1\7\0\0\0",
]


@pytest.mark.parametrize("part", HOSTILE)
def test_damage_is_named_and_harms_nothing(part):
    IMAGE.save("a.jpg", extra=part)
    for ending in ("jpg", "png", "tif", "webp"):
        said = enlarged("a.jpg", f"b.{ending}")
        assert said == ("damaged data of Photoshop" if b"8BIM" in part else "")


def test_texts_that_are_huge_or_no_texts_are_named():
    IMAGE.save("a.jpg", comment=b"a\0\x1b[31m\xff")
    assert enlarged("a.jpg", "b.png") == "comment that is not text"
    assert enlarged("a.jpg", "b.bmp") == "comment" and enlarged("a.jpg", "b.jp2") == ""
    assert b"a\0\x1b[31m\xff" in image_io.read("b.jp2").metadata.exif
    with_texts("a.png", {"Comment": "x" * 70_000, "parameters": "y" * 70_000, "Title": "small"})
    assert enlarged("a.png", "b.jpg") == "texts Comment, parameters"
    assert opened("b.jpg").getexif()[0x010D] == "small"
    assert enlarged("a.png", "b.webp") == "comment"
    with_texts("a.png", {f"k{n}": "" for n in range(20_000)})
    assert enlarged("a.png", "b.jpg") == "texts k0, k1, k2, k3, k4 and 19995 more"


@pytest.mark.skipif(not shutil.which("exiftool"), reason="apt-get install libimage-exiftool-perl")
def test_an_independent_reader_finds_them():
    with_iptc("a.jpg")
    subprocess.run(
        [
            *("exiftool", "-q", "-Comment=box 7", "-IPTC:City=Wien", "-XResolution=240", "-YResolution=240"),
            *("-ResolutionUnit=inches", "-Photoshop:URL=http://a.b", "-overwrite_original", "a.jpg"),
        ],
        check=True,
    )
    for target in ("b.jpg", "b.png", "b.tif"):
        assert enlarged("a.jpg", target) == ""
        done = subprocess.run(["exiftool", "-json", target], capture_output=True, check=True)
        (found,) = json.loads(done.stdout)
        assert found["Keywords"] == "holiday" and found["City"] == "Wien" and found["URL"] == "http://a.b"
        assert found.get("Comment", found.get("UserComment")) == "box 7" and "Warning" not in found
        assert found.get("XResolution") == 240 or found["PixelsPerUnitX"] == round(240 / 0.0254)
