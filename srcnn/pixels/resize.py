"""Degrading and resizing: MATLAB's bicubic, scipy's B-spline."""

import math

import numpy as np
from PIL import Image

from srcnn.pixels import colour
from srcnn.system.errors import InputError


def modcrop(image, scale=3):
    """Cuts the bottom and right off so that height and width are multiples of `scale`."""
    h, w = image.shape[:2]
    return image[: h - h % scale, : w - w % scale]


def imresize(image, scale, shrink=False):
    """MATLAB's `imresize(image, scale, 'bicubic')`, or by 1/scale with `shrink`, for whole scales.

    (h, w, c) float in, float out, neither rounded nor clipped. When shrinking, h and w must be
    multiples of `scale`. Pillow has MATLAB's kernel (Keys, a = -0.5) and antialiasing but
    renormalises at the border, so the image is first extended symmetrically, as MATLAB does.
    """
    margin = 4 * scale if shrink else 4  # covers the kernel: 2 pixels of the smaller image
    h, w = image.shape[:2]
    extended = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")

    def resized(n):
        return n // scale if shrink else n * scale

    size = resized(extended.shape[1]), resized(extended.shape[0])
    top = resized(margin)
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(channel)).resize(size, Image.Resampling.BICUBIC))
        for channel in np.moveaxis(extended.astype(np.float32), 2, 0)
    ]
    return np.stack(channels, axis=2)[top : top + resized(h), top : top + resized(w)]


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


def resized(image, size, box):
    """A part of an image (h, w, c) resized, see `resampled`."""
    return resampled(lambda top, left, bottom, right: image[top:bottom, left:right], image.shape, size, box)


def resampled(read, shape, size, box):
    """A part of an image resized by MATLAB's `imresize(image, size, 'bicubic')`, without making the rest.

    read: gives a part of the image, (h, w, c) pixels, or float32 in [0, 1], from top, left, bottom, right.
    shape: its height and width. size: (height, width) of the whole result, larger or smaller. box: top, left,
    bottom, right in it. Returns (bottom - top, right - left, c) float32, neither rounded nor clipped.
    """
    places, reach = [], []
    for n, to, first, last in zip(shape, size, box[:2], box[2:], strict=False):
        ratio = n / to
        around = math.ceil(2 * max(1, ratio)) + 1  # covers the kernel, 2 pixels of the smaller image
        start, end = math.floor(first * ratio) - around, math.ceil(last * ratio) + around
        index = np.arange(start, end) % (2 * n)  # beyond the border lies the mirrored image
        places.append(np.where(index < n, index, 2 * n - 1 - index))
        reach.append((first * ratio - start, last * ratio - start))
    (y, bottom), (x, right) = ((int(place.min()), int(place.max()) + 1) for place in places)
    part = read(y, x, bottom, right)[places[0] - y][:, places[1] - x]
    part = part if part.dtype == np.float32 else colour.to_float(part)
    (top, bottom), (left, right) = reach
    shape, place = (box[3] - box[1], box[2] - box[0]), (left, top, right, bottom)
    channels = [
        np.asarray(Image.fromarray(channel).resize(shape, Image.Resampling.BICUBIC, place))
        for channel in np.ascontiguousarray(np.moveaxis(part, 2, 0))
    ]
    return np.stack(channels, axis=2)
