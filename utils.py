"""Images and arrays: reading, degrading, cutting into sub-images (HDF5), merging, saving.

Images are float32 arrays in [0, 1], height x width x channels, unless a name says otherwise.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

import images
from errors import InputError
from hdf5 import is_current, make_data
from progress import progress
from writing import remove_leftovers

FILTERS = ("9-1-5", "9-3-5", "9-5-5")  # the paper's networks, by their kernel sizes
LUMA = np.array([65.481, 128.553, 24.966]) / 255  # of R, G and B in Y, which starts at 16/255


def margin(filters):
    """How many pixels smaller than its input the output of unpadded convolutions is: 12 for '9-1-5'."""
    return sum(int(size) - 1 for size in filters.split("-"))


def imread(path, is_grayscale=True):
    """Reads an image file.

    is_grayscale: (h, w, 1), the luminance as `luminance` gives it; otherwise (h, w, 3), RGB.
    Raises InputError for anything that is not an image.
    """
    pixels = images.colours(images.read(path).pixels)
    if is_grayscale:
        return luminance(pixels)
    return to_float(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def to_float(pixels):
    """Whole-number pixels as float32 in [0, 1]."""
    return pixels.astype(np.float32) / np.iinfo(pixels.dtype).max


def luminance(pixels):
    """MATLAB's `rgb2ycbcr`, first channel: (h, w, 1) in [0, 1] from whole-number pixels, grey or RGB.

    Rounded to a whole number of the pixels' own depth, as MATLAB does. Grey is luminance already.
    """
    peak = np.iinfo(pixels.dtype).max
    if pixels.shape[2] == 3:
        pixels = np.floor(16 / 255 * peak + pixels @ LUMA + 0.5)[..., np.newaxis]
    return (pixels / peak).astype(np.float32)


def to_pixels(image, dtype=np.uint8):
    """Rounds half up and clips an image in [0, 1] to 8 or 16 bits, as MATLAB's `im2uint8` does."""
    peak = np.iinfo(dtype).max
    return np.clip(np.floor(image * float(peak) + 0.5), 0, peak).astype(dtype)


def imsave(image, path):
    """Writes an image in [0, 1], (h, w) or (h, w, c), with 8 bits, whole or not at all."""
    images.save(to_pixels(image if image.ndim == 3 else image[..., np.newaxis]), path)


def in_colour(path, input_, output, scale, degradation):
    """What a person compares, in colour where the file is: a dict of images in [0, 1].

    input_, output: (h, w, c), degraded and super-resolved, from the file at `path`. The result has
    `original`, `low resolution`, `bicubic` and `SRCNN`. Chroma of the last is the degraded image's. A
    change of the luminance, 219 levels wide, is one of R, G and B together by 255/219.
    """
    original = modcrop(to_float(images.colours(images.read(path).pixels)), scale)
    low = shrink(original, scale, degradation)
    degraded = enlarge(low, scale, degradation)
    if original.shape[2] > output.shape[2]:
        output = degraded + 255 / 219 * (output - input_)
    return {"original": original, "low resolution": low, "bicubic": degraded, "SRCNN": output}


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
    if degradation == "matlab":
        return imresize(image, scale, shrink=True)
    return _zoom(image, 1 / scale)


def enlarge(image, scale, degradation):
    """The low resolution enlarged by the same means: what the network is given."""
    return imresize(image, scale) if degradation == "matlab" else _zoom(image, scale)


def _zoom(image, factor):
    """Channel by channel: without prefilter, zoom would blur along the third axis too."""
    channels = [ndimage.zoom(channel, factor, prefilter=False) for channel in np.moveaxis(image, 2, 0)]
    return np.stack(channels, axis=2)


def degrade(label, scale=3, degradation="matlab"):
    """Loses the detail of a modcropped image: shrinks it by `scale` and enlarges it again.

    label: (h, w, c). Returns the same shape.
    'matlab' is the paper's bicubic; 'zoom' is the reference implementation's `scipy.ndimage.zoom`
    (a B-spline blur without antialiasing, corners aligned).
    """
    return enlarge(shrink(label, scale, degradation), scale, degradation)


def preprocess(path, scale=3, degradation="matlab", c_dim=1):
    """Reads an image file as `(input_, label_)`: degraded and original, both (h, w, c_dim)."""
    label_ = modcrop(imread(path, is_grayscale=c_dim == 1), scale)
    if min(label_.shape[:2]) < 3 * scale:  # a border of `scale` pixels is not scored
        raise InputError(
            f"{path}: {label_.shape[1]}x{label_.shape[0]} pixels is too small for --scale {scale}"
        )
    return degrade(label_, scale, degradation), label_


