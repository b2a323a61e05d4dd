"""The preparation of a large collection: time and memory, and a kill half-way.

    python -m benchmarks.collection [images, default 20000]

The images are generated, JPEG files of 500x375 as ImageNet's are on average, a thousand to a folder. The
preparation is killed when two files of pairs are whole; the same command goes on. Seconds are those of both.
"""

import sys
import tempfile
import time
from pathlib import Path
from subprocess import Popen

import numpy as np
from PIL import Image

from benchmarks.growth import run
from benchmarks.machine import heading
from srcnn.system.threads import in_threads

ROOT = Path(__file__).parent.parent

WIDTH, HEIGHT = 500, 375
IMAGENET = 395_909  # images of the paper's larger training set
STRIDE = 60
PREPARE = f"""
import sys
import utils
from srcnn.networks.network import Network
from srcnn.settings import Cut
train_dir, checkpoint_dir = sys.argv[1:]
utils.input_setup(Cut(stride={STRIDE}), Network(), utils.find_images(train_dir, "train"), checkpoint_dir)
"""


def generate(folder, count):
    """Photographs of noise that is smooth to some degree, no two of them the same."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(256, size=(600, 800, 3), dtype=np.uint8)

    def save(number):
        parent = folder / f"{number // 1000:03}"
        parent.mkdir(parents=True, exist_ok=True)
        y, x = divmod(number * 7919 % (500 * 700), 700)
        smooth = Image.fromarray(coarse[y : y + 75, x : x + 100])
        smooth.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(parent / f"{number:06}.jpg", quality=90)

    for _ in in_threads(save, range(count)):
        pass


def killed(words, path, parts):
    """Seconds until that many parts are whole, and the process is killed."""
    started = time.monotonic()
    process = Popen([sys.executable, "-c", PREPARE, *map(str, words)], cwd=ROOT)
    while process.poll() is None and len(list(path.parent.glob(f"{path.name}.[0-9]*[0-9]"))) < parts:
        time.sleep(0.2)
    process.kill()
    process.wait()
    return time.monotonic() - started


def benchmark(count):
    print(heading())
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "checkpoint/train.h5"
        generate(folder / "images", count)
        words = folder / "images", path.parent
        first = killed(words, path, 2)
        second, peak, _ = run("-c", PREPARE, *words)
        size = sum(part.stat().st_size for part in path.parent.glob("train.h5*"))
    seconds = first + second
    print(f"{count:,} images of {WIDTH}x{HEIGHT}, stride {STRIDE}: {size / 1e9:.1f} GB of pairs")
    print(
        f"{first:.0f} s until it was killed, {second:.0f} s to go on: {count / seconds:.0f} images a second"
    )
    print(f"at most {peak:,} MB of memory")
    print(f"{IMAGENET:,} images would take {IMAGENET / count * seconds / 3600:.1f} hours")


if __name__ == "__main__":
    benchmark(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
