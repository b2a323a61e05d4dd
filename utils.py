"""Images and arrays: reading, degrading, cutting into sub-images (HDF5), merging, saving.

Images are float32 arrays in [0, 1], height x width x channels, unless a name says otherwise.
"""

import itertools
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from srcnn.images import image_io, jpeg
from srcnn.system.errors import InputError
from srcnn.system.folders import check_taken, listed
from srcnn.system.progress import progress
from srcnn.system.threads import Budget, cores, in_threads
from srcnn.system.writing import remove_leftovers
from srcnn.training.hdf5 import check_replaceable_data
from srcnn.training.training_data import PREPARING, digest_of, is_prepared, make_parts, memory_of

# MATLAB's rgb2ycbcr: Y, Cb and Cr of R, G and B in [0, 1], of 255 levels; Y starts at 16, Cb and Cr at 128.
YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]])
LUMA = YCBCR[0] / 255
OFFSETS = np.array([16.0, 128.0, 128.0])
ROWS = 2**20  # pixels of an image that are converted at a time, so that large ones take little memory


def imread(path, is_grayscale=True):
    """Reads an image file.

    is_grayscale: (h, w, 1), the luminance as `luminance` gives it; otherwise (h, w, 3), RGB.
    Raises InputError for anything that is not an image.
    """
    return as_label(image_io.colours(image_io.read(path).pixels), "y" if is_grayscale else "rgb")


def as_label(pixels, colour):
    """Whole-number pixels as a network sees them, in [0, 1].

    colour: 'y' gives (h, w, 1), 'rgb' and 'ycbcr' (h, w, 3).
    """
    if colour == "y":
        return luminance(pixels)
    if colour == "rgb":
        return to_float(as_rgb(pixels))
    return np.concatenate([rgb2ycbcr(as_rgb(pixels), channel) for channel in range(3)], axis=2)


def as_rgb(pixels):
    """(h, w, 3) of grey or RGB."""
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def to_float(pixels):
    """Whole-number pixels as float32 in [0, 1]."""
    return pixels.astype(np.float32) / np.iinfo(pixels.dtype).max


def luminance(pixels):
    """MATLAB's `rgb2ycbcr`, first channel: (h, w, 1) in [0, 1] from whole-number pixels, grey or RGB.

    Rounded to a whole number of the pixels' own depth, as MATLAB does. Grey is luminance already.
    """
    return to_float(pixels) if pixels.shape[2] == 1 else rgb2ycbcr(pixels, 0)


def rgb2ycbcr(pixels, channel):
    """One channel, 0 to 2, of MATLAB's `rgb2ycbcr`: (h, w, 1) in [0, 1] from whole-number RGB pixels."""
    peak = np.iinfo(pixels.dtype).max
    weights, offset = YCBCR[channel] / 255, OFFSETS[channel] / 255 * peak
    result = np.empty((*pixels.shape[:2], 1), np.float32)
    for rows in strips(pixels):
        red, green, blue = np.moveaxis(pixels[rows], 2, 0)
        level = offset + red * weights[0] + green * weights[1] + blue * weights[2]
        result[rows, :, 0] = np.floor(level + 0.5) / peak
    return result


def ycbcr2rgb(y, cb, cr, dtype=np.uint8):
    """Whole-number RGB pixels (h, w, 3), rounded and clipped, of three channels (h, w, 1).

    y: in [0, 1]. cb, cr: in [0, 1] or whole-number pixels.
    """
    inverse = np.linalg.inv(YCBCR / 255).astype(np.float32)
    offsets = (OFFSETS / 255).astype(np.float32)
    result = np.empty((*y.shape[:2], 3), dtype)
    for rows in strips(y):
        chroma = [c[rows] if c.dtype.kind == "f" else to_float(c[rows]) for c in (cb, cr)]
        parts = [c[..., 0] - offset for c, offset in zip((y[rows], *chroma), offsets, strict=True)]
        for index, weights in enumerate(inverse):
            mixed = sum(part * weight for part, weight in zip(parts, weights, strict=True))
            result[rows, :, index] = to_pixels(mixed, dtype)
    return result


