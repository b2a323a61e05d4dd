"""Upscaling of photographs of any size, in tiles: nothing is degraded first."""

import math
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf
from scipy import ndimage
from tqdm import tqdm

import animations
import images
import utils
from errors import InputError
from naming import names
from network import TILE
from progress import progress
from threads import in_threads
from weights import digest
from writing import check_free, written

LARGEST = 2**30  # pixels of a result
FILMS = (".m4v", ".mkv", ".mov", ".mp4", ".webm")  # endings of films that are read and written
OLD_FILMS = (  # those that are read, and become .mkv
    *(".3gp", ".avi", ".flv", ".m2ts", ".mpeg", ".mpg", ".mts"),
    *(".mxf", ".nut", ".ogv", ".ts", ".vob", ".wmv", ".y4m"),
)


def stages(scale):
    """The factors, 2 and 3, whose product is a scale: 6 is 2 then 3. Raises InputError if there are none."""
    factors, rest = [], scale
    for factor in (2, 3):
        while rest % factor == 0:
            factors.append(factor)
            rest //= factor
    if rest > 1:
        raise InputError(
            f"--scale {scale}: upscaling goes by 2, 3 and 4, and by products of 2 and 3 such as 6, 8 and 9"
        )
    return factors


def is_film(path):
    return path.suffix.lower() in (*FILMS, *OLD_FILMS)


def film_ending(path, lossless):
    """The ending of an enlarged film that nobody named."""
    return path.suffix.lower() if path.suffix.lower() in FILMS and not lossless else ".mkv"


def check_film(path, lossless):
    """Raises InputError if a film cannot have this name."""
    if lossless and path.suffix.lower() != ".mkv":
        raise InputError(f"{path}: --lossless is written to .mkv; name an --output with that ending")
    if path.suffix.lower() not in FILMS:
        raise InputError(f"{path}: no film can be written there; take one of {', '.join(FILMS)}")


def jobs(source, output, sample_dir, scale, lossless=False):
    """Pairs of paths: what to upscale and where to write it.

    source: an image file, a folder of them, or a film. output: a file or a folder, or None for
    sample_dir/NAME_xSCALE.png, for films with their own ending (.mkv if lossless). What the program wrote
    into the folder of images itself is left out.
    Raises InputError if there is nothing at `source`, or an ending of no format.
    """
    source = Path(source)
    if source.is_dir():
        if output and Path(output).is_file():
            raise InputError(f"--output {output}: is a file; for a folder of images, name a folder")
        ours = written(source)
        paths = [path for path in utils.prepare_data(source) if path.name not in ours]
        if not paths:
            raise InputError(f"{source}: has only images that this program wrote; name another folder")
    elif source.is_file():
        paths = [source]
        if output and not Path(output).is_dir() and Path(output).suffix and not output.endswith("/"):
            if is_film(source):
                check_film(Path(output), lossless)
            elif not animations.fit(source, Path(output)):
                images.format_of(Path(output))
            return [(source, Path(output))]
    else:
        raise InputError(f"--input {source}: no such file or folder")
    suffix = film_ending(source, lossless) if is_film(source) else ".png"
    folder, ending = Path(output or sample_dir), f"_x{scale}{suffix}"
    named = zip(paths, names(paths, [ending]), strict=True)
    return [(path, folder / f"{name}{ending}") for path, name in named]


