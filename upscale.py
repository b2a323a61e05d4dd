"""Upscaling of photographs of any size, in tiles: nothing is degraded first."""

import itertools
import math
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from scipy import ndimage
from tqdm import tqdm

import images
import utils
from errors import InputError
from progress import progress
from threads import in_threads

TILE = 512  # side of a tile of the result; twice as much is no faster
LARGEST = 2**30  # pixels of a result
LONGEST_NAME = 220  # bytes; file systems take 255


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


def jobs(source, output, sample_dir, scale):
    """Pairs of paths: what to upscale and where to write it.

    source: an image file or a folder of them. output: a file or a folder, or None for
    sample_dir/NAME_xSCALE.png. Raises InputError if there is nothing at `source`, or an ending of no format.
    """
    source = Path(source)
    if source.is_dir():
        paths = utils.prepare_data(source)
        if output and Path(output).is_file():
            raise InputError(f"--output {output}: is a file; for a folder of images, name a folder")
    elif source.is_file():
        paths = [source]
        if output and not Path(output).is_dir() and Path(output).suffix and not output.endswith("/"):
            images.format_of(Path(output))
            return [(source, Path(output))]
    else:
        raise InputError(f"--input {source}: no such file or folder")
    folder = Path(output or sample_dir)
    return [(path, folder / f"{name}_x{scale}.png") for path, name in zip(paths, names(paths), strict=True)]


def names(paths):
    """What to call the results of images: their names, without the ending where that tells them apart.

    Cut to a length to which a word can be added; then numbered, if that makes two the same.
    """
    stems = Counter(path.stem for path in paths)
    whole = [path.stem if stems[path.stem] == 1 else path.name for path in paths]
    cut = [os.fsencode(name)[:LONGEST_NAME].decode(errors="ignore") for name in whole]
    count = Counter(cut)
    return [name if count[name] == 1 else f"{name}-{number}" for number, name in enumerate(cut, 1)]


def bicubic(image, scale, top, left, bottom, right):
    """These rows and columns of an image enlarged by bicubic interpolation, without making the rest.

    image: (h, w, c) pixels, or float32 in [0, 1]. Returns (bottom - top, right - left, c) float32.
    """
    y, x = max(0, top // scale - 2), max(0, left // scale - 2)  # the kernel reaches 2 pixels far
    part = image[y : -(-bottom // scale) + 2, x : -(-right // scale) + 2]
    enlarged = utils.imresize(part if part.dtype == np.float32 else utils.to_float(part), scale)
    return enlarged[top - y * scale : bottom - y * scale, left - x * scale : right - x * scale]


def super_resolve(image, scale, network, margin, dtype, what):
    """One pass of the network over an image, `scale` times larger.

    image: (h, w, channels) as in `images.Picture`, or float32 in [0, 1].
    network: maps (h + margin, w + margin, 1) float32 luminance to (h, w, 1).
    Returns (h * scale, w * scale, channels) of dtype: rounded and clipped, or float32 as it comes.
    Chroma and alpha are bicubic. Memory beyond image and result does not depend on their size.
    """
    h, w, channels = image.shape[0] * scale, image.shape[1] * scale, image.shape[2]
    colours = images.colours(image).shape[2]
    gain = 255 / 219 if colours == 3 else 1.0  # luminance of RGB is 219 levels wide
    padding = margin // 2
    result = np.empty((h, w, channels), dtype)

    def fill(corner):
        """Computes one tile of the result."""
        top, left = corner
        bottom, right = min(top + TILE, h), min(left + TILE, w)
        outer = top - padding, left - padding, bottom + padding, right + padding
        inner = max(0, outer[0]), max(0, outer[1]), min(outer[2], h), min(outer[3], w)
        tile = bicubic(image, scale, *inner)
        before = np.array([inner[0] - outer[0], inner[1] - outer[1]])
        after = outer[2] - inner[2], outer[3] - inner[3]
        luminance = utils.to_luminance(tile[..., :colours]).astype(np.float32)
        padded = np.pad(luminance, (*zip(before, after, strict=True), (0, 0)), mode="edge")
        y, x = padding - before
        centre = np.s_[y : y + bottom - top, x : x + right - left]
        tile, luminance = tile[centre], luminance[centre]
        tile[..., :colours] += gain * (network(padded) - luminance)
        result[top:bottom, left:right] = tile if dtype == np.float32 else utils.to_pixels(tile, dtype)

    corners = list(itertools.product(range(0, h, TILE), range(0, w, TILE)))
    for _ in progress(in_threads(fill, corners), what, len(corners)):
        pass
    return result


def upscale(pixels, networks, margin, what):
    """Passes an image through networks in turn.

    pixels: as in `images.Picture`. networks: list of (scale, network), see `super_resolve`.
    Returns pixels of the same kind.
    """
    if images.has_alpha(pixels):
        pixels = fill_transparent(pixels)
    image = pixels
    for index, (scale, network) in enumerate(networks, 1):
        dtype = pixels.dtype if index == len(networks) else np.float32
        image = super_resolve(image, scale, network, margin, dtype, f"{what}, x{scale}")
    return image


def upscale_file(source, target, networks, margin, overwrite):
    """Upscales one file into another, see `upscale`; the colour profile is kept.

    Returns the pixels of both. Raises InputError, with nothing written, if one of them cannot be used.
    """
    if target.exists() and not overwrite:
        raise InputError(f"{target}: exists already; add --overwrite, or name another --output")
    picture = images.read(source)
    if picture.frames > 1:
        tqdm.write(f"{source}: has {picture.frames} frames; the first one is taken", file=sys.stderr)
    scale = math.prod(factor for factor, _ in networks)
    height, width = (n * scale for n in picture.pixels.shape[:2])
    if height * width > LARGEST:
        raise InputError(f"{source}: would become more than {LARGEST:,} pixels; cut it first")
    images.check_fits(target, height, width, picture.pixels)
    result = upscale(picture.pixels, networks, margin, source.name)
    images.save(result, target, picture.icc_profile)
    return picture.pixels, result


def fill_transparent(pixels):
    """Gives wholly transparent pixels the colour of the nearest visible one: hidden colours would bleed."""
    hidden = pixels[..., -1] == 0
    if hidden.any() and not hidden.all():
        nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
        pixels = np.concatenate([pixels[..., :-1][tuple(nearest)], pixels[..., -1:]], axis=2)
    return pixels
