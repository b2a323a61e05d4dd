"""Degrading and resizing: MATLAB's bicubic, scipy's B-spline."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from srcnn.pixels import colour
from srcnn.system.errors import InputError


def modcrop(image: np.ndarray, scale: int = 3) -> np.ndarray:
    """Cuts the bottom and right off so that height and width are multiples of `scale`."""
    h, w = image.shape[:2]
    return image[: h - h % scale, : w - w % scale]


def shrink(image: np.ndarray, scale: int, degradation: str) -> np.ndarray:
    """The low resolution of an (h, w, c) image: MATLAB's bicubic, or scipy's B-spline."""
    return _zoom(image, 1 / scale) if degradation == "zoom" else imresize(image, scale, shrink=True)


def enlarge(image: np.ndarray, scale: int, degradation: str) -> np.ndarray:
    """The low resolution enlarged by the same means: what the network is given."""
    return _zoom(image, scale) if degradation == "zoom" else imresize(image, scale)


def _zoom(image, factor):
    """Channel by channel: without prefilter, zoom would blur along the third axis too."""
    from scipy import ndimage  # a quarter of a second to load

    channels = [ndimage.zoom(channel, factor, prefilter=False) for channel in np.moveaxis(image, 2, 0)]
    return np.stack(channels, axis=2)


def degrade(label: np.ndarray, scale: int = 3, degradation: str = "matlab") -> np.ndarray:
    """Loses the detail of a modcropped image: shrinks it by `scale` and enlarges it again.

    label: (h, w, c). Returns the same shape.
    'matlab' is the paper's bicubic; 'zoom' is the reference implementation's `scipy.ndimage.zoom`
    (a B-spline blur without antialiasing, corners aligned).
    """
    return enlarge(shrink(label, scale, degradation), scale, degradation)


def check_size(path: Path | str, image: np.ndarray, scale: int) -> None:
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
    shift_down: float = 0.0,
) -> np.ndarray:
    """A part of an image resized by MATLAB's `imresize(image, size, 'bicubic')`, without making the rest.

    read: gives a part of the image, (h, w, c) pixels, or floats as they are, from top, left, bottom, right.
    shape: its height and width. size: (height, width) of the whole result, larger or smaller. box: top, left,
    bottom, right in it. ratio: of heights and of widths, result to image; by default that of size and shape.
    shift, shift_down: how many pixels of the image those of the result lie further to its right, and down.
    Returns (bottom - top, right - left, c) float32, neither rounded nor clipped.

    Pillow has MATLAB's kernel (Keys, a = -0.5) and antialiasing, but renormalises at the border, so the image
    is first extended symmetrically, as MATLAB does.
    """
    vertical, horizontal = ratio or (to / n for to, n in zip(size, shape, strict=True))
    rows, around_rows, (top, bottom) = _sources(shape[0], vertical, box[0], box[2], shift_down)
    columns, around_columns, (left, right) = _sources(shape[1], horizontal, box[1], box[3], shift)
    part = read(rows[0], columns[0], rows[1], columns[1])
    part = part.astype(np.float32, copy=False) if part.dtype.kind == "f" else colour.to_float(part)
    part = np.pad(part, (around_rows, around_columns, (0, 0)), mode="symmetric")
    to, place = (box[3] - box[1], box[2] - box[0]), (left, top, right, bottom)
    channels = [
        np.asarray(Image.fromarray(channel).resize(to, Image.Resampling.BICUBIC, place))
        for channel in np.ascontiguousarray(np.moveaxis(part, 2, 0))
    ]
    return np.stack(channels, axis=2)


def _sources(n, ratio, first, last, shift=0.0):
    """Which pixels of n along an axis make those from `first` to `last` of a result.

    Returns where they begin and end, how many are missing before and behind because the image ends, and where
    among all of these the part of the result begins and ends.
    """
    reach = math.ceil(2 * max(1, 1 / ratio)) + 1  # covers the kernel, 2 pixels of the smaller image
    begin, end = first / ratio + shift, last / ratio + shift
    start, stop = math.floor(begin) - reach, math.ceil(end) + reach
    inner, missing = (max(0, start), min(n, stop)), (max(0, -start), max(0, stop - n))
    return inner, missing, (begin - start, end - start)
