"""NQM: the signal-to-noise ratio of what the eye sees of two images."""

import numpy as np

ANGLE = np.degrees(1 / 3.5)  # of view, for an image as it is seen from 3.5 times its width
BANDS = 5  # from 2, 4, 8, 16 and 32 cycles an image, an octave to each side
LARGEST = 65  # cycles an image: beyond, all filters are 0


def nqm(label: np.ndarray, output: np.ndarray) -> float | None:
    """Noise quality measure in dB of two luminance images, (h, w) uint8.

    Damera-Venkata, Kite, Geisler, Evans and Bovik 2000, "Image quality assessment based on a degradation
    model": bands of an octave, contrasts relative to what is below; what is not seen for its contrast, or
    differs unseen, does not count, nor does what is below the bands. None where the signal is nothing, or the
    noise: the ratio has no value, or an infinite one.
    """
    filters = list(_filters(*label.shape))
    (base, *bands), (other_base, *other_bands) = (_bands(image, filters) for image in (label, output))
    signal, other = np.zeros_like(base), np.zeros_like(base)
    for number, (band, other_band) in enumerate(zip(bands, other_bands, strict=True), 1):
        contrast, other_contrast = _contrast(band, base), _contrast(other_band, other_base)
        base, other_base = base + band, other_base + other_band
        least = threshold(2**number / ANGLE)
        other_band = _masked(band, other_band, contrast, other_contrast, threshold(number))
        signal += np.where(np.abs(contrast) < least, 0, band)
        other += np.where(np.abs(other_contrast) < least, 0, other_band)
    noise = np.sum(np.square(signal - other))
    power = np.sum(np.square(signal))
    return float(10 * np.log10(power / noise)) if noise > 1e-20 * power and power else None


def threshold(frequency: float) -> float:
    """The least contrast that is seen at a frequency in cycles a degree."""
    return 1 / (520 * (0.0192 + 0.114 * frequency) * np.exp(-((0.114 * frequency) ** 1.1)))


def _filters(h, w):
    """Of the low part of the spectrum of a real image: the lowpass and the bands.

    As in the authors' program, by which the paper's numbers were made, the frequencies of odd sizes are half
    of one off, and of what that gives the real part is taken: both signs count half.
    """
    v, u = np.fft.fftfreq(h, 1 / h)[_low(h), np.newaxis], np.fft.rfftfreq(w, 1 / w)[: LARGEST + 1]
    radii = [np.hypot(v + sign * (h % 2) / 2, u + sign * (w % 2) / 2) for sign in (1, -1)]
    yield sum(_octaves(radius + 2, 2) for radius in radii) / 2
    for number in range(1, BANDS + 1):
        yield sum(_octaves(radius, 2**number) for radius in radii) / 2


def _low(h):
    """The rows of a spectrum up to LARGEST."""
    return np.flatnonzero(np.abs(np.fft.fftfreq(h, 1 / h)) <= LARGEST)


def _octaves(radius, centre):
    """1 at a frequency, falling to 0 an octave above and below."""
    octaves = np.log2(np.maximum(radius, 1e-9) / centre)
    return np.where(np.abs(octaves) <= 1, 0.5 + 0.5 * np.cos(np.pi * octaves), 0)


def _bands(image, filters):
    from scipy import fft

    spectrum = fft.rfft2(image.astype(np.float64))
    part, bands = (_low(len(image)), slice(LARGEST + 1)), []
    for filter_ in filters:
        passed = np.zeros_like(spectrum)
        passed[part] = spectrum[part] * filter_
        bands.append(fft.irfft2(passed, image.shape))
    return bands


def _contrast(band, base):
    """A band over what is below it; 0 where that is 0."""
    return np.divide(band, base, out=np.zeros_like(band), where=base != 0)


def _masked(band, other_band, contrast, other_contrast, least):
    """The output's band, or the label's where the difference of contrasts is not seen beside the label's."""
    other_contrast = np.where(np.abs(other_contrast) > 1, 1, other_contrast)
    unseen = np.abs(other_contrast - contrast) < least * (0.86 * (contrast / least - 1) + 0.3)
    return np.where(unseen, band, other_band)
