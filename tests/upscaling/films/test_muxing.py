"""What a film has beside its frames is in the enlarged one, or is named."""

import re
from fractions import Fraction
from functools import partial
from io import BytesIO

import av
import numpy as np
import pytest
from PIL import Image

from srcnn.upscaling.films import decoding
from tests.helpers.film_clips import TICK, decode, hashes, make, picture, run, sound


def test_sound_chapters_tags_aspect_and_rotation_are_kept(folder, capfd):
    def change(output, stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(90)
        stream.metadata.update({"language": "fra", "title": "Main"})
        output.metadata["title"] = "Été"
        chapter = {
            "id": 1,
            "start": 0,
            "end": 300,
            "time_base": Fraction(1, 1000),
            "metadata": {"title": "One"},
        }
        output.set_chapters(
            [chapter, chapter | {"id": 2, "start": 300, "end": 480, "metadata": {"title": "Two"}}]
        )
        return sound(output, 20, "deu") + sound(output, 20, "jpn")

    make("in.mp4", change=change)
    assert run("--input", "in.mp4") == 0
    assert "in_x2.mp4: 96x128 pixels" in capfd.readouterr().out
    with av.open("in.mp4") as old, av.open("sample/in_x2.mp4") as new:
        assert new.metadata["title"] == "Été"
        assert [c["metadata"]["title"] for c in new.chapters()] == ["One", "Two"]
        assert [c["start"] * c["time_base"] for c in new.chapters()] == [0, Fraction(3, 10)]
        assert [s.metadata.get("language") for s in new.streams if s.type != "data"] == ["fra", "deu", "jpn"]
        assert new.streams.video[0].metadata["name"] == "Main"
        assert new.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
        assert next(new.decode(video=0)).rotation == next(old.decode(video=0)).rotation == 90
    assert hashes("sample/in_x2.mp4", "audio") == hashes("in.mp4", "audio")


def test_subtitles_are_kept(folder, tmp_path):
    (tmp_path / "in.srt").write_text(
        "1\n00:00:00,040 --> 00:00:00,200\nHello\n\n2\n00:00:00,240 --> 00:00:00,400\nBye\n"
    )
    make("pictures.mkv")
    with av.open("pictures.mkv") as film, av.open("in.srt") as text, av.open("in.mkv", "w") as output:
        copies = [output.add_stream_from_template(c.streams[0], opaque=True) for c in (film, text)]
        copies[1].metadata["language"] = "eng"
        for container, copy in zip((film, text), copies, strict=True):
            for packet in container.demux():
                if packet.size:
                    packet.stream = copy
                    output.mux_one(packet)
    assert run("--input", "in.mkv") == 0
    assert hashes("sample/in_x2.mkv", "subtitle") == hashes("in.mkv", "subtitle") != []
    with av.open("sample/in_x2.mkv") as film:
        assert film.streams.subtitles[0].metadata["language"] == "eng"
        assert [p.pts for p in film.demux(film.streams.subtitles[0]) if p.size] == [40, 240]


def test_sound_that_a_container_cannot_have_is_named(folder, capfd):
    make("in.mp4", change=lambda output, _: sound(output))
    assert run("--input", "in.mp4", "--output", "out.webm") == 2
    assert "in.mp4: left out, since the format cannot hold it: audio aac" in capfd.readouterr().err
    assert len(decode("out.webm")[0]) == 12


@pytest.mark.parametrize(
    ("name", "codec", "target"),
    [
        ("in.wmv", "wmav2", "out.mkv"),
        ("in.avi", "adpcm_ms", "out.mkv"),
        ("in.avi", "pcm_mulaw", "out.mkv"),
        ("in.mkv", "flac", "out.mov"),  # which QuickTime refuses only when it is written
    ],
)
def test_sound_that_is_not_copied_has_the_same_samples(folder, capfd, name, codec, target):
    """PyAV copies neither WMA nor ADPCM into Matroska, and no FLAC into QuickTime."""

    def tone(output, _):
        stream = output.add_stream(codec, rate=44100, layout="stereo")
        stream.bit_rate = 128000
        stream.codec_context.open()
        size = stream.frame_size or 1024
        parts = av.AudioResampler(stream.codec_context.format, "stereo", 44100, size)
        waves = np.sin(np.arange(20 * 2048)[:, np.newaxis] / [10, 17]) * 9000
        frame = av.AudioFrame.from_ndarray(waves.astype(np.int16).reshape(1, -1), "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 44100, 0, Fraction(1, 44100)
        packets = [packet for part in parts.resample(frame) for packet in stream.encode(part)]
        return packets + stream.encode(None)

    make(name, 25, codec="mjpeg", format_="yuvj420p", change=tone)
    assert run("--input", name, "--output", target) == 0, capfd.readouterr().err
    (before, first), (after, start) = samples(name), samples(target)
    np.testing.assert_array_equal(after, before)
    assert after.shape[1] >= 18 * 2048 and abs(start - first) < 0.0011


def samples(path):
    """Those of the sound of a film, (channels, n), and when they begin, in seconds."""
    with av.open(path) as film:
        resampler, found = av.AudioResampler("fltp"), list(film.decode(audio=0))
    first = next(float(frame.pts * frame.time_base) for frame in found if frame.pts is not None)
    parts = [part.to_ndarray() for frame in found for part in resampler.resample(frame)]
    return np.concatenate(parts, 1), first


def test_tags_and_data_that_a_container_cannot_have_are_named(folder, capfd):
    def camera(output, stream):
        output.metadata.update({"title": "A", "make": "Maker"})
        stream.metadata["timecode"] = "01:00:00:00"

    def telephone(output, stream):
        output.metadata.update({"title": "B", "make": "Maker", "com.apple.quicktime.creationdate": "2020"})

    def flight(output, stream):
        packet = av.Packet(b"abcdefgh")
        packet.stream, packet.pts, packet.dts, packet.time_base = output.add_data_stream("klv"), 0, 0, TICK
        return [packet]

    make("camera.mkv", 2, change=camera)
    make("telephone.mkv", 2, change=telephone)
    make("flight.ts", 2, change=flight)
    assert run("--input", "camera.mkv", "--output", "camera.mp4") == 2
    assert run("--input", "telephone.mkv", "--output", "telephone.mov") == 0
    assert run("--input", "flight.ts", "--output", "flight.mkv") == 2
    camera, flight = capfd.readouterr().err.splitlines()
    assert "cannot hold it: tags MAKE TIMECODE" in camera and flight.endswith(": data klv")
    with av.open("camera.mp4") as film, av.open("telephone.mov") as other:
        assert film.metadata["title"] == "A"
        found = {key.lower(): value for key, value in other.metadata.items()}
    assert [found[key] for key in ("title", "make", "com.apple.quicktime.creationdate")] == [
        "B",
        "Maker",
        "2020",
    ]


def test_sound_that_a_container_refuses_at_the_end_is_named(folder, capfd):
    """MP4 has no place for channels without a layout, and tells when all is written."""

    def two(output, _):
        stream, packets = output.add_stream("pcm_s24le", rate=48000, layout="stereo"), []
        for number in range(20):
            packet = av.Packet(bytes(2 * 3 * 1024))
            packet.stream, packet.time_base, packet.duration = stream, Fraction(1, 48000), 1024
            packet.pts = packet.dts = number * 1024
            packets.append(packet)
        return packets + sound(output, 20)

    make("in.mkv", change=two)
    assert run("--input", "in.mkv", "--output", "out.mp4") == 2
    said = "in.mkv: left out, since the format cannot hold it: audio pcm_s24le\n"
    assert capfd.readouterr().err.endswith(said)
    assert hashes("out.mp4", "audio") == hashes("in.mkv", "audio")[1:] != []
    assert len(decode("out.mp4")[0]) == 12


def test_a_damaged_packet_of_sound_costs_no_film(folder, capfd):
    """One byte of the header of a frame of AAC, which a filter of FFmpeg's then refuses."""
    make("in.ts", change=lambda output, _: sound(output, 40))
    ((_, before),) = hashes("in.ts", "audio")
    file, header = (folder / "in.ts").read_bytes(), before[20][:7]
    assert header in file
    (folder / "in.ts").write_bytes(file.replace(header, b"\x7f" + header[1:], 1))
    assert run("--input", "in.ts") == 2
    (missing,) = re.findall(
        r"in.ts: damaged and missing: (\d) packets? of audio aac\n", capfd.readouterr().err
    )
    ((_, after),) = hashes("sample/in_x2.mkv", "audio")
    assert int(missing) > 0 and len(after) >= len(before) - 2
    assert set(after) <= {packet[7:] for packet in before}  # without the headers of ADTS
    assert len(decode("sample/in_x2.mkv")[0]) == 12


def test_covers_are_kept(folder, capfd):
    """In MP4 as such, in Matroska as attachments; in between, too. WebM and QuickTime have none."""
    cover = BytesIO()
    Image.fromarray(picture(1, 32, 32)).save(cover, "JPEG")
    make("plain.mkv", 3)
    with av.open("plain.mkv") as film, av.open("in.mkv", "w") as output:
        copy = output.add_stream_from_template(film.streams.video[0])
        output.add_attachment("cover.jpg", "image/jpeg", cover.getvalue())
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream = copy
                output.mux_one(packet)
    for source, target in (("in.mkv", "a.mkv"), ("a.mkv", "b.mp4"), ("b.mp4", "c.mp4"), ("c.mp4", "d.mkv")):
        run("--input", source, "--output", target)
        assert cover.getvalue() in (folder / target).read_bytes(), target
        with av.open(target) as film:
            assert [decoding.is_cover(stream) for stream in film.streams.video] == [False, True]
    for target in ("e.webm", "e.mov"):
        capfd.readouterr()
        assert run("--input", "d.mkv", "--output", target) == 2
        assert "mjpeg" in capfd.readouterr().err


CYRILLIC = "Привет".encode("cp1251")  # no UTF-8


def test_tags_that_are_not_utf8_are_copied_as_they_are(folder):
    text = CYRILLIC.decode(errors="surrogateescape")
    chapter = {"id": 1, "start": 0, "end": 300, "time_base": Fraction(1, 1000), "metadata": {"title": text}}

    def change(output, stream):
        output.metadata["title"] = stream.metadata["title"] = text
        output.set_chapters([chapter])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(av, "open", partial(av.open, **decoding.ANY_TAGS))
        make("in.mkv", change=change)
    for source, target in (("in.mkv", "a.mkv"), ("a.mkv", "b.mp4"), ("b.mp4", "c.mkv")):
        assert run("--input", source, "--output", target) == 0
        assert (folder / target).read_bytes().count(CYRILLIC) >= 3, target


def test_a_lost_tag_that_is_not_utf8_is_named(folder, capfd):
    key = CYRILLIC.decode(errors="surrogateescape")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(av, "open", partial(av.open, **decoding.ANY_TAGS))
        make("in.mkv", change=lambda output, _: output.metadata.update({key: "A"}))
    assert run("--input", "in.mkv", "--output", "out.mp4") == 2
    assert capfd.readouterr().err.endswith(f"cannot hold it: tags {chr(0xFFFD) * len(CYRILLIC)}\n")
