"""Files that look like images and are none that are read: named for what they are, never half-read."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from srcnn.images import foreign, image_io
from srcnn.system.errors import InputError
from srcnn.upscaling.inputs import sources
from tests.helpers.pictures import smooth

CFA, LINEAR_RAW, RGB, REDUCED, DNG = 32803, 34892, 2, 254, 50706


def raw(path, first=(), below=CFA):
    """A TIFF as cameras write it: a thumbnail first, the sensor's numbers in a directory below it."""
    with tifffile.TiffWriter(path) as file:
        file.write(smooth(12, 16, 3), subifds=1, photometric="rgb", extratags=first, metadata=None)
        mosaic = np.zeros((48, 64), np.uint16)
        file.write(mosaic, photometric="minisblack", metadata=None, extratags=[])
    data = bytearray(Path(path).read_bytes())
    with tifffile.TiffFile(path) as file:
        entry = file.pages.first.pages[0].tags[262]
    struct.pack_into("<H", data, entry.offset + 8, below)
    Path(path).write_bytes(data)


@pytest.mark.parametrize("name", ["a.dng", "a.tif", "a.jpg"])
@pytest.mark.parametrize("below", [CFA, LINEAR_RAW])
def test_a_raw_file_is_known_by_what_is_in_it(tmp_path, name, below):
    raw(tmp_path / name, below=below)
    for look in (image_io.read, image_io.size):
        with pytest.raises(InputError, match=f"{name}: camera raw; develop it"):
            look(tmp_path / name)


@pytest.mark.parametrize("pages", [1, 3])
def test_a_raw_file_is_known_by_a_later_page(tmp_path, pages):
    """Small pictures first, in the chain of pages; a damaged page after a good picture changes nothing."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for _ in range(pages):
            file.write(smooth(12, 16, 3), photometric="rgb", metadata=None)
        file.write(np.zeros((48, 64), np.uint16), photometric="minisblack", metadata=None)
    assert image_io.read(path).frames == pages + 1
    with tifffile.TiffFile(path) as file:
        at = file.pages[pages].tags[262].offset
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, at + 8, CFA)
    path.write_bytes(data)
    with pytest.raises(InputError, match="camera raw"):
        image_io.read(path)
    data[at : at + 12] = b"\xff" * 12
    path.write_bytes(data)
    assert image_io.read(path).pixels.shape == (12, 16, 3)


def test_directories_without_number_take_no_time(tmp_path, monkeypatch):
    path, seen = tmp_path / "a.tif", []
    with tifffile.TiffWriter(path) as file:
        file.write(smooth(12, 16, 3), subifds=100, photometric="rgb", metadata=None)
        for _ in range(100):
            file.write(smooth(12, 16, 3), photometric="rgb", metadata=None)
    number = foreign._number
    monkeypatch.setattr(foreign, "_number", lambda *of: seen.append(of) or number(*of))
    assert image_io.read(path).frames == 1
    assert len(seen) < 40


def test_a_dng_is_known_by_its_version_and_a_nef_by_its_ending(tmp_path):
    version = (DNG, 1, 4, (1, 4, 0, 0), True)
    tifffile.imwrite(tmp_path / "a.tif", smooth(12, 16, 3), extratags=[version], metadata=None)
    tifffile.imwrite(tmp_path / "a.NEF", smooth(12, 16, 3), metadata=None)
    for name in ("a.tif", "a.NEF"):
        with pytest.raises(InputError, match="camera raw"):
            image_io.read(tmp_path / name)


@pytest.mark.parametrize("tag", [(33421, 3, 2, (2, 2), True), (33422, 1, 4, b"\0\1\1\2", True)])
def test_a_colour_filter_array_is_known_by_its_own_tags(tmp_path, tag):
    """Whatever the photometric interpretation of the sensor's numbers is."""
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((48, 64), np.uint16), extratags=[tag], metadata=None)
    with pytest.raises(InputError, match="camera raw"):
        image_io.read(tmp_path / "a.tif")


