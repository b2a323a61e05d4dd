"""Resizing against MATLAB's own description of it, as matrices."""

import numpy as np
import pytest
from scipy import ndimage

from srcnn.pixels import resize, tiles


def matlab_resize_matrix(n, scale, shrink):
    """MATLAB's `contributions` for bicubic, as a dense matrix (written from its documentation)."""

    def cubic(x):
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0

    factor = 1 / scale if shrink else scale
    width = min(factor, 1)  # antialiasing: the kernel is stretched when shrinking
    matrix = np.zeros((round(n * factor), n))
    for row in range(len(matrix)):
        centre = (row + 0.5) / factor - 0.5
        reach = int(2 / width) + 2
        for source in range(int(centre) - reach, int(centre) + reach + 1):
            mirrored = source % (2 * n)  # symmetric: 0 1 ... n-1 n-1 ... 1 0
            mirrored = mirrored if mirrored < n else 2 * n - 1 - mirrored
            matrix[row, mirrored] += cubic(width * (centre - source))
    return matrix / matrix.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("scale", [2, 3, 4, 7])
def test_matlab_degradation_is_the_matrix_form_of_imresize(scale):
    label = np.random.default_rng(scale).random((scale * 9, scale * 13, 2)).astype(np.float32)
    expected = label
    for axis in (0, 1):
        n = label.shape[axis]
        matrix = matlab_resize_matrix(n // scale, scale, False) @ matlab_resize_matrix(n, scale, True)
        expected = np.moveaxis(np.tensordot(matrix, expected, (1, axis)), 0, axis)
    np.testing.assert_allclose(resize.degrade(label, scale, "matlab"), expected, atol=2e-6)


def test_zoom_degradation_is_scipys_on_each_channel():
    label = np.random.default_rng(0).random((30, 42, 3)).astype(np.float32)
    for c in range(3):
        small = ndimage.zoom(label[..., c], 1 / 3, prefilter=False)
        expected = ndimage.zoom(small, 3, prefilter=False)
        np.testing.assert_allclose(resize.degrade(label, 3, "zoom")[..., c], expected, atol=1e-6)


def kernel_matrix(n, to):
    """MATLAB's imresize along one axis as a matrix (to, n), by its function `contributions`."""
    scale = to / n
    width = 4 / min(1, scale)
    centre = np.arange(1, to + 1) / scale + (1 - 1 / scale) / 2
    index = np.floor(centre - width / 2)[:, None] + np.arange(int(np.ceil(width)) + 2)
    x = np.abs(centre[:, None] - index) * min(1, scale)
    weight = np.where(x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2) * (x <= 2)
    mirrored = np.r_[np.arange(n), np.arange(n)[::-1]][((index - 1) % (2 * n)).astype(int)]
    matrix = np.zeros((to, n))
    for row, columns, values in zip(matrix, mirrored, weight / weight.sum(1, keepdims=True), strict=True):
        np.add.at(row, columns, values)
    return matrix


@pytest.mark.parametrize("size", [(33, 47), (41, 20), (90, 130), (1, 3)])
def test_bicubic_to_any_size_is_matlabs(size):
    image = np.random.default_rng(0).random((41, 58, 2)).astype(np.float32)
    expected = np.einsum("ij,jkc,lk->ilc", kernel_matrix(41, size[0]), image, kernel_matrix(58, size[1]))
    for box in tiles.tile_boxes(size, 31, 31):
        part = expected[box[0] : box[2], box[1] : box[3]]
        np.testing.assert_allclose(resize.resized(image, size, box), part, atol=1e-5)


@pytest.mark.parametrize("tile", [50, 512])
def test_a_region_of_bicubic_is_that_of_the_whole(tile):
    image = np.random.default_rng(1).random((50, 60, 2)).astype(np.float32)
    for scale in (2, 3, 4):
        whole = resize.imresize(image, scale)
        for box in ((0, 0, 7, 9), (31, 44, 90, 101), (60, 100, whole.shape[0], whole.shape[1])):
            part = resize.resized(image, whole.shape[:2], box)
            np.testing.assert_allclose(part, whole[box[0] : box[2], box[1] : box[3]], atol=5e-5)
