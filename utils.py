"""Images and arrays: reading, degrading, cutting into sub-images (HDF5), merging, saving.

Images are float32 arrays in [0, 1], height x width x channels, unless a name says otherwise.
"""

import sys
from collections import Counter
from dataclasses import asdict, astuple
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np

from srcnn.images import image_io
from srcnn.networks import conditioning
from srcnn.networks.conditioning import compressed
from srcnn.pixels.colour import as_label, to_pixels
from srcnn.pixels.resize import check_size, degrade, enlarge, modcrop
from srcnn.system.atomic_write import remove_leftovers
from srcnn.system.errors import InputError
from srcnn.system.folders import check_taken, listed
from srcnn.system.ledger import check_unchanged, identity_if_there
from srcnn.system.progress import progress, say
from srcnn.system.threads import Budget, cores, in_threads
from srcnn.training.datasets import SAMPLE
from srcnn.training.hdf5 import check_replaceable_data
from srcnn.training.training_data import PREPARING, digest_of, is_prepared, make_parts, memory_of

FOLDERS = {"train": "Train", "test": "Test/Set5"}


def imread(path: str | Path, is_grayscale: bool = True) -> np.ndarray:
    """Reads an image file.

    is_grayscale: (h, w, 1), the luminance as `luminance` gives it; otherwise (h, w, 3), RGB.
    Raises InputError for anything that is not an image.
    """
    return as_label(
        image_io.colours(image_io.read(path, image_io.LARGEST_TESTED).pixels), "y" if is_grayscale else "rgb"
    )


def imsave(image: np.ndarray, path: str | Path) -> None:
    """Writes an image in [0, 1], (h, w) or (h, w, c), with 8 bits, whole or not at all."""
    image_io.save(to_pixels(image if image.ndim == 3 else image[..., np.newaxis]), path)


def preprocess(
    path: str | Path,
    scale: int = 3,
    degradation: str = "matlab",
    colour: str = "y",
    quality: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Reads an image file as `(input_, label_)`: degraded and original, both (h, w, c_dim).

    colour: 'y', 'rgb' or 'ycbcr', see `as_label`. quality: of the degradation 'jpeg', of which `input_` has
    one channel more, see conditioning.py.
    """
    pixels = image_io.colours(image_io.read(path, image_io.LARGEST_TESTED).pixels)
    check_size(path, pixels, scale)
    pixels = modcrop(pixels, scale)
    label_ = as_label(pixels, colour)
    if degradation != "jpeg":
        return degrade(label_, scale, degradation), label_
    if quality is None:
        raise ValueError("the degradation 'jpeg' needs a quality")
    low = as_label(compressed(pixels, scale, quality), colour)
    return conditioning.conditioned(enlarge(low, scale, degradation), quality), label_


def prepare_data(folder: str | Path, recursive: bool = False) -> list[Path]:
    """The image files of a folder, sorted by name; what is left out is counted in a line.

    recursive: with those of its sub-folders, but for hidden ones, links and what this program wrote.
    Raises InputError if there are none.
    """
    paths, left = listed(folder, image_io.SUFFIXES, recursive)
    check_taken(folder, paths, Counter(left.values()), image_io.SUFFIXES)
    return paths


def sub_images(
    input_: np.ndarray, label_: np.ndarray, image_size: int, label_size: int, stride: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cuts `(input, label)` windows: (n, image_size, image_size, c) and the centres, label_size wide."""
    padding = (image_size - label_size) // 2
    label_ = label_[padding : label_.shape[0] - padding, padding : label_.shape[1] - padding]

    def windows(image, size):
        view = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))[::stride, ::stride]
        return np.moveaxis(view, 2, -1).reshape(-1, size, size, image.shape[2])

    return windows(input_, image_size), windows(label_, label_size)


def input_setup(cut, network, paths, checkpoint_dir, skip_broken=False):
    """Prepares the images at `paths` for training, as HDF5 in checkpoint_dir; returns the file's path.

    cut: how sub-images are cut. skip_broken: leave out, instead, what cannot be used. A file made before
    from the same images with the same settings is used again, and so is what an interrupted run left.
    Raises InputError for an image that cannot be used, if all are too small for one sub-image, or if there
    is a file of that name that is not of the program's making.
    """
    settings = asdict(cut)
    settings |= {"scale": network.scale, "degradation": network.degradation, "colour": network.colour}
    settings["sources"] = digest_of(paths)
    savepath = Path(checkpoint_dir) / "train.h5"
    remove_leftovers(savepath)
    if is_prepared(savepath, settings):
        return savepath
    check_replaceable_data(savepath)

    def prepared(start):
        numbered = list(enumerate(paths))[start:]
        pairs, cost = partial(pairs_of, cut, network, skip_broken), partial(memory_of, cut, network)
        done = in_threads(pairs, numbered, cores(), Budget(PREPARING), cost)
        return progress(done, "preparing images", len(paths), start)

    if not make_parts(savepath, settings, len(paths), prepared):
        raise InputError(
            f"{Path(paths[0]).parent}: has no readable image of at least {cut.image_size}x{cut.image_size} "
            f"pixels; add larger ones or lower --image_size"
        )
    return savepath


def pairs_of(cut, network, skip_broken, numbered):
    """The pairs of an image, None if it is too small, its content, and whether it is broken.

    numbered: its number and path. See `input_setup`.
    """
    number, path = numbered
    known = identity_if_there(Path(path))
    qualities = conditioning.drawn(number) if network.is_conditioned else [None]
    found = degraded(network, path, qualities, skip_broken)
    if not found:
        return None, b"", True
    pairs = None
    if min(found[0][0].shape[:2]) >= cut.image_size:
        taken = [sub_images(*pair, *astuple(cut)) for pair in found]
        pairs = list(taken[0])
        if len(taken) > 1:  # one of them, without JPEG, is not copied
            pairs = [np.concatenate(arrays) for arrays in zip(*taken, strict=True)]
    content = Path(path).read_bytes()
    check_unchanged(Path(path), known)
    return pairs, content, False


def degraded(network, path, qualities, skip_broken=False):
    """An image that is trained with as `preprocess` gives it, for each of the qualities.

    Raises InputError if it cannot be used; with skip_broken it is named, and the list is empty.
    """
    kind = network.scale, network.degradation, network.colour
    try:
        return [preprocess(path, *kind, quality) for quality in qualities]
    except InputError as error:
        if not skip_broken:
            raise InputError(f"{error}; or add --skip_broken to leave such images out") from error
        say(f"main.py: left out {error}", sys.stderr)
        return []


def find_images(folder: str | Path | None, kind: str) -> list[Path]:
    """The paths of the images for 'train', with those of sub-folders, or 'test'.

    folder: the one that the user named, or None for the default. Where the default folder has no
    images, photographs that scikit-image ships take their place, which is said on stderr.
    Raises InputError if a named folder has none.
    """
    if folder is not None:
        return prepare_data(folder, kind == "train")
    try:
        return prepare_data(FOLDERS[kind], kind == "train")
    except InputError:
        print(
            f"{FOLDERS[kind]} contains no images, so this run uses photographs of scikit-image. Fetch the "
            f"paper's images with: python main.py --download",
            file=sys.stderr,
        )
        return [Path(str(files("skimage") / "data" / name)) for name in SAMPLE[kind].split()]
