"""Subtitles of text are in the enlarged film, whatever its container; FFmpeg's program is the truth."""

import itertools
import re
import shutil
import subprocess
from fractions import Fraction

import av
import pytest

from tests.helpers.film_clips import make, run

pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs the program ffmpeg")
WORDS = """1
00:00:00,040 --> 00:00:00,200
<i>Hello</i> <b>you</b>
second line

2
00:00:00,240 --> 00:00:00,400
Été
"""
OVERLAPPING = """1
00:00:00,040 --> 00:00:00,300
One

2
00:00:00,200 --> 00:00:00,400
Two
"""
STYLED = """[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,16
Style: Sign,Arial,40
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.04,0:00:00.20,Default,,0,0,0,,{\\i1}Hello{\\i0}
Dialogue: 0,0:00:00.24,0:00:00.40,"""


def ffmpeg(*words):
    arguments = ["ffmpeg", "-v", "error", *map(str, words)]
    return subprocess.run(arguments, check=True, capture_output=True).stdout.decode()


def film_with(text, name, codec, ending=".srt"):
    """Writes a film with these subtitles, in another codec."""
    make("plain.mkv")
    with open("in" + ending, "w", encoding="utf-8") as file:
        file.write(text)
    more = ["-metadata:s:s:0", "language=fra", "-metadata:s:s:0", "title=Words", "-disposition:s:0", "forced"]
    ffmpeg("-i", "plain.mkv", "-i", "in" + ending, "-c:v", "copy", "-c:s", codec, *more, name)


def film_of_packets(codec, *packets):
    """Writes in.mkv with packets of subtitles: milliseconds and bytes, nothing of how long they are shown."""
    make("plain.mkv")
    with av.open("plain.mkv") as film, av.open("in.mkv", "w") as output:
        copy, texts = output.add_stream_from_template(film.streams.video[0]), output.add_mux_stream(codec)
        for stamp, data in packets:
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.time_base = texts, stamp, stamp, Fraction(1, 1000)
            output.mux_one(packet)
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream = copy
                output.mux_one(packet)


def shown(path):
    """The subtitles of a film as SRT, as FFmpeg reads them, without what fonts are called."""
    text = ffmpeg("-i", path, "-f", "srt", "-").replace("\r", "")
    return re.sub(r"</?font[^>]*>", "", text).strip()


@pytest.mark.parametrize(
    ("codec", "name", "target", "expected"),
    [
        ("srt", "in.mkv", "out.mp4", "mov_text"),
        ("ass", "in.mkv", "out.mov", "mov_text"),
        ("webvtt", "in.mkv", "out.mp4", "mov_text"),
        ("mov_text", "in.mp4", "out.mkv", "subrip"),
        ("mov_text", "in.mp4", "out.webm", "webvtt"),
        ("ass", "in.mkv", "out.webm", "webvtt"),
        ("srt", "in.mkv", "out.webm", "webvtt"),
    ],
)
def test_text_is_converted(folder, capfd, codec, name, target, expected):
    film_with(WORDS, name, codec)
    assert run("--input", name, "--output", target) == 0, capfd.readouterr().err
    assert shown(target) == shown(name) == WORDS.strip()
    entries = "stream=codec_name:disposition=forced:stream_tags=language,title,name"
    words = ["ffprobe", "-v", "error", "-select_streams", "s", "-show_entries", entries, target]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert f"codec_name={expected}\n" in found and "language=fra\n" in found
    assert "forced=1\n" in found or target == "out.mov"  # FFmpeg writes it to MP4 and Matroska alone
    with av.open(target) as film:
        (stream,) = film.streams.subtitles
        assert "Words" in stream.metadata.values()


def test_texts_that_overlap_are_shown_together_where_one_is_at_a_time(folder):
    film_with(OVERLAPPING, "in.mkv", "srt")
    assert run("--input", "in.mkv", "--output", "out.mp4") == 0
    moments = [f"00:00:00,{ms:03d}" for ms in (40, 200, 300, 400)]
    times = [f"{start} --> {end}" for start, end in itertools.pairwise(moments)]
    texts = ["One", "One\nTwo", "Two"]
    parts = [f"{n}\n{time}\n{text}" for n, (time, text) in enumerate(zip(times, texts, strict=True), 1)]
    assert shown("out.mp4") == "\n\n".join(parts)
    assert run("--input", "in.mkv", "--output", "out.webm") == 0
    assert shown("out.webm") == OVERLAPPING.strip()


def test_a_text_that_does_not_say_how_long_ends_when_the_next_one_comes(folder):
    film_of_packets("subrip", (0, b"One"), (200, b"Two"))
    assert run("--input", "in.mkv", "--output", "out.mp4") == 0
    assert shown("out.mp4").startswith("1\n00:00:00,000 --> 00:00:00,200\nOne\n\n2\n00:00:00,200 --> ")


def test_text_that_cannot_be_read_is_named(folder, capfd):
    """Letters of another encoding than UTF-8, which FFmpeg does not guess."""
    film_of_packets("subrip", (0, "Привет".encode("cp1251")))
    assert run("--input", "in.mkv", "--output", "out.mp4") == 2
    assert "damaged and missing: 1 packet of subtitle srt" in capfd.readouterr().err


@pytest.mark.parametrize("event", ["Default,,0,0,0,,{\\pos(10,20)}Bye", "Sign,,0,0,0,,Bye"])
def test_styling_that_is_lost_is_named(folder, capfd, event):
    film_with(STYLED + event + "\n", "in.mkv", "ass", ".ass")
    assert run("--input", "in.mkv", "--output", "out.mp4") == 2
    said = capfd.readouterr().err
    assert said == (
        "main.py: in.mkv: left out, since the format cannot hold it: styling of subtitle ssa\n"
    ), said
    assert "Bye" in shown("out.mp4")


def test_subtitles_of_pictures_are_named(folder, capfd):
    """PGS of Blu-ray discs: a packet that ends what is shown."""
    film_of_packets("hdmv_pgs_subtitle", (0, b"\x80\0\0"))
    assert run("--input", "in.mkv", "--output", "out.mp4") == 2
    assert "cannot hold it: subtitle pgssub\n" in capfd.readouterr().err
