"""MSSSIM as the paper has it, by the MeTriX MuX package: not as Wang's msssim.m, see `metrics`."""

import numpy as np

# Taps of the lowpass of the biorthogonal 9/7 wavelet (Cohen, Daubechies and Feauveau 1992), sum 1.
HALF = (0.602949018236, 0.266864118443, -0.078223266529, -0.016864118443, 0.026748757411)
LOWPASS = np.array([*HALF[:0:-1], *HALF])
POWERS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, the finest first
WINDOW, SIGMA = 11, 1.5  # of the Gaussian
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def msssim(label: np.ndarray, output: np.ndarray) -> float | None:
    """Multi-scale SSIM (Wang, Simoncelli and Bovik 2003) of two luminance images, 1 where they are equal.

    label, output: (h, w) uint8. At each of five scales the mean of contrast times the mean of structure, at
    the last one also that of luminance, to the POWERS. A structure that is opposite on the whole counts as 0;
    its power is not real. None where the coarsest scale is smaller than the window: below 161 pixels.
    """
    import cv2

    if (min(label.shape) - 1) // 2 ** (len(POWERS) - 1) + 1 < WINDOW:
        return None
    images: list[np.ndarray] = [label.astype(np.float64), output.astype(np.float64)]
    result = 1.0
    for power in POWERS:
        luminance, contrast, structure = _means(*images)
        result *= (contrast * max(structure, 0.0)) ** power
        images = [
            cv2.sepFilter2D(image, -1, LOWPASS, LOWPASS, borderType=cv2.BORDER_REFLECT_101)[::2, ::2]
            for image in images
        ]
    return float(result * luminance ** POWERS[-1])


def local_means(image: np.ndarray) -> np.ndarray:
    """The means of all whole windows of an image (h, w), weighted by the Gaussian, in float64."""
    import cv2

    kernel = np.exp(-0.5 * (np.arange(WINDOW) - WINDOW // 2) ** 2 / SIGMA**2)
    kernel, edge = kernel / kernel.sum(), slice(WINDOW // 2, -(WINDOW // 2))
    return cv2.sepFilter2D(image, cv2.CV_64F, kernel, kernel)[edge, edge]


def _means(x, y):
    """The means of luminance, contrast and structure of windows."""
    mean_x, mean_y = local_means(x), local_means(y)
    square_x, square_y, product = mean_x * mean_x, mean_y * mean_y, mean_x * mean_y
    # Rounding may leave a variance below 0.
    variance_x = np.maximum(local_means(x * x) - square_x, 0)
    variance_y = np.maximum(local_means(y * y) - square_y, 0)
    both = np.sqrt(variance_x * variance_y)
    luminance = (2 * product + C1) / (square_x + square_y + C1)
    contrast = (2 * both + C2) / (variance_x + variance_y + C2)
    structure = (local_means(x * y) - product + C2 / 2) / (both + C2 / 2)
    return luminance.mean(), contrast.mean(), structure.mean()
