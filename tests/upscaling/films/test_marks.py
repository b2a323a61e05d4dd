"""The shape of pixels, stereo, 360 degrees and HDR: in the file of the result, whatever its container."""

import struct
import zlib
from fractions import Fraction

import av
import pytest

from srcnn.upscaling.films import marks, matroska, mp4
from srcnn.upscaling.films.probe import probe
from tests.helpers.film_clips import decode, make, run
from tests.upscaling.films.test_odd_films import box, frames_of, make_film, with_boxes

HALF = 2**31  # of a frame
HDR = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400"


def with_marks(path, layout, projection):
    """An MP4 of 64x48 with boxes that say how its frames are packed, and what directions they show."""
    make_film("plain.mp4", frames_of(3, 64, 48))
    pose = box(b"prhd", struct.pack(">Iiii", 0, 30 << 16, -10 << 16, 5 << 15))
    sphere = box(b"sv3d", box(b"svhd", bytes(4) + b"maker\0") + box(b"proj", pose + projection))
    stereo = box(b"st3d", bytes(4) + bytes([layout]))
    path.write_bytes(with_boxes((path.parent / "plain.mp4").read_bytes(), stereo, sphere))


@pytest.mark.parametrize("aspect", [Fraction(4, 3), Fraction(16, 11), Fraction(8, 9)])
@pytest.mark.parametrize("target", ["out.mkv", "lossless.mkv", "out.webm", "out.mp4", "out.mov"])
def test_pixels_that_are_not_square_stay_so(folder, target, aspect):
    def change(_, stream):
        stream.codec_context.sample_aspect_ratio = aspect
        stream.metadata["title"] = "Main"

    make("in.mp4", 3, change=change)
    lossless = ["--lossless"] if target.startswith("lossless") else []
    assert run("--input", "in.mp4", "--output", target, *lossless) == 0
    with av.open(target) as film:
        stream = film.streams.video[0]
        assert stream.sample_aspect_ratio == aspect
        assert "Main" in (stream.metadata.get("title"), stream.metadata.get("name"))
        assert (stream.width, stream.height) == (128, 96)
    assert len(decode(target)[0]) == 3


@pytest.mark.parametrize("target", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
@pytest.mark.parametrize(
    ("layout", "stereo", "projection"),
    [
        (2, (marks.SIDE_BY_SIDE, False), box(b"equi", struct.pack(">5I", 0, 0, 0, HALF, 0))),
        (1, (marks.TOP_BOTTOM, False), box(b"cbmp", struct.pack(">3I", 0, 0, 4))),
        (0, None, box(b"equi", bytes(20))),
    ],
)
def test_marks_of_360_degree_and_stereo_films_are_kept(folder, capfd, target, layout, stereo, projection):
    with_marks(folder / "in.mp4", layout, projection)
    assert run("--input", "in.mp4", "--output", target) == 0, capfd.readouterr().err
    before, after = (probe(folder / name) for name in ("in.mp4", target))
    assert after.stereo == before.stereo == stereo
    assert before.sphere.yaw == 30 << 16 and before.sphere.pitch == -10 << 16
    assert after.sphere == before.sphere._replace(padding=2 * before.sphere.padding)
    assert len(decode(target)[0]) == 3


def test_views_in_an_order_that_mp4_cannot_say_are_named(folder, capfd):
    def change(_, stream):
        stream.metadata["stereo_mode"] = "right_left"

    make("in.mkv", 3, change=change)
    assert run("--input", "in.mkv", "--output", "out.mkv") == 0
    assert probe(folder / "out.mkv").stereo == (marks.SIDE_BY_SIDE, True)
    assert run("--input", "in.mkv", "--output", "out.mp4") == 2
    assert "left out, since the format cannot hold it: the mark of a stereo film" in capfd.readouterr().err


@pytest.mark.parametrize("target", ["lossless.mkv", "out.webm", "out.mkv"])
def test_hdr_is_kept_in_matroska(folder, target):
    make("in.mkv", 3, codec="libx265", format_="yuv420p10le", **{"x265-params": f"log-level=none:{HDR}"})
    assert probe(folder / "in.mkv").hdr == HDR
    lossless = ["--lossless"] if target.startswith("lossless") else []
    assert run("--input", "in.mkv", "--output", target, *lossless) == 0
    assert probe(folder / target).hdr == HDR


def test_the_checksum_of_changed_tracks_is_right(folder):
    def change(_, stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    make("in.mp4", 3, change=change)
    assert run("--input", "in.mp4", "--output", "out.mkv") == 0
    content = (folder / "out.mkv").read_bytes()
    tracks = b"\x16\x54\xae\x6b"
    at = content.index(tracks, content.index(tracks) + 1) + 4  # the first is in the list of what lies where
    length = 9 - content[at].bit_length()
    size = int.from_bytes(content[at : at + length]) & ((1 << 7 * length) - 1)
    body = content[at + length : at + length + size]
    assert body[:2] == b"\xbf\x84"
    assert int.from_bytes(body[2:6], "little") == zlib.crc32(body[6:])


def test_files_of_another_build_are_not_changed(folder):
    make("a.mkv", 3)
    make("a.mp4", 3)
    for name, is_put in (
        ("a.mkv", lambda path: matroska.put(path, {0x54B0: bytes(4)}, [])),
        ("a.mp4", lambda path: mp4.put(path, 7, mp4.box(b"st3d", bytes(5)))),
    ):
        before = (folder / name).read_bytes()
        assert not is_put(folder / name)
        assert (folder / name).read_bytes() == before
