"""What several tests of upscaling need."""

import numpy as np
import pytest

from srcnn.images import image_io
from srcnn.pixels.colour import to_pixels


@pytest.fixture
def write(folder):
    """Saves random pixels of a shape, and returns them."""

    def make(name, shape, dtype=np.uint8, seed=0, **more):
        rng = np.random.default_rng(seed)
        coarse = rng.random((-(-shape[0] // 4), -(-shape[1] // 4), shape[2]))
        pixels = np.kron(coarse, np.ones((4, 4, 1)))[: shape[0], : shape[1]]
        pixels = to_pixels(0.2 + 0.6 * pixels, dtype)
        image_io.save(pixels, folder / name, **more)
        return pixels

    return make
