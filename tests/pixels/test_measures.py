"""The rarer measures of the paper: its own numbers, slow and obvious ways to the same values, invariances."""

import math

import numpy as np
import pytest
from pyrtools.pyramids import SteerablePyramidSpace
from scipy.ndimage import correlate1d
from scipy.signal import convolve2d

import utils
from srcnn.pixels import metrics
from srcnn.pixels.ifc import ifc
from srcnn.pixels.msssim import msssim
from srcnn.pixels.nqm import nqm
from srcnn.pixels.wpsnr import sensitivity, wpsnr

MEASURES = {"msssim": msssim, "wpsnr": wpsnr, "nqm": nqm, "ifc": ifc}
TOLERANCES = {"msssim": 1e-4, "wpsnr": 0.01, "nqm": 0.1, "ifc": 0.08}
BICUBIC = {  # arXiv 1501.00092, tables 2 and 3: MSSSIM, WPSNR, NQM, IFC
    ("Set5", 2): (0.9915, 50.06, 36.73, 6.10),
    ("Set5", 3): (0.9754, 41.65, 27.54, 3.52),
    ("Set5", 4): (0.9516, 37.21, 21.42, 2.35),
    ("Set14", 2): (0.9813, 47.64, 40.98, 6.09),
    ("Set14", 3): (0.9512, 39.72, 33.15, 3.41),
    ("Set14", 4): (0.9134, 35.71, 26.15, 2.23),
}


@pytest.mark.parametrize(("name", "scale"), BICUBIC)
def test_bicubic_has_the_papers_numbers(data, name, scale):
    found = []
    for path in utils.prepare_data(data / "Test" / name):
        input_, label = utils.preprocess(path, scale)
        scores = metrics.score(label, {"bicubic": input_}, scale, tuple(MEASURES))
        found.append(list(scores["bicubic"].values()))
    papers = dict(zip(MEASURES, BICUBIC[name, scale], strict=True))
    for (measure, expected), mean in zip(papers.items(), np.mean(found, axis=0), strict=True):
        assert mean == pytest.approx(expected, abs=TOLERANCES[measure]), measure


