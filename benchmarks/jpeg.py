"""Networks for JPEG beside clean ones and bicubic, at several qualities of compression.

    python -m benchmarks.jpeg --root ../shared/data [--filters 9-1-5] [--luminance]

Average PSNR in dB of luminance on Set5 and Set14. At x1 bicubic is the JPEG itself, and no network is clean.
The clean network has the same filters, or those of 9-5-5 where none with these is shipped. The last column is
by --self_ensemble.
"""

import argparse
import itertools
from pathlib import Path

import utils
from benchmarks.machine import heading
from main import trained
from srcnn import tf1
from srcnn.flag_types import kernel_sizes
from srcnn.images import image_io
from srcnn.networks import conditioning
from srcnn.networks.network import Network, default_channels
from srcnn.networks.trained import find_checkpoint
from srcnn.pixels import colour, resize
from srcnn.pixels.metrics import psnr
from srcnn.pixels.tiles import super_resolve
from srcnn.settings import Source

ROOT = Path(__file__).parent.parent

SCALES, QUALITIES = (1, 2, 3), (30, 40, 50, 70, 90, 95)
CLEAN = 9, 5, 5


def scores(pairs, srcnn=None):
    """Mean PSNR of inputs, or of what a network makes of them."""
    found = [
        psnr(label, input_ if srcnn is None else super_resolve(srcnn, input_), scale)
        for input_, label, scale in pairs
    ]
    return sum(found) / len(found)


def pair(path, network, luminance):
    """Degraded and original image, (h, w, 1). luminance: it is compressed alone, not colour in 4:2:0."""
    if not luminance:
        input_, label = utils.preprocess(path, network.scale, "jpeg", "y", network.quality)
        return input_[..., :1], label, network.scale
    pixels = resize.modcrop(image_io.colours(image_io.read(path).pixels), network.scale)
    label = colour.luminance(pixels)
    low = colour.to_float(conditioning.compressed(colour.to_pixels(label), network.scale, network.quality))
    return resize.enlarge(low, network.scale, "jpeg"), label, network.scale


def row(paths, network, luminance):
    """PSNR of bicubic, of the clean network if there is one, of that for JPEG, and of its self-ensemble."""
    pairs = [pair(path, network, luminance) for path in paths]
    found = [scores(pairs), None]
    if network.scale > 1:
        with tf1.session() as sess:
            clean = network._replace(degradation="matlab", quality=None)
            if not find_checkpoint(clean, Source("shipped")):
                clean = clean._replace(kernels=CLEAN, channels=default_channels(CLEAN))
            found[1] = scores(pairs, trained(sess, clean, "shipped"))
    with tf1.session() as sess:
        srcnn = trained(sess, network, "shipped")
        for srcnn.self_ensemble in (False, True):
            found.append(scores(pairs, srcnn))
    return found


def benchmark(root, kernels, luminance):
    print(f"{heading()}\n")
    for name in ("Set5", "Set14"):
        print(f"| {name} | quality | bicubic | clean | for JPEG | gain | to the clean | self-ensemble |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        for scale, quality in itertools.product(SCALES, QUALITIES):
            channels = default_channels(kernels)
            network = Network(kernels, channels, scale=scale, degradation="jpeg", quality=quality)
            if not find_checkpoint(network, Source("shipped")):
                continue
            bicubic, clean, ours, mean = row(utils.prepare_data(root / "Test" / name), network, luminance)
            cells = [f"{bicubic:.2f}", "-" if clean is None else f"{clean:.2f}", f"{ours:.2f}"]
            cells += [f"{ours - bicubic:+.2f}", "-" if clean is None else f"{ours - clean:+.2f}"]
            print(f"| x{scale} | {quality} | {' | '.join(cells)} | {mean:.2f} |", flush=True)
        print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(), help="folder with Test")
    parser.add_argument("--filters", type=kernel_sizes, default=(9, 5, 5))
    parser.add_argument("--luminance", action="store_true", help="compress it alone, not colour in 4:2:0")
    words = parser.parse_args()
    benchmark(words.root, words.filters, words.luminance)