def prepare_data(folder):
    """The image files of a folder, sorted by name. Raises InputError if there are none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in images.SUFFIXES and p.is_file())
    if not paths:
        raise InputError(f"{folder}: no images in it ({', '.join(images.SUFFIXES)})")
    return paths


def sub_images(input_, label_, image_size, label_size, stride):
    """Cuts `(input, label)` windows: (n, image_size, image_size, c) and the centres, label_size wide."""
    padding = (image_size - label_size) // 2
    label_ = label_[padding : label_.shape[0] - padding, padding : label_.shape[1] - padding]

    def windows(image, size):
        view = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))[::stride, ::stride]
        return np.moveaxis(view, 2, -1).reshape(-1, size, size, image.shape[2])

    return windows(input_, image_size), windows(label_, label_size)


def input_setup(config, paths):
    """Prepares the images at `paths` as HDF5 in config.checkpoint_dir; returns the file's path.

    config: has is_train, scale, degradation, c_dim, checkpoint_dir and, for training, image_size,
    label_size, stride. For training, `train.h5` holds the sub-images; for testing, `test.h5` holds
    each whole image in a group of its number. A file made before from the same images with the same
    settings is used again. Raises InputError for an image that cannot be used, or if all are too
    small for one sub-image.
    """
    names = ["scale", "degradation", "c_dim"]
    names += ["image_size", "label_size", "stride"] if config.is_train else ["filters"]
    settings = {name: getattr(config, name) for name in names}
    settings["sources"] = [[str(p), p.stat().st_size, p.stat().st_mtime_ns] for p in paths]
    savepath = Path(config.checkpoint_dir) / ("train.h5" if config.is_train else "test.h5")
    if config.is_train:
        remove_leftovers(savepath)
    if is_current(savepath, settings):
        return savepath

    def items():
        found = not config.is_train
        for number, path in enumerate(progress(paths, "preparing images")):
            input_, label_ = preprocess(path, config.scale, config.degradation, config.c_dim)
            h, w = input_.shape[:2]
            if not config.is_train:
                field = margin(config.filters) + 1
                if min(h, w) < field:
                    raise InputError(
                        f"{path}: {w}x{h} pixels is below the receptive field, {field}x{field}; remove it"
                    )
                yield str(number), input_[np.newaxis], label_[np.newaxis]
            elif min(h, w) >= config.image_size:
                found = True
                yield "", *sub_images(input_, label_, config.image_size, config.label_size, config.stride)
        if not found:
            raise InputError(
                f"{Path(paths[0]).parent}: no image has {config.image_size}x{config.image_size} pixels; "
                f"add larger ones or lower --image_size"
            )

    make_data(savepath, items(), settings)
    return savepath


def tile_grid(length, label_size, stride):
    """How many tiles of label_size at this stride cover `length` pixels."""
    return max(0, -(-(length - label_size) // stride)) + 1


def tiles(input_, shape, image_size, label_size, stride):
    """Cuts an image for tiled testing, row by row.

    input_: (h, w, c). shape: (rows, columns) of tiles, from `tile_grid`. Yields arrays
    (image_size, image_size, c). Edge pixels are repeated all round, so that the label_size
    centres of the tiles cover the image right up to its border.
    """
    padding = (image_size - label_size) // 2
    after = [
        (n - 1) * stride + label_size - length + padding
        for n, length in zip(shape, input_.shape[:2], strict=True)
    ]
    extended = np.pad(input_, ((padding, after[0]), (padding, after[1]), (0, 0)), mode="edge")
    for row in range(shape[0]):
        for column in range(shape[1]):
            y, x = row * stride, column * stride
            yield extended[y : y + image_size, x : x + image_size]


def merge(images, size, stride=None):
    """Puts tiles together; where they overlap, the mean is taken.

    images: iterable of (h, w, c), row by row. size: (rows, columns) of tiles.
    stride: distance of neighbouring tiles, by default h: side by side, as in the reference.
    Returns ((rows - 1) * stride + h, (columns - 1) * stride + w, c).
    """
    merged = None
    for index, image in enumerate(images):
        h, w, c = image.shape
        stride = stride or h
        if merged is None:
            merged = np.zeros(((size[0] - 1) * stride + h, (size[1] - 1) * stride + w, c), np.float32)
        y, x = index // size[1] * stride, index % size[1] * stride
        merged[y : y + h, x : x + w] += image
    if stride >= h:
        return merged
    return merged / np.outer(_cover(size[0], h, stride), _cover(size[1], w, stride))[..., np.newaxis]


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
    return (16 / 255 + image @ LUMA)[..., np.newaxis]


def _scored(image, scale):
    """8-bit values as the paper scores them: rounded, clipped, `scale` pixels shaved off every side."""
    return to_pixels(to_luminance(image))[scale:-scale, scale:-scale, 0].astype(np.float64)


def psnr(label, output, scale):
    """Peak signal-to-noise ratio in dB of the luminance of two (h, w, c) images, by the paper's protocol.

    None where they are equal: the ratio is infinite.
    """
    mse = np.mean((_scored(label, scale) - _scored(output, scale)) ** 2)
    return None if mse == 0 else float(10 * np.log10(255**2 / mse))


def ssim(label, output, scale):
    """The original SSIM (Wang et al. 2004: Gaussian 11x11, sigma 1.5, valid region), same arguments.

    None where the image is smaller than the window.
    """
    from skimage.metrics import structural_similarity

    label, output = _scored(label, scale), _scored(output, scale)
    if min(label.shape) < 11:
        return None
    return float(
        structural_similarity(
            label, output, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )
