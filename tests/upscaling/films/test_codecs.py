"""--codec and --preset: what the file has then, what goes where, and what hardware is told."""

import re
import shutil
import subprocess
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
import pytest

from srcnn.settings import CODECS, PRESETS, FilmCoding
from srcnn.system.errors import InputError
from srcnn.upscaling.films import encoders, encoding, frames
from srcnn.upscaling.films.containers import ENDINGS
from srcnn.upscaling.films.pixel_formats import FORMATS, nearest
from srcnn.upscaling.films.probe import probe
from tests.helpers.film_clips import WORDS, decode, frames_of, hashes, make, make_film, run

BOTH = [(codec, ending) for codec in ("av1", "vp9", "prores", "h264", "hevc") for ending in ENDINGS[codec]]


@pytest.mark.parametrize(("codec", "ending"), BOTH)
def test_the_film_has_the_codec_and_every_frame(folder, codec, ending):
    make("in.mkv", 6)
    assert run("--input", "in.mkv", "--codec", codec, "--output", f"out{ending}") == 0
    with av.open(f"out{ending}") as film:
        assert film.streams.video[0].codec_context.name.replace("libdav1d", "av1") == codec
    frames_, times = decode(f"out{ending}")
    assert times == decode("in.mkv")[1]
    for number in (0, 5):
        before, after = decode("in.mkv")[0][number][0], frames_[number][0].astype(np.float32)
        levels = 4 if codec == "prores" else 1  # it has 10 bits always
        bicubic = frames.bicubic(before, after.shape)
        assert np.abs(after / levels - bicubic).mean() < 6


@pytest.mark.parametrize("target", ["out.mov", "out.mkv"])
@pytest.mark.parametrize("format_", ["yuv420p", "gray"])
def test_prores_shows_full_range_as_it_was(folder, target, format_):
    """Players know it in limited range alone."""

    def prepare(stream):
        stream.codec_context.color_range = 2

    levels = [av.VideoFrame.from_ndarray(np.full((24, 32), n, np.uint8), "gray") for n in (20, 128, 230)]
    for number, frame in enumerate(levels):
        frame.color_range, frame.pts, frame.time_base = 2, number, Fraction(1, 10)
    of_kind = [frame.reformat(format=format_, dst_color_range=2) for frame in levels]
    make_film("in.mkv", of_kind, "ffv1", prepare=prepare)
    assert run("--input", "in.mkv", "--codec", "prores", "--output", target) == 0
    with av.open(target) as film:
        found = [frame.to_ndarray(format="rgb24")[12, 16] for frame in film.decode(video=0)]
    np.testing.assert_allclose(found, [[20] * 3, [128] * 3, [230] * 3], atol=3)


@pytest.mark.parametrize("target", ["out.mov", "out.mkv"])
def test_prores_says_its_colours(folder, target):
    """Its frames do, and decoders believe them."""
    said = {"colorspace": 9, "color_primaries": 9, "color_trc": 16}

    def prepare(stream):
        for name, value in said.items():
            setattr(stream.codec_context, name, value)

    make_film("in.mkv", [f.reformat(format="yuv420p10le") for f in frames_of(2)], "ffv1", prepare=prepare)
    assert run("--input", "in.mkv", "--codec", "prores", "--output", target) == 0
    with av.open(target) as film:
        frame = next(film.decode(video=0))
    assert {name: getattr(frame, name) for name in said} == said


def test_ffv1_of_sizes_that_it_does_not_cut_into_16_slices(folder):
    """4:4:4, whose every size it cuts so, has the same luminance."""
    for kind in ("420", "444"):
        make(f"{kind}.mkv", 2, (32, 24), "ffv1", f"yuv{kind}p")
        more = "--lossless", "--scale", 2.2, "--output", f"{kind}x.mkv"
        assert run("--input", f"{kind}.mkv", *more) == 0
    ours, truth = (decode(f"{kind}x.mkv")[0] for kind in ("420", "444"))
    assert [planes[0].shape for planes in ours] == [(53, 70)] * 2
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(ours, truth, strict=True))


def test_ffv1_is_another_name_of_lossless(folder):
    make("in.mp4", 3)
    assert run("--input", "in.mp4", "--codec", "ffv1") == 0
    assert run("--input", "in.mp4", "--lossless", "--output", "out.mkv") == 0
    assert hashes("sample/in_x2.mkv", "video") == hashes("out.mkv", "video")