def pair(height, width, noise=9, seed=0):
    """(h, w) uint8 of edges and texture, and the same with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    label = 120 + 50 * np.sign(np.sin(x / 9 + y / 23)) + 40 * np.sin(x * y / 300) + rng.normal(0, 8, x.shape)
    output = 5 + 0.9 * label + rng.normal(0, noise, x.shape)
    return tuple(np.clip(np.rint(image), 0, 255).astype(np.uint8) for image in (label, output))


def test_msssim_is_what_the_words_say():
    label, output = pair(167, 170)
    taps = [0.026748757411, -0.016864118443, -0.078223266529, 0.266864118443, 0.602949018236]
    taps += taps[-2::-1]
    gauss = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(gauss, gauss) / gauss.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    x, y, expected = label.astype(float), output.astype(float), 1.0
    for scale, power in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale:
            x, y = (correlate1d(correlate1d(i, taps, 0, mode="mirror"), taps, mode="mirror") for i in (x, y))
            x, y = x[::2, ::2], y[::2, ::2]
        mx, my = (convolve2d(image, window, "valid") for image in (x, y))
        sx, sy = (np.sqrt(convolve2d(image**2, window, "valid") - m**2) for image, m in ((x, mx), (y, my)))
        sxy = convolve2d(x * y, window, "valid") - mx * my
        contrast = np.mean((2 * sx * sy + c2) / (sx**2 + sy**2 + c2))
        structure = np.mean((sxy + c2 / 2) / (sx * sy + c2 / 2))
        expected *= (contrast * structure) ** power
    expected *= np.mean((2 * mx * my + c1) / (mx**2 + my**2 + c1)) ** power
    assert 0.5 < expected < 0.99
    assert msssim(label, output) == pytest.approx(expected, abs=1e-9)


def test_wpsnr_is_what_the_words_say():
    label, output = pair(31, 44)
    whole, kernel = np.arange(-20, 21), np.zeros((41, 41))
    for u in whole:
        for v in whole:
            w, w0 = 2 * math.pi * math.hypot(u, v) / 60, 2 * math.pi * 11.13 / 60
            angle = math.atan(v / u) if u else math.pi / 2
            steep = math.exp(8 * (w - w0))
            seen = (1 + steep * math.cos(2 * angle) ** 4) / (1 + steep)
            seen *= 1.5 * math.exp(-2 * w * w) - math.exp(-4 * w * w)
            kernel += seen * np.cos(2 * math.pi * (u * whole + v * whole[:, np.newaxis]) / 41) / 41**2
    np.testing.assert_allclose(sensitivity(), kernel, atol=1e-12)
    error = (label.astype(float) - output) / 255
    power = np.mean(convolve2d(error, kernel, "same") ** 2)
    assert wpsnr(label, output) == pytest.approx(-10 * math.log10(power), abs=1e-9)


def octave(r, centre):
    return 0.5 * (1 + math.cos(math.pi * math.log2(r / centre))) if centre / 2 <= r <= 2 * centre else 0.0


def least_contrast(f):
    return 1 / (520 * (0.0192 + 0.114 * f) * math.exp(-((0.114 * f) ** 1.1)))


@pytest.mark.parametrize("size", [(40, 52), (41, 37), (150, 31), (30, 149)])
def test_nqm_is_what_the_words_say(size):
    """All frequencies, positive and negative, half of one off where the size is odd; pixel by pixel."""
    images = pair(*size, noise=20)
    rows, columns = (np.fft.fftfreq(n, 1 / n) + n % 2 / 2 for n in size)
    radius = [[math.hypot(v, u) for u in columns] for v in rows]
    filters = [np.array([[octave(r + 2, 2) for r in row] for row in radius])]
    filters += [np.array([[octave(r, 2**k) for r in row] for row in radius]) for k in range(1, 6)]
    a, b = ([np.fft.ifft2(np.fft.fft2(image) * f).real for f in filters] for image in images)
    signal = noise = 0.0
    for place in np.ndindex(size):
        first = second = 0.0
        for k in range(1, 6):
            x, y = a[k][place], b[k][place]
            c, ci = (band / sum(e[place] for e in bands[:k]) for band, bands in ((x, a), (y, b)))
            least, masking = least_contrast(2**k / math.degrees(1 / 3.5)), least_contrast(k)
            near = abs((1 if abs(ci) > 1 else ci) - c)
            y = x if near < masking * (0.86 * (c / masking - 1) + 0.3) else y
            first += x if abs(c) >= least else 0
            second += y if abs(ci) >= least else 0
        signal, noise = signal + first**2, noise + (first - second) ** 2
    assert nqm(*images) == pytest.approx(10 * math.log10(signal / noise), abs=1e-9)


def test_ifc_is_what_the_words_say():
    """By pyrtools' pyramid, block by block and window by window."""
    label, output = pair(74, 83)
    first, second = (SteerablePyramidSpace(i.astype(float), 4, 5).pyr_coeffs for i in (label, output))
    total = 0.0
    for level, band in ((level, band) for level in range(4) for band in (0, 3)):
        x, y, window = first[level, band], second[level, band], (17, 9, 5, 3)[level]
        h, w = (n // 3 * 3 for n in x.shape)
        x, y = x[:h, :w], y[:h, :w]
        every = [x[i : i + 3, j : j + 3].ravel() for i in range(h - 2) for j in range(w - 2)]
        covariance = np.cov(np.array(every).T, bias=True)
        inverse, eigenvalues = np.linalg.inv(covariance), np.linalg.eigvalsh(covariance)
        reach, ring = window // 2, math.ceil((window // 2) / 3)
        for i in range(ring, h // 3 - ring):
            for j in range(ring, w // 3 - ring):
                block = x[3 * i : 3 * i + 3, 3 * j : 3 * j + 3].ravel()
                field = block @ inverse @ block / 9
                around = np.s_[3 * i + 1 - reach : 3 * i + 2 + reach, 3 * j + 1 - reach : 3 * j + 2 + reach]
                (vx, vxy), (_, vy) = np.cov(x[around].ravel(), y[around].ravel(), bias=True)
                gain = max(vxy / vx, 0)
                noise = vy - gain * vxy
                total += np.log2(1 + gain**2 * field * eigenvalues / (noise + 1e-10)).sum()
    assert ifc(label, output) == pytest.approx(total / label.size, rel=1e-6)


@pytest.mark.parametrize("measure", MEASURES.values())
def test_a_transposed_image_has_the_same_value(measure):
    label, output = pair(163, 178)
    assert measure(label, output) == pytest.approx(measure(label.T.copy(), output.T.copy()), rel=1e-6)


@pytest.mark.parametrize("measure", [msssim, wpsnr, nqm])
def test_a_mirrored_image_has_the_same_value(measure):
    """Not of IFC, whose blocks start at the top left, nor of NQM where both sides are odd.

    Every scale of MSSSIM keeps its last column here.
    """
    label, output = pair(162, 177)
    assert measure(label, output) == pytest.approx(measure(label[:, ::-1], output[:, ::-1]), rel=1e-6)


@pytest.mark.parametrize("measure", MEASURES.values())
def test_more_noise_is_worse(measure):
    values = [measure(*pair(163, 178, noise)) for noise in (5, 10, 20, 40)]
    assert values == sorted(values, reverse=True)


def test_what_has_no_value_is_none():
    label, output = pair(200, 190)
    constant = np.full_like(label, 90)
    assert [measure(label, label) for measure in MEASURES.values()] == [pytest.approx(1), None, None, None]
    assert msssim(label[:160], output[:160]) is None and msssim(label[:161], output[:161]) is not None
    assert ifc(label[:64], output[:64]) is None and ifc(label[:65], output[:65]) is not None
    assert nqm(constant, output) is None
    for first, second in ((constant, output), (label, constant), (constant * 0, constant)):
        for measure in MEASURES.values():
            found = measure(first, second)
            assert found is None or np.isfinite(found)
    assert ifc(constant, output) == 0 == ifc(label, constant)  # nothing is told, and nothing is still told
    for side in (1, 2, 3, 5):
        for measure in MEASURES.values():
            found = measure(label[:side, :side], output[:side, :side])
            assert found is None or np.isfinite(found)


def test_msssim_of_an_opposite_is_0():
    label, _ = pair(170, 180)
    assert msssim(label, 255 - label) == 0