def strips(image):
    """Slices of the rows of an image, of some ROWS pixels each."""
    step = max(1, ROWS // max(1, image.shape[1]))
    return [slice(top, top + step) for top in range(0, len(image), step)]


def to_pixels(image, dtype=np.uint8):
    """Rounds half up and clips an image in [0, 1] to 8 or 16 bits, as MATLAB's `im2uint8` does."""
    peak = np.iinfo(dtype).max
    return np.clip(np.floor(image * float(peak) + 0.5), 0, peak).astype(dtype)


def imsave(image, path):
    """Writes an image in [0, 1], (h, w) or (h, w, c), with 8 bits, whole or not at all."""
    image_io.save(to_pixels(image if image.ndim == 3 else image[..., np.newaxis]), path)


def modcrop(image, scale=3):
    """Cuts the bottom and right off so that height and width are multiples of `scale`."""
    h, w = image.shape[:2]
    return image[: h - h % scale, : w - w % scale]


def imresize(image, scale, shrink=False):
    """MATLAB's `imresize(image, scale, 'bicubic')`, or by 1/scale with `shrink`, for whole scales.

    (h, w, c) float in, float out, neither rounded nor clipped. When shrinking, h and w must be
    multiples of `scale`. Pillow has MATLAB's kernel (Keys, a = -0.5) and antialiasing but
    renormalises at the border, so the image is first extended symmetrically, as MATLAB does.
    """
    margin = 4 * scale if shrink else 4  # covers the kernel: 2 pixels of the smaller image
    h, w = image.shape[:2]
    extended = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")

    def resized(n):
        return n // scale if shrink else n * scale

    size = resized(extended.shape[1]), resized(extended.shape[0])
    top = resized(margin)
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(channel)).resize(size, Image.Resampling.BICUBIC))
        for channel in np.moveaxis(extended.astype(np.float32), 2, 0)
    ]
    return np.stack(channels, axis=2)[top : top + resized(h), top : top + resized(w)]


def shrink(image, scale, degradation):
    """The low resolution of an (h, w, c) image: MATLAB's bicubic, or scipy's B-spline."""
    return _zoom(image, 1 / scale) if degradation == "zoom" else imresize(image, scale, shrink=True)


def enlarge(image, scale, degradation):
    """The low resolution enlarged by the same means: what the network is given."""
    return _zoom(image, scale) if degradation == "zoom" else imresize(image, scale)


def compressed(pixels, scale, quality):
    """The low resolution of whole-number pixels (h, w, c) as JPEG gives it back: uint8 pixels."""
    return jpeg.compressed(to_pixels(imresize(to_float(pixels), scale, shrink=True)), quality)


def _zoom(image, factor):
    """Channel by channel: without prefilter, zoom would blur along the third axis too."""
    from scipy import ndimage  # a quarter of a second to load

    channels = [ndimage.zoom(channel, factor, prefilter=False) for channel in np.moveaxis(image, 2, 0)]
    return np.stack(channels, axis=2)


def degrade(label, scale=3, degradation="matlab"):
    """Loses the detail of a modcropped image: shrinks it by `scale` and enlarges it again.

    label: (h, w, c). Returns the same shape.
    'matlab' is the paper's bicubic; 'zoom' is the reference implementation's `scipy.ndimage.zoom`
    (a B-spline blur without antialiasing, corners aligned).
    """
    return enlarge(shrink(label, scale, degradation), scale, degradation)


def preprocess(path, scale=3, degradation="matlab", colour="y", quality=None):
    """Reads an image file as `(input_, label_)`: degraded and original, both (h, w, c_dim).

    colour: 'y', 'rgb' or 'ycbcr', see `as_label`. quality: of the degradation 'jpeg', of which `input_` has
    one channel more, see jpeg.py.
    """
    pixels = image_io.colours(image_io.read(path).pixels)
    check_size(path, pixels, scale)
    pixels = modcrop(pixels, scale)
    label_ = as_label(pixels, colour)
    if degradation != "jpeg":
        return degrade(label_, scale, degradation), label_
    low = as_label(compressed(pixels, scale, quality), colour)
    return jpeg.told(enlarge(low, scale, degradation), quality), label_


def check_size(path, image, scale):
    """Raises InputError for an image of which nothing is left to score without a border of `scale` pixels."""
    h, w = image.shape[:2]
    if min(h, w) < 3 * scale:
        raise InputError(f"{path}: {w}x{h} pixels is too small for --scale {scale}")


def prepare_data(folder, deep=False):
    """The image files of a folder, sorted by name; what is left out is counted in a line.

    deep: with those of its sub-folders, but for hidden ones, links and what this program wrote.
    Raises InputError if there are none.
    """
    paths, left = listed(folder, image_io.SUFFIXES, deep)
    check_taken(folder, paths, Counter(left.values()), image_io.SUFFIXES)
    return paths


def sub_images(input_, label_, image_size, label_size, stride):
    """Cuts `(input, label)` windows: (n, image_size, image_size, c) and the centres, label_size wide."""
    padding = (image_size - label_size) // 2
    label_ = label_[padding : label_.shape[0] - padding, padding : label_.shape[1] - padding]

    def windows(image, size):
        view = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))[::stride, ::stride]
        return np.moveaxis(view, 2, -1).reshape(-1, size, size, image.shape[2])

    return windows(input_, image_size), windows(label_, label_size)


