"""A test: degraded images through the network, image by image, with scores and pictures."""

import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from srcnn.images import image_io
from srcnn.networks import conditioning
from srcnn.networks.network import Network
from srcnn.pixels import resize
from srcnn.pixels.colour import as_label, as_rgb, rgb2ycbcr, to_float, to_pixels, ycbcr2rgb
from srcnn.pixels.metrics import colour_psnr, score, scored_part
from srcnn.pixels.tiles import TILE, super_resolve
from srcnn.settings import DEFAULT_METRICS, Tiling
from srcnn.system.errors import InputError
from srcnn.system.ledger import identity_if_there
from srcnn.system.progress import say
from srcnn.system.threads import Budget, in_threads

SIDE_BY_SIDE = Tiling(TILE, TILE)
PIXELS = 2**25  # of the images that are in work at a time


def evaluate(srcnn, paths: Sequence[Path], tiling: Tiling = SIDE_BY_SIDE) -> Generator["Restored"]:
    """Yields a Restored for each of the image files, in order; they are decoded ahead in the background.

    Raises InputError for a file that cannot be used. Each must be closed; that makes room for the next ones.
    """
    budget = Budget(PIXELS)
    with closing(in_threads(partial(Restored, srcnn.network, budget), paths, 1, budget)) as ahead:
        for restored in ahead:
            restored.output = super_resolve(
                srcnn, restored.input_, tiling.label_size, tiling.stride, tiling.batch_size
            )
            yield restored


def original(path: Path, scale: int) -> np.ndarray:
    """The pixels of an image without alpha. Raises InputError if it cannot be tested at a scale."""
    pixels = image_io.colours(image_io.read(path, image_io.LARGEST_TESTED).pixels)
    resize.check_size(path, pixels, scale)
    return pixels


def usable(named: Sequence[tuple[Path, str]], scale: int) -> tuple[list[tuple[Path, str]], list[str]]:
    """Those (path, name) pairs whose image can be tested at a scale, and the names of the others.

    Why an image is left out is said on stderr.
    """
    kept, left_out = [], []
    for path, name in named:
        try:
            original(path, scale)
            kept.append((path, name))
        except InputError as error:
            say(f"main.py: left out {error}", sys.stderr)
            left_out.append(path.name)
    return kept, left_out


class Restored:
    """An image of a test, from its file to its scores and pictures.

    label, input_, output: original, degraded and super-resolved, (h, w, c_dim) in [0, 1].
    chroma: Cb and Cr of a colour image, 8-bit pixels, where the network has luminance alone; else empty.
    """

    output: np.ndarray

    def __init__(self, network: Network, budget: Budget, path: Path):
        self.network, self.budget, self.path = network, budget, path
        self.identity = identity_if_there(path)
        try:
            pixels = original(path, network.scale)
        except InputError as error:
            raise InputError(f"{error}; or add --skip_broken to leave such images out") from error
        self.pixels = resize.modcrop(pixels, network.scale)
        self.size = self.pixels.shape[0] * self.pixels.shape[1]
        budget.take(self.size)
        self.compressed = None
        if network.quality is not None:  # of JPEG
            self.compressed = conditioning.compressed(self.pixels, network.scale, network.quality)
        self.chroma_label, self.chroma_low, self.chroma = [], [], []
        if self.pixels.shape[2] > network.c_dim:
            for channel in (1, 2):
                # With 8 bits, as they are scored: a quarter of the memory.
                label, low, degraded = self._degraded(partial(rgb2ycbcr, channel=channel))
                self.chroma_label.append(to_pixels(label))
                self.chroma_low.append(to_pixels(low))
                self.chroma.append(to_pixels(degraded))
                del label, low, degraded
        self.label, self.low, self.input_ = self._degraded(partial(as_label, colour=network.colour))

    def _degraded(self, channels):
        """Some channels of the image, of its low resolution, and of that enlarged again."""
        label, scale, degradation = channels(self.pixels), self.network.scale, self.network.degradation
        low = channels(self.compressed) if degradation == "jpeg" else resize.shrink(label, scale, degradation)
        return label, low, resize.enlarge(low, scale, degradation)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        budget, size = self.budget, self.size
        vars(self).clear()  # its arrays, before others take their room
        budget.give(size)

    def results(self, metrics: Sequence[str] = DEFAULT_METRICS) -> tuple[dict, dict]:
        """The scores and the pictures, see below. What only the scores need is gone afterwards."""
        scores = self.scores(metrics)
        del self.label, self.chroma_label
        return scores, self.pictures()

    def scores(self, metrics: Sequence[str] = DEFAULT_METRICS) -> dict[str, float | None]:
        """What `table.columns` names, by the paper's protocol, of bicubic and SRCNN."""
        scale, colour, is_grey = self.network.scale, self.network.colour, self.pixels.shape[2] == 1
        outputs = {"bicubic": self.input_, "srcnn": self.output}
        luminances = {kind: scored_part(image, colour, is_grey) for kind, image in outputs.items()}
        found = score(scored_part(self.label, colour, is_grey), luminances, scale, metrics)
        label = [self.label, *self.chroma_label]
        for kind, image in outputs.items():
            of_colour = [] if is_grey else [image, *self.chroma]
            found[kind] |= colour_psnr(label, of_colour, colour, scale)
        return {f"{kind}_{metric}": v for kind, values in found.items() for metric, v in values.items()}

    def pictures(self) -> dict[str, np.ndarray]:
        """What a person compares, in colour where the file is: a dict of (h, w, c) uint8 pixels.

        `original`, `low resolution`, `bicubic` and `SRCNN`, all with as many channels. Where the network has
        luminance alone, the chroma of the last is the degraded image's.
        """
        rgb = max(self.pixels.shape[2], self.network.c_dim) == 3
        label = as_rgb(self.pixels) if rgb else self.pixels
        if label.dtype != np.uint8:
            label = to_pixels(to_float(label))
        shown = {"low resolution": [self.low, *self.chroma_low], "bicubic": [self.input_, *self.chroma]}
        shown["SRCNN"] = [self.output, *self.chroma]
        return {"original": label} | {kind: self._picture(*channels) for kind, channels in shown.items()}

    def _picture(self, image, *chroma):
        if self.network.colour == "ycbcr":
            return ycbcr2rgb(*np.split(image, 3, axis=2))
        return ycbcr2rgb(image, *chroma) if chroma else to_pixels(image)
