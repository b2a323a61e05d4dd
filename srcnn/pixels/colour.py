"""Colours as arrays: MATLAB's rgb2ycbcr and back, luminance, whole numbers and [0, 1]."""

import numpy as np
from numpy.typing import DTypeLike

# MATLAB's rgb2ycbcr: Y, Cb and Cr of R, G and B in [0, 1], of 255 levels; Y starts at 16, Cb and Cr at 128.
YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]])
LUMA = YCBCR[0] / 255
OFFSETS = np.array([16.0, 128.0, 128.0])
ROWS = 2**20  # pixels of an image that are converted at a time, so that large ones take little memory


def as_label(pixels: np.ndarray, colour: str) -> np.ndarray:
    """Whole-number pixels as a network sees them, in [0, 1].

    colour: 'y' gives (h, w, 1), 'rgb' and 'ycbcr' (h, w, 3).
    """
    if colour == "y":
        return luminance(pixels)
    if colour == "rgb":
        return to_float(as_rgb(pixels))
    return np.concatenate([rgb2ycbcr(as_rgb(pixels), channel) for channel in range(3)], axis=2)


def as_rgb(pixels: np.ndarray) -> np.ndarray:
    """(h, w, 3) of grey or RGB."""
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def to_float(pixels: np.ndarray) -> np.ndarray:
    """Whole-number pixels as float32 in [0, 1]."""
    return pixels.astype(np.float32) / np.iinfo(pixels.dtype).max


def luminance(pixels: np.ndarray) -> np.ndarray:
    """MATLAB's `rgb2ycbcr`, first channel: (h, w, 1) in [0, 1] from whole-number pixels, grey or RGB.

    Rounded to a whole number of the pixels' own depth, as MATLAB does. Grey is luminance already.
    """
    return to_float(pixels) if pixels.shape[2] == 1 else rgb2ycbcr(pixels, 0)


def rgb2ycbcr(pixels: np.ndarray, channel: int) -> np.ndarray:
    """One channel, 0 to 2, of MATLAB's `rgb2ycbcr`: (h, w, 1) in [0, 1] from whole-number RGB pixels."""
    peak = np.iinfo(pixels.dtype).max
    weights, offset = YCBCR[channel] / 255, OFFSETS[channel] / 255 * peak
    result = np.empty((*pixels.shape[:2], 1), np.float32)
    for rows in strips(pixels):
        red, green, blue = np.moveaxis(pixels[rows], 2, 0)
        level = offset + red * weights[0] + green * weights[1] + blue * weights[2]
        result[rows, :, 0] = np.floor(level + 0.5) / peak
    return result


def ycbcr2rgb(y: np.ndarray, cb: np.ndarray, cr: np.ndarray, dtype: DTypeLike = np.uint8) -> np.ndarray:
    """Whole-number RGB pixels (h, w, 3), rounded and clipped, of three channels (h, w, 1).

    y: in [0, 1]. cb, cr: in [0, 1] or whole-number pixels.
    """
    inverse = np.linalg.inv(YCBCR / 255).astype(np.float32)
    offsets = (OFFSETS / 255).astype(np.float32)
    result = np.empty((*y.shape[:2], 3), dtype)
    for rows in strips(y):
        chroma = [c[rows] if c.dtype.kind == "f" else to_float(c[rows]) for c in (cb, cr)]
        parts = [c[..., 0] - offset for c, offset in zip((y[rows], *chroma), offsets, strict=True)]
        for index, weights in enumerate(inverse):
            mixed = sum(part * weight for part, weight in zip(parts, weights, strict=True))
            result[rows, :, index] = to_pixels(mixed, dtype)
    return result


def strips(image: np.ndarray) -> list[slice]:
    """Slices of the rows of an image, of some ROWS pixels each."""
    step = max(1, ROWS // max(1, image.shape[1]))
    return [slice(top, top + step) for top in range(0, len(image), step)]


def to_pixels(image: np.ndarray, dtype: DTypeLike = np.uint8) -> np.ndarray:
    """Rounds half up and clips an image in [0, 1] to 8 or 16 bits, as MATLAB's `im2uint8` does."""
    peak = np.iinfo(dtype).max
    return np.clip(np.floor(image * float(peak) + 0.5), 0, peak).astype(dtype)


def to_luminance(image: np.ndarray) -> np.ndarray:
    """(..., 1) luminance of (..., c) images in [0, 1]: grey as it is, RGB by `rgb2ycbcr`, unrounded."""
    if image.shape[-1] == 1:
        return image
    return (OFFSETS[0] / 255 + image @ LUMA)[..., np.newaxis]