def input_setup(config, network, paths):
    """Prepares the images at `paths` for training, as HDF5 in config.checkpoint_dir; returns the file's path.

    config: has image_size, label_size, stride, skip_broken and checkpoint_dir. A file made before from the
    same images with the same settings is used again, and so is what an interrupted run left.
    Raises InputError for an image that cannot be used, if all are too small for one sub-image, or if there
    is a file of that name that is not of the program's making.
    """
    settings = {name: getattr(config, name) for name in ("image_size", "label_size", "stride")}
    settings |= {"scale": network.scale, "degradation": network.degradation, "colour": network.colour}
    settings["sources"] = digest_of(paths)
    savepath = Path(config.checkpoint_dir) / "train.h5"
    remove_leftovers(savepath)
    if is_prepared(savepath, settings):
        return savepath
    check_replaceable_data(savepath)

    def prepared(start):
        numbered = list(enumerate(paths))[start:]
        pairs, cost = (partial(function, config, network) for function in (pairs_of, memory_of))
        done = in_threads(pairs, numbered, cores(), Budget(PREPARING), cost)
        return progress(done, "preparing images", len(paths), start)

    if not make_parts(savepath, settings, len(paths), prepared):
        raise InputError(
            f"{Path(paths[0]).parent}: no image that can be read has {config.image_size}x{config.image_size} "
            f"pixels; add larger ones or lower --image_size"
        )
    return savepath


def pairs_of(config, network, numbered):
    """The pairs of an image, None if it is too small, its content, and whether it is broken.

    numbered: its number and path. See `input_setup`.
    """
    number, path = numbered
    found = degraded(config, network, path, jpeg.drawn(number) if network.is_told else [None])
    if not found:
        return None, b"", True
    pairs = None
    if min(found[0][0].shape[:2]) >= config.image_size:
        cut = [sub_images(*pair, config.image_size, config.label_size, config.stride) for pair in found]
        # One of them, without JPEG, is not copied.
        pairs = [np.concatenate(parts) for parts in zip(*cut, strict=True)] if len(cut) > 1 else list(cut[0])
    return pairs, Path(path).read_bytes(), False


def degraded(config, network, path, qualities):
    """An image that is trained with as `preprocess` gives it, for each of the qualities.

    Raises InputError if it cannot be used; with config.skip_broken it is named, and the list is empty.
    """
    kind = network.scale, network.degradation, network.colour
    try:
        return [preprocess(path, *kind, quality) for quality in qualities]
    except InputError as error:
        if not config.skip_broken:
            raise InputError(f"{error}; or leave such images out: --skip_broken") from error
        print(f"main.py: {error}; it is left out", file=sys.stderr)
        return []


def tile_boxes(size, label_size, stride):
    """Where the outputs of tiles lie: (top, left, bottom, right), row by row.

    size: (h, w) of the image. The last tiles of a row or column end with the image.
    """
    starts = [range(0, max(0, -(-(n - label_size) // stride)) * stride + 1, stride) for n in size]
    return [
        (top, left, min(top + label_size, size[0]), min(left + label_size, size[1]))
        for top, left in itertools.product(*starts)
    ]


def extended(read, box, size, padding):
    """A part of an image and `padding` pixels around it; edge pixels are repeated beyond the border.

    read: gives a part (h, w, c) from top, left, bottom, right. box: those of the part. size: (h, w) of the
    image. Returns (bottom - top + 2 padding, right - left + 2 padding, c).
    """
    top, left, bottom, right = box[0] - padding, box[1] - padding, box[2] + padding, box[3] + padding
    inner = max(0, top), max(0, left), min(bottom, size[0]), min(right, size[1])
    around = (inner[0] - top, bottom - inner[2]), (inner[1] - left, right - inner[3]), (0, 0)
    return np.pad(read(*inner), around, mode="edge")


def merge(images, size, stride=None):
    """Puts tiles together; where they overlap, the mean is taken.

    images: iterable of (h, w, c), row by row; the last ones of rows and columns may be smaller.
    size: (rows, columns) of tiles. stride: distance of neighbouring tiles, by default h: side by side, as
    in the reference. Returns ((rows - 1) * stride + h, (columns - 1) * stride + w, c), h and w of the last.
    """
    merged = None
    for index, image in enumerate(images):
        h, w, c = image.shape
        if merged is None:
            first, stride = (h, w), stride or h
            merged = np.zeros(((size[0] - 1) * stride + h, (size[1] - 1) * stride + w, c), np.float32)
        y, x = index // size[1] * stride, index % size[1] * stride
        merged[y : y + h, x : x + w] += image
    if stride < max(first):
        covers = (_cover(n, length, stride) for n, length in zip(size, first, strict=True))
        merged /= np.outer(*covers).astype(np.float32)[..., np.newaxis]
    return merged[: y + h, : x + w]


def _cover(n, length, stride):
    """How many of n intervals of this length lie over each pixel."""
    cover = np.zeros((n - 1) * stride + length, np.float32)
    for start in range(0, n * stride, stride):
        cover[start : start + length] += 1
    return cover


def to_luminance(image):
    """(h, w, 1) luminance of an (h, w, c) image in [0, 1]: grey as it is, RGB by `rgb2ycbcr`, unrounded."""
    if image.shape[2] == 1:
        return image
    return (OFFSETS[0] / 255 + image @ LUMA)[..., np.newaxis]
