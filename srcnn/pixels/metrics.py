"""How near images are to what they should be: PSNR, SSIM and others, by the protocol of the paper.

Images are (h, w, c) in [0, 1]. What is compared is the luminance with 8 bits, without `scale` pixels at
every side. Works through images in strips of rows, so that large ones need little memory; may be called
from several threads, and what takes long does not hold the GIL. The rarer measures, each in a module of its
own, take a whole image at a time.
"""

from collections.abc import Sequence

import numpy as np

from srcnn.pixels.colour import OFFSETS, YCBCR, strips, to_luminance, to_pixels
from srcnn.pixels.ifc import ifc
from srcnn.pixels.msssim import C1, C2, POWERS, WINDOW, local_means, msssim
from srcnn.pixels.nqm import nqm
from srcnn.pixels.wpsnr import wpsnr
from srcnn.settings import DEFAULT_METRICS, WANG

RARER = {"ifc": ifc, "nqm": nqm, "wpsnr": wpsnr, "msssim": msssim}
COLOUR_METRICS = "psnr_cb", "psnr_cr", "psnr_ycbcr"
STRIP = 2**15  # pixels, about: what is worked on at a time


def scored_part(image: np.ndarray, colour: str, is_grey: bool = False) -> np.ndarray:
    """What luminance is scored from: all of a grey or RGB image, Y of a YCbCr one.

    is_grey: the picture is; it is scored as the grey that it is, though a network of colour takes it for RGB.
    """
    part = image[..., :1] if colour == "ycbcr" else image
    if is_grey and colour != "y":
        return (to_luminance(part) - OFFSETS[0] / 255) * (255 / sum(YCBCR[0]))
    return part


def score(
    label: np.ndarray,
    outputs: dict[str, np.ndarray],
    scale: int,
    metrics: Sequence[str] = DEFAULT_METRICS,
) -> dict[str, dict]:
    """Scores several images against one: {name: {"psnr": ..., "ssim": ...}}, in the order of `metrics`.

    label: (h, w, c). outputs: dict of images of that shape, by name. metrics: some of PAPER_METRICS and WANG.
    For what each score is and when it is None, see the function of its name.
    """
    whole, wholes = label, outputs.values()
    label, images = _scored(label, scale), [_scored(output, scale) for output in outputs.values()]
    found: dict[str, list] = {"psnr": [_psnr(label, image) for image in images]}
    if "ssim" in metrics or WANG in metrics:
        scales = len(POWERS) if WANG in metrics else 1
        found["ssim"], found[WANG] = _similarities(label, images, scales)
    for name in RARER.keys() & set(metrics):
        if name == "ifc":  # of all of the image
            found[name] = [ifc(_scored(whole, 0), _scored(image, 0)) for image in wholes]
        else:
            found[name] = [RARER[name](label, image) for image in images]
    return {output: {name: found[name][i] for name in metrics} for i, output in enumerate(outputs)}


def psnr(label: np.ndarray, output: np.ndarray, scale: int) -> float | None:
    """Peak signal-to-noise ratio in dB. None where the images are equal: the ratio is infinite."""
    return _psnr(_scored(label, scale), _scored(output, scale))


def colour_psnr(label: list, output: list, colour: str, scale: int) -> dict[str, float | None]:
    """PSNR of Cb, of Cr, and of Y, Cb and Cr together (the journal paper's table 5), in dB by name.

    label, output: lists of arrays in [0, 1]: one of (h, w, 3), RGB or YCbCr as `colour` says, or Y, Cb and
    Cr of (h, w, 1), each in [0, 1] or with 8 bits; output is empty where the picture is grey. Of that, and of
    Y alone, there is nothing to say: None.
    """
    if not output or (len(label) == 1 and colour == "y"):
        return dict.fromkeys(COLOUR_METRICS)
    squares = np.zeros(3)
    label, output = ([channel[scale:-scale, scale:-scale] for channel in image] for image in (label, output))
    for rows in strips(label[0]):
        for channel in range(3):
            a, b = (_channel([part[rows] for part in image], channel, colour) for image in (label, output))
            squares[channel] += np.sum(np.square(a.astype(np.int32) - b))
    size = label[0].shape[0] * label[0].shape[1]
    found = _decibels(squares[1], size), _decibels(squares[2], size), _decibels(squares.sum(), 3 * size)
    return dict(zip(COLOUR_METRICS, found, strict=True))


