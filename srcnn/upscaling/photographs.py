"""Upscaling of photographs of any size, in tiles: nothing is degraded first."""

import math
from functools import partial
from pathlib import Path

import numpy as np

from srcnn.images import image_io
from srcnn.images.metadata import Metadata
from srcnn.pixels import colour, tiles
from srcnn.pixels.resize import resampled, resized
from srcnn.pixels.tiles import in_tiles
from srcnn.settings import ImageOptions
from srcnn.system.errors import InputError
from srcnn.upscaling.sizes import Goal

LARGEST = 2**30  # pixels of a result


def enlarged_shape(image, srcnn):
    return (*(n * srcnn.network.scale for n in image.shape[:2]), image.shape[2])


def restored(srcnn, colours, tiles):
    """Bicubic tiles, (n, h + margin, w + margin, c), with their luminance through a network: (n, h, w, c).

    colours: how many of the channels are grey or RGB. Chroma, and alpha behind them, stay bicubic.
    """
    padding = srcnn.network.margin // 2
    gain = 255 / 219 if colours == 3 else 1.0  # luminance of RGB is 219 levels wide
    luminance = colour.to_luminance(tiles[..., :colours]).astype(np.float32, copy=False)
    inner = np.s_[:, padding : tiles.shape[1] - padding, padding : tiles.shape[2] - padding]
    change = srcnn.run(luminance) - luminance[inner]
    tiles = tiles[inner]
    tiles[..., :colours] += gain * change
    return tiles


def pass_of(image, srcnn):
    """One pass of a network over an image, as `tiles.in_tiles` takes it: read, run, margin and size."""
    size = enlarged_shape(image, srcnn)[:2]
    run = partial(restored, srcnn, image_io.colours(image).shape[2])
    return lambda *box: resized(image, size, box), run, srcnn.network.margin, size


def enlarge(image, srcnn, dtype=np.float32, what="upscaling"):
    """One pass of a network over an image, `scale` times larger.

    image: (h, w, channels) as in `image_io.Picture`, or float32 in [0, 1]. srcnn: of luminance.
    Returns (h * scale, w * scale, channels) of dtype: rounded and clipped, or float32 as it comes.
    Chroma and alpha are bicubic. Memory beyond image and result does not depend on their size.
    """
    read, run, margin, size = pass_of(image, srcnn)
    if dtype == np.float32:
        return in_tiles(read, run, margin, size, what=what)
    return in_tiles(read, lambda tiles: colour.to_pixels(run(tiles), dtype), margin, size, what=what)


def upscale(
    pixels: np.ndarray,
    srcnns: list,
    what: str = "upscaling",
    size: tuple[int, int] | None = None,
    images: ImageOptions | None = None,
) -> np.ndarray:
    """Passes an image through networks in turn, and by bicubic down to a size.

    pixels: as in `image_io.Picture`: (h, w, channels), uint8 or uint16. srcnns: SRCNNs of luminance, see
    model.py. size: (height, width); None for larger by the product of their scales. images: how edges and
    hidden colours are treated. Returns pixels of the same kind.
    """
    images = images or ImageOptions()
    wraps, product = images.edges == "wrap", product_of(srcnns)
    if image_io.has_alpha(pixels) and not images.keep_hidden_colours:
        pixels = fill_transparent(pixels, wraps)
    around = reach_of(srcnns) if wraps else 0
    inner = [n * product for n in pixels.shape[:2]]
    image = wrapped(pixels, around, around) if wraps else pixels
    *earlier, last = srcnns
    for srcnn in earlier:
        image = enlarge(image, srcnn, what=f"{what}, x{srcnn.network.scale}")
    what, shape = f"{what}, x{last.network.scale}", enlarged_shape(image, last)
    if size in (None, tuple(inner)):
        large = enlarge(image, last, pixels.dtype, what)
        return np.ascontiguousarray(without(large, around * product)) if wraps else large
    large = partial(tiles.tile, *pass_of(image, last))

    ratio = [to / n for to, n in zip(size, inner, strict=True)]

    def read(*box):
        return resampled(large, shape[:2], size, box, ratio, around * product, around * product)

    round_off = partial(colour.to_pixels, dtype=pixels.dtype) if pixels.dtype.kind == "u" else np.asarray
    return in_tiles(read, round_off, 0, size, what=what)


