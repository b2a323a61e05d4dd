"""How time and memory grow: with the size of a photograph, and with a training set beyond the memory.

    python -m benchmarks.growth [GB of training file, default 4]

Every line is a process of its own; memory is the most that was resident.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import heading
from srcnn.images import image_io
from srcnn.training.hdf5 import make_data

ROOT = Path(__file__).parent.parent

MEGAPIXELS = 1, 4, 16, 50, 100
LIMIT = 2 * 10**9  # bytes of memory that a training process may have
STEPS = 400
TRAIN = f"""
import resource, sys, time
import h5py
import main
from srcnn import tf1
from srcnn.tf1 import tf
from srcnn.training.batches import Batches
from model import SRCNN
from srcnn.training.loop import train_step
resource.setrlimit(resource.RLIMIT_DATA, ({LIMIT}, {LIMIT}))
job = main.parse([])
with h5py.File(sys.argv[1]) as hf, tf1.session() as sess:
    srcnn = SRCNN(sess, job.network, job.recipe.init, job.recipe.seed, job.cut.label_size)
    srcnn.build_descent(job.recipe.preconditioner)
    sess.run(tf.global_variables_initializer())
    batches = Batches(hf, job.recipe.batch_size, 0)
    following = batches.following(0)
    for step in range({STEPS} + 20):
        if step == 20:
            started = time.monotonic()
        train_step(srcnn, step, *next(following), 0.1)
    seconds = time.monotonic() - started
    speed = {STEPS} * job.recipe.batch_size / seconds
    print(f"{{batches.length:,}} | {{batches.pool_length:,}} | {{speed:,.0f}}")
"""


def run(*words):
    """Seconds, peak MB and output of a Python process."""
    measured = (
        "import resource, subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]], check=True); "
    )
    measured += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", measured, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    *output, peak = done.stdout.splitlines()
    return time.monotonic() - started, int(peak), output


def photographs(folder):
    print("| result, x2 | seconds | Mpixel/s | peak MB |\n|---|---:|---:|---:|")
    for megapixels in MEGAPIXELS:
        n = round((megapixels * 1e6 / 4) ** 0.5)
        y, x = np.mgrid[:n, :n]
        source = folder / f"{megapixels}.png"
        image_io.save(np.stack([x * 7 % 256, y * 5 % 256, (x + y) // 40 % 256], 2).astype(np.uint8), source)
        words = "--is_train", "False", "--scale", 2, "--sample_dir", folder, "--input", source
        seconds, peak, _ = run("main.py", *words, "--output", folder / f"{megapixels}.bmp")
        print(
            f"| {megapixels} megapixels | {seconds:.1f} | {megapixels / seconds:.1f} | {peak:,} |", flush=True
        )


def training(folder, gigabytes):
    print(f"\nTraining in processes that may have {LIMIT / 1e9:.0f} GB:\n")
    print("| train.h5 | sub-images | mixed at a time | sub-images/s | peak MB |\n|---|---:|---:|---:|---:|")
    block = np.random.default_rng(0).random((4000, 33, 33, 1)).astype(np.float32)
    for size in (0.13, gigabytes):
        count = round(size * 1e9 / block.itemsize / (33 * 33 + 21 * 21) / len(block))
        path = folder / "train.h5"
        make_data(path, ((block, block[:, 6:-6, 6:-6]) for _ in range(count)), {})
        _, peak, output = run("-c", TRAIN, path)
        print(f"| {path.stat().st_size / 1e9:.1f} GB | {output[-1]} | {peak:,} |", flush=True)


if __name__ == "__main__":
    print(f"{heading()}\n")
    with tempfile.TemporaryDirectory() as folder:
        photographs(Path(folder))
        training(Path(folder), float(sys.argv[1]) if len(sys.argv) > 1 else 4.0)
