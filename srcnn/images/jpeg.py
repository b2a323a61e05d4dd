"""What JPEG does to a picture, and how strongly a file was compressed."""

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, JpegImagePlugin

from srcnn.images import decoders

SUBSAMPLING = 2  # 4:2:0


def compressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    """A picture as JPEG gives it back: 4:2:0, with the tables of the Independent JPEG Group.

    pixels: (h, w, c) uint8, grey or RGB. quality: 1 to 100.
    """
    grey = pixels.shape[2] == 1
    file = BytesIO()
    Image.fromarray(pixels[..., 0] if grey else pixels).save(
        file, "JPEG", quality=quality, subsampling=SUBSAMPLING
    )
    return np.asarray(Image.open(file)).reshape(pixels.shape)


def luminance_table(quality: int) -> np.ndarray:
    """Steps of quantisation of luminance, (64,), as the Independent JPEG Group's encoder takes them."""
    file = BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
    file.seek(0)
    return np.array(JpegImagePlugin.JpegImageFile(file).quantization[0], np.float64)


@cache
def luminance_tables() -> np.ndarray:
    """Those of the qualities 1 to 100, (100, 64): made when a file is first asked for its quality."""
    return np.array([luminance_table(quality) for quality in range(1, 101)])


def quality_of(path: str | Path) -> int | None:
    """The quality, 1 to 100, whose luminance table is most like that of a JPEG file; None for other files.

    Encoders name their qualities differently; what counts is the size of the steps, compared as logarithms.
    """
    try:
        with Image.open(path) as image:
            if not isinstance(image, JpegImagePlugin.JpegImageFile):
                return None
            luminance = next((image.quantization.get(layer[3]) for layer in image.layer), None)
            if luminance is None:
                return None
            table = np.array(luminance, np.float64)
    except Exception as error:  # it says what is wrong when it is decoded
        if not isinstance(error, OSError) and not decoders.raised(error):
            raise
        return None
    return 1 + int(np.argmin(np.mean(np.abs(np.log(luminance_tables() / np.maximum(table, 1))), axis=1)))
