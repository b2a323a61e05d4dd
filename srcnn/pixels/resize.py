"""Degrading and resizing: MATLAB's bicubic, scipy's B-spline."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from srcnn.pixels import colour
from srcnn.system.errors import InputError


def modcrop(image, scale=3):
    """Cuts the bottom and right off so that height and width are multiples of `scale`."""
    h, w = image.shape[:2]
    return image[: h - h % scale, : w - w % scale]


def shrink(image, scale, degradation):
    """The low resolution of an (h, w, c) image: MATLAB's bicubic, or scipy's B-spline."""
    return _zoom(image, 1 / scale) if degradation == "zoom" else imresize(image, scale, shrink=True)


def enlarge(image, scale, degradation):
    """The low resolution enlarged by the same means: what the network is given."""
    return _zoom(image, scale) if degradation == "zoom" else imresize(image, scale)


def _zoom(image, factor):
    """Channel by channel: without prefilter, zoom would blur along the third axis too."""
    from scipy import ndimage  # a quarter of a second to load

    channels = [ndimage.zoom(channel, factor, prefilter=False) for channel in np.moveaxis(image, 2, 0)]
    return np.stack(channels, axis=2)


def degrade(label, scale=3, degradation="matlab"):
    """Loses the detail of a modcropped image: shrinks it by `scale` and enlarges it again.

    label: (h, w, c). Returns the same shape.
    'matlab' is the paper's bicubic; 'zoom' is the reference implementation's `scipy.ndimage.zoom`
    (a B-spline blur without antialiasing, corners aligned).
    """
    return enlarge(shrink(label, scale, degradation), scale, degradation)


def check_size(path, image, scale):
    """Raises InputError for an image of which nothing is left to score without a border of `scale` pixels."""
    h, w = image.shape[:2]
    if min(h, w) < 3 * scale:
        raise InputError(f"{path}: {w}x{h} pixels is too small for --scale {scale}")


def imresize(image: np.ndarray, scale: int, shrink: bool = False) -> np.ndarray:
    """MATLAB's `imresize(image, scale, 'bicubic')`, or by 1/scale with `shrink`, for whole scales.

    image: (h, w, c); when shrinking, multiples of `scale` high and wide. Returns float32, see `resampled`.
    """
    h, w = image.shape[:2]
    size = (h // scale, w // scale) if shrink else (h * scale, w * scale)
    return resized(image, size, (0, 0, *size))


def resized(image: np.ndarray, size, box, ratio=None, shift: float = 0.0) -> np.ndarray:
    """A part of an image (h, w, c) resized, see `resampled`."""

    def read(top, left, bottom, right):
        return image[top:bottom, left:right]

    return resampled(read, image.shape[:2], size, box, ratio, shift)


def resampled(
    read: Callable,
    shape: tuple[int, int],
    size: tuple[int, int],
    box: tuple[int, int, int, int],
    ratio: Sequence[float] | None = None,
    shift: float = 0.0,
) -> np.ndarray:
    """A part of an image resized by MATLAB's `imresize(image, size, 'bicubic')`, without making the rest.

    read: gives a part of the image, (h, w, c) pixels, or floats as they are, from top, left, bottom, right.
    shape: its height and width. size: (height, width) of the whole result, larger or smaller. box: top, left,
    bottom, right in it. ratio: of heights and of widths, result to image; by default that of size and shape.
    shift: how many pixels of the image its pixels lie further to the left.
    Returns (bottom - top, right - left, c) float32, neither rounded nor clipped.

    Pillow has MATLAB's kernel (Keys, a = -0.5) and antialiasing, but renormalises at the border, so the image
    is first extended symmetrically, as MATLAB does.
    """
    inner, around, place = [], [], []
    ratio = ratio or [to / n for to, n in zip(size, shape, strict=True)]
    for n, growth, offset, first, last in zip(shape, ratio, (0, shift), box[:2], box[2:], strict=True):
        reach = math.ceil(2 * max(1, 1 / growth)) + 1  # covers the kernel, 2 pixels of the smaller image
        first, last = first / growth + offset, last / growth + offset
        start, end = math.floor(first) - reach, math.ceil(last) + reach
        inner.append((max(0, start), min(n, end)))
        around.append((max(0, -start), max(0, end - n)))
        place.append((first - start, last - start))
    (y, bottom), (x, right) = inner
    part = read(y, x, bottom, right)
    part = part.astype(np.float32, copy=False) if part.dtype.kind == "f" else colour.to_float(part)
    part = np.pad(part, (*around, (0, 0)), mode="symmetric")
    (top, bottom), (left, right) = place
    width, height = box[3] - box[1], box[2] - box[0]
    channels = [
        Image.fromarray(np.ascontiguousarray(channel)).resize(
            (width, height), Image.Resampling.BICUBIC, (left, top, right, bottom)
        )
        for channel in np.moveaxis(part, 2, 0)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=2)
