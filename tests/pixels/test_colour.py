"""Conversions of colours against their formulas, written with whole matrices in float64."""

import numpy as np
import pytest

from srcnn.pixels import colour

MATRIX = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255
OFFSETS = np.array([16, 128, 128]) / 255


def pixels_of(dtype, channels=3, size=(30, 41)):
    peak = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, peak, (*size, channels), endpoint=True).astype(dtype)


@pytest.fixture(params=[1, 100, 2**20])
def rows(request, monkeypatch):
    """Images in strips of one row, of two, in one."""
    monkeypatch.setattr(colour, "ROWS", request.param)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ycbcr_of_rgb_is_matlabs(rows, dtype):
    pixels, peak = pixels_of(dtype), np.iinfo(dtype).max
    expected = np.floor((pixels / peak @ MATRIX.T + OFFSETS) * peak + 0.5) / peak
    for channel in range(3):
        found = colour.rgb2ycbcr(pixels, channel)
        assert found.dtype == np.float32 and found.shape == (30, 41, 1)
        np.testing.assert_allclose(found[..., 0], expected[..., channel], atol=1e-6)
    np.testing.assert_allclose(colour.as_label(pixels, "ycbcr"), expected, atol=1e-6)
    np.testing.assert_allclose(colour.as_label(pixels, "y"), expected[..., :1], atol=1e-6)
    np.testing.assert_allclose(colour.as_label(pixels, "rgb"), pixels / peak, atol=1e-6)


def test_luminance_is_matlabs():
    # rgb2ycbcr of pure colours, from the matrix in MATLAB's documentation
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    expected = [[[16], [235], [81], [145], [41]]]
    np.testing.assert_allclose(colour.luminance(colours) * 255, expected, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey(dtype):
    pixels, peak = pixels_of(dtype, 1), np.iinfo(dtype).max
    np.testing.assert_allclose(colour.as_label(pixels, "y"), pixels / peak, atol=1e-6)
    label = colour.as_label(pixels, "ycbcr")
    for channel in (1, 2):
        np.testing.assert_allclose(label[..., channel], 128 / 255, atol=1 / peak)
    np.testing.assert_allclose(colour.as_label(pixels, "rgb"), np.repeat(pixels / peak, 3, 2), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kinds", [(float, float), (np.uint8, np.uint16), (np.uint16, float)])
def test_rgb_of_ycbcr(rows, dtype, kinds):
    rng, peak = np.random.default_rng(0), np.iinfo(dtype).max
    y, *chroma = rng.random((3, 30, 41, 1)).astype(np.float32)
    given = [c if kind is float else colour.to_pixels(c, kind) for c, kind in zip(chroma, kinds, strict=True)]
    exact = [c if c.dtype == np.float32 else c / np.iinfo(c.dtype).max for c in given]
    rgb = (np.concatenate([y, *exact], 2).astype(np.float64) - OFFSETS) @ np.linalg.inv(MATRIX).T
    found = colour.ycbcr2rgb(y, *given, dtype)
    assert found.dtype == dtype and found.shape == (30, 41, 3)
    np.testing.assert_allclose(found / peak, rgb.clip(0, 1), atol=0.51 / peak + 1e-6)


def test_rgb_of_ycbcr_has_8_bits_by_default():
    half = np.full((2, 2, 1), 0.5, np.float32)
    assert colour.ycbcr2rgb(half, half, half).dtype == np.uint8


@pytest.mark.parametrize(("dtype", "peak"), [(np.uint8, 255), (np.uint16, 65535)])
def test_halves_are_rounded_up_and_the_rest_clipped(dtype, peak):
    levels = np.array([-9.0, -0.5, -0.4, 0.0, 0.4, 0.5, 1.5, 2.4, peak - 0.5, peak, peak + 9])
    expected = [0, 0, 0, 0, 0, 1, 2, 2, peak, peak, peak]
    np.testing.assert_array_equal(colour.to_pixels(levels / peak + 1e-9, dtype), expected)
    assert colour.to_pixels(np.zeros(1)).dtype == np.uint8


def test_floats_of_pixels():
    for dtype in (np.uint8, np.uint16):
        found = colour.to_float(np.array([0, np.iinfo(dtype).max], dtype))
        assert found.dtype == np.float32 and found.tolist() == [0, 1]


def test_luminance_of_floats_is_not_rounded():
    image = np.random.default_rng(0).random((5, 6, 3))
    expected = (image @ MATRIX[0] + 16 / 255)[..., np.newaxis]
    np.testing.assert_allclose(colour.to_luminance(image), expected, atol=1e-12)
    assert colour.to_luminance(image[..., :1]).shape == (5, 6, 1)


@pytest.mark.parametrize(("width", "rows"), [(100, 3), (300, 1), (301, 1), (1000, 1), (0, 300), (1, 300)])
def test_strips_are_of_so_many_pixels(monkeypatch, width, rows):
    monkeypatch.setattr(colour, "ROWS", 300)
    image = np.zeros((700, width, 1))
    parts = [image[rows] for rows in colour.strips(image)]
    assert sum(len(part) for part in parts) == 700
    assert {len(part) for part in parts[:-1]} == {rows}
