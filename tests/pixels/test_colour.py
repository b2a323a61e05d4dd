"""Colours against the numbers of MATLAB's documentation."""

import numpy as np

from srcnn.pixels.colour import luminance


def test_luminance_is_matlabs():
    # rgb2ycbcr of pure colours, from the matrix in MATLAB's documentation
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    expected = [[[16], [235], [81], [145], [41]]]
    np.testing.assert_allclose(luminance(colours) * 255, expected, atol=1e-4)
