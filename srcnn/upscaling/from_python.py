"""Enlarging arrays, images of Pillow and files from Python, see docs/python.md."""

import os
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from srcnn import tf1
from srcnn.images import image_io
from srcnn.networks.conditioning import check_quality
from srcnn.networks.network import Network, default_channels
from srcnn.networks.trained import Stages
from srcnn.settings import ImageOptions, Source
from srcnn.system.errors import InputError
from srcnn.upscaling.photographs import check_size, result_size, upscale
from srcnn.upscaling.sizes import Goal

FLOATS = np.float16, np.float32, np.float64


class Upscaler:
    """Networks that enlarge images; the weights are loaded once, into graphs and sessions of its own.

    trained: gives an SRCNN with frozen weights for a session, a Network and `weights`.
    scale: how much larger, any number from 1 on. filters, channels: of the network, such as "9-5-5" and
    "64-32", which is the default. quality: of the JPEG, 1 to 100, whose blocks are to go; None for no JPEG.
    weights: a file, or a folder of checkpoints; None for the shipped ones. self_ensemble: the mean of eight
    flips and rotations: better, eight times slower. edges: "wrap" for textures that tile: opposite ones go on
    into each other. keep_hidden_colours: of transparent pixels, for an alpha that is a mask.
    Raises InputError where there are no such weights. Threads may share one, and there may be several.
    """

    def __init__(
        self,
        trained: Callable,
        scale: float | Fraction = 3,
        filters: str = "9-1-5",
        channels: str | None = None,
        quality: int | None = None,
        weights: str | os.PathLike | None = None,
        self_ensemble: bool = False,
        edges: str = "clamp",
        keep_hidden_colours: bool = False,
    ):
        if edges not in ("clamp", "wrap"):
            raise InputError(f"edges {edges!r}: is neither 'clamp' nor 'wrap'")
        self.images = ImageOptions(edges, keep_hidden_colours)
        factor, weights = _factor(scale), str(Path(weights or "shipped"))
        network, self.goal = _network(factor, filters, channels, quality), Goal(factor)
        with tf1.session() as sess:  # which may end: what is frozen has a session of its own
            stages = Stages(partial(trained, sess, weights=weights), network, Source(weights))
            self.srcnns = stages(factor)
        for srcnn in self.srcnns:
            srcnn.self_ensemble = self_ensemble

    def __call__(self, image: np.ndarray | Image.Image | str | os.PathLike) -> np.ndarray:
        """The image, enlarged, as an array of the same kind.

        image: (h, w) or (h, w, c) with 1 channel (grey), 2 (and alpha), 3 (RGB) or 4 (RGBA): uint8, uint16 or
        floats from 0 to 1. Or an image of Pillow, or the path of a file, which are taken as
        uint8 or uint16, (h, w, c). Returns (round(h * scale), round(w * scale)) or the same with c, of the
        image's dtype, rounded if that is whole, and clipped. Raises InputError for anything else.
        """
        if isinstance(image, (str, os.PathLike)):
            check_size(Path(image), image_io.size(Path(image)), self.goal)  # before it is decoded
        pixels = _pixels(image)
        is_float = pixels.dtype.type in FLOATS
        flat = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
        flat = flat.astype(np.float32) if is_float else flat
        size = result_size("the image", flat, self.srcnns, self.goal)
        larger = upscale(flat, self.srcnns, size=size, images=self.images)
        larger = larger.reshape(*larger.shape[:2], *pixels.shape[2:])
        return larger.clip(0, 1).astype(pixels.dtype) if is_float else larger


def _factor(scale) -> Fraction:
    """A scale as the number that it looks like: 2.2 is 11/5."""
    try:
        factor = Fraction(str(scale))
    except (ValueError, ZeroDivisionError):
        factor = Fraction(0)
    if factor < 1:
        raise InputError(f"scale {scale!r}: is not a number of at least 1, such as 3 or 2.5")
    return factor


def _numbers(text: str, what: str) -> tuple[int, ...]:
    """The numbers of 9-1-5."""
    try:
        return tuple(int(number) for number in text.split("-"))
    except (AttributeError, ValueError) as error:
        raise InputError(f"{what} {text!r}: are not numbers joined by dashes, such as '9-1-5'") from error


def _network(scale, filters, channels, quality) -> Network:
    """Of any scale: that is replaced by what reaches the goal."""
    kernels = _numbers(filters, "filters")
    layers = _numbers(channels, "channels") if channels else default_channels(kernels)
    if not 2 <= len(kernels) <= 5 or not all(n > 0 and n % 2 for n in kernels):
        raise InputError(f"filters {filters!r}: are not two to five odd kernel sizes, such as '9-1-5'")
    if len(layers) != len(kernels) - 1 or min(layers) < 1:
        raise InputError(f"channels {channels!r}: are not {len(kernels) - 1} numbers, such as '64-32'")
    if quality is None:
        if scale == 1:
            raise InputError("scale 1 only removes JPEG artefacts; give the quality, or a larger scale")
        return Network(kernels, layers)
    if isinstance(quality, bool) or quality not in range(1, 101):
        raise InputError(f"quality {quality!r}: is not a whole number from 1 to 100")
    check_quality("the image", quality, scale)
    return Network(kernels, layers, degradation="jpeg", quality=quality)


def _pixels(image) -> np.ndarray:
    """What an Upscaler is given, as an array; raises InputError if it can be none of an image."""
    if isinstance(image, (str, os.PathLike)):
        return image_io.read(Path(image)).pixels
    if isinstance(image, Image.Image):
        return image_io.pixels_of(image)
    if isinstance(image, np.ma.MaskedArray) or not isinstance(image, np.ndarray):  # a mask would be lost
        kind = type(image).__name__
        raise InputError(f"the image is a {kind}; give a NumPy array, an image of Pillow or a path")
    image = np.asarray(image)  # a matrix has always two dimensions
    if image.ndim not in (2, 3) or 0 in image.shape or (image.ndim == 3 and image.shape[2] > 4):
        raise InputError(
            f"the image has the shape {image.shape}; give (height, width) or (height, width, channels) "
            "with 1 to 4 channels, one image at a time"
        )
    if image.dtype.type in FLOATS:
        if not (image.min() >= 0 and image.max() <= 1):  # so that NaN is none
            raise InputError("the image has values outside 0 to 1, or NaN; divide it by its largest value")
    elif image.dtype.type not in (np.uint8, np.uint16):
        raise InputError(f"the image has the type {image.dtype}; give uint8, uint16, or floats from 0 to 1")
    return image
