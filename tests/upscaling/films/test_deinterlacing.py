"""--deinterlace: fields as FFmpeg's program takes them apart, from anywhere on, and what the file says."""

import shutil
import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest

import main
from srcnn.upscaling.films import film_job, frames, muxing
from srcnn.upscaling.films.deinterlacing import taken_apart
from srcnn.upscaling.films.frame_reader import Reader
from srcnn.upscaling.films.probe import probe, scanned
from tests.conftest import ROOT
from tests.helpers.film_clips import Killed, decode, hashes, killed, make, picture, run, sound

TICK = Fraction(1, 90000)


def interlaced(name, count=12, format_="yuv420p", order="tff", change=None, **more):
    """A film whose frames hold two moments each: pictures 2n and 2n + 1."""
    graph = av.filter.Graph()
    mark = graph.add_buffer(width=64, height=48, format=format_, time_base=TICK)
    graph.link_nodes(mark, graph.add("setfield", order), graph.add("buffersink")).configure()
    with av.open(name, "w") as output:
        options = {"x264-params": "interlaced=1", "qp": "4", **more}
        stream = output.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, format_
        stream.time_base = stream.codec_context.time_base = TICK
        for packet in change(output, stream) if change else []:
            output.mux_one(packet)
        for number in range(count):
            frame = moment(2 * number, format_)
            later = frames.planes(moment(2 * number + 1, format_))[0]
            for to, plane in zip(frames.planes(frame)[0], later, strict=True):
                if order == "bff":
                    to[::2] = plane[::2]
                else:
                    to[1::2] = plane[1::2]
            frame.pts, frame.time_base = 3600 * number, TICK
            graph.vpush(frame)
            output.mux(stream.encode(graph.vpull()))
        output.mux(stream.encode(None))
    return name


def moment(number, format_="yuv420p"):
    return av.VideoFrame.from_ndarray(picture(number, 64, 48), "rgb24").reformat(format=format_)


def read(film, after=None):
    """Frames as bytes of their planes, and their time stamps."""
    found = [(b"".join(p.tobytes() for p in frames.planes(f)[0]), f.pts) for f in Reader(film, after)]
    return [pixels for pixels, _ in found], [stamp for _, stamp in found]


def film_of(name):
    return taken_apart(scanned(probe(name)), True)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="there is no ffmpeg here")
@pytest.mark.parametrize("order", ["tff", "bff"])
@pytest.mark.parametrize(
    ("name", "format_"), [("in.mp4", "yuv420p"), ("in.ts", "yuv422p"), ("in.mkv", "yuv420p10le")]
)
def test_fields_are_those_of_ffmpegs_program(folder, name, format_, order):
    """But for the first and the last frame, where versions of bwdif differ."""
    interlaced(name, 12, format_, order)
    command = f"ffmpeg -v error -i {name} -vf bwdif -f rawvideo -pix_fmt {format_} -vsync passthrough -"
    raw = subprocess.run(command.split(), capture_output=True, check=True).stdout
    found, stamps = read(film_of(name))
    size = len(found[0])
    expected = [raw[n : n + size] for n in range(0, len(raw), size)]
    assert len(found) == len(expected) == 24 and found[1:-1] == expected[1:-1]
    film = film_of(name)
    times = [(stamp - stamps[0]) * film.time_base for stamp in stamps]
    assert film.rate == 50 and times == [Fraction(n, 50) for n in range(24)]


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_each_moment_is_a_frame_in_its_order(folder, order):
    film = film_of(interlaced("in.mkv", 12, "yuv420p", order))
    wholes = [frames.planes(moment(number))[0][0].astype(float) for number in range(24)]
    for number, frame in enumerate(Reader(film)):
        errors = [np.abs(frames.planes(frame)[0][0] - whole).mean() for whole in wholes]
        assert np.argmin(errors) == number and errors[number] < 2