def _channel(image, channel, colour):
    """(h, w) uint8 of Y, Cb or Cr, rounded half up and clipped."""
    if colour == "rgb":
        values = image[0] @ (YCBCR[channel] / 255).astype(np.float32) + np.float32(OFFSETS[channel] / 255)
    else:
        values = image[channel][..., 0] if len(image) == 3 else image[0][..., channel]
    return values if values.dtype == np.uint8 else to_pixels(values)


def ssim(label: np.ndarray, output: np.ndarray, scale: int) -> float | None:
    """The original SSIM (Wang et al. 2004: Gaussian 11x11, sigma 1.5, valid region).

    None where the image is smaller than the window.
    """
    return _similarities(_scored(label, scale), [_scored(output, scale)], 1)[0][0]


def ms_ssim(label: np.ndarray, output: np.ndarray, scale: int) -> float | None:
    """SSIM at five scales (Wang, Simoncelli and Bovik 2003), as the authors' msssim.m has it: WANG.

    Each scale is the means of 2x2 pixels of the one before; an odd last row or column is repeated.
    Contrast and structure that are opposite on the whole count as 0; their power is not real.
    None where the image is smaller than the window would be at the coarsest scale, 176 pixels.
    """
    return _similarities(_scored(label, scale), [_scored(output, scale)], len(POWERS))[1][0]


def _scored(image, scale):
    """(h, w) uint8: luminance, rounded half up and clipped, `scale` pixels shaved off every side."""
    h, w = image.shape[0] - 2 * scale, image.shape[1] - 2 * scale
    image = image[scale : scale + h, scale : scale + w]
    pixels = np.empty((h, w), np.uint8)
    rows = max(1, STRIP // max(1, w))
    for top in range(0, h, rows):
        part = image[top : top + rows]
        pixels[top : top + rows] = to_pixels(to_luminance(part))[..., 0]
    return pixels


def _psnr(label, output):
    import cv2

    return _decibels(cv2.norm(label, output, cv2.NORM_L2SQR), label.size)


def _decibels(squares, count):
    """PSNR of a sum of squared errors of this many values."""
    return None if squares == 0 else float(10 * np.log10(255**2 * count / squares))


def _similarities(label, outputs, scales):
    """Lists of the SSIM and the MS-SSIM of each output; None where there is none or scales is 1.

    label, outputs: (h, w) uint8.
    """
    none = [None] * len(outputs)
    if min(label.shape) < WINDOW:
        return none, none
    if min(label.shape) < WINDOW * 2 ** (len(POWERS) - 1):
        scales = 1
    images = [label, *outputs]
    products = np.ones(len(outputs))
    for i in range(scales):
        similarity, structure = _means(images[0], images[1:], 4**i)
        if i == 0:
            ssims = similarity.tolist()
        if i < scales - 1:
            products *= np.maximum(structure, 0) ** POWERS[i]
            for j in range(len(images)):  # one after the other: the finer one is no longer in memory
                images[j] = _halved(images[j])
    if scales == 1:
        return ssims, none
    return ssims, (products * np.maximum(similarity, 0) ** POWERS[-1]).tolist()


def _halved(image):
    """Sums of 2x2 pixels as uint16, which holds the exact ones of 8-bit pixels at all five scales."""
    h, w = image.shape
    if h % 2 or w % 2:
        image = np.pad(image, ((0, h % 2), (0, w % 2)), mode="edge")
    rows = np.add(image[::2], image[1::2], dtype=np.uint16)
    return rows[:, ::2] + rows[:, 1::2]


def _means(label, outputs, unit):
    """The mean SSIM of each output, and that of contrast and structure alone.

    label, outputs: (h, w) whole numbers, of which `unit` are a level.
    """
    h, w = label.shape[0] - WINDOW + 1, label.shape[1] - WINDOW + 1
    rows = max(32, STRIP // w)
    sums = np.zeros((2, len(outputs)))
    for top in range(0, h, rows):
        part = slice(top, top + rows + WINDOW - 1)
        x = label[part] / unit
        mean_x = local_means(x)
        square_x = mean_x * mean_x
        variance_x = local_means(x * x) - square_x
        for i, output in enumerate(outputs):
            y = output[part] / unit
            mean_y = local_means(y)
            square_y, mean_xy = mean_y * mean_y, mean_x * mean_y
            structure = 2 * (local_means(x * y) - mean_xy) + C2
            structure /= variance_x + (local_means(y * y) - square_y) + C2
            sums[1, i] += structure.sum()
            structure *= (2 * mean_xy + C1) / (square_x + square_y + C1)
            sums[0, i] += structure.sum()
    return sums / (h * w)
