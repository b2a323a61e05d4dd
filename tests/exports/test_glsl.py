"""The user shader, in FFmpeg's filter `libplacebo` on a Vulkan that needs no GPU: the program's luminance."""

import shutil
import subprocess

import numpy as np
import pytest

import main
from main import trained
from model import SRCNN, initial_weights
from srcnn import tf1
from srcnn.exports.export import write_weights
from srcnn.networks.network import Network
from srcnn.pixels.colour import to_float, to_pixels
from srcnn.pixels.resize import imresize
from srcnn.pixels.tiles import super_resolve
from tests.conftest import network_of

SIZE = 37, 83  # rows, columns: odd, and parts of the 8x32 pixels of a group of threads


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def ffmpeg():
    """Runs FFmpeg with a shader on a frame of luminance; gives the larger one, or skips."""
    try:
        words = [shutil.which("ffmpeg") or "ffmpeg", "-v", "error", "-init_hw_device", "vulkan=gpu"]
        filters = "format=yuv420p,hwupload,libplacebo,hwdownload,format=yuv420p"
        probe = ["-f", "lavfi", "-i", "color=s=16x16", "-vf", filters, "-frames:v", "1", "-f", "null", "-"]
        subprocess.run([*words, *probe], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no FFmpeg with libplacebo and Vulkan: apt-get install ffmpeg mesa-vulkan-drivers")

    def run(frame, shader, scale):
        h, w = frame.shape
        neutral = bytes([128]) * (2 * ((h + 1) // 2) * ((w + 1) // 2))
        enlarge = f"libplacebo=w=iw*{scale}:h=ih*{scale}:custom_shader_path={shader}:dithering=none"
        coming = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{w}x{h}", "-i", "-"]
        going = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
        filters = f"hwupload,{enlarge},hwdownload,format=yuv420p"
        done = subprocess.run(
            [*words, *coming, "-vf", filters, *going], input=frame.tobytes() + neutral, capture_output=True
        )
        assert done.returncode == 0 and not done.stderr, done.stderr.decode()
        luminance = np.frombuffer(done.stdout, np.uint8, h * scale * w * scale)
        return luminance.reshape(h * scale, w * scale)

    return run


def frame():
    """Waves, edges and noise in the range of a film's luminance."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    level = 126 + 60 * np.sin(x * y / 97) + 30 * (np.sin(x / 3) > 0)
    return (level + np.random.default_rng(0).normal(0, 6, SIZE)).clip(16, 235).astype(np.uint8)


def larger(srcnn):
    """What the program makes of the frame, and bicubic interpolation."""
    bicubic = imresize(to_float(frame())[..., np.newaxis], srcnn.network.scale)
    return (to_pixels(image)[..., 0].astype(int) for image in (super_resolve(srcnn, bicubic), bicubic))


def check(found, srcnn):
    """Up to the edges; players round in their own ways, between 16-bit floats too."""
    expected, bicubic = larger(srcnn)
    assert np.abs(found - expected).max() <= 1 and np.abs(found - expected).mean() < 0.4
    assert np.abs(bicubic - expected).max() > 8


@pytest.mark.parametrize(
    "filters, scale, degradation",
    [
        ("9-1-5", 2, "matlab"),
        ("9-5-5", 3, "matlab"),
        ("9-3-5", 4, "matlab"),
        ("9-5-5-5", 2, "jpeg"),
        ("9-1-5", 1, "jpeg"),
    ],
)
def test_shipped_networks(ffmpeg, filters, scale, degradation):
    words = ["--is_train", "False", "--filters", filters, "--scale", str(scale), "--degradation", degradation]
    assert main.main([*words, "--checkpoint_dir", "none", "--export", "a.glsl"]) == 0
    network = network_of(filters, scale=scale, degradation=degradation)
    with tf1.session() as session:
        srcnn = trained(
            session, network._replace(quality=50 if degradation == "jpeg" else None), checkpoint_dir="none"
        )
        check(ffmpeg(frame(), "a.glsl", scale), srcnn)


@pytest.mark.parametrize("kernels, channels", [((5, 3, 1, 3, 3), (8, 6, 4, 5)), ((3, 5, 7), (9, 18))])
def test_networks_of_any_shape(ffmpeg, kernels, channels, tmp_path):
    network = Network(kernels, channels, scale=2)
    values, last = initial_weights(network, "identity", 1), f"w{len(kernels)}"
    values[last] += np.random.default_rng(2).normal(0, 0.01, values[last].shape)
    with tf1.session() as session:
        srcnn = SRCNN(session, network)
        srcnn.set(values)
        write_weights(srcnn, tmp_path / "any.glsl", network.settings)
        check(ffmpeg(frame(), "any.glsl", 2), srcnn)


@pytest.mark.parametrize(
    "words, reason",
    [
        (["--c_dim", "3"], "leave out --c_dim 3"),
        (["--degradation", "zoom"], "leave out --degradation zoom"),
        (["--filters", "9-5"], "use other --filters"),
        (["--export", "x3.gls"], ".glsl"),
    ],
)
def test_what_a_shader_cannot_be_is_said(capsys, words, reason):
    assert main.main(["--is_train", "False", "--export", "a.glsl", *words]) == 2
    assert reason in capsys.readouterr().err
