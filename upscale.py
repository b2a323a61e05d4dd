"""Upscaling of photographs of any size, in tiles: nothing is degraded first."""

import math
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from tqdm import tqdm

import animations
import images
import utils
from errors import InputError, one_line
from progress import progress
from sizes import in_tiles, resampled, resized
from tf1 import tf
from writing import check_free

LARGEST = 2**30  # pixels of a result


def enlarged_shape(image, srcnn):
    return (*(n * srcnn.network.scale for n in image.shape[:2]), image.shape[2])


def enlarged(image, srcnn, *box):
    """A part of what `enlarge` makes, float32. box: its top, left, bottom, right."""
    size, padding = enlarged_shape(image, srcnn)[:2], srcnn.network.margin // 2
    colours = images.colours(image).shape[2]
    gain = 255 / 219 if colours == 3 else 1.0  # luminance of RGB is 219 levels wide
    tile = utils.extended(lambda *part: resized(image, size, part), box, size, padding)
    luminance = utils.to_luminance(tile[..., :colours]).astype(np.float32)
    inner = slice(padding, tile.shape[0] - padding), slice(padding, tile.shape[1] - padding)
    change = srcnn.run(luminance[np.newaxis])[0] - luminance[inner]
    tile = tile[inner]
    tile[..., :colours] += gain * change
    return tile


def enlarge(image, srcnn, dtype=np.float32, what="upscaling"):
    """One pass of a network over an image, `scale` times larger.

    image: (h, w, channels) as in `images.Picture`, or float32 in [0, 1]. srcnn: of luminance.
    Returns (h * scale, w * scale, channels) of dtype: rounded and clipped, or float32 as it comes.
    Chroma and alpha are bicubic. Memory beyond image and result does not depend on their size.
    """
    return in_tiles(partial(enlarged, image, srcnn), enlarged_shape(image, srcnn), dtype, what)


def upscale(pixels, srcnns, what="upscaling", size=None):
    """Passes an image through networks in turn, and by bicubic down to a size.

    pixels: as in `images.Picture`: (h, w, channels), uint8 or uint16. srcnns: SRCNNs of luminance, see
    model.py. size: (height, width); None for larger by the product of their scales. Returns pixels of the
    same kind.
    """
    if images.has_alpha(pixels):
        pixels = fill_transparent(pixels)
    *earlier, last = srcnns
    image = pixels
    for srcnn in earlier:
        image = enlarge(image, srcnn, what=f"{what}, x{srcnn.network.scale}")
    what, shape = f"{what}, x{last.network.scale}", enlarged_shape(image, last)
    if size is None or tuple(size) == shape[:2]:
        return enlarge(image, last, pixels.dtype, what)
    read = partial(enlarged, image, last)
    return in_tiles(lambda *box: resampled(read, shape, size, box), (*size, shape[2]), pixels.dtype, what)


def product_of(srcnns):
    """How much larger networks make an image in turn."""
    return math.prod(srcnn.network.scale for srcnn in srcnns)


class Upscaled(NamedTuple):
    """A file that was upscaled, or why it was not. Pictures: the middle of it, or of a frame of it."""

    source: Path
    target: Path
    size: tuple = ()  # height, width of the result
    seconds: float = 0.0
    pictures: dict | None = None  # the middle of `bicubic` and `SRCNN`, (h, w, c) uint8 pixels
    error: InputError | None = None
    loop: bytes | None = None  # a WebP of both, side by side, of a film
    warning: str = ""  # what could not be kept of it


def upscale_photograph(source, target, srcnns, goal, overwrite, noted, centre):
    """Upscales one image file into another and returns the Upscaled.

    goal: a sizes.Goal. noted: whether the folder of results notes what each was made from.
    centre: of a result's height and width gives top, left, bottom, right of its middle.
    Raises InputError, with nothing written, if one of the files cannot be used.
    """
    started = time.monotonic()
    try:
        pixels, result, warning = upscale_file(source, target, srcnns, goal, overwrite, noted)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise InputError(
            f"{source}: there is not enough memory for an image so large; cut it into parts"
        ) from error
    size = result.shape[:2]
    pictures = compared(pixels, result, centre(*size))
    seconds = round(time.monotonic() - started, 1)
    return Upscaled(source, target, size, seconds, pictures, warning=warning)