def bicubic(image, scale, top, left, bottom, right):
    """These rows and columns of an image enlarged by bicubic interpolation, without making the rest.

    image: (h, w, c) pixels, or float32 in [0, 1]. Returns (bottom - top, right - left, c) float32.
    """
    y, x = max(0, top // scale - 2), max(0, left // scale - 2)  # the kernel reaches 2 pixels far
    part = image[y : -(-bottom // scale) + 2, x : -(-right // scale) + 2]
    enlarged = utils.imresize(part if part.dtype == np.float32 else utils.to_float(part), scale)
    return enlarged[top - y * scale : bottom - y * scale, left - x * scale : right - x * scale]


def enlarge(image, srcnn, dtype=np.float32, what="upscaling"):
    """One pass of a network over an image, `scale` times larger.

    image: (h, w, channels) as in `images.Picture`, or float32 in [0, 1]. srcnn: of luminance.
    Returns (h * scale, w * scale, channels) of dtype: rounded and clipped, or float32 as it comes.
    Chroma and alpha are bicubic. Memory beyond image and result does not depend on their size.
    """
    scale, padding = srcnn.network.scale, srcnn.network.margin // 2
    h, w, channels = image.shape[0] * scale, image.shape[1] * scale, image.shape[2]
    colours = images.colours(image).shape[2]
    gain = 255 / 219 if colours == 3 else 1.0  # luminance of RGB is 219 levels wide
    result = np.empty((h, w, channels), dtype)

    def fill(box):
        """Computes one tile of the result."""
        tile = utils.extended(lambda *part: bicubic(image, scale, *part), box, (h, w), padding)
        luminance = utils.to_luminance(tile[..., :colours]).astype(np.float32)
        inner = slice(padding, tile.shape[0] - padding), slice(padding, tile.shape[1] - padding)
        change = srcnn.run(luminance[np.newaxis])[0] - luminance[inner]
        tile = tile[inner]
        tile[..., :colours] += gain * change
        place = slice(box[0], box[2]), slice(box[1], box[3])
        result[place] = tile if dtype == np.float32 else utils.to_pixels(tile, dtype)

    boxes = utils.tile_boxes((h, w), TILE, TILE)
    for _ in progress(in_threads(fill, boxes), what, len(boxes)):
        pass
    return result


def upscale(pixels, srcnns, what="upscaling"):
    """Passes an image through networks in turn.

    pixels: as in `images.Picture`: (h, w, channels), uint8 or uint16. srcnns: SRCNNs of luminance, see
    model.py. Returns pixels of the same kind, larger by the product of their scales.
    """
    if images.has_alpha(pixels):
        pixels = fill_transparent(pixels)
    image = pixels
    for index, srcnn in enumerate(srcnns, 1):
        dtype = pixels.dtype if index == len(srcnns) else np.float32
        image = enlarge(image, srcnn, dtype, f"{what}, x{srcnn.network.scale}")
    return image


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


def upscale_files(work, srcnns, overwrite, noted, centre):
    """Upscales files one by one and yields an Upscaled for each.

    work: from `jobs`. noted: whether the folder of results notes what each was made from.
    centre: of a result's height and width gives top, left, bottom, right of its middle.
    """
    for source, target in work:
        started = time.monotonic()
        try:
            pixels, result = upscale_file(source, target, srcnns, overwrite, noted)
        except InputError as error:
            yield Upscaled(source, target, error=error)
            continue
        except (MemoryError, tf.errors.ResourceExhaustedError):
            error = InputError(
                f"{source}: there is not enough memory for an image so large; cut it into parts"
            )
            yield Upscaled(source, target, error=error)
            continue
        size = result.shape[:2]
        box = centre(*size)
        scale = math.prod(srcnn.network.scale for srcnn in srcnns)
        shown = images.colours(result)[box[0] : box[2], box[1] : box[3]]
        pictures = {
            "bicubic": utils.to_pixels(bicubic(images.colours(pixels), scale, *box)),
            "SRCNN": utils.to_pixels(utils.to_float(shown)),
        }
        yield Upscaled(source, target, size, round(time.monotonic() - started, 1), pictures)


def upscale_file(source, target, srcnns, overwrite, noted):
    """Upscales one file into another, see `upscale`; the colour profile is kept.

    Returns the pixels of both. Raises InputError, with nothing written, if one of them cannot be used.
    """
    if not overwrite:
        check_free(target)
    picture = images.read(source)
    if picture.frames > 1:
        if animations.fit(source, target):
            return upscale_animation(source, target, srcnns, noted)
        tqdm.write(f"{source}: has {picture.frames} frames; the first one is taken", file=sys.stderr)
    scale = math.prod(srcnn.network.scale for srcnn in srcnns)
    height, width = (n * scale for n in picture.pixels.shape[:2])
    if height * width > LARGEST:
        raise InputError(f"{source}: would become more than {LARGEST:,} pixels; cut it first")
    images.check_fits(target, height, width, picture.pixels, picture.icc_profile)
    result = upscale(picture.pixels, srcnns, source.name)
    if not overwrite:
        check_free(target)  # somebody may have made it meanwhile
    images.save(result, target, picture.icc_profile, origin(source, srcnns) if noted else None)
    return picture.pixels, result


def upscale_animation(source, target, srcnns, noted):
    """Upscales all frames of an animation; see `upscale_file`."""
    animation = animations.read(source)
    animations.check_size(target, animation, math.prod(srcnn.network.scale for srcnn in srcnns))
    frames = progress(animation.frames, f"{source.name}, frames")
    results = [upscale(pixels, srcnns, source.name) for pixels in frames]
    about = origin(source, srcnns) if noted else None
    animations.save(animation._replace(frames=results), target, about)
    return animation.frames[0], results[0]


def origin(source, srcnns):
    """What a result was made from, as the list of its folder notes it: plain values."""
    status = source.stat()
    weights = [digest(srcnn.sess.run(srcnn.variables)) for srcnn in srcnns]
    return {"input": [source.name, status.st_size, status.st_mtime_ns], "weights": weights}


def left_to_do(work, srcnns, more):
    """The part of the work whose results are not there yet, as these networks made them from these files.

    more: plain values that tell results apart, beside `origin`.
    """
    ours = written(work[0][1].parent)
    return [pair for pair in work if ours.get(pair[1].name) != origin(pair[0], srcnns) | more]


def fill_transparent(pixels):
    """Gives wholly transparent pixels the colour of the nearest visible one: hidden colours would bleed."""
    hidden = pixels[..., -1] == 0
    if hidden.any() and not hidden.all():
        nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
        pixels = np.concatenate([pixels[..., :-1][tuple(nearest)], pixels[..., -1:]], axis=2)
    return pixels
