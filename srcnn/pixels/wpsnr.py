"""WPSNR: the PSNR of what the eye sees of an error, as the paper has it."""

import functools

import numpy as np

SIZE = 41  # of the filter
SAMPLES = 60  # of the frequencies to a cycle a degree
OBLIQUE = 11.13  # cycles a degree, from which on oblique ones are seen less


def wpsnr(label: np.ndarray, output: np.ndarray) -> float | None:
    """Weighted PSNR in dB of two luminance images, (h, w) uint8.

    The error passes through the contrast sensitivity of the eye (Miyahara, Kotani and Algazi 1998, "Objective
    picture quality scale"), with zeros around it; peak 1. None where nothing of an error is left: the ratio
    is infinite.
    """
    import cv2

    error = (label.astype(np.float64) - output) / 255
    seen = cv2.filter2D(error, -1, sensitivity(), borderType=cv2.BORDER_CONSTANT)
    power = np.mean(np.square(seen))
    return float(-10 * np.log10(power)) if error.any() else None


@functools.cache
def sensitivity() -> np.ndarray:
    """The SIZE x SIZE filter, by frequency sampling: the inverse DFT of the sensitivity at whole frequencies.

    Symmetric about its centre.
    """
    u = np.arange(SIZE) - SIZE // 2
    radius, angle = np.hypot(u, u[:, np.newaxis]), np.arctan2(u[:, np.newaxis], u)
    w, limit = 2 * np.pi * radius / SAMPLES, 2 * np.pi * OBLIQUE / SAMPLES
    band = 1.5 * np.exp(-2 * w**2) - np.exp(-4 * w**2)
    steep = np.exp(8 * (w - limit))
    oblique = (1 + steep * np.cos(2 * angle) ** 4) / (1 + steep)
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(band * oblique)).real)
