"""What several tests need of pictures."""

import numpy as np


def smooth(*shape, noise=9, seed=0):
    """Soft colours with some noise, as pixels."""
    rng = np.random.default_rng(seed)
    waves = np.sin(np.add.outer(np.arange(shape[0]) / 17, np.arange(shape[1]) / 23))[..., np.newaxis]
    return (
        (127 + 90 * waves * rng.random(shape[2]) + rng.normal(0, noise, shape)).clip(0, 255).astype(np.uint8)
    )
