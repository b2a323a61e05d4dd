"""Films as they come: any side data, colours that no page can show, clocks below 0, changes midway."""

import itertools
import struct
import types
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from srcnn.upscaling.films import film_job
from srcnn.upscaling.films.changes import check_alike
from srcnn.upscaling.films.probe import probe
from tests.helpers.film_clips import decode, ffmpeg, frames_of, make, make_film, run, sound


def test_side_data_that_pyav_does_not_know_is_named(folder, capfd):
    """EXIF in the frames of a time-lapse."""
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    for number in range(3):
        Image.new("RGB", (32, 24), (40 * number, 90, 200)).save(
            folder / f"p{number}.jpg", exif=exif, quality=95
        )
    with av.open("in.avi", "w") as output:
        stream = output.add_stream("mjpeg", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuvj420p"
        for number in range(3):
            packet = av.Packet((folder / f"p{number}.jpg").read_bytes())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 5)
            output.mux(packet)
    assert run("--input", "in.avi", "--output", "out.mkv") == 2
    assert "left out, since the format cannot hold it: EXIF of frames" in capfd.readouterr().err
    assert len(decode("out.mkv")[0]) == 3


def test_whatever_a_film_does_the_next_one_is_done(folder, monkeypatch, capfd, unexpected):
    make("a.mkv", 3)
    make("b.mkv", 3)
    probed = film_job.probe

    def failing(path, *more):
        if path.name == "a.mkv":
            raise KeyError("what nobody foresaw")
        return probed(path, *more)

    monkeypatch.setattr(film_job, "probe", failing)
    assert run("--input", "a.mkv", "b.mkv", "--output", "out") == 2
    assert "a.mkv: unexpected error" in capfd.readouterr().err
    assert len(decode("out/b_x2.mkv")[0]) == 3
    unexpected.clear()


@pytest.mark.parametrize("matrix", [8, 10, 14])  # YCgCo, BT.2020 of constant luminance, ICtCp
def test_a_film_that_the_page_cannot_show_is_done(folder, matrix, capfd):
    def prepare(stream):
        stream.codec_context.colorspace = matrix

    make_film("in.mkv", frames_of(5), prepare=prepare)
    assert probe(folder / "in.mkv").colours["colorspace"] == matrix
    assert run("--input", "in.mkv", "--output", "out.mkv", "--sample_dir", "page") == 0
    assert len(decode("out.mkv")[0]) == 5
    assert "the page cannot show it" in capfd.readouterr().err
    assert (folder / "page/upscaled.html").exists()


@pytest.mark.parametrize("ending", ["mkv", "mp4", "mov", "webm"])
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((64, 48), (6, 1, 1)),  # matrix, primaries, transfer: BT.601 for what is small
        ((720, 480), (6, 6, 1)),
        ((720, 576), (6, 5, 1)),
        ((1280, 16), (1, 1, 1)),
    ],
)
def test_colours_that_a_film_does_not_say_are_those_that_players_guess(folder, size, expected, ending):
    """Of the result, which is larger, they would guess otherwise: reds and greens would shift."""
    if ending != "mkv" and size != (64, 48):
        pytest.skip("once for each container")
    make_film("in.mkv", frames_of(2, *size), options={"preset": "ultrafast"})
    assert run("--input", "in.mkv", "--output", f"out.{ending}") == 0
    with av.open(f"out.{ending}") as film:
        next(film.decode(video=0))
        context = film.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == expected


def test_stamps_of_parts_may_be_below_0(folder, monkeypatch):
    """As of a transport stream whose clock is about to wrap, which FFmpeg counts from below 0."""
    ffmpeg(
        "-f lavfi -i testsrc2=s=32x24:r=10:d=3 -c:v libx264 -pix_fmt yuv420p -output_ts_offset 95442 in.ts"
    )
    monkeypatch.setattr(film_job, "SECONDS", 0)
    for name in ("out.mkv", "out.mp4"):
        assert run("--input", "in.ts", "--output", name) == 0
        with av.open(name) as film:
            times = [frame.time for frame in film.decode(video=0)]
        assert len(times) == 30 and times[0] == pytest.approx(0, abs=0.05)
        assert all(b - a == pytest.approx(0.1, abs=0.002) for a, b in itertools.pairwise(times))


