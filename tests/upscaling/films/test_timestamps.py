"""When the frames of a film are shown, and for how long, whatever its file says of it."""

import itertools
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import pytest

from srcnn.upscaling.films import frame_reader, pixel_formats, timestamps
from srcnn.upscaling.films.probe import probe, scanned
from tests.helpers.film_clips import decode, make, run, sound

TICK = Fraction(1, 10)  # seconds


@dataclass
class Packet:
    """What the clock asks of a packet of PyAV's; stamps and duration in ticks."""

    dts: int | None
    pos: int | None = 0
    stream_index: int = 0
    duration: int = 0
    pts: int | None = None
    time_base: Fraction = TICK


@pytest.fixture
def film(folder):
    """A Film of 5 frames a second, whose frames are stream 0."""
    return probe(make("in.mkv", 1))._replace(rate=Fraction(5), time_base=TICK)


def stamps(film, packets):
    return [packet.dts for packet in timestamps.going_on(film, packets)]


@pytest.mark.parametrize("duration", [0, 2])
def test_each_clock_begins_where_the_one_before_ends(film, duration):
    """One frame after the last one begins, also where packets do not tell how long they last."""
    clocks = [20, 22, 24, 3, 13, 23, 2, 4]
    packets = [Packet(dts, pos, pts=dts + 1, duration=duration) for pos, dts in enumerate(clocks)]
    packets[-1].duration = 5
    without = [Packet(None, 9), Packet(0, None)]  # a stamp, or a place
    found = timestamps.clocked(film, packets + without, is_mp4=False)
    assert found.restarts == ((3, Fraction(23, 10)), (6, Fraction(46, 10)))
    assert found.frame_count == 10 and found.last_duration == 5
    assert stamps(found, packets) == [20, 22, 24, 26, 36, 46, 48, 50]
    assert [packet.pts for packet in packets] == [21, 23, 25, 27, 37, 47, 49, 51]


def test_a_second_clock_begins_after_the_sound_of_the_first_one(film):
    sound = Packet(24, 3, stream_index=1, duration=9)
    packets = [*(Packet(dts, pos, duration=2) for pos, dts in enumerate([20, 22, 24])), sound, Packet(0, 4)]
    found = timestamps.clocked(film, packets, is_mp4=False)
    assert found.restarts == ((4, Fraction(33, 10)),)


@pytest.mark.parametrize(("back", "starts_over"), [(10, False), (11, True)])
def test_packets_in_disorder_are_no_second_clock(film, back, starts_over):
    """Up to a second of it, in each stream, whether or not the pictures have started over already."""
    found = timestamps.clocked(film, [Packet(40), Packet(40 - back, 7)], is_mp4=False)
    assert bool(found.restarts) == starts_over
    twice = film._replace(restarts=((100, Fraction(5)),))
    before = [Packet(40, 10), Packet(40, 20, stream_index=1), Packet(40 - back, 30, stream_index=1)]
    assert stamps(twice, before) == [40, 40, 40 - back + 50 * starts_over]
    assert stamps(twice, [Packet(40, 99, 2), Packet(41, 100, 2)]) == [40, 91]  # such as subtitles
    early = film._replace(restarts=((1, Fraction(5)),))
    assert stamps(early, [Packet(40, None), Packet(None)]) == [40, None]


def test_of_an_mp4_the_last_frame_is_shown_for_what_is_left(film):
    packets = [Packet(dts, pts=pts, duration=n) for dts, pts, n in [(0, 2, 3), (3, 8, 3), (6, 4, 9)]]
    assert timestamps.clocked(film, packets, is_mp4=True).last_duration == 15 - (8 - 2)
    assert timestamps.clocked(film, packets, is_mp4=False).last_duration == 3
    assert timestamps.clocked(film, [Packet(0)], is_mp4=True).last_duration == 0


def rate(path):
    with av.open(str(path)) as film:
        return film.streams.video[0].average_rate


def repack(source, target, durations=None, sound_too=0):
    """Copies a film; durations: of its packets by their number, in seconds; sound_too: packets of sound."""
    with av.open(str(source)) as film, av.open(str(target), "w") as output:
        copy = output.add_stream_from_template(film.streams.video[0], opaque=True)
        for packet in sound(output, sound_too) if sound_too else []:
            output.mux_one(packet)
        for number, packet in enumerate(film.demux(video=0)):
            if packet.size:
                if durations and number in durations:
                    packet.duration = round(durations[number] / packet.time_base)
                packet.stream = copy
                output.mux_one(packet)


@pytest.mark.parametrize("source", ["in.mp4", "in.mkv"])
@pytest.mark.parametrize("target", ["out.mp4", "out.mkv"])
def test_the_rate_is_told(folder, source, target):
    make(source)
    assert run("--input", source, "--output", target) == 0
    assert rate(target) == 25


@pytest.mark.parametrize(("name", "b_frames"), [("in.mp4", 0), ("in.mkv", 0), ("in.mp4", 3)])
def test_the_last_frame_is_shown_as_long_as_it_was(folder, name, b_frames):
    """As a recording of a screen ends, and a film is not said to be cut short for it."""
    make("short.mp4", bf=b_frames)
    repack("short.mp4", name, {11: 4})
    assert run("--input", name, "--output", "out.mp4") == 0
    with av.open(name) as film, av.open("out.mp4") as enlarged:
        assert film.duration / av.time_base > 4.4
        assert enlarged.duration == pytest.approx(film.duration, abs=2000)


