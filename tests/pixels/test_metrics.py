"""The scores against other ways to the same numbers."""

import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.signal import convolve2d
from skimage.color import rgb2ycbcr
from skimage.metrics import structural_similarity

from srcnn.pixels import metrics
from srcnn.settings import DEFAULT_METRICS, PAPER_METRICS, WANG

ALL = *PAPER_METRICS, WANG
WITH_WANG = *DEFAULT_METRICS, WANG


def pair(height, width, channels=1, noise=0.1, seed=0):
    """A smooth image and a noisy one, (h, w, c) float32; noise beyond [0, 1] is not clipped."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    label = 0.5 + 0.4 * np.sin(x / 7 + seed)[..., np.newaxis] * np.cos(y / 11)[..., np.newaxis]
    label = (label * rng.uniform(0.6, 1, channels)).astype(np.float32)
    return label, (label + rng.normal(0, noise, label.shape)).astype(np.float32)


def scored(image, scale):
    """8-bit luminance without its border, as float64."""
    h, w, channels = image.shape
    luminance = rgb2ycbcr(image.astype(np.float64))[..., 0] if channels == 3 else image[..., 0] * 255.0
    return np.clip(np.floor(luminance + 0.5), 0, 255)[scale : h - scale, scale : w - scale].astype(float)


def slow_similarity(x, y):
    """Mean SSIM and mean of contrast and structure, by Wang et al. 2004, as it is written there."""
    r = np.arange(-5, 6)
    window = np.exp(-(r[:, np.newaxis] ** 2 + r**2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(image):
        return convolve2d(image, window, "valid")

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    structure = (2 * vxy + c2) / (vx + vy + c2)
    return ((2 * mx * my + c1) / (mx**2 + my**2 + c1) * structure).mean(), structure.mean()


def slow_ms_ssim(x, y):
    """Wang, Simoncelli and Bovik 2003, equation 7 and section 3.2; the low-pass filter as in msssim.m."""
    result = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale:
            x, y = (
                convolve2d(image, np.ones((2, 2)) / 4, "full", "symm")[1:, 1:][::2, ::2] for image in (x, y)
            )
        result *= slow_similarity(x, y)[scale < 4] ** weight
    return result


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 3])
def test_psnr(channels, scale):
    label, output = pair(50, 61, channels)
    error = scored(label, scale) - scored(output, scale)
    expected = 20 * np.log10(255 / np.sqrt(np.mean(error**2)))
    assert metrics.psnr(label, output, scale) == pytest.approx(expected, abs=1e-9)


def test_what_of_a_picture_is_scored():
    """All of RGB, Y of YCbCr; of a grey picture, whatever the network takes it for, the grey."""
    rng = np.random.default_rng(0)
    image, grey = rng.random((5, 6, 3)), rng.random((5, 6, 1))
    np.testing.assert_array_equal(metrics.scored_part(image, "rgb"), image)
    np.testing.assert_array_equal(metrics.scored_part(image, "ycbcr"), image[..., :1])
    np.testing.assert_array_equal(metrics.scored_part(grey, "y"), grey)
    np.testing.assert_array_equal(metrics.scored_part(grey, "y", is_grey=True), grey)
    rgb = np.repeat(grey, 3, 2)
    ycbcr = rgb2ycbcr(rgb) / 255
    for seen, colour in ((rgb, "rgb"), (ycbcr, "ycbcr")):
        np.testing.assert_allclose(metrics.scored_part(seen, colour, is_grey=True), grey, atol=1e-12)


def test_psnr_of_a_large_opposite():
    label = np.zeros((3000, 3000, 1), np.float32)  # the sum of squares has 40 bits
    assert metrics.psnr(label, label + 1, 3) == 0
    label[1500, 1500] = 1
    expected = 10 * np.log10(2994**2 / (2994**2 - 1))
    assert metrics.psnr(label, label * 0 + 1, 3) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("size", [(17, 17), (17, 400), (400, 17), (60, 73), (211, 200)])
@pytest.mark.parametrize("strip", [1, 10000, 2**15])
def test_ssim_is_skimages(size, strip, monkeypatch):
    monkeypatch.setattr(metrics, "STRIP", strip)  # 1: strips of 32 rows
    label, output = pair(*size)
    expected = structural_similarity(
        *(scored(label, 3), scored(output, 3)),
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert metrics.ssim(label, output, 3) == pytest.approx(expected, abs=1e-9)
    assert metrics.ssim(label, output, 3) == pytest.approx(
        slow_similarity(scored(label, 3), scored(output, 3))[0], abs=1e-9
    )


def test_ssim_of_rgb_is_of_its_luminance():
    label, output = pair(60, 73, 3)
    expected = slow_similarity(scored(label, 2), scored(output, 2))[0]
    assert metrics.ssim(label, output, 2) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("size", [(176, 176), (191, 177), (205, 254)])
@pytest.mark.parametrize("strip", [1, 2**15])
def test_ms_ssim_is_the_papers(size, strip, monkeypatch):
    monkeypatch.setattr(metrics, "STRIP", strip)
    label, output = pair(size[0] + 6, size[1] + 6, noise=0.05)
    found = metrics.ms_ssim(label, output, 3)
    assert 0.5 < found < 0.99
    assert found == pytest.approx(slow_ms_ssim(scored(label, 3), scored(output, 3)), abs=1e-9)


def test_ms_ssim_is_tensorflows():
    import tensorflow as tf

    label, output = pair(211, 190, noise=0.05)
    images = [scored(image, 3)[np.newaxis, ..., np.newaxis].astype(np.float32) for image in (label, output)]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        (expected,) = session.run(tf.image.ssim_multiscale(*map(tf.constant, images), 255))
    assert metrics.ms_ssim(label, output, 3) == pytest.approx(expected, abs=2e-5)  # it has float32


@pytest.mark.parametrize("kind", ["rgb", "ycbcr", "y and chroma"])
def test_psnr_of_colour_is_that_of_each_channel(kind):
    """By the matrix of skimage; the noise of red, green and blue differs, and so do Y, Cb and Cr."""
    rng = np.random.default_rng(0)
    label = np.concatenate([pair(50, 61, seed=seed)[0] for seed in range(3)], axis=2)
    output = (label + rng.normal(0, [0.02, 0.05, 0.1], label.shape)).astype(np.float32)
    levels = [np.clip(np.floor(rgb2ycbcr(image.astype(float)) + 0.5), 0, 255) for image in (label, output)]
    errors = np.square(levels[0] - levels[1])[2:-2, 2:-2].mean((0, 1))
    expected = 20 * np.log10(255) - 10 * np.log10([errors[1], errors[2], errors.mean()])
    assert np.ptp(expected) > 0.5
    images = [[label], [output]]
    if kind == "ycbcr":
        images = [[(image / 255).astype(np.float32)] for image in levels]
    elif kind == "y and chroma":  # chroma with 8 bits
        split = [np.split(image, 3, axis=2) for image in levels]
        images = [[(y / 255).astype(np.float32), *np.uint8([cb, cr])] for y, cb, cr in split]
    found = metrics.colour_psnr(*images, "y" if kind == "y and chroma" else kind, 2)
    assert list(found) == ["psnr_cb", "psnr_cr", "psnr_ycbcr"]
    np.testing.assert_allclose(list(found.values()), expected, atol=2e-3)  # of levels rounded in float32


def test_grey_has_no_psnr_of_colour():
    label, output = pair(50, 61)
    for images, colour in (([[label], []], "rgb"), ([[label], [output]], "y")):
        assert metrics.colour_psnr(*images, colour, 3) == dict.fromkeys(metrics.COLOUR_METRICS)


def test_none_where_there_is_no_value():
    label, output = pair(181, 300)
    assert metrics.ms_ssim(label, output, 3) is None  # 175 pixels after shaving
    assert metrics.ms_ssim(label, output, 2) is not None
    assert metrics.psnr(label, label, 3) is None
    label, output = pair(16, 300)
    assert metrics.ssim(label, output, 3) is None
    assert metrics.score(label, {"a": output}, 3, ALL)["a"][WANG] is None
    tiny = metrics.score(label[:9, :9], {"a": output[:9, :9], "b": label[:9, :9]}, 3, ALL)
    assert tiny["a"]["psnr"] > 0 and tiny["a"]["ssim"] is None
    assert tiny["b"] == dict.fromkeys(ALL)


def test_equal_and_opposite():
    label, _ = pair(200, 200)
    found = metrics.score(label, {"equal": label, "opposite": 1 - label}, 3, WITH_WANG)
    assert found["equal"] == {"psnr": None, "ssim": pytest.approx(1), "ms_ssim_wang": pytest.approx(1)}
    assert found["opposite"]["ssim"] < 0 and found["opposite"]["ms_ssim_wang"] == 0


@pytest.mark.parametrize("size", [(14, 14), (90, 100), (200, 190)])
def test_several_at_once_are_one_by_one(size):
    label, first = pair(*size)
    second = pair(*size, noise=0.02, seed=1)[1]
    found = metrics.score(label, {"first": first, "second": second}, 3, WITH_WANG)
    assert list(found) == ["first", "second"]
    for name, output in (("first", first), ("second", second)):
        alone = (function(label, output, 3) for function in (metrics.psnr, metrics.ssim, metrics.ms_ssim))
        assert found[name] == dict(zip(WITH_WANG, alone, strict=True))


def test_threads_find_the_same():
    pairs = [pair(190, 200, seed=i) for i in range(8)]

    def find(images):
        return metrics.score(images[0], {"a": images[1]}, 3, ALL)

    with ThreadPoolExecutor(4) as executor:
        assert list(executor.map(find, pairs)) == list(map(find, pairs))


def test_large_images_need_little_memory():
    label, output = (np.tile(image, (12, 10, 1)) for image in pair(250, 400))  # 3000x4000
    metrics.ssim(label[:50, :50], output[:50, :50], 3)  # imports are not counted
    tracemalloc.start()
    try:
        metrics.score(label, {"a": output}, 3, WITH_WANG)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 75e6  # bytes, as 150 MB of 24 megapixels


def test_importing_is_light():
    program = (
        "import sys; from srcnn.pixels import metrics; "
        "print(sorted({'cv2', 'skimage', 'tensorflow', 'matplotlib'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
