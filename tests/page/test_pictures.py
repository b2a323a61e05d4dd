"""The strips and the picture of the filters."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from srcnn.page import pictures, report
from tests.helpers.pictures import smooth


def strip_panels(path, width, height, count):
    """The pictures in a strip, as it is laid out: panels of at least 150 pixels, 8 apart."""
    panel = max(width, 150)
    with Image.open(path) as strip:
        pixels = np.asarray(strip)
    lefts = [8 + i * (panel + 8) + panel // 2 - width // 2 for i in range(count)]
    return [pixels[8 : 8 + height, left : left + width] for left in lefts]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_strip_shows_the_four_in_order_pixel_by_pixel(tmp_path, channels):
    kinds = ("original", "low resolution", "bicubic", "SRCNN")
    shown = {kind: smooth(160, 160, channels, seed=i) for i, kind in enumerate(kinds)}
    shown["low resolution"] = smooth(80, 80, channels)
    pictures.save_comparison(shown, {"bicubic_psnr": None}, tmp_path / "strip.png")
    shown["low resolution"] = shown["low resolution"].repeat(2, axis=0).repeat(2, axis=1)
    for kind, panel in zip(kinds, strip_panels(tmp_path / "strip.png", 160, 160, 4), strict=True):
        np.testing.assert_array_equal(panel.reshape(160, 160, channels), shown[kind])


def test_a_strip_of_large_pictures_is_shrunk(tmp_path):
    large = smooth(600, 500, 3).repeat(8, axis=0).repeat(8, axis=1)[:-7, :-5]  # 4793x3995
    shown = {"low resolution": large[::2, ::2], "bicubic": large, "SRCNN": 255 - large}
    pictures.save_comparison(shown, {}, tmp_path / "strip.png")
    low, bicubic, srcnn = strip_panels(tmp_path / "strip.png", 834, 1000, 3)
    expected = np.asarray(Image.fromarray(large).resize((834, 1000), Image.Resampling.BOX)).astype(int)
    assert np.abs(bicubic - expected).mean() < 3  # noise of 9 levels is as much smoothed
    assert np.abs(low - expected).mean() < 5
    assert np.abs(srcnn + expected - 255).mean() < 3


def test_pictures_are_made_in_threads_as_without(tmp_path):
    def make(i):
        shown = {kind: smooth(90, 120, 3, seed=i) for kind in ("original", "bicubic", "SRCNN")}
        pictures.save_comparison(shown, {"srcnn_psnr": 30 + i}, tmp_path / f"{i}.png")
        return report.exhibit(str(i), shown, {}), (tmp_path / f"{i}.png").read_bytes()

    with ThreadPoolExecutor(8) as executor:
        together = list(executor.map(make, range(16)))
    assert together == [make(i) for i in range(16)]


def test_filters_are_ordered_by_variance():
    w1 = np.zeros((9, 9, 1, 64))
    w1[4, 4, 0, 17] = 2.0  # the only one that varies comes first
    picture = pictures.filters_picture(w1)
    assert picture.shape == (200, 800, 1)
    assert picture.dtype == np.uint8
    assert picture[22, 22, 0] == 255 and picture[22, 50 + 22, 0] == 0


def test_filters_need_not_fill_their_last_row():
    w1 = np.random.default_rng(0).normal(size=(5, 3, 3, 20))
    picture = pictures.filters_picture(w1)
    assert picture.shape == (2 * 6 * 5, 16 * 4 * 5, 3)
    assert (picture[30:, 4 * 20 :] == 255).all() and picture[30:, : 4 * 20].min() == 0
