"""Images and arrays: reading, degrading, cutting into sub-images (HDF5), merging, saving.

Images are float32 arrays in [0, 1], height x width x channels, unless a name says otherwise.
"""

import json
import os
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import h5py
import imageio.v3 as iio
import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage
from tqdm import tqdm

FILTERS = ("9-1-5", "9-3-5", "9-5-5")  # the paper's networks, by their kernel sizes
IMAGE_SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".webp", ".ppm", ".pgm", ".jp2")
CHUNK_VALUES = 2**17  # in one chunk of an HDF5 dataset: 0.5 MB
LUMA = np.array([65.481, 128.553, 24.966]) / 255  # of R, G and B in Y, which starts at 16/255
LOG_SECONDS = 5  # at least, between two lines of progress in a log


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line that says what to do."""


def margin(filters):
    """How many pixels smaller than its input the output of unpadded convolutions is: 12 for '9-1-5'."""
    return sum(int(size) - 1 for size in filters.split("-"))


def progress(items, what):
    """Yields the items of a list, with a bar on a terminal and an occasional line in a log."""
    bar = tqdm(items, desc=what, disable=None, leave=False)
    printed = time.monotonic()
    for number, item in enumerate(bar, 1):
        yield item
        if bar.disable and time.monotonic() - printed > LOG_SECONDS:
            printed = time.monotonic()
            print(f"{what}: {number} of {len(items)}")


@contextmanager
def replacing(path):
    """A temporary path beside `path`, renamed to it when the block ends well and removed otherwise."""
    path = Path(path)
    is_new = not path.parent.exists()
    # The process id keeps two runs apart; the suffix stays last because writers choose the format by it.
    temporary = path.with_name(f".{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
        if is_new and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def read_pixels(path):
    """The decoded pixels of an image file: uint8 or uint16, (h, w) for grey or (h, w, 3) for RGB.

    Whatever Pillow or imageio can open: palettes, CMYK, bilevel and alpha become grey or RGB, the
    orientation that a camera notes (EXIF) is applied, and of an animation the first frame is taken.
    Raises InputError, naming the file, for anything that is not a whole image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return _decode(path, image)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path}: more than {Image.MAX_IMAGE_PIXELS:,} pixels; scale or cut it first"
        ) from error
    except Exception as error:  # decoders raise nearly everything on damaged files
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not an image that can be read ({reason}); replace or remove it") from error


def _decode(path, image):
    if image.format == "TIFF" and max(image.tag_v2.get(258, (8,))) == 16 and "I" not in image.mode:
        return iio.imread(path)[..., :3]  # Pillow would cut 16-bit colour down to 8
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16-bit grey
        return np.clip(np.asarray(image), 0, 65535).astype(np.uint16)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no defined range")
    grey = image.mode in ("1", "L", "LA", "La")
    return np.asarray(image.convert("L" if grey else "RGB"))


def imread(path, is_grayscale=True):
    """Reads an image file.

    is_grayscale: (h, w, 1), the luminance as `luminance` gives it; otherwise (h, w, 3), RGB.
    Raises InputError for anything that is not an image.
    """
    pixels = read_pixels(path)
    if is_grayscale:
        return luminance(pixels)[..., np.newaxis]
    return to_float(pixels if pixels.ndim == 3 else np.repeat(pixels[..., np.newaxis], 3, axis=2))


def to_float(pixels):
    """Whole-number pixels as float32 in [0, 1]."""
    return pixels.astype(np.float32) / np.iinfo(pixels.dtype).max


def luminance(pixels):
    """MATLAB's `rgb2ycbcr`, first channel: (h, w) in [0, 1] from whole-number pixels, grey or RGB.

    Rounded to a whole number of the pixels' own depth, as MATLAB does. Grey is luminance already.
    """
    peak = np.iinfo(pixels.dtype).max
    if pixels.ndim == 3:
        pixels = np.floor(16 / 255 * peak + pixels @ LUMA + 0.5)
    return (pixels / peak).astype(np.float32)


def to_uint8(image):
    """Rounds half up and clips an image in [0, 1] to 8 bits, as MATLAB's `im2uint8` does."""
    return np.clip(np.floor(image * 255.0 + 0.5), 0, 255).astype(np.uint8)


def imsave(image, path):
    """Writes an image in [0, 1], (h, w), (h, w, 1) or (h, w, 3), with 8 bits, whole or not at all."""
    pixels = to_uint8(image)
    with replacing(path) as temporary:
        iio.imwrite(temporary, pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)


def in_colour(path, input_, output, scale, degradation):
    """The picture that a super-resolved image shows, (h, w, c) in [0, 1].

    input_, output: (h, w, 1), degraded and super-resolved luminance. Chroma is the degraded
    image's. A change of the luminance, 219 levels wide, is one of R, G and B together by 255/219.
    """
    pixels = read_pixels(path)
    if pixels.ndim == 2 or output.shape[2] == 3:
        return output
    rgb = degrade(modcrop(to_float(pixels), scale), scale, degradation)
    return rgb + 255 / 219 * (output - input_)


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