@pytest.mark.parametrize(
    ("name", "codec", "result"),
    [
        ("in.mp4", "prores", "in_x2.mov"),
        ("in.mkv", "prores", "in_x2.mkv"),
        ("in.webm", "h264", "in_x2.mkv"),
        ("in.mov", "av1", "in_x2.mkv"),
        ("in.mp4", "vp9", "in_x2.mp4"),
    ],
)
def test_the_container_stays_where_it_holds_the_codec(folder, name, codec, result):
    make(name, 2, codec="libvpx-vp9" if name == "in.webm" else "libx264")
    assert run("--input", name, "--codec", codec) == 0
    assert [path.name for path in folder.glob("sample/in_x2.*")] == [result]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "--codec prores --output out.mp4",
            "use one of h264, hevc, av1, vp9, or an --output that ends in .mov",
        ),
        (
            "--codec h264 --output out.webm",
            "one of av1, vp9, or an --output that ends in .mp4 or .mov or .mkv",
        ),
        ("--codec ffv1 --output out.mp4", "FFV1, which is lossless, needs .mkv"),
        ("--codec vp9 --output out.gif", "--codec is for films"),
        ("--codec xvid", "'xvid' is not a codec; use one of h264, hevc"),
        ("--codec hevc_vaapi", "--codec hevc_vaapi: this PyAV has no such encoder; use one of h264, hevc"),
        ("--codec av1 --lossless", "with --codec av1; leave one out"),
        ("--codec prores --crf 10", "--crf is not for ProRes"),
        ("--codec ffv1 --preset slow", "--preset is not for FFV1"),
        ("--codec av1 --crf 64 --output out.mp4", "use 0 to 63 for libsvtav1"),
        ("--preset slowest", "--preset"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_work(folder, fails, words, said):
    make(folder / "in.mp4", 1)
    assert said in fails(*WORDS, "--input", "in.mp4", *words.split())


def test_flags_of_films_are_not_for_photographs(folder, fails):
    av.VideoFrame(8, 8, "rgb24").to_image().save(folder / "a.png")
    for words in (["--codec", "vp9"], ["--preset", "slow"], ["--deinterlace"]):
        assert f"{words[0]} is for films" in fails(*WORDS, "--input", "a.png", *words)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9"])
def test_encoders_know_their_presets(codec, preset):
    """Each opens with what it is told, and what it makes can be decoded."""
    name = encoders.SOFTWARE[codec]
    file = BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream(name, rate=25, options=encoders.options(name, None, preset))
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(3):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as film:
        assert len(list(film.decode(video=0))) == 3


def test_slower_presets_make_smaller_files(folder):
    make("in.mkv", 12)
    sizes = []
    for preset in ("ultrafast", "slow"):
        name = f"{preset}.mkv"
        assert run("--input", "in.mkv", "--codec", "h264", "--preset", preset, "--output", name) == 0
        sizes.append((folder / name).stat().st_size)
    assert sizes[1] < 0.8 * sizes[0]


def options_of(name):
    """The options that FFmpeg's program says an encoder has, and the words that it says each takes."""
    command = ["ffmpeg", "-hide_banner", "-h", f"encoder={name}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, set[str]] = {}
    for line in said.splitlines():
        if option := re.match(r"  -(\S+) ", line):
            words = found.setdefault(option[1], set())
        elif word := re.match(r"     (\S+) ", line):
            words.add(word[1])
    return found


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="there is no ffmpeg here")
@pytest.mark.parametrize(
    "name", [f"{codec}_{kind}" for codec in ("h264", "hevc") for kind in ("nvenc", "qsv")]
)
def test_hardware_is_told_in_words_that_ffmpeg_knows(name):
    """Since there may be none here to try."""
    known = options_of(name)
    if not known:
        pytest.skip(f"this ffmpeg has no {name}")
    for preset in (None, *PRESETS):
        for option, value in encoders.options(name, 20, preset).items():
            if option not in ("b", "global_quality"):  # which are of all encoders
                assert value.isdecimal() or value in known[option], (option, value)


def test_other_hardware_takes_neither_a_crf_nor_a_preset_and_has_a_bit_rate(folder, monkeypatch):
    make("in.mp4", 1)
    film = probe("in.mp4")
    for coding in (FilmCoding(20, codec="h264_amf"), FilmCoding(codec="h264_amf", preset="slow")):
        with pytest.raises(InputError, match="is not for h264_amf"):
            encoders.options(coding.codec, coding.crf, coding.preset)
    monkeypatch.setattr(encoding, "_check_opens", lambda *_: None)
    monkeypatch.setattr(encoders, "stored_format", lambda _, format_: format_ if "420" in format_ else None)
    found = encoding.encoder(film, folder / "out.mp4", (96, 127), FilmCoding(codec="h264_amf"))
    assert found.options == {"b": str(96 * 128 * 25 // 4)} and found.size == (96, 128)


def test_hardware_that_is_not_there_is_one_line(folder, capfd):
    """What PyAV has need not be in the machine."""
    there = [name for name in encoders.of_hardware() if name.startswith("h264")]
    make("in.mp4", 1)
    for name in there:
        if run("--input", "in.mp4", "--codec", name, "--output", f"{name}.mp4"):
            said = [line for line in capfd.readouterr().err.splitlines() if "error" in line]
            assert len(said) == 1 and f"{name} cannot encode 128x96 pixels on this machine (" in said[0]
            assert said[0].endswith("use --codec h264")


def test_packed_frames_have_the_same_pixels(folder, monkeypatch):
    """As hardware takes them: x264 does, too."""
    make("in.mp4", 3)
    assert run("--input", "in.mp4", "--output", "planes.mp4") == 0
    monkeypatch.setattr(encoders, "stored_format", lambda *_: "nv12")
    assert run("--input", "in.mp4", "--output", "packed.mp4") == 0
    for a, b in zip(decode("planes.mp4")[0], decode("packed.mp4")[0], strict=True):
        assert all((x == y).all() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(
    ("format_", "taken", "found"),
    [
        ("yuv420p", ["yuv422p10le", "yuv444p10le"], "yuv422p10le"),
        ("yuv444p", ["yuv422p10le", "yuv444p10le"], "yuv444p10le"),
        ("yuv444p10le", ["yuv420p", "yuv420p10le"], "yuv420p10le"),
        ("yuv422p", ["yuv420p", "yuv420p10le"], "yuv420p"),
        ("yuv422p", ["yuv420p", "yuv444p", "yuv420p10le"], "yuv444p"),
        ("yuv422p10le", FORMATS, "yuv422p10le"),
    ],
)
def test_the_nearest_format_loses_least(format_, taken, found):
    assert nearest(format_, taken) == found


def test_what_a_codec_cannot_keep_is_named(folder, capfd):
    make("in.mkv", 2, codec="ffv1", format_="yuv444p10le")
    assert run("--input", "in.mkv", "--codec", "av1", "--output", "out.mp4") == 2
    assert "in.mkv: left out, since the format cannot hold it: 4:4:4 (now 4:2:0)" in capfd.readouterr().err
    assert run("--input", "in.mkv", "--codec", "vp9", "--output", "out.webm") == 2
    assert "cannot hold it: 10 bits (now 8)" in capfd.readouterr().err


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize(("before", "after"), [(a, b) for a in FORMATS for b in FORMATS if a != b])
def test_chroma_of_another_kind_lies_where_it_did(before, after, scale):
    """A ramp, where H.264 and its like have it, is the same ramp at the places and levels of the result."""
    frame = av.VideoFrame(64, 32, before)
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    step, step_to = (1 if "444" in name else 2 for name in (before, after))
    level, level_to = (4 if "10le" in name else 1 for name in (before, after))
    (y, blue, red), _ = frames.planes(frame)
    y[:], blue[:], red[:] = 100 * level, level * (60 + 2 * step * np.arange(blue.shape[1])), 128 * level
    size = 32 * scale, 64 * scale
    large = frames.enlarged(frame, size, size, after, lambda y: np.repeat(np.repeat(y, scale, 0), scale, 1))
    (y, blue, red), _ = frames.planes(large)
    places = step_to * np.arange(blue.shape[1]) + 0.5  # on the scale of the pixels of the result
    expected = level_to * (60 + 2 * (places / scale - 0.5))
    inner = slice(4 * scale, -4 * scale)
    assert np.abs(blue - expected)[:, inner].max() <= 0.51 * max(1, level_to / level)
    assert (red == 128 * level_to).all() and (y == 100 * level_to).all()


def test_results_note_only_what_is_asked_for():
    """So that those of earlier versions, which knew no codecs, are still done."""
    assert FilmCoding().noted == {"crf": None, "lossless": False}
    assert FilmCoding(20).noted == {"crf": 20, "lossless": False}
    assert FilmCoding(codec="av1", deinterlace=True).noted == FilmCoding().noted | {
        "codec": "av1",
        "deinterlace": True,
    }
    assert {FilmCoding(codec=codec).family for codec in CODECS} == {*CODECS}
    assert FilmCoding(codec="hevc_nvenc").family == "hevc"
