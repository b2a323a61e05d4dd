"""Films: against the network on whole frames, and what the file keeps; real clips and made ones."""

import re
import shutil
import subprocess
from base64 import b64decode
from io import BytesIO

import av
import numpy as np
import pytest
from PIL import Image

from main import trained
from srcnn import tf1
from srcnn.networks.network import Network
from srcnn.pixels import colour, resize
from srcnn.upscaling.films import film_job, frames
from srcnn.upscaling.films.probe import probe
from tests.conftest import ROOT
from tests.helpers.film_clips import CLIPS, TICK, WORDS, decode, hashes, make, picture, run, start


@pytest.mark.parametrize(
    "format_", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"]
)
def test_luminance_is_the_networks_and_depth_and_chroma_are_kept(folder, format_):
    """Against one pass over the whole frame as it is stored."""
    make("in.mkv", 3, codec="ffv1", format_=format_)
    assert run("--input", "in.mkv", "--lossless") == 0
    before, times = decode("in.mkv")
    after, new_times = decode("sample/in_x2.mkv")
    assert new_times == times and len(times) == 3
    white = 255 if "10" not in format_ else 1020
    with av.open("sample/in_x2.mkv") as film, tf1.session() as sess:
        assert film.streams.video[0].pix_fmt == format_
        srcnn = trained(sess, Network(scale=2), checkpoint_dir=str(ROOT / "checkpoint"))
        for old, new in zip(before, after, strict=True):
            y = resize.imresize((old[0] / white).astype(np.float32)[..., np.newaxis], 2)
            expected = (
                srcnn.run(np.pad(y, ((6, 6), (6, 6), (0, 0)), mode="edge")[np.newaxis])[0, ..., 0] * white
            )
            error = np.abs(new[0] - np.clip(expected, 0, white * 257 // 256))
            assert error.max() < 0.51 and new[0].shape == (96, 128)
            assert new[1].shape == tuple(2 * n for n in old[1].shape)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_chroma_stays_beside_the_left_pixel(scale):
    """A ramp of chroma, by where H.264 and its like have it, is the same ramp at the finer places."""
    frame = av.VideoFrame(64, 32, "yuv420p10le")
    frame.pts, frame.time_base = 0, TICK
    (_, blue, red), _ = frames.planes(frame)
    place = 2 * np.arange(32)
    blue[:], red[:] = 200 + 8 * place, 500
    large = frames.enlarged(
        frame,
        (32 * scale, 64 * scale),
        (32 * scale, 64 * scale),
        "yuv420p10le",
        lambda y: np.zeros((32 * scale, 64 * scale), np.float32),
    )
    (_, blue, red), _ = frames.planes(large)
    finer = (2 * np.arange(32 * scale) + 0.5) / scale - 0.5
    inner = slice(4 * scale, -4 * scale)
    assert np.abs(blue - (200 + 8 * finer))[:, inner].max() <= 0.51
    assert (red == 500).all()


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("source", ["mjpeg.avi", "y4m", "mpeg2.y4m", "mpeg2.mpg"])
def test_chroma_between_the_pixels_comes_beside_the_left_one(folder, source, scale):
    """A ramp of chroma as MJPEG and most .y4m have it; players look for that of the result on the left."""
    frame = av.VideoFrame(64, 32, "yuv420p")
    (y, blue, red), _ = frames.planes(frame)
    centre = 0 if source.startswith("mpeg2") else 0.5
    y[:], red[:], blue[:] = 128, 128, 2 + 4 * (2 * np.arange(32) + centre)
    if source.endswith("y4m"):
        kind = b"mpeg2" if source == "mpeg2.y4m" else b"jpeg"
        planes = b"".join(plane.tobytes() for plane in (y, blue, red))
        (folder / "in.y4m").write_bytes(b"YUV4MPEG2 W64 H32 F25:1 Ip A1:1 C420%s\nFRAME\n%s" % (kind, planes))
    else:
        codec = {"mjpeg.avi": ("mjpeg", "yuvj420p"), "mpeg2.mpg": ("mpeg2video", "yuv420p")}[source]
        with av.open(f"in.{source[-3:]}", "w") as output:
            stream = output.add_stream(codec[0], rate=25, options={"qmin": "1", "qmax": "1"})
            stream.width, stream.height, stream.pix_fmt = 64, 32, codec[1]
            for number in range(3):
                copy = av.VideoFrame(64, 32, codec[1])
                for to, plane in zip(frames.planes(copy)[0], (y, blue, red), strict=True):
                    to[:] = plane
                copy.pts = number
                output.mux(stream.encode(copy))
            output.mux(stream.encode(None))
    assert run("--input", f"in.{source[-3:]}", "--scale", scale, "--lossless", "--output", "out.mkv") == 0
    large = decode("out.mkv")[0][0][1].astype(float)
    finer = (2 * np.arange(32 * scale) + 0.5) / scale - 0.5  # on the scale of the pixels of luminance
    error = (large - (2 + 4 * finer))[:, 4 * scale : -4 * scale]
    assert np.abs(error.mean()) < 0.2 and np.abs(error).max() < 2  # half a pixel would be 1 to 2


@pytest.mark.parametrize(
    ("name", "codec", "found"),
    [
        ("in.mp4", "libx264", "h264"),
        ("in.mov", "libx264", "h264"),
        ("in.mkv", "libx264", "h264"),
        ("in.webm", "libvpx-vp9", "vp9"),
    ],
)
def test_the_codec_follows_the_container(folder, name, codec, found):
    make(name, codec=codec)
    assert run("--input", name) == 0
    with av.open(f"sample/{name.replace('in', 'in_x2')}") as film:
        assert film.streams.video[0].codec_context.name.endswith(found)
    assert [len(p) for p in decode(f"sample/{name.replace('in', 'in_x2')}")] == [12, 12]


def test_ten_bits_become_hevc_with_its_hdr(folder):
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    params = f"log-level=none:hdr10=1:master-display={display}:max-cll=1000,400"

    def colours(output, stream):
        c = stream.codec_context
        c.color_range, c.color_primaries, c.color_trc, c.colorspace = 1, 9, 16, 9

    make("in.mp4", 4, codec="libx265", format_="yuv420p10le", change=colours, **{"x265-params": params})
    assert run("--input", "in.mp4") == 0
    with av.open("in.mp4") as old, av.open("sample/in_x2.mp4") as new:
        a, b = next(old.decode(video=0)), next(new.decode(video=0))
        assert new.streams.video[0].codec_context.name == "hevc" and b.format.name == "yuv420p10le"
        assert new.streams.video[0].codec_context.codec_tag == "hvc1"
        for name in ("color_range", "color_primaries", "color_trc", "colorspace"):
            values = [getattr(film.streams.video[0].codec_context, name) for film in (old, new)]
            assert values[0] == values[1] != 2
        for kind in ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"):
            assert bytes(a.side_data[kind]) == bytes(b.side_data[kind])


STAMPS = [0, 3600, 7200, 9000, 18000, 18003, 30000, 41111, 50000, 90000, 90001, 99999]


@pytest.mark.parametrize("name", ["in.mp4", "in.mov", "in.mkv"])
@pytest.mark.parametrize("seconds", [0, 40])
def test_time_stamps_are_kept(folder, monkeypatch, name, seconds):
    """Of a variable rate too, however many parts there are; Matroska counts milliseconds."""
    monkeypatch.setattr(film_job, "SECONDS", seconds)
    stamps = [s * 90 for s in range(0, 240, 20)] if name == "in.mkv" else STAMPS
    make(name, stamps=stamps)
    assert run("--input", name) == 0
    assert decode(f"sample/{name.replace('in', 'in_x2')}")[1] == decode(name)[1]


@pytest.mark.parametrize("size", [(33, 27), (17, 16)])
def test_odd_sizes(folder, size):
    make("in.mkv", 2, size, codec="ffv1")
    for words, name in (
        (["--scale", 3], "in_x3.mkv"),
        (["--scale", 3, "--lossless", "--overwrite"], "in_x3.mkv"),
    ):
        assert run("--input", "in.mkv", *words) == 0
        height, width = decode(f"sample/{name}")[0][0][0].shape
        exact = "--lossless" in words
        assert (width, height) == tuple(n * 3 + (0 if exact else n * 3 % 2) for n in size)


def test_what_no_encoder_takes_is_named_or_made_to_fit(folder, capfd):
    make("grey.mkv", 2, codec="ffv1", format_="gray")
    make("deep.mkv", 2, codec="ffv1", format_="yuva422p12le")
    make("colours.mkv", 2, codec="ffv1", format_="bgr0")
    assert [run("--input", f"{name}.mkv", "--lossless") for name in ("grey", "colours")] == [0, 0]
    assert run("--input", "deep.mkv") == 2
    assert "deep.mkv: left out, since the format cannot hold it: 12 bits (now 10)\n" in capfd.readouterr().err
    (before, *_), (after, *chroma) = decode("grey.mkv")[0][0], decode("sample/grey_x2.mkv")[0][0]
    expected = frames.bicubic(before, (2 * before.shape[0], 2 * before.shape[1]))
    assert np.abs(after - expected).mean() < 6 and all((c == 128).all() for c in chroma)
    with av.open("colours.mkv") as old, av.open("sample/colours_x2.mkv") as new:
        a, b = (next(f.decode(video=0)).to_ndarray(format="rgb24").astype(np.float32) for f in (old, new))
    assert np.abs(resize.imresize(b, 2, shrink=True) - a).mean() < 3


def test_one_frame_and_none_and_odd_names(folder):
    make("one.mp4", 1)
    file = (folder / make("long.mkv")).read_bytes()
    (folder / "damaged.mkv").write_bytes(file.replace(b"00:00:00.", b"00:00:0x."))
    assert probe("damaged.mkv").end == probe("long.mkv").end == 0.48
    shutil.copy("one.mp4", "12:30.mp4")  # is no protocol 12
    assert run("--input", "12:30.mp4", "--output", "12:31.mp4") == 0
    assert len(decode("file:12:31.mp4")[0]) == 1
    assert run("--input", "one.mp4") == 0
    assert len(decode("sample/one_x2.mp4")[0]) == 1
    (folder / "no.mp4").write_bytes((folder / "one.mp4").read_bytes()[:200])
    (folder / "text.mkv").write_text("no film\n")
    for name in ("no.mp4", "text.mkv"):
        process = start(folder, "--input", name)
        stderr = process.communicate()[1]
        assert process.returncode == 2 and stderr.count("\n") == 1
        assert f"{name}: cannot be read as a film" in stderr
    assert sorted(p.name for p in (folder / "sample").iterdir() if "x2" in p.name) == ["one_x2.mp4"]


def test_an_interlaced_film_is_refused(folder, fails):
    make("in.mkv", 12, **{"x264-params": "interlaced=1:tff=1"})
    assert "in.mkv: is interlaced" in fails(*WORDS, "--input", "in.mkv", "--output", "out.mkv")


def test_a_real_clip_with_sound(folder):
    """Five seconds of 5.1 sound and pictures, made small first."""
    with av.open(str(CLIPS / "bigbuckbunny.mp4")) as film, av.open("in.mp4", "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv420p"
        sound = output.add_stream_from_template(film.streams.audio[0])
        for packet in film.demux(video=0, audio=0):
            if packet.stream.type == "audio" and packet.size:
                packet.stream = sound
                output.mux_one(packet)
            elif packet.stream.type == "video":
                for frame in packet.decode():
                    output.mux(stream.encode(frame.reformat(128, 72)))
        output.mux(stream.encode(None))
    assert run("--input", "in.mp4") == 0
    assert hashes("sample/in_x2.mp4", "audio") == hashes("in.mp4", "audio")
    assert decode("sample/in_x2.mp4")[1] == decode("in.mp4")[1]
    assert run("--input", "in.mp4") == 0  # nothing is left to do
    page = (folder / "sample/upscaled.html").read_text()
    loop = re.search(r'<figure class="loop"><img alt="[^"]*" src="data:image/webp;base64,([^"]*)"', page)[1]
    with Image.open(BytesIO(b64decode(loop))) as image:
        assert image.n_frames == 50 and image.size == (2 * 256, 144)


def test_what_a_clip_of_half_the_size_lost_comes_back(folder):
    """Against the original: more than bicubic gives back."""
    with av.open(str(CLIPS / "carphone_pristine.mp4")) as film:
        originals = [
            frames.planes(f)[0][0] / np.float32(255)
            for f, _ in zip(film.decode(video=0), range(5), strict=False)
        ]
    with av.open("in.mkv", "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 88, 72, "yuv420p"
        for y in originals:
            frame = av.VideoFrame(88, 72, "yuv420p")
            small = resize.imresize(y[..., np.newaxis], 2, shrink=True)
            (light, blue, red), _ = frames.planes(frame)
            light[:], blue[:], red[:] = colour.to_pixels(small)[..., 0], 128, 128
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert run("--input", "in.mkv", "--lossless") == 0
    gains = []
    for y, small, large in zip(originals, decode("in.mkv")[0], decode("sample/in_x2.mkv")[0], strict=True):
        bicubic = resize.imresize((small[0] / np.float32(255))[..., np.newaxis], 2)[..., 0]
        errors = [((a - y)[8:-8, 8:-8] ** 2).mean() for a in (bicubic, large[0] / 255)]
        gains.append(10 * np.log10(errors[0] / errors[1]))
    assert min(gains) > 1


def test_names_and_flags_that_do_not_fit(fails, tmp_path):
    make(tmp_path / "in.mp4", 1)
    make(tmp_path / "deep.webm", 1, codec="libsvtav1", format_="yuv420p10le", preset=12)
    for words, text in [
        (["--input", "in.mp4", "--output", "out.jpg"], "is not a format for films"),
        (["--input", "in.mp4", "--output", "out.mp4", "--lossless"], "FFV1, which is lossless, needs .mkv"),
        (["--input", "in.mp4", "--crf", 20, "--lossless"], "leave one out"),
        (["--crf", 0], "--crf is for upscaling"),
    ]:
        assert text in fails(*WORDS, *words)
    (tmp_path / "out.mp4").write_text("mine")
    process = start(tmp_path, "--input", "in.mp4", "--output", "out.mp4")
    assert "out.mp4: already exists" in process.communicate()[1] and process.returncode == 2
    assert (tmp_path / "out.mp4").read_text() == "mine"


def native_ffmpeg():
    """Whether an FFmpeg is here that has SRCNN built in: those up to 6.0."""
    if not (ffmpeg := shutil.which("ffmpeg")):
        return False
    shown = subprocess.run(
        [ffmpeg, "-hide_banner", "-h", "filter=dnn_processing"], capture_output=True, text=True
    )
    return bool(re.search(r"^\s+native\s", shown.stdout, re.MULTILINE))


@pytest.mark.skipif(not native_ffmpeg(), reason="no FFmpeg with a native backend of dnn_processing is here")
@pytest.mark.parametrize(("filters", "scale"), [("9-1-5", 3), ("9-5-5", 2)])
def test_ffmpegs_own_filter_computes_the_same(folder, filters, scale):
    """From the same bicubic input, to 1 level away from the border, beyond which it repeats other pixels."""
    words = ["--filters", filters, "--scale", scale]
    assert run("--export", "x.model", *words) == 0
    y = picture(3, 60, 44)[..., 0]
    (folder / "in.grey").write_bytes(y.tobytes())
    command = ["-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", "60x44", "-i", "in.grey", "-vf"]
    filter_ = "dnn_processing=dnn_backend=native:model=x.model:input=x:output=y"
    out = subprocess.run(
        ["ffmpeg", *command, f"format=grayf32,{filter_},format=gray", *["-f", "rawvideo", "-"]],
        capture_output=True,
        check=True,
    ).stdout
    found = np.frombuffer(out, np.uint8).reshape(44, 60)
    with tf1.session() as sess:
        network = Network(tuple(map(int, filters.split("-"))), scale=scale)
        srcnn = trained(sess, network, checkpoint_dir=str(ROOT / "checkpoint"))
        expected = srcnn.run((y / np.float32(255))[np.newaxis, ..., np.newaxis])[0, ..., 0]
    edge = network.margin // 2
    error = found[edge:-edge, edge:-edge] - np.clip(expected * 255, 0, 255)
    assert np.abs(error).max() < 1.01


def test_a_film_is_cleaned_for_the_quality_that_is_named(folder):
    make("in.mkv", 1)
    results = []
    for quality in (30, 90):
        words = "--degradation", "jpeg", "--quality", quality, "--lossless", "--output", f"{quality}.mkv"
        assert run("--input", "in.mkv", *words) == 0
        results.append(decode(f"{quality}.mkv")[0][0][0].astype(int))
    assert np.abs(results[0] - results[1]).max() > 1
