"""How large a result is to be: by a factor, a width or a height; and bicubic to any size."""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from PIL import Image

import utils
from srcnn.networks.network import TILE
from srcnn.system.progress import progress
from srcnn.system.threads import in_threads


class Goal(NamedTuple):
    """The size that results are to have: by a factor, or pixels. Both width and height: as large as fits."""

    scale: int | Fraction | None = None
    width: int | None = None
    height: int | None = None

    @property
    def text(self):
        """The goal in a few characters, such as x2.5 or width 3000."""
        if self.scale:
            return f"x{float(self.scale):.9g}"
        named = (("width", self.width), ("height", self.height))
        return ", ".join(f"{name} {pixels}" for name, pixels in named if pixels)

    @property
    def plain(self):
        """The goal as plain values for JSON."""
        scale = {"scale": float(self.scale) if self.scale % 1 else int(self.scale)} if self.scale else {}
        return scale or {name: pixels for name, pixels in self._asdict().items() if pixels}

    def ratio(self, height, width):
        """How much larger than an image of this size its result is."""
        if self.scale:
            return Fraction(self.scale)
        return min(Fraction(to, n) for to, n in ((self.height, height), (self.width, width)) if to)

    def size(self, height, width):
        """(height, width) of the result, rounded."""
        ratio = self.ratio(height, width)
        return math.floor(height * ratio + Fraction(1, 2)), math.floor(width * ratio + Fraction(1, 2))


def stages(ratio):
    """The factors, 2 and 3, whose product is the smallest that is not below a ratio: 5 is 2 then 3."""
    most = max(1, math.ceil(math.log2(ratio))) + 1
    powers = [(twos, threes) for twos in range(most + 1) for threes in range(most + 1)]
    reaching = [(2**twos * 3**threes, twos, threes) for twos, threes in powers]
    _, twos, threes = min(found for found in reaching if found[0] >= ratio)
    return [2] * twos + [3] * threes


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
    part = part if part.dtype == np.float32 else utils.to_float(part)
    (top, bottom), (left, right) = reach
    shape, place = (box[3] - box[1], box[2] - box[0]), (left, top, right, bottom)
    channels = [
        np.asarray(Image.fromarray(channel).resize(shape, Image.Resampling.BICUBIC, place))
        for channel in np.ascontiguousarray(np.moveaxis(part, 2, 0))
    ]
    return np.stack(channels, axis=2)


def in_tiles(part, shape, dtype, what):
    """An image (h, w, c) of dtype, made in tiles: rounded and clipped pixels, or float32 as it comes.

    part: gives it, float32, from top, left, bottom, right.
    """
    result = np.empty(shape, dtype)

    def fill(box):
        place = slice(box[0], box[2]), slice(box[1], box[3])
        tile = part(*box)
        result[place] = tile if dtype == np.float32 else utils.to_pixels(tile, dtype)

    boxes = utils.tile_boxes(shape[:2], TILE, TILE)
    for _ in progress(in_threads(fill, boxes), what, len(boxes)):
        pass
    return result
