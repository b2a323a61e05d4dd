"""Networks that are conditioned on the quality of JPEG: one more channel of input says how strong it is."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from srcnn.images import jpeg
from srcnn.images.jpeg import quality_of
from srcnn.pixels.colour import to_float, to_pixels
from srcnn.pixels.resize import imresize
from srcnn.system.errors import InputError

QUALITIES = 30, 95  # of the training images
# Of the copies of each training image, one of each: weak compression differs most from quality to quality.
DRAWN = (30, 49), (50, 74), (75, 89), (90, 95)
TESTED = 30, 50, 70, 90  # of images that are held out


def drawn(number: int) -> list[int]:
    """The qualities of the copies of a training image of this number."""
    rng = np.random.default_rng(number)
    return [int(rng.integers(low, high, endpoint=True)) for low, high in DRAWN]


def check_quality(path: str | Path, quality: int | None, scale: float | Fraction | None) -> int:
    """A quality, that of the file if it is None.

    Raises InputError if the file has none, or if --scale 1 would do it no good.
    """
    quality = quality or quality_of(path)
    if quality is None:
        raise InputError(
            f"{path}: is not a JPEG file; leave out --degradation, or add the --quality "
            "that it was once saved with"
        )
    if scale == 1 and quality >= QUALITIES[1]:  # there an image held out loses, docs/training.md
        raise InputError(f"{path}: has quality {quality}, so there is next to nothing to clean; leave it out")
    return quality


def strength(quality: int) -> np.float32:
    """What stands for a quality in the input: 1 to -1 over QUALITIES, which are trained, the same beyond."""
    low, high = QUALITIES
    return np.float32((low + high - 2 * np.clip(quality, low, high)) / (high - low))


def conditioned(input_: np.ndarray, quality: int) -> np.ndarray:
    """(h, w, c) with the channel of the strength of compression: (h, w, c + 1)."""
    return np.pad(input_, ((0, 0), (0, 0), (0, 1)), constant_values=strength(quality))


def folded(values: dict[str, np.ndarray], quality: int) -> dict[str, np.ndarray]:
    """w1, b1, ... of the plain network that one for JPEG is at a quality.

    Of a kernel (kh, kw, inputs, cout) the first c inputs are the layer's own, the next is the strength, and
    the last c, which only the first and the last layer have, are the products of the two.
    """
    number, plain = strength(quality), dict(values)
    count = len(values) // 2
    c = values[f"b{count}"].size  # channels of an image
    for i in range(1, count + 1):
        kernel, bias = values[f"w{i}"], values[f"b{i}"]
        plain[f"w{i}"] = kernel[:, :, :c]
        if kernel.shape[2] > c + 1:
            plain[f"w{i}"] = kernel[:, :, :c] + number * kernel[:, :, c + 1 :]
        plain[f"b{i}"] = bias + number * kernel[:, :, c].sum((0, 1))
        c = bias.size
    return plain


def compressed(pixels: np.ndarray, scale: int, quality: int) -> np.ndarray:
    """The low resolution of whole-number pixels (h, w, c) as JPEG gives it back: uint8 pixels."""
    return jpeg.compressed(to_pixels(imresize(to_float(pixels), scale, shrink=True)), quality)
