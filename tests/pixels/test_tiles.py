"""Tiles put together, and the pass over them, against the whole image."""

import numpy as np
import pytest

from srcnn.pixels.tiles import merge


@pytest.mark.parametrize("stride", [1, 4, 5])
def test_merge_is_the_slow_mean_of_overlaps(stride):
    tiles = np.random.default_rng(0).random((4 * 3, 5, 5, 2)).astype(np.float32)
    total = np.zeros((3 * stride + 5, 2 * stride + 5, 2))
    count = np.zeros_like(total)
    for row in range(4):
        for column in range(3):
            for y in range(5):
                for x in range(5):
                    total[row * stride + y, column * stride + x] += tiles[row * 3 + column, y, x]
                    count[row * stride + y, column * stride + x] += 1
    np.testing.assert_allclose(merge(tiles, (4, 3), stride), total / count, atol=1e-6)


def test_merge_puts_tiles_side_by_side_by_default():
    tiles = np.random.default_rng(0).random((6, 4, 4, 1)).astype(np.float32)
    expected = np.vstack([np.hstack(tiles[:3]), np.hstack(tiles[3:])])
    np.testing.assert_array_equal(merge(tiles, (2, 3)), expected)
