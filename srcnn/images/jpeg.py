"""What JPEG does to a picture, how strongly a file was compressed, and how a network is told.

A network for JPEG has one channel of input more than an image, the same number at every pixel: how strong the
compression is. All biases are linear in it, and the kernels of the first and the last layer: for a picture
of one strength, a plain SRCNN. (Those of layers between cost most and gain nothing more, docs/training.md.)
"""

from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, JpegImagePlugin

from srcnn.system.errors import InputError

QUALITIES = 30, 95  # of the training images
# Of the copies of each training image, one of each: weak compression differs most from quality to quality.
DRAWN = (30, 49), (50, 74), (75, 89), (90, 95)
TESTED = 30, 50, 70, 90  # of images that are held out
SUBSAMPLING = 2  # 4:2:0


def compressed(pixels, quality):
    """A picture as JPEG gives it back: 4:2:0, with the tables of the Independent JPEG Group.

    pixels: (h, w, c) uint8, grey or RGB. quality: 1 to 100.
    """
    grey = pixels.shape[2] == 1
    file = BytesIO()
    Image.fromarray(pixels[..., 0] if grey else pixels).save(
        file, "JPEG", quality=quality, subsampling=SUBSAMPLING
    )
    return np.asarray(Image.open(file)).reshape(pixels.shape)


def luminance_table(quality):
    """Steps of quantisation of luminance, (64,), as the Independent JPEG Group's encoder takes them."""
    file = BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file).quantization[0], np.float64)


@cache
def luminance_tables():
    """Those of the qualities 1 to 100, (100, 64): made when a file is first asked for its quality."""
    return np.array([luminance_table(quality) for quality in range(1, 101)])


def quality_of(path):
    """The quality, 1 to 100, whose luminance table is most like that of a JPEG file; None for other files.

    Encoders name their qualities differently; what counts is the size of the steps, compared as logarithms.
    """
    try:
        with Image.open(path) as image:
            if not isinstance(image, JpegImagePlugin.JpegImageFile):
                return None
            table = np.array(image.quantization[image.layer[0][3]], np.float64)  # luminance's
    except Exception:  # it says what is wrong when it is decoded; damaged files raise nearly everything
        return None
    return 1 + int(np.argmin(np.mean(np.abs(np.log(luminance_tables() / np.maximum(table, 1))), axis=1)))


def drawn(number):
    """The qualities of the copies of a training image of this number."""
    rng = np.random.default_rng(number)
    return [int(rng.integers(low, high, endpoint=True)) for low, high in DRAWN]


def check_quality(path, quality, scale):
    """A quality, that of the file if it is None.

    Raises InputError if the file has none, or if --scale 1 would do it no good.
    """
    quality = quality or quality_of(path)
    if quality is None:
        raise InputError(
            f"{path}: is no JPEG file; name the --quality that it was saved with, or leave out --degradation"
        )
    if scale == 1 and quality >= QUALITIES[1]:  # there an image held out loses, docs/training.md
        raise InputError(
            f"{path}: has quality {quality}, and with so little compression is best as it is; leave it out"
        )
    return quality


def strength(quality):
    """What a network is told of a quality: 1 to -1 over QUALITIES, which it knows, and the same beyond."""
    low, high = QUALITIES
    return np.float32((low + high - 2 * np.clip(quality, low, high)) / (high - low))


def told(input_, quality):
    """(h, w, c) with the channel that tells the network: (h, w, c + 1)."""
    return np.pad(input_, ((0, 0), (0, 0), (0, 1)), constant_values=strength(quality))


def folded(values, quality):
    """w1, b1, ... of the plain network that one for JPEG is at a quality.

    Of a kernel (kh, kw, inputs, cout) the first c inputs are the layer's own, the next is the strength, and
    the last c, which only the first and the last layer have, are the products of the two.
    """
    number, plain = strength(quality), dict(values)
    count = len(values) // 2
    c = values[f"b{count}"].size  # channels of an image
    for i in range(1, count + 1):
        kernel, bias = values[f"w{i}"], values[f"b{i}"]
        plain[f"w{i}"] = kernel[:, :, :c]
        if kernel.shape[2] > c + 1:
            plain[f"w{i}"] = kernel[:, :, :c] + number * kernel[:, :, c + 1 :]
        plain[f"b{i}"] = bias + number * kernel[:, :, c].sum((0, 1))
        c = bias.size
    return plain