def test_fields_are_the_same_from_anywhere_on(folder):
    """As after a kill: those after each, whichever of a frame's two it is."""
    interlaced("in.mkv", 110, g="3")  # more than the seconds that decoding begins earlier
    film = film_of("in.mkv")
    pixels, stamps = read(film)
    assert len(pixels) == 220
    for number in (0, 1, 2, 5, 100, 180, 181, 182, 183, 184, 217, 218):
        assert read(film, stamps[number]) == (pixels[number + 1 :], stamps[number + 1 :])


def test_a_killed_work_ends_as_one_that_was_not(folder, monkeypatch):
    interlaced("in.mkv", 6, change=lambda output, _: sound(output, 10))
    flags = ["--input", "in.mkv", "--deinterlace", "--lossless", "--output"]
    assert run(*flags, "whole.mkv") == 0
    monkeypatch.setattr(film_job, "SECONDS", 0)  # a part for each frame
    for kept in (7, 4):
        with monkeypatch.context() as patched:
            patched.setattr(muxing, "join", killed)
            with pytest.raises(Killed):
                run(*flags, "out.mkv")
        for path in sorted(folder.glob(".out.*.parts/*.nut"))[kept:]:
            path.unlink()
    assert run(*flags, "out.mkv") == 0
    assert hashes("out.mkv", "video", "audio") == hashes("whole.mkv", "video", "audio")
    times = decode("out.mkv")[1]
    assert times == decode("whole.mkv")[1] == [Fraction(n, 50) for n in range(12)]
    with av.open("out.mkv") as film:
        assert film.streams.video[0].average_rate == 50
        assert not any(frame.interlaced_frame for frame in film.decode(video=0))


def test_a_film_lasts_as_long_as_before(folder):
    interlaced("in.mp4", 12)
    assert run("--input", "in.mp4", "--deinterlace") == 0
    with av.open("in.mp4") as before, av.open("sample/in_x2.mp4") as after:
        assert after.duration == before.duration
        assert after.streams.video[0].frames == 2 * before.streams.video[0].frames


def test_a_film_of_one_frame_becomes_two(folder):
    interlaced("in.mkv", 1)
    assert run("--input", "in.mkv", "--deinterlace") == 0
    assert decode("sample/in_x2.mkv")[1] == [0, Fraction(1, 50)]


def test_a_film_that_is_not_interlaced_stays_as_it_is(folder, capfd):
    make("in.mkv", 5)
    assert run("--input", "in.mkv", "--lossless", "--output", "plain.mkv") == 0
    capfd.readouterr()
    assert run("--input", "in.mkv", "--lossless", "--deinterlace", "--output", "out.mkv") == 0
    assert "in.mkv: no frame is marked as interlaced; leaving all as they are" in capfd.readouterr().err
    assert hashes("out.mkv", "video") == hashes("plain.mkv", "video")


def test_a_size_that_is_to_be_reached_does_not_stand_against_it(folder, capfd):
    interlaced("in.mkv", 3)
    words = ["--input", "in.mkv", "--width", 100]
    assert run_without_scale(*words) == 2
    assert "in.mkv: is interlaced from its beginning" in (said := capfd.readouterr().err)
    assert "add --deinterlace" in said
    assert run_without_scale(*words, "--deinterlace") == 0
    assert len(decode("sample/in_100x75.mkv")[1]) == 6


def run_without_scale(*words):
    return main.main(["--checkpoint_dir", str(ROOT / "checkpoint"), *map(str, words)])


def test_a_list_says_which_films_need_the_flag(folder, capfd):
    interlaced("in.mkv", 3)
    assert run("--input", "in.mkv", "--list") == 2
    assert "in.mkv: is interlaced from its beginning" in capfd.readouterr().err
    assert run("--input", "in.mkv", "--list", "--deinterlace") == 0
    assert "in.mkv: sample/in_x2.mkv, 128x96 pixels a frame" in capfd.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["in.mkv"]
