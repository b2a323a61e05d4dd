"""Networks for JPEG beside clean ones and bicubic, at several qualities of compression.

    python benchmarks/jpeg.py [folder with Test, default .] [filters, default 9-5-5]

Average PSNR in dB of luminance on Set5 and Set14. At x1 bicubic is the JPEG itself, and no network is clean.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import devices  # noqa: E402
import utils  # noqa: E402
from evaluate import super_resolve  # noqa: E402
from flags import kernel_sizes  # noqa: E402
from model import trained  # noqa: E402
from network import Network  # noqa: E402
from scores import psnr  # noqa: E402

SCALES, QUALITIES = (1, 2, 3), (30, 40, 50, 70, 90, 95)


def scores(pairs, srcnn=None):
    """Mean PSNR of inputs, or of what a network makes of them."""
    found = [
        psnr(label, input_ if srcnn is None else super_resolve(srcnn, input_), scale)
        for input_, label, scale in pairs
    ]
    return sum(found) / len(found)


def row(paths, network):
    """PSNR of bicubic, of the clean network if there is one, and of the one for JPEG."""
    kind = network.scale, network.degradation, network.colour
    pairs = [utils.preprocess(path, *kind, network.quality) for path in paths]
    pairs = [(input_[..., :1], label, network.scale) for input_, label in pairs]
    found = [scores(pairs)]
    clean = network._replace(degradation="matlab", quality=None)
    for other in (network,) if network.scale == 1 else (clean, network):
        with devices.session() as sess:
            found.append(scores(pairs, trained(sess, other, "shipped")))
    return found if network.scale > 1 else [found[0], None, found[1]]


def benchmark(root, kernels):
    for name in ("Set5", "Set14"):
        print(f"| {name} | quality | bicubic | clean network | for JPEG | gain | to the clean |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for scale in SCALES:
            for quality in QUALITIES:
                network = Network(kernels, scale=scale, degradation="jpeg", quality=quality)
                bicubic, clean, ours = row(utils.prepare_data(root / "Test" / name), network)
                cells = [f"{bicubic:.2f}", "-" if clean is None else f"{clean:.2f}", f"{ours:.2f}"]
                cells += [f"{ours - bicubic:+.2f}", "-" if clean is None else f"{ours - clean:+.2f}"]
                print(f"| x{scale} | {quality} | {' | '.join(cells)} |", flush=True)
        print()


if __name__ == "__main__":
    filters = sys.argv[2] if len(sys.argv) > 2 else "9-5-5"
    benchmark(Path(sys.argv[1] if len(sys.argv) > 1 else "."), kernel_sizes(filters))
