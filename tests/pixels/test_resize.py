"""MATLAB's bicubic to any size, part by part, against its own weights as a dense matrix."""

import numpy as np
import pytest
from scipy import ndimage

from srcnn.pixels import resize
from srcnn.system.errors import InputError


def cubic(x):
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0))


def matrix(n, to, growth=None, shift=0.0):
    """(to, n) weights of MATLAB's `contributions` for bicubic, antialiased, symmetric at the border."""
    growth = growth or to / n
    width = min(growth, 1)
    weights = np.zeros((to, n))
    for row in range(to):
        centre = (row + 0.5) / growth - 0.5 + shift
        for source in range(int(centre - 3 / width) - 2, int(centre + 3 / width) + 3):
            mirrored = source % (2 * n)
            weights[row, min(mirrored, 2 * n - 1 - mirrored)] += cubic(width * (centre - source))
    return weights / weights.sum(1, keepdims=True)


def expected(image, size, ratio=(None, None), shift=0.0):
    """The whole of `resampled`."""
    rows, columns = (
        matrix(n, to, growth, offset)
        for n, to, growth, offset in zip(image.shape, size, ratio, (0, shift), strict=False)
    )
    return np.einsum("yh,hwc,xw->yxc", rows, image, columns)


SIZES = [(9, 14), (18, 28), (13, 40), (31, 14), (4, 6), (9, 3), (40, 5), (1, 1)]
BOXES = [(0, 0, 1, 1), (0, 0.5, 0.5, 1), (0.2, 0.1, 0.9, 0.6), (0.7, 0.3, 1, 0.8)]  # of height and width


GIVEN = [  # size, ratio, shift
    *((size, None, 0.0) for size in SIZES),
    *((size, None, -0.5) for size in SIZES),
    *(((20, 27), (2.1, 1.9), shift) for shift in (0.0, 0.25)),
    *(((5, 10), (0.6, 0.7), shift) for shift in (0.0, -0.3)),
]


@pytest.mark.parametrize("part", BOXES)
@pytest.mark.parametrize(("size", "ratio", "shift"), GIVEN)
def test_every_part_of_every_size(size, part, ratio, shift):
    image = np.random.default_rng(0).random((9, 14, 2)).astype(np.float32)
    whole = expected(image, size, ratio or (None, None), shift)
    top, left = (min(int(p * n), n - 1) for p, n in zip(part[:2], size, strict=True))
    bottom, right = (
        max(int(p * n), first + 1) for p, n, first in zip(part[2:], size, (top, left), strict=True)
    )
    asked = []

    def read(*box):
        asked.append(box)
        return image[box[0] : box[2], box[1] : box[3]]

    found = resize.resampled(read, (9, 14), size, (top, left, bottom, right), ratio, shift)
    assert found.dtype == np.float32 and found.shape == (bottom - top, right - left, 2)
    np.testing.assert_allclose(found, whole[top:bottom, left:right], atol=2e-5)
    (box,) = asked
    assert 0 <= box[0] < box[2] <= 9 and 0 <= box[1] < box[3] <= 14


def test_a_part_of_a_large_image_is_read_and_no_more():
    asked = []

    def read(*box):
        asked.append(box)
        return np.zeros((box[2] - box[0], box[3] - box[1], 1), np.float32)

    resize.resampled(read, (1000, 2000), (3000, 6000), (300, 600, 330, 660))
    assert asked == [(97, 197, 113, 223)]
    resize.resampled(read, (1000, 2000), (250, 500), (100, 200, 110, 220))
    assert asked[1:] == [(391, 791, 449, 889)]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_pixels_become_floats(dtype):
    peak = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    image = (np.random.default_rng(0).random((8, 6, 3)) * peak).astype(dtype)
    found = resize.resized(image, (20, 9), (0, 0, 20, 9))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected(image / peak, (20, 9)), atol=2e-5)


@pytest.mark.parametrize(
    ("scale", "shrink", "size"), [(2, False, (24, 36)), (2, True, (6, 9)), (3, True, (4, 6))]
)
def test_imresize(scale, shrink, size):
    image = np.random.default_rng(0).random((12, 18, 1)).astype(np.float32)
    found = resize.imresize(image, scale, shrink)
    np.testing.assert_allclose(found, expected(image, size), atol=2e-5)
    if not shrink:
        np.testing.assert_array_equal(resize.imresize(image, scale), found)


def test_shrink_and_enlarge_are_what_degrade_does():
    label = np.random.default_rng(0).random((12, 18, 1)).astype(np.float32)
    for degradation in ("matlab", "zoom"):
        small = resize.shrink(label, 3, degradation)
        assert small.shape == (4, 6, 1)
        large = resize.enlarge(small, 3, degradation)
        np.testing.assert_array_equal(resize.degrade(label, 3, degradation), large)
    np.testing.assert_array_equal(resize.degrade(label), resize.degrade(label, 3, "matlab"))


@pytest.mark.parametrize("scale", [2, 3, 4, 7])
def test_matlab_degradation_is_the_matrix_form_of_imresize(scale):
    label = np.random.default_rng(scale).random((scale * 9, scale * 13, 2)).astype(np.float32)
    expected = label
    for axis in (0, 1):
        n = label.shape[axis]
        degrading = matrix(n // scale, n) @ matrix(n, n // scale)
        expected = np.moveaxis(np.tensordot(degrading, expected, (1, axis)), 0, axis)
    np.testing.assert_allclose(resize.degrade(label, scale, "matlab"), expected, atol=2e-6)


def test_zoom_degradation_is_scipys_on_each_channel():
    label = np.random.default_rng(0).random((30, 42, 3)).astype(np.float32)
    for c in range(3):
        small = ndimage.zoom(label[..., c], 1 / 3, prefilter=False)
        expected = ndimage.zoom(small, 3, prefilter=False)
        np.testing.assert_allclose(resize.degrade(label, 3, "zoom")[..., c], expected, atol=1e-6)


def test_modcrop_cuts_the_bottom_and_the_right():
    image = np.arange(11 * 8).reshape(11, 8, 1)
    np.testing.assert_array_equal(resize.modcrop(image, 4), image[:8, :8])
    np.testing.assert_array_equal(resize.modcrop(image), image[:9, :6])


def test_an_image_of_which_nothing_is_left_is_said():
    resize.check_size("a.png", np.zeros((9, 9, 1)), 3)
    for size in ((8, 9), (9, 8)):
        with pytest.raises(InputError, match=f"a.png: {size[1]}x{size[0]} pixels is too small for --scale 3"):
            resize.check_size("a.png", np.zeros((*size, 1)), 3)