def test_sound_that_is_longer_is_no_end_that_is_missing(folder):
    make("short.mp4")
    repack("short.mp4", "in.flv", sound_too=250)
    assert run("--input", "in.flv") == 0


@pytest.mark.parametrize("intra", [0, 12])
def test_avi_that_has_its_stamps_in_the_order_of_decoding(folder, intra):
    """All frames at even distances, also those after a place from which the work goes on."""
    make("in.avi", 60, bf=3, g=12, intra=intra)
    assert run("--input", "in.avi") == 0
    pictures, stamps = decode("sample/in_x2.mkv")
    assert len(pictures) == 60
    assert {b - a for a, b in itertools.pairwise(stamps)} == {Fraction(1, 25)}
    film = probe("in.avi")
    whole = [frame.pts for frame in frame_reader.Reader(film)]
    for after in whole[::7]:
        assert [frame.pts for frame in frame_reader.Reader(film, after)] == [s for s in whole if s > after]


@pytest.mark.parametrize("format_", ["gray", "gray10le", "gray12le", "gray16le"])
def test_grey_of_any_depth_keeps_its_levels(folder, format_):
    """FFV1 of one level, a quarter of white, which swscale would take for one of all of the range."""
    bits = av.VideoFormat(format_).components[0].bits
    with av.open("in.mkv", "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, format_
        frame = av.VideoFrame(64, 48, format_)
        dtype = np.uint8 if bits == 8 else np.uint16
        plane = frame.planes[0]
        content = np.full((48, plane.line_size // np.dtype(dtype).itemsize), 2**bits // 4, dtype)
        plane.update(content.tobytes())
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert run("--input", "in.mkv", "--lossless") in (0, 2)  # deeper ones are said to become 10 bits
    luminance = decode("sample/in_x2.mkv")[0][0][0].astype(int) >> (0 if bits == 8 else 2)
    assert np.abs(luminance - 64).max() <= 1
    with av.open("sample/in_x2.mkv") as film:  # players take grey that does not say for one of all the range
        assert film.streams.video[0].codec_context.color_range == pixel_formats.FULL


@pytest.mark.parametrize("size", [(2, 2), (6, 2), (32, 4), (16, 16)])
def test_tiny_films_without_loss(folder, size):
    make("in.mkv", 2, size, codec="ffv1", level=1)
    assert run("--input", "in.mkv", "--lossless", "--scale", 2) == 0
    assert len(decode("sample/in_x2.mkv")[0]) == 2


def test_slow_frames_on_a_fine_clock(folder):
    """A frame lasts more ticks than 32 bits hold: PyAV's own products of rate and tick would be 0."""
    tick, seconds = Fraction(1, 10**9), 10
    with av.open("in.nut", "w") as output:
        stream = output.add_stream("ffv1", rate=Fraction(1, seconds))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = tick
        for number in range(3):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = number * seconds * 10**9, tick
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert probe("in.nut").time_base == tick
    assert run("--input", "in.nut", "--output", "out.mkv") == 0
    assert decode("out.mkv")[1] == [0, seconds, 2 * seconds]
    with av.open("out.mkv") as film:
        assert film.duration == pytest.approx(3 * seconds * av.time_base, abs=2000)


def later(name, seconds):
    """A film as bytes, its clock so many seconds later."""
    with av.open(name) as source, av.open("later.ts", "w") as output:
        copies = [output.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream_index]
                packet.pts, packet.dts = (n + seconds * 90000 for n in (packet.pts, packet.dts))
                output.mux(packet)
    with open("later.ts", "rb") as file:
        return file.read()


@pytest.mark.parametrize("seconds", [0, 300])  # of more than 60 back FFmpeg makes as many as 95,443 ahead
def test_recordings_that_were_joined_go_on_by_one_clock(folder, seconds):
    """Two with sound, one behind the other as `cat` joins them: neither is lost, nor is one late."""
    make("one.ts", 40, change=lambda output, _: sound(output, 70))
    (folder / "in.ts").write_bytes(later("one.ts", seconds) + later("one.ts", 0))
    assert run("--input", "in.ts", "--output", "out.mp4") == 0
    times = decode("out.mp4")[1]
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert len(times) == 80 and all(steps[:39] + steps[40:]) and 0.039 < steps[39] < 0.2
    with av.open("out.mp4") as film:
        heard = [p.pts * p.time_base for p in film.demux(audio=0) if p.size]
    steps = [b - a for a, b in itertools.pairwise(heard)]
    assert len(heard) == 142 and max(steps) < 0.2 and min(steps) > 0.02
    assert abs((times[40] - heard[71]) - (times[0] - heard[0])) < 0.001  # as far apart as before
    film = scanned(probe("in.ts"))
    assert film.frame_count == 80  # and not what the clock tells of the last recording
    stamps = [frame.pts for frame in frame_reader.Reader(film)]
    assert [frame.pts for frame in frame_reader.Reader(film, stamps[60])] == stamps[61:]
