"""What only the container tells of a film, or only its packets: fields, stamps, data within the pictures."""

import re

import av
import numpy as np
import pytest

from srcnn.upscaling.films.deinterlacing import taken_apart
from srcnn.upscaling.films.frame_reader import Reader
from srcnn.upscaling.films.probe import probe, scanned
from tests.helpers.film_clips import decode, ffmpeg, frames_of, in_order_of_decoding, make_film, run


@pytest.mark.parametrize("order", ["tff", "bff"])
@pytest.mark.parametrize("name", ["in.mov", "in.mkv"])
def test_interlacing_that_only_the_container_tells(folder, capfd, name, order):
    """PNG and HuffYUV say nothing of it. The truth are the moments that FFmpeg wove."""
    codec = "png" if name == "in.mov" else "huffyuv"
    moments = "-f lavfi -i testsrc2=s=64x48:r=50:d=0.4,scroll=horizontal=0.05"
    marked = "tt" if order == "tff" else "bb"
    ffmpeg(f"{moments} -vf interlace=scan={order}:lowpass=0 -c:v {codec} -field_order {marked} {name}")
    ffmpeg(f"{moments} -c:v {codec} whole.mkv")
    assert run("--input", name, "--output", "out.mkv") == 2
    assert f"{name}: is interlaced from its beginning" in capfd.readouterr().err
    film = taken_apart(scanned(probe(folder / name)), True)
    apart = [frame.to_ndarray(format="gray").astype(float) for frame in Reader(film)]
    with av.open("whole.mkv") as whole:
        expected = [frame.to_ndarray(format="gray").astype(float) for frame in whole.decode(video=0)]
    assert len(apart) == len(expected) == 20
    for number in range(2, 18):
        errors = [np.abs(apart[number] - moment).mean() for moment in expected]
        assert np.argmin(errors) == number


def nal_units(content):
    """The parts of a raw H.264 film that begin with three bytes, 0, 0 and 1."""
    return re.split(rb"(?=\x00\x00\x01)", content)


def test_encoded_frames_that_were_given_stamps_in_the_order_of_decoding(folder):
    """As by ffmpeg -i film.h264 -c copy film.mp4, of B-frames: each is shown as long as any other."""
    make_film("in.h264", frames_of(12), options={"bf": "2", "b-adapt": "0"})
    in_order_of_decoding("in.h264", "in.mp4", rate=10)
    assert run("--input", "in.mp4", "--output", "out.mkv") == 0
    shown, times = decode("out.mkv")
    assert len(shown) == 12 and np.allclose(np.diff([float(t) for t in times]), 0.1, atol=0.002)
    levels = [planes[0][:, 40:].mean() for planes in shown]
    assert levels == sorted(levels)


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b"\xb5\x00\x31DTG1\x41\xf8", "the active part of the frames (AFD)"),
        (b"\xb5\x00\x31GA94\x03\x42\xff\xfc\x94\x2c\xfd\x80\x80\xff", "closed captions within the pictures"),
    ],
)
def test_data_within_the_pictures_is_named(folder, capfd, payload, name):
    """Messages of H.264 as broadcasts have them, put before each picture by hand."""
    make_film("a.h264", frames_of(3))
    message = b"\x00\x00\x01\x06\x04" + bytes([len(payload)]) + payload + b"\x80"
    units = nal_units((folder / "a.h264").read_bytes())
    pictures = (len(unit) > 3 and unit[3] & 31 in (1, 5) for unit in units)
    content = b"".join(message * is_picture + unit for unit, is_picture in zip(units, pictures, strict=True))
    (folder / "in.h264").write_bytes(content)
    assert run("--input", "in.h264", "--output", "out.mkv") == 2
    assert f"left out, since the format cannot hold it: {name}\n" in capfd.readouterr().err
    assert len(decode("out.mkv")[0]) == 3


def test_data_of_no_duration_is_no_list_of_chapters(folder, capfd):
    """FFmpeg passes over both: only the former is lost."""
    (folder / "places.bin").write_bytes(bytes(range(100)))
    film = "-f lavfi -i testsrc2=s=32x24:r=10:d=0.3 -c:v libx264 -pix_fmt yuv420p"
    ffmpeg(f"{film.replace('-c:v', '-f data -i places.bin -map 0 -map 1 -c:v')} -c:d copy -tag:d gpmd in.mov")
    assert run("--input", "in.mov", "--output", "out.mov") == 2
    assert "left out, since the format cannot hold it: data GoPro MET\n" in capfd.readouterr().err


def test_which_stream_of_several_is_enlarged_is_said(folder, capfd):
    films = "-f lavfi -i testsrc2=s=32x24:r=10:d=0.3 -f lavfi -i testsrc=s=16x16:r=10:d=0.3"
    ffmpeg(f"{films} -map 0 -map 1 -c:v libx264 -pix_fmt yuv420p in.mkv")
    assert run("--input", "in.mkv", "--output", "out.mkv") == 0
    said = "in.mkv: only the first stream of frames is enlarged; copying 1 more as is\n"
    assert said in capfd.readouterr().err
    with av.open("out.mkv") as film:
        assert [stream.width for stream in film.streams.video] == [64, 16]


def test_a_playlist_begins_at_0(folder):
    """Its parts are of MPEG, whose clock begins anywhere."""
    ffmpeg("-f lavfi -i testsrc2=s=32x24:r=10:d=1 -c:v libx264 -pix_fmt yuv420p -hls_time 0.5 in.m3u8")
    assert run("--input", "in.m3u8", "--output", "out.mkv") == 0
    shown, times = decode("out.mkv")
    assert len(shown) == 10 and times[0] == 0


def test_what_is_no_film_is_not_called_an_image(folder, capfd):
    (folder / "in.mpd").write_text("<MPD/>")
    assert run("--input", "in.mpd", "--output", "out.mkv") == 2
    assert "in.mpd: cannot be read as a film" in capfd.readouterr().err


def test_frames_of_a_codec_that_nothing_here_knows(folder, capfd):
    """The film is not broken, so nobody is told to replace it."""
    make_film("a.mkv", frames_of(2))
    (folder / "in.mkv").write_bytes(
        (folder / "a.mkv").read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_UNKNOWN/1/2/3")
    )
    assert run("--input", "in.mkv", "--output", "out.mkv") == 2
    assert "in.mkv: is of a codec that FFmpeg does not know; convert it" in capfd.readouterr().err