def degrade(label, scale=3, degradation="matlab"):
    """Loses the detail of a modcropped image: shrinks it by `scale` and enlarges it again.

    label: (h, w, c). Returns the same shape.
    'matlab' is the paper's bicubic; 'zoom' is the reference implementation's `scipy.ndimage.zoom`
    (a B-spline blur without antialiasing, corners aligned).
    """
    if degradation == "matlab":
        return imresize(imresize(label, scale, shrink=True), scale)
    # Channel by channel: without prefilter, zoom would blur along the third axis too.
    small = [ndimage.zoom(channel, 1 / scale, prefilter=False) for channel in np.moveaxis(label, 2, 0)]
    return np.stack([ndimage.zoom(channel, scale, prefilter=False) for channel in small], axis=2)


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
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    if not paths:
        raise InputError(f"{folder}: no images in it ({', '.join(IMAGE_SUFFIXES)})")
    return paths


def sub_images(input_, label_, image_size, label_size, stride):
    """Cuts `(input, label)` windows: (n, image_size, image_size, c) and the centres, label_size wide."""
    padding = (image_size - label_size) // 2
    label_ = label_[padding : label_.shape[0] - padding, padding : label_.shape[1] - padding]

    def windows(image, size):
        view = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))[::stride, ::stride]
        return np.moveaxis(view, 2, -1).reshape(-1, size, size, image.shape[2])

    return windows(input_, image_size), windows(label_, label_size)


def make_data(savepath, items, settings):
    """Writes arrays to an HDF5 file, as they come, in chunks.

    items: iterable of (group, data, label), arrays of (n, h, w, c); those of one group are
    appended to each other as `group/data` and `group/label`. settings: a dict of plain values,
    kept as an attribute, by which `is_current` knows the file again.
    """
    with replacing(savepath) as temporary, h5py.File(temporary, "w", libver="latest") as hf:
        for group, data, label in items:
            for name, array in ((f"{group}/data", data), (f"{group}/label", label)):
                if name not in hf:
                    shape = array.shape[1:]
                    chunks = (max(1, CHUNK_VALUES // int(np.prod(shape))), *shape)
                    hf.create_dataset(name, (0, *shape), "float32", maxshape=(None, *shape), chunks=chunks)
                dataset = hf[name]
                dataset.resize(len(dataset) + len(array), axis=0)
                dataset[len(dataset) - len(array) :] = array
        hf.attrs["settings"] = json.dumps(settings)  # last: a file without it is not whole


def is_current(path, settings):
    """Whether `path` is a whole HDF5 file made with these settings."""
    try:
        with h5py.File(path) as hf:
            return json.loads(hf.attrs["settings"]) == settings
    except (OSError, KeyError, ValueError):
        return False


def read_data(path, group=""):
    """The `data` and `label` arrays of an HDF5 file's group, (n, h, w, c) each, float32."""
    with h5py.File(path) as hf:
        return hf[f"{group}/data"][:], hf[f"{group}/label"][:]


def input_setup(config, paths):
    """Prepares the images at `paths` as HDF5 in config.checkpoint_dir; returns the file's path.

    config: has is_train, scale, degradation, c_dim, checkpoint_dir and, for training, image_size,
    label_size, stride. For training, `train.h5` holds the sub-images; for testing, `test.h5` holds
    each whole image in a group of its name. A file made before from the same images with the same
    settings is used again. Raises InputError for an image that cannot be used, or if all are too
    small for one sub-image.
    """
    names = ["scale", "degradation", "c_dim"]
    names += ["image_size", "label_size", "stride"] if config.is_train else ["filters"]
    settings = {name: getattr(config, name) for name in names}
    settings["sources"] = [[str(p), p.stat().st_size, p.stat().st_mtime_ns] for p in paths]
    savepath = Path(config.checkpoint_dir) / ("train.h5" if config.is_train else "test.h5")
    if is_current(savepath, settings):
        return savepath

    def items():
        found = not config.is_train
        for path in progress(paths, "preparing images"):
            input_, label_ = preprocess(path, config.scale, config.degradation, config.c_dim)
            h, w = input_.shape[:2]
            if not config.is_train:
                field = margin(config.filters) + 1
                if min(h, w) < field:
                    raise InputError(
                        f"{path}: {w}x{h} pixels is below the receptive field, {field}x{field}; remove it"
                    )
                yield path.name, input_[np.newaxis], label_[np.newaxis]
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
    return to_uint8(to_luminance(image))[scale:-scale, scale:-scale, 0].astype(np.float64)


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