def product_of(srcnns: list) -> int:
    """How much larger networks make an image in turn."""
    return math.prod(srcnn.network.scale for srcnn in srcnns)


def compared(pixels: np.ndarray, result: np.ndarray, box: tuple) -> dict[str, np.ndarray]:
    """A part of a result, `SRCNN`, the same by bicubic, and the `input` by its own pixels, in 8 bits.

    pixels, result: as in `image_io.Picture`. box: top, left, bottom, right in the result.
    """
    top, left, bottom, right = box
    before, (height, width) = image_io.colours(pixels), result.shape[:2]
    rows = np.arange(top, bottom) * before.shape[0] // height
    columns = np.arange(left, right) * before.shape[1] // width
    return {
        "input": colour.to_pixels(colour.to_float(before[rows][:, columns])),
        "bicubic": colour.to_pixels(resized(before, (height, width), box)),
        "SRCNN": colour.to_pixels(colour.to_float(image_io.colours(result)[top:bottom, left:right])),
    }


def remark(source: Path, info: Metadata, others: str = "") -> str:
    """What could not be kept of a file, as one line; empty if all was. others: than its metadata."""
    left_out = "; ".join(filter(None, (info.left_out, others)))
    return f"{source}: left out: {left_out}" if left_out else ""


def result_size(source: Path | str, pixels: np.ndarray, srcnns: list, goal: Goal) -> tuple[int, int]:
    """(height, width) of a result. Raises InputError if it, or what is between, has too many pixels."""
    size, product = goal.size(*pixels.shape[:2]), product_of(srcnns)
    check_pixels(source, pixels.shape[0] * pixels.shape[1] * product**2)
    if size[0] > pixels.shape[0] * product or size[1] > pixels.shape[1] * product:
        raise InputError(f"{source}: its size differs from what its header says; save it again")
    return size


def check_size(source: Path | str, size: tuple[int, int], goal: Goal) -> None:
    """Raises InputError if a result surely has too many pixels. size: (height, width) before.

    What is between has four times as many as before, at least, unless the result is as large as before.
    """
    least = math.prod(size) * (4 if goal.ratio(*size) > 1 else 1)
    check_pixels(source, max(least, math.prod(goal.size(*size))))


def check_pixels(source: Path | str, number: int) -> None:
    """Raises InputError if this is more than the pixels that a result, or a step before it, may have."""
    if number > LARGEST:
        raise InputError(f"{source}: would become more than {LARGEST:,} pixels; crop it first")


def reach_of(srcnns: list) -> int:
    """How many pixels beyond the edge of an image have a part in its enlargement, at most."""
    depth = 0
    for srcnn in srcnns:  # in pixels of what each makes; bicubic takes two of what it is given
        depth = (depth + 2) * srcnn.network.scale + srcnn.network.margin // 2
    return math.ceil(depth / product_of(srcnns)) + 3  # making that smaller by bicubic takes two, and a part


def wrapped(image: np.ndarray, down: int, across: int) -> np.ndarray:
    """An image that goes on beyond its edges for so many pixels as if laid side by side with itself."""
    places = [np.arange(-n, side + n) % side for n, side in zip((down, across), image.shape, strict=False)]
    return image[np.ix_(*places)]


def without(image: np.ndarray, around: int) -> np.ndarray:
    """An image without so many pixels at each edge."""
    return image[around : image.shape[0] - around, around : image.shape[1] - around]


def fill_transparent(pixels: np.ndarray, wraps: bool = False) -> np.ndarray:
    """Gives wholly transparent pixels the colour of the nearest visible one: hidden colours would bleed.

    wraps: whether that may lie across an edge.
    """
    hidden = pixels[..., -1] == 0
    if hidden.any() and not hidden.all():
        from scipy import ndimage  # a quarter of a second to load

        h, w = hidden.shape
        down, across = (h // 2, w // 2) if wraps else (0, 0)  # the nearest is not farther than that
        hidden = wrapped(hidden, down, across) if wraps else hidden
        nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
        if wraps:
            nearest = nearest[:, down : down + h, across : across + w] - [[[down]], [[across]]]
            nearest %= [[[h]], [[w]]]
        pixels = np.concatenate([pixels[..., :-1][tuple(nearest)], pixels[..., -1:]], axis=2)
    return pixels