def test_a_film_that_becomes_interlaced_is_refused_before_the_work(folder, capfd):
    source = "-f lavfi -i testsrc2=s=32x32:r={}:d=1"
    coding = "-c:v libx264 -pix_fmt yuv420p"
    ffmpeg(f"{source.format(25)} {coding} a.ts")
    interlaced = "-vf interlace=scan=tff -flags +ildct+ilme -x264opts tff=1 -output_ts_offset 1"
    ffmpeg(f"{source.format(50)} {coding} {interlaced} b.ts")
    (folder / "in.ts").write_bytes((folder / "a.ts").read_bytes() + (folder / "b.ts").read_bytes())
    assert run("--input", "in.ts", "--output", "out.mkv") == 2
    assert "in.ts: is interlaced after" in capfd.readouterr().err
    assert not (folder / "out.mkv").exists()


def test_a_film_whose_frames_change_their_size_is_refused_before_the_work(folder, capfd):
    make_film("a.ts", frames_of(25), rate=25)
    make_film("b.ts", frames_of(25, 64, 48, first=25), rate=25)
    (folder / "in.ts").write_bytes((folder / "a.ts").read_bytes() + (folder / "b.ts").read_bytes())
    assert run("--input", "in.ts", "--output", "out.mkv") == 2
    said = capfd.readouterr().err
    assert "in.ts: its frames change from 32x24 to 64x48 pixels after" in said and "cut it there" in said
    assert not (folder / "out.mkv").exists()


def test_sound_of_a_kind_that_no_decoder_knows_is_named(folder, capfd):
    make_film("film.avi", frames_of(5), "mpeg4")
    with av.open("film.avi") as film, av.open("in.avi", "w") as output:
        copy = output.add_stream_from_template(film.streams.video[0])
        samples = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        for packet in film.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                output.mux(packet)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        output.mux(samples.encode(frame))
    content = bytearray((folder / "in.avi").read_bytes())
    at = content.index(b"strf", content.index(b"auds")) + 8
    content[at : at + 2] = struct.pack("<H", 0x7777)
    (folder / "in.avi").write_bytes(content)
    assert run("--input", "in.avi", "--output", "out.mkv") == 2
    assert "in.avi: left out, since the format cannot hold it: audio" in capfd.readouterr().err
    assert len(decode("out.mkv")[0]) == 5


def test_sound_of_a_codec_without_a_decoder_is_copied_where_it_can_be(folder, capfd):
    make("a.mp4", 3, change=lambda output, _: sound(output))
    content = bytearray((folder / "a.mp4").read_bytes())
    at = content.rindex(b"mp4a", 0, content.rindex(b"esds"))
    content[at : at + 4], content[at + 36 : at + 40] = b"mhm1", b"free"  # MPEG-H
    (folder / "in.mp4").write_bytes(content)
    assert run("--input", "in.mp4", "--output", "out.mp4") == 0
    packets = []
    for name in ("in.mp4", "out.mp4"):
        with av.open(name) as film:
            assert film.streams.audio[0].codec_context is None
            packets.append([bytes(packet) for packet in film.demux(audio=0)])
    assert packets[0] == packets[1] and len(packets[0]) > 1
    assert run("--input", "in.mp4", "--output", "out.mkv") == 2
    assert "left out, since the format cannot hold it: audio mpegh_3d_audio" in capfd.readouterr().err


def test_what_only_the_stream_has_beside_its_frames_is_named(folder, capfd):
    make_film("a.mp4", frames_of(3))
    part = box(b"clap", struct.pack(">8I", 20, 1, 16, 1, 0, 1, 0, 1))  # the middle of the frames
    (folder / "in.mp4").write_bytes(with_boxes((folder / "a.mp4").read_bytes(), part))
    assert run("--input", "in.mp4", "--output", "out.mp4") == 2
    assert "left out, since the format cannot hold it: frame cropping" in capfd.readouterr().err