def compared(pixels, result, box):
    """A part of a result and the same by bicubic, in 8 bits: `bicubic` and `SRCNN`.

    pixels, result: as in `images.Picture`. box: top, left, bottom, right in the result.
    """
    top, left, bottom, right = box
    shown = images.colours(result)[top:bottom, left:right]
    return {
        "bicubic": utils.to_pixels(resized(images.colours(pixels), result.shape[:2], box)),
        "SRCNN": utils.to_pixels(utils.to_float(shown)),
    }


def upscale_file(source, target, srcnns, goal, overwrite, noted):
    """Upscales one file into another, see `upscale`; what images.Picture has beside pixels is kept.

    Returns the pixels of both, and what could not be kept as one line. Raises InputError, with nothing
    written, if one of them cannot be used.
    """
    if not overwrite:
        check_free(target)
    picture = images.read(source)
    about = origin(source, srcnns) if noted else None
    if picture.frames > 1:
        if animations.fit(source, target):
            return upscale_animation(source, target, picture, srcnns, goal, overwrite, about)
        said = one_line(f"{source}: has {picture.frames} frames; the first one is taken")
        tqdm.write(said, file=sys.stderr)
    height, width = result_size(source, picture.pixels, srcnns, goal)
    info = picture.metadata.of_size(picture.pixels.shape[:2], (height, width))
    images.check_fits(target, height, width, picture.pixels, picture.icc_profile, info)
    result = upscale(picture.pixels, srcnns, source.name, (height, width))
    images.save(result, target, picture.icc_profile, about, info, overwrite)
    return picture.pixels, result, remark(source, info)


def remark(source, info, more=""):
    """What could not be kept of a file, as one line; empty if all was."""
    left_out = "; ".join(filter(None, (info.left_out, more)))
    return f"{source}: left out: {left_out}" if left_out else ""


def result_size(source, pixels, srcnns, goal):
    """(height, width) of a result. Raises InputError if it, or what is between, has too many pixels."""
    size, product = goal.size(*pixels.shape[:2]), product_of(srcnns)
    if pixels.shape[0] * pixels.shape[1] * product**2 > LARGEST:
        raise InputError(f"{source}: would become more than {LARGEST:,} pixels; cut it first")
    if size[0] > pixels.shape[0] * product or size[1] > pixels.shape[1] * product:
        raise InputError(f"{source}: has not the size that it says; save it anew")
    return size


def upscale_animation(source, target, picture, srcnns, goal, overwrite, about):
    """Upscales all frames of an animation; returns what `upscale_file` does, of the first.

    picture: its first frame, as `images.read` gives it.
    """
    size = result_size(source, picture.pixels, srcnns, goal)
    animations.check_fits(source, target, picture, *size)
    animation = animations.read(source)
    animations.check_keeps(target, animation)
    frames = progress(animation.frames, f"{source.name}, frames")
    results = [upscale(pixels, srcnns, source.name, size) for pixels in frames]
    before = animation.frames[0].shape[:2]
    info = animation.metadata.of_size(before, size)
    animations.save(animation._replace(frames=results, metadata=info), target, about, overwrite)
    return animation.frames[0], results[0], remark(source, info, animation.left_out)


def origin(source, srcnns):
    """What a result was made from, as the list of its folder notes it: plain values."""
    about = {"input": identity(source), "weights": [srcnn.digest for srcnn in srcnns]}
    return about | ({"self_ensemble": True} if srcnns[0].self_ensemble else {})


def identity(source):
    """What tells a file from others of its name, as lists of results note it: plain values."""
    status = source.stat()
    return [source.name, status.st_size, status.st_mtime_ns]


def fill_transparent(pixels):
    """Gives wholly transparent pixels the colour of the nearest visible one: hidden colours would bleed."""
    hidden = pixels[..., -1] == 0
    if hidden.any() and not hidden.all():
        nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
        pixels = np.concatenate([pixels[..., :-1][tuple(nearest)], pixels[..., -1:]], axis=2)
    return pixels