@pytest.mark.parametrize("tag", [(254, 4, 1, 1, True), (255, 3, 1, 2, True)])
def test_a_reduced_picture_is_not_taken_for_the_photograph(tmp_path, tag):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, smooth(12, 16, 3), extratags=[tag], metadata=None)
    with tifffile.TiffFile(path) as file:
        if file.pages.first.tags.valueof(tag[0]) != tag[3]:  # tifffile writes its own
            file.close()
            tifffile.imwrite(path, smooth(12, 16, 3), subfiletype=1, metadata=None)
    with pytest.raises(InputError, match="the thumbnail of another"):
        image_io.read(path)


def test_a_mask_is_not_taken_for_the_photograph(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, smooth(12, 16, 1), subfiletype=1, metadata=None)
    with tifffile.TiffFile(path) as file:
        at = file.pages.first.tags[254].offset
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, at + 8, 4)
    path.write_bytes(data)
    with pytest.raises(InputError, match="the mask of another"):
        image_io.read(path)


def test_other_tiffs_are_read(tmp_path):
    pages = np.array([smooth(12, 16, 3)] * 2)
    tifffile.imwrite(tmp_path / "a.tif", pages, subfiletype=2, photometric="rgb")
    assert image_io.read(tmp_path / "a.tif").pixels.shape == (12, 16, 3)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"FUJIFILMCCD-RAW 0201", "camera raw"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "camera raw"),
        (b"IIRO\x08\0\0\0", "camera raw"),
        (b"IIU\0\x18\0\0\0", "camera raw"),
        (b"FOVb\0\0", "camera raw"),
        (b"II*\0\x10\0\0\0CR\2\0", "camera raw"),
        (b"II*\0\x10\0\0\0IIII\1\0\0\0", "camera raw"),
        (b"MM\0*\0\0\0\x10MMMM\0\0\0\1", "camera raw"),
        (b"DDS |\0\0\0", "DirectDraw"),
        (b"\xff\x0a\x00", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?>\n<svg/>", "SVG"),
        (b"<?xml version='1.0'?>\n<!-- made by a program that likes to be named -->\n<svg/>", "SVG"),
        (b"8BPS\0\1", "Photoshop"),
        (b"v/1\1\2\0\0\0", "OpenEXR"),
    ],
)
def test_the_kind_is_named(tmp_path, start, said):
    path = tmp_path / "a.png"
    path.write_bytes(start + bytes(100))
    for look in (image_io.read, image_io.size):
        with pytest.raises(InputError, match=rf"a\.png: .*{said}"):
            look(path)


@pytest.mark.parametrize(
    ("name", "said"), [("a.kdc", "camera raw"), ("a.GPR", "camera raw"), ("a.svg", "SVG")]
)
def test_what_only_its_ending_tells_is_named_too(tmp_path, name, said):
    (tmp_path / name).write_bytes(b"\xef\xbb\xbfof no kind" * 100)
    with pytest.raises(InputError, match=f"{name}: {said}, which is not read"):
        image_io.read(tmp_path / name)


def test_a_folder_takes_every_ending_that_is_read_and_names_the_others(tmp_path, capsys):
    Image.init()
    read = {ending for ending, name in Image.EXTENSION.items() if name in image_io.READABLE} - {".pfm"}
    read |= {".pjp", ".pjpeg"}  # as browsers save
    for ending in read:
        (tmp_path / f"a{ending}").touch()
    for ending in (".dng", ".CR3", ".jxl", ".dds", ".svg", ".txt"):
        (tmp_path / f"b{ending}").touch()
    assert len(sources([str(tmp_path)], recursive=False)) == len(read)
    said = capsys.readouterr().out
    for kind in (
        ".dng (camera raw)",
        ".CR3 (camera raw)",
        ".jxl (JPEG XL)",
        ".dds (DirectDraw",
        ".svg (SVG)",
    ):
        assert f"1 {kind}" in said
    assert "1 .txt" in said