def test_a_stream_that_begins_late_goes_in_from_where_it_begins(folder):
    """As in recordings of live streams, whose header says pictures alone."""
    ffmpeg(
        "-f lavfi -i testsrc=size=32x24:rate=5:duration=24 -f lavfi "
        "-i sine=duration=24 -c:v flv1 -b:v 2M -c:a libmp3lame -ar 44100 all.flv"
    )
    content = (folder / "all.flv").read_bytes()
    late, at = bytearray(content[:13]), 13
    late[4] = 1  # pictures alone
    while at + 11 <= len(content):
        size, stamp = (int.from_bytes(content[at + n : at + n + 3], "big") for n in (1, 4))
        if content[at] != 8 or stamp >= 20000:
            late += content[at : at + 15 + size]
        at += 15 + size
    (folder / "in.flv").write_bytes(late)
    assert run("--input", "in.flv", "--output", "out.mkv") == 0
    with av.open("out.mkv") as film:
        first = next(film.decode(audio=0))
        assert first.time == pytest.approx(20, abs=0.2)
    assert len(decode("out.mkv")[0]) == 120


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def with_boxes(content, *boxes):
    """An MP4 whose last box is `moov`, with boxes in the description of its first stream."""
    content, extra = bytearray(content), b"".join(boxes)
    at = content.index(b"avc1", content.index(b"stsd")) - 4
    size = struct.unpack_from(">I", content, at)[0]
    content[at + size : at + size] = extra
    for kind in (b"avc1", b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        place = content.rindex(kind, 0, at + 8) - 4
        struct.pack_into(">I", content, place, struct.unpack_from(">I", content, place)[0] + len(extra))
    return bytes(content)


@pytest.mark.parametrize(("profile", "compatible"), [(5, 0), (8, 1), (8, 4)])
def test_dolby_vision_is_named_or_refused_where_nothing_else_can_show_it(folder, capfd, profile, compatible):
    make_film("a.mp4", frames_of(3))
    record = (
        bytes([1, 0]) + struct.pack(">H", profile << 9 | 6 << 3 | 5) + bytes([compatible << 4]) + bytes(19)
    )
    (folder / "in.mp4").write_bytes(with_boxes((folder / "a.mp4").read_bytes(), box(b"dvcC", record)))
    assert run("--input", "in.mp4", "--output", "out.mp4") == 2
    said = capfd.readouterr().err
    if compatible:
        assert "left out" in said and "Dolby Vision" in said and len(decode("out.mp4")[0]) == 3
    else:
        assert "in.mp4: is Dolby Vision of profile 5" in said and not (folder / "out.mp4").exists()


def test_films_of_phones_and_old_programs_are_no_broken_images(folder):
    """Of a folder by their endings, and of any other by what is in it."""
    make_film("a.mp4", frames_of(3))
    content = (folder / "a.mp4").read_bytes()
    for name in ("in/a.3g2", "in/b.F4V", "in/c.qt", "named.xyz"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    assert run("--input", "in", "named.xyz", "--output", "out") == 0
    assert sorted(path.name for path in (folder / "out").glob("*.*")) == [
        *(".srcnn-written", "a_x2.mkv", "b_x2.mkv", "c_x2.mkv", "named_x2.mkv"),
    ]


def test_text_and_sound_are_no_films(folder, capfd):
    (folder / "t.txt").write_text("a text, which FFmpeg would show on a terminal of its own\n" * 9, "utf-8")
    assert run("--input", "t.txt") == 2
    assert "t.txt: damaged, or not of a supported image" in capfd.readouterr().err


def test_sound_and_programs_of_a_folder_that_have_endings_of_films_are_left_out(folder, capfd):
    (folder / "in").mkdir()
    with av.open("in/music.ogg", "w") as output:
        stream = output.add_stream("libopus", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), "s16", "mono")
        frame.sample_rate = 48000
        output.mux([*stream.encode(frame), *stream.encode(None)])
    (folder / "in/program.mod").write_text("module srcnn\n", "ascii")
    make_film("film.mp4", frames_of(3))
    (folder / "film.mp4").rename("in/film.asf")
    assert run("--input", "in", "--output", "out") == 0
    assert "1 .mod without moving pictures, 1 .ogg without moving pictures" in capfd.readouterr().out
    assert [path.name for path in (folder / "out").glob("*.mkv")] == ["film_x2.mkv"]


def test_frames_wider_than_h264_holds_become_hevc(folder):
    make_film("in.mkv", frames_of(2, 8200, 16), "ffv1")
    assert run("--input", "in.mkv", "--output", "out.mp4") == 0
    with av.open("out.mp4") as film:
        assert film.streams.video[0].codec_context.name == "hevc"
        assert next(film.decode(video=0)).width == 16400


def test_what_an_encoder_cannot_hold_is_said_before_the_work(folder, capfd, monkeypatch):
    """AV1, of 10 bits in .webm, ends at 16384 pixels."""
    frames = [frame.reformat(format="yuv420p10le") for frame in frames_of(2, 8200, 16)]
    make_film("in.mkv", frames, "ffv1")
    monkeypatch.setattr(film_job, "encode", lambda *_: pytest.fail("the work began"))
    assert run("--input", "in.mkv", "--output", "out.webm") == 2
    assert "out.webm: 16400x32 pixels is more than AV1 can hold; use --lossless" in capfd.readouterr().err


def test_an_encrypted_film_is_refused(folder, capfd):
    make_film("a.mp4", frames_of(3))
    content = (folder / "a.mp4").read_bytes()
    at = content.index(b"avc1", content.index(b"stsd"))
    original = box(b"sinf", box(b"frma", b"avc1") + box(b"schm", bytes(4) + b"cenc" + bytes(4)))
    content = with_boxes(content, original)
    (folder / "in.mp4").write_bytes(content[:at] + b"encv" + content[at + 4 :])
    assert run("--input", "in.mp4", "--output", "out.mp4") == 2
    assert not (folder / "out.mp4").exists()
    assert "in.mp4: is encrypted" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("said", "size", "expected"),
    [
        ({"colorspace": 9}, (64, 48), (9, 9, 1)),  # BT.2020 goes with its own primaries, by which it is known
        ({"colorspace": 10, "color_trc": 16}, (64, 48), (10, 9, 16)),
        ({"colorspace": 1}, (720, 576), (1, 1, 1)),
        ({"color_primaries": 9}, (64, 48), (6, 9, 1)),
    ],
)
def test_colours_that_a_film_says_in_part_are_kept_and_lead_to_the_others(folder, said, size, expected):
    def prepare(stream):
        for name, value in said.items():
            setattr(stream.codec_context, name, value)

    make_film("in.mkv", frames_of(1, *size), options={"preset": "ultrafast"}, prepare=prepare)
    colours = probe(folder / "in.mkv").colours
    assert tuple(colours[n] for n in ("colorspace", "color_primaries", "color_trc")) == expected


@pytest.mark.parametrize(("places", "refused"), [((40, 41, 42), True), ((7, 9, 12), True), ((3, 30), False)])
def test_a_few_interlaced_frames_are_enough_and_a_stray_mark_is_not(places, refused):
    """Frames that the decoder gives at the end know no time base."""
    unsaid = dict.fromkeys(["color_range", "colorspace", "color_trc", "color_primaries"], 0)
    alike = {"width": 8, "height": 8, "is_corrupt": False, "format": av.VideoFormat("yuv420p"), **unsaid}
    frames = [types.SimpleNamespace(pts=900 + n, interlaced_frame=n in places, **alike) for n in range(43)]
    found = check_alike("a.ts", frames, Fraction(1, 10))
    assert found == (pytest.approx(places[0] / 10) if refused else None)
