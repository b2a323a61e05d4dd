"""IFC: how much of what an image tells another one still tells."""

import functools

import numpy as np

from srcnn.system.errors import needing

WINDOWS = 17, 9, 5, 3  # of the regression at each level, the finest first
ORIENTATIONS = 0, 3  # the bands of the pyramid that count
BLOCK = 3  # pixels of a side of a block
NOISE, TINY = 1e-10, 1e-15


def ifc(label: np.ndarray, output: np.ndarray) -> float | None:
    """Information fidelity criterion of two luminance images, (h, w) uint8, in bits a pixel.

    Sheikh, Bovik and de Veciana 2005, "An information fidelity criterion for image quality assessment using
    natural scene statistics", for vectors of 3x3 coefficients. None where the images are equal (it has no
    bound) or too small for a block and its window at the coarsest level: below 65 pixels.
    """
    if np.array_equal(label, output):
        return None
    total = 0.0
    for (level, x), (_, y) in zip(_pyramid(label), _pyramid(output), strict=True):
        ring = -(-(WINDOWS[level] // 2) // BLOCK)  # of blocks whose window is not all of the image
        if min(x.shape) // BLOCK <= 2 * ring:
            return None
        total += _information(x, y, WINDOWS[level], ring)
    return float(total / label.size)


@functools.cache
def steerable_filters() -> dict[str, np.ndarray]:
    """Those of order 5: `lo0filt`, `lofilt` and `bfilts`, as columns.

    Raises InputError where pyrtools, which has them, is not installed.
    """
    with needing("pyrtools", "--metrics ifc"):
        from pyrtools.pyramids import filters
    return filters.parse_filter("sp5_filters", normalize=False)


def _pyramid(image):
    """(level, band) of the steerable pyramid (Simoncelli and Freeman 1995) that count, the finest first."""
    import cv2

    taps = steerable_filters()
    image = cv2.filter2D(image.astype(np.float64), -1, taps["lo0filt"])
    for level in range(len(WINDOWS)):
        for orientation in ORIENTATIONS:
            yield level, cv2.filter2D(image, -1, taps["bfilts"][:, orientation].reshape(7, 7).T)
        image = cv2.filter2D(image, -1, taps["lofilt"])[::2, ::2]


def _information(x, y, window, ring):
    """Bits of a band. x, y: of label and output. ring: blocks at the border that are left out."""
    h, w = (n // BLOCK * BLOCK for n in x.shape)
    x, y = x[:h, :w], y[:h, :w]
    field, eigenvalues = _mixture(x)
    gain, variance = _channel(x, y, window)
    inner = slice(ring, -ring)
    signal = (gain**2 * field / (variance + NOISE))[inner, inner]
    return sum(np.sum(np.log2(1 + signal * value)) for value in eigenvalues)


def _mixture(x):
    """The Gaussian scale mixture of the blocks of a band: its field, a value a block, and its eigenvalues.

    The covariance is that of all blocks, the field of those that do not overlap.
    """
    h, w = x.shape
    places = np.ndindex(BLOCK, BLOCK)
    shifted = [x[i : h - BLOCK + 1 + i, j : w - BLOCK + 1 + j] for i, j in places]
    shifted = [part - part.mean() for part in shifted]
    covariance = np.array([[np.mean(a * b) for b in shifted] for a in shifted])
    eigenvalues, vectors = np.linalg.eigh(covariance)
    keep = eigenvalues > TINY * max(1.0, eigenvalues[-1])
    blocks = np.stack([x[i::BLOCK, j::BLOCK] for i, j in np.ndindex(BLOCK, BLOCK)], axis=-1)
    whitened = blocks @ (vectors[:, keep] / np.sqrt(eigenvalues[keep]))
    return np.sum(np.square(whitened), axis=-1) / BLOCK**2, eigenvalues[keep]


def _channel(x, y, window):
    """The gain and the noise by which a band became another, by regression around the centres of blocks."""
    import cv2

    def mean(image):
        return cv2.blur(image, (window, window))[BLOCK // 2 :: BLOCK, BLOCK // 2 :: BLOCK]

    mean_x, mean_y, count = mean(x), mean(y), window**2
    covariance = count * (mean(x * y) - mean_x * mean_y)
    square_x = np.maximum(count * (mean(x * x) - mean_x**2), 0)
    square_y = np.maximum(count * (mean(y * y) - mean_y**2), 0)
    gain = covariance / (square_x + TINY)
    variance = (square_y - gain * covariance) / count
    for unfit, value in ((square_x < TINY, square_y), (square_y < TINY, 0), (gain < 0, square_y)):
        variance = np.where(unfit, value, variance)
        gain = np.where(unfit, 0, gain)
    return gain, np.maximum(variance, TINY)
