"""TIFFs of several pages: each as if it came alone, all of them in one file."""

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

import main
from main import upscaler
from srcnn.images import image_io, tiff, tiff_pages
from srcnn.images.metadata import Metadata
from srcnn.system.errors import InputError
from srcnn.upscaling import paged
from tests.conftest import ROOT
from tests.helpers.image_files import SRGB

WORDS = "--scale", 2, "--output"


def run(*words):
    return main.main([str(word) for word in words])


def waves(h, w, channels, dtype=np.uint8):
    y, x = np.mgrid[:h, :w, :channels][:2]
    return ((np.sin(x / 3 + w) + np.cos(y / 4) + 2) / 4 * np.iinfo(dtype).max).astype(dtype)


BILEVEL = waves(26, 18, 1) > 128
PAGES = {  # as tifffile takes them; those with a subfiletype but 2 are no pages of their own
    "colour": (
        waves(20, 30, 3),
        {"photometric": "rgb", "description": "the first", "iccprofile": SRGB, "resolution": (300, 200)},
    ),
    "small": (waves(10, 15, 3), {"photometric": "rgb", "subfiletype": 1}),
    "turned": (BILEVEL, {"photometric": "miniswhite", "extratags": [(274, 3, 1, 6, True)]}),
    "mask": (BILEVEL, {"photometric": 4, "subfiletype": 4}),
    "deep": (waves(16, 18, 1, np.uint16), {"photometric": "minisblack", "subfiletype": 2, "tile": (16, 16)}),
    "alpha": (waves(16, 18, 4, np.uint16), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "grey": (waves(9, 11, 1), {"photometric": "minisblack", "compression": "zlib", "description": "last"}),
}
TAKEN = [name for name in PAGES if name not in ("small", "mask")]


def tiff_of(names, **more):
    """A TIFF of pages by their names."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file, **more) as writer:
        for pixels, options in map(PAGES.get, names):
            writer.write(pixels[..., 0] if pixels.shape[2] == 1 else pixels, metadata=None, **options)
    return file.getvalue()


def alone(folder, names):
    """The Picture of each page in a file of its own."""
    for name in names:
        (folder / f"alone_{name}.tif").write_bytes(tiff_of([name]))
        yield image_io.read(folder / f"alone_{name}.tif")


@pytest.mark.parametrize("more", [{}, {"bigtiff": True}, {"byteorder": ">"}])
def test_every_page_is_as_if_it_were_alone(folder, more, capsys):
    (folder / "scan.tif").write_bytes(tiff_of(PAGES, **more))
    assert run("scan.tif", "--pages", *WORDS, "out/") == 0
    said = capsys.readouterr()
    assert "out/scan_x2.tif: 5 pages, the first of 60x40 pixels" in said.out
    assert said.err == "scan.tif: left out: page 2 (smaller versions of others), page 4 (masks)\n"
    enlarge = upscaler(2)
    pictures = list(alone(folder, TAKEN))
    with tifffile.TiffFile("out/scan_x2.tif") as file:
        assert [page.description for page in file.pages] == ["the first", "", "", "", "last"]
        assert [page.iccprofile for page in file.pages] == [SRGB, None, None, None, None]
        assert file.byteorder == more.get("byteorder", "<") and not file.is_bigtiff
        for page, picture in zip(file.pages, pictures, strict=True):
            expected = enlarge(picture.pixels)
            np.testing.assert_array_equal(page.asarray().reshape(expected.shape), expected)
            assert page.dtype == picture.pixels.dtype
    with Image.open("out/scan_x2.tif") as file:  # which knows no RGBA of 16 bits
        for number, picture in ((0, pictures[0]), (1, pictures[1]), (4, pictures[4])):
            file.seek(number)
            expected = enlarge(picture.pixels)
            np.testing.assert_array_equal(np.asarray(file).reshape(expected.shape), expected)


def test_every_page_says_what_it_would_say_alone(folder):
    (folder / "scan.tif").write_bytes(tiff_of(TAKEN, byteorder=">"))
    assert run("scan.tif", "--pages", *WORDS, "out.tif") == 0
    list(alone(folder, TAKEN))
    assert run(*(f"alone_{name}.tif" for name in TAKEN), "--pages", *WORDS, "single/") == 0

    def said(page):
        return {tag.name: tag.value for tag in page.tags if not tag.name.startswith("Strip")}

    with tifffile.TiffFile("out.tif") as file:
        for name, page in zip(TAKEN, file.pages, strict=True):
            with tifffile.TiffFile(f"single/alone_{name}_x2.tif") as other:
                assert said(page) == said(other.pages.first)
        assert said(file.pages[0])["XResolution"] == (300, 1)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
def test_pages_keep_their_numbers(folder, order, big):
    """Which the second one lacks: it is damaged."""
    with tifffile.TiffWriter("scan.tif", bigtiff=big, byteorder=order) as writer:
        for number in ((0, 7), None, (258, 7)):
            tags = [(297, 3, 2, number, True) if number else (297, 4, 1, 9, True)]
            writer.write(waves(9, 11, 3), photometric="rgb", metadata=None, extratags=tags)
    assert run("scan.tif", "--pages", *WORDS, "out.tif") == 0
    with Image.open("out.tif") as file:
        for number, expected in enumerate(((0, 7), None, (258, 7))):
            file.seek(number)
            assert file.tag_v2.get(297) == expected


def test_libvips_reads_all_pages(folder):
    pyvips = pytest.importorskip("pyvips")
    (folder / "scan.tif").write_bytes(tiff_of(TAKEN))
    assert run("scan.tif", "--pages", *WORDS, "out.tif") == 0
    with tifffile.TiffFile("out.tif") as file:
        assert pyvips.Image.new_from_file("out.tif").get("n-pages") == len(file.pages) == 5
        for number, page in enumerate(file.pages):
            found = pyvips.Image.new_from_file("out.tif", page=number).numpy()
            np.testing.assert_array_equal(found.reshape(page.shape), page.asarray())


def test_sizes_of_bigtiff_and_of_metadata_behind_the_pages(folder, monkeypatch):
    """EXIF in a directory of its own, of every page."""
    monkeypatch.setattr(tiff, "LARGEST_CLASSIC", 9000)
    for number in range(3):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"200{number}:01:01 00:00:00"
        tiff.write(waves(20, 30, 3), "scan.tif", info=Metadata(exif.tobytes()[6:]), append=number > 0)
    assert run("scan.tif", "--pages", *WORDS, "out.tif") == 0
    with tifffile.TiffFile("out.tif") as file:
        assert file.is_bigtiff and len(file.pages) == 3
        found = [page.tags["ExifTag"].value["DateTimeOriginal"] for page in file.pages]
        assert found == [f"200{number}:01:01 00:00:00" for number in range(3)]


def test_the_second_run_does_nothing_and_other_widths_take_other_networks(folder, capsys):
    (folder / "scan.tif").write_bytes(tiff_of(["small", "deep", "colour"]))
    words = "scan.tif", "--pages", "--width", 50
    assert run(*words) == 0
    assert capsys.readouterr().out.count("weights for x") == 2  # x3 for 18 pixels, x2 for 30
    with tifffile.TiffFile("sample/scan_50x44.tif") as file:
        assert [page.shape[:2] for page in file.pages] == [(44, 50), (33, 50)]
    (folder / "sample/upscaled.html").unlink()
    assert run(*words) == 0
    assert "1 of 1 already upscaled" in capsys.readouterr().out
    assert "scan_50x44.tif" in (folder / "sample/upscaled.html").read_text()
    assert run(*words[:-1], 25) == 2
    assert (
        "scan.tif: page 3 already has 30x20 pixels, so width 25 does not enlarge it"
        in capsys.readouterr().err
    )


def test_without_the_flag_the_first_page_is_taken_and_the_flag_is_named(folder, capsys):
    (folder / "scan.tif").write_bytes(tiff_of(TAKEN))
    assert run("scan.tif", *WORDS, "out.png") == 0
    assert "scan.tif: has 5 pages; using the first one (--pages takes all of them)" in capsys.readouterr().err
    assert image_io.read(folder / "out.png").pixels.shape == (40, 60, 3)


def test_folders_have_other_files_too(folder):
    (folder / "in").mkdir()
    (folder / "in/scan.tif").write_bytes(tiff_of(TAKEN))
    Image.fromarray(waves(9, 8, 3)).save("in/photo.jpg")
    assert run("in", "--pages", *WORDS, "out") == 0
    assert {path.name for path in (folder / "out").glob("*_*")} == {"photo_x2.png", "scan_x2.tif"}


def test_what_cannot_be_done_is_said(folder, fails):
    (folder / "scan.tif").write_bytes(tiff_of(TAKEN))
    (folder / "small.tif").write_bytes(tiff_of(["small", "mask"]))
    Image.fromarray(waves(9, 8, 3)).save("photo.png")
    assert "out.png: --pages writes TIFF; name" in fails("scan.tif", "--pages", *WORDS, "out.png")
    assert "--format webp: --pages writes TIFF" in fails("scan.tif", "--pages", "--format", "webp")
    assert "--pages is for TIFF files" in fails("photo.png", "--pages", "--scale", 2)
    assert "small.tif: all of its pages are smaller" in fails("small.tif", "--pages", "--scale", 2)


def test_a_page_that_cannot_be_read_is_named_and_nothing_is_written(folder, fails):
    content = tiff_of(["colour", "deep", "grey"])
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        pages = [(page.offset, len(page.tags)) for page in file.pages]
        links = [offset + 2 + 12 * count for offset, count in pages]
        depth = file.pages[1].tags["BitsPerSample"].valueoffset
        width = file.pages[2].tags["ImageWidth"].valueoffset
    cases = {
        "page 2: 12 bits a sample": (depth, struct.pack("<H", 12)),
        "(page 3 has no size)": (width, bytes(2)),
        "(page 3 cannot be found)": (links[1], struct.pack("<I", len(content) + 9)),
        "(page 4 is an earlier one)": (links[2], struct.pack("<I", pages[1][0])),
    }
    for said, (at, data) in cases.items():
        (folder / "scan.tif").write_bytes(content[:at] + data + content[at + len(data) :])
        message = fails("scan.tif", "--pages", *WORDS, "out.tif")
        assert message.startswith("main.py: error: scan.tif: ") and said in message


def test_what_lies_beyond_the_end_is_no_page(folder):
    content = tiff_of(TAKEN)
    for end in range(8, len(content) - 1, 97):
        (folder / "scan.tif").write_bytes(content[:end])
        with pytest.raises(InputError, match=r"scan.tif: "):
            list(tiff_pages.pictures(folder / "scan.tif", tiff_pages.pages_of(folder / "scan.tif")))


def test_a_page_too_large_is_refused_before_the_work(folder, fails, monkeypatch):
    monkeypatch.setattr("srcnn.upscaling.photographs.LARGEST", 2000)
    monkeypatch.setattr(paged, "upscale", None)
    (folder / "scan.tif").write_bytes(tiff_of(["grey", "colour"]))
    assert "scan.tif: page 2: would become more than 2,000" in fails("scan.tif", "--pages", *WORDS, "out.tif")


def test_pages_are_in_memory_one_after_another(folder, monkeypatch):
    """A page is read when the one before it is written."""
    (folder / "scan.tif").write_bytes(tiff_of(TAKEN))
    events = []
    for module, name in ((image_io, "read"), (tiff, "write")):
        function = getattr(module, name)

        def noted(*arguments, name=name, function=function):
            events.append(name)
            return function(*arguments)

        monkeypatch.setattr(module, name, noted)
    assert run("scan.tif", "--pages", *WORDS, "out.tif") == 0
    assert events == ["read", "write"] * 5


def test_what_changes_during_the_work_is_not_written(folder, monkeypatch, capsys):
    (folder / "scan.tif").write_bytes(tiff_of(["grey", "deep"]))
    write = tiff.write

    def changing(*arguments):
        (folder / "scan.tif").write_bytes(tiff_of(["grey"]))
        write(*arguments)

    monkeypatch.setattr(tiff, "write", changing)
    assert run("scan.tif", "--pages", *WORDS, "out.tif") == 2
    assert "was changed during the work" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["scan.tif"]


def test_a_later_page_does_not_hinder_the_first(folder):
    """Pillow, which reads the first of these, knows no such second one."""
    (folder / "scan.tif").write_bytes(tiff_of(["turned", "alpha"]))
    picture = image_io.read(folder / "scan.tif")
    assert picture.frames == 2 and picture.pixels.shape == (18, 26, 1)


def test_pages_go_through_pipes(folder):
    (folder / "scan.tif").write_bytes(tiff_of(PAGES))
    command = [sys.executable, str(ROOT / "main.py"), "-", "--pages", "--scale", "2"]
    with open("scan.tif", "rb") as scan:
        done = subprocess.run(command, stdin=scan, capture_output=True)
    assert done.returncode == 0, done.stderr
    with Image.open(io.BytesIO(done.stdout)) as image:
        assert image.format == "TIFF" and image.n_frames == len(TAKEN)


def test_the_list_tells_of_the_first_page(folder, capsys):
    (folder / "scan.tif").write_bytes(tiff_of(["small", "grey", "colour"]))
    assert run("scan.tif", "--pages", *WORDS, "out.tif", "--list") == 0
    assert "scan.tif: out.tif, 22x18 pixels of the first page, by 9-1-5 x2" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["scan.tif"]


def test_what_is_left_out_of_a_page_is_said(folder, capsys, monkeypatch):
    odd = PAGES["grey"][1] | {"extratags": [(65000, 2, 0, "something", True)]}
    monkeypatch.setitem(PAGES, "odd", (PAGES["grey"][0], odd))
    (folder / "scan.tif").write_bytes(tiff_of(["colour", "odd"]))
    assert run("scan.tif", "--pages", *WORDS, "out.tif") == 2
    assert "main.py: scan.tif: left out: TIFF tags 65000 of page 2\n" in capsys.readouterr().err
