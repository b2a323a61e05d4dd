"""Speed of training, and PSNR on Set5 against wall time, here and elsewhere, on this machine in one run.

    python -m benchmarks.training [folder with Train and Test, default .] [seconds for each, default 60]

Prints tables and saves benchmarks/training.png. PyTorch is compared, in a process of its own, where
it is installed (pip install torch). The clock stands still during scoring. Adam in the same graph is given
eight times the seconds that the natural gradient took to the paper's PSNR.
"""

import contextlib
import itertools
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import h5py
import numpy as np

import main
import model
import utils
from benchmarks.clock import Clock
from benchmarks.machine import heading
from benchmarks.peers import Peer
from srcnn import tf1
from srcnn.networks.network import Network
from srcnn.pixels.metrics import psnr
from srcnn.pixels.tiles import super_resolve
from srcnn.settings import Cut
from srcnn.training.batches import Batches
from srcnn.training.loop import FIRST_STEPS, LATER_STEPS, learning_rate, train_step

ROOT = Path(__file__).parent.parent

tf = tf1.tf

PLAIN = ["--preconditioner", "none"]
OURS, TORCH = "natural gradient (this project)", "PyTorch, Adam 1e-4 / 1e-5, batch 16"
DEFAULT_STEPS = 4930  # of `--is_train True` with the 91 images
SPEEDS = {  # flags, block of the last layer
    OURS: ([], None),
    "the same, 57x57 sub-images": (["--image_size", "57", "--batch_size", "28"], None),
    "the same, 93x93 sub-images": (["--image_size", "93", "--batch_size", "9"], None),
    "plain descent, this project's graph": (PLAIN, None),
    "plain descent, plain conv2d graph": (PLAIN, 1),
}
CURVES = {
    OURS: [],
    "Adam 1e-3, same graph": [*PLAIN, "--init", "identity"],
    "plain descent, reference's settings": PLAIN,
}
SHOWN = 32.0, 32.39  # dB


def build(job, sess):
    """The network of a Training, ready to train."""
    recipe = job.recipe
    srcnn = model.SRCNN(sess, job.network, recipe.init, recipe.seed, job.cut.label_size)
    srcnn.build_descent(recipe.preconditioner, relative_rates=recipe.relative_rates)
    return srcnn


def tensorflow_run(flags, clock, hf, tests):
    job = main.parse(flags)
    with tf1.session() as sess:
        srcnn = build(job, sess)
        adam = flags == CURVES["Adam 1e-3, same graph"]
        if adam:
            srcnn.train_op = tf.train.AdamOptimizer(srcnn.learning_rate).minimize(srcnn.loss)
        sess.run(tf.global_variables_initializer())
        following = Batches(hf, job.recipe.batch_size, 0).following(0)

        def step(number, progress):
            rate = learning_rate(job.recipe, progress)
            if adam:
                rate = 1e-3 * 0.5 * (1 + np.cos(np.pi * progress))
            train_step(srcnn, number, *next(following), rate)

        def score():
            return float(np.mean([psnr(y, super_resolve(srcnn, x), 3) for x, y in tests]))

        clock.run(step, score)


def stepper(sess, flags, block):
    """Label pixels of a step, and a function that takes the step of a number, on random images."""
    job = main.parse(flags)
    one = partial(model.conv2d, block=1)
    plain = {"in_blocks": lambda kernel, _: kernel, "conv2d": lambda x, kernel, _=1: one(x, kernel)}
    with mock.patch.multiple(model, **plain) if block else contextlib.nullcontext():
        srcnn = build(job, sess)
    sess.run(tf.global_variables_initializer())
    rng = np.random.default_rng(0)
    inputs, labels = (
        rng.random((job.recipe.batch_size, size, size, 1)).astype(np.float32)
        for size in (job.cut.image_size, job.cut.label_size)
    )
    return labels.size, lambda number: train_step(srcnn, number, inputs, labels, 1e-4)


def speeds(torch, rounds=9):
    """Label pixels a second of several ways to take a step, interleaved; refreshes among them.

    As often as in a training of the default length: steps from its beginning and from later on, by their
    share.
    """
    runs, seconds, peer = {}, {}, []
    steps = LATER_STEPS
    first, later = 0, FIRST_STEPS + steps - FIRST_STEPS % steps
    share = FIRST_STEPS / DEFAULT_STEPS
    with contextlib.ExitStack() as stack:
        for name, (flags, block) in SPEEDS.items():
            graph = tf.Graph()
            sess = stack.enter_context(tf.Session(graph=graph))
            with graph.as_default():
                runs[name] = stepper(sess, flags, block)
        for _ in range(rounds):
            for name, (_, step) in runs.items():
                for start in (first, later):
                    started = time.monotonic()
                    for number in range(start, start + steps):
                        step(number)
                    seconds.setdefault((name, start), []).append(time.monotonic() - started)
            if torch:
                peer.append(torch.call("steps", steps, 128))
    median = {key: np.median(values[1:]) for key, values in seconds.items()}
    mean = {name: share * median[name, first] + (1 - share) * median[name, later] for name in runs}
    found = {name: pixels * steps / mean[name] for name, (pixels, _) in runs.items()}
    if torch:
        found["PyTorch, Adam, batch 128"] = 128 * 21 * 21 * steps / np.median(peer[1:])
    return found


def plot(curves, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, clock in curves.items():
        axes.plot(*zip(*clock.points, strict=True), marker=".", label=name)
    axes.axhline(32.39, color="grey", linestyle="--", linewidth=1)
    axes.text(0.01, 32.43, "the paper, 32.39 dB", color="grey", transform=axes.get_yaxis_transform())
    axes.set(xlabel="seconds of training", ylabel="Set5 x3, PSNR (dB)", ylim=(27, 33))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def benchmark(root, seconds):
    tests = [utils.preprocess(path) for path in utils.prepare_data(root / "Test/Set5")]
    print(f"{heading(None, 'torch')}\n")
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        path = utils.input_setup(Cut(), Network(), utils.prepare_data(root / "Train"), folder)
        print(f"The 91 images become train.h5 in {time.monotonic() - started:.1f} s.\n")
        with h5py.File(path) as hf, contextlib.ExitStack() as stack:
            torch = None
            if find_spec("torch"):
                np.savez(Path(folder) / "tests.npz", *itertools.chain.from_iterable(tests))
                torch = stack.enter_context(
                    Peer("-m", "benchmarks.pytorch", path, Path(folder) / "tests.npz")
                )
            else:
                print("PyTorch is not installed and left out.\n")
            compare(hf, torch, tests, seconds)


def compare(hf, torch, tests, seconds):
    pixels = speeds(torch)
    reference = pixels["plain descent, plain conv2d graph"]
    print("| a step | label pixels/s | to the plain graph |\n|---|---:|---:|")
    for name, speed in pixels.items():
        print(f"| {name} | {speed / 1e6:.2f} million | {speed / reference:.2f} |")
    ratio = pixels["plain descent, this project's graph"] / pixels[OURS]
    print(f"\nA natural-gradient step takes {ratio:.2f} times a plain one, refreshes included.\n", flush=True)

    curves = {}
    for name, flags in CURVES.items():
        longer = 8 * (curves[OURS].reached(SHOWN[1]) or seconds) if "Adam" in name else seconds
        curves[name] = Clock(longer)
        tensorflow_run(flags, curves[name], hf, tests)
    if torch:
        curves[TORCH] = Clock(seconds)
        curves[TORCH].points = torch.call("curve", seconds)
    levels = " | ".join(f"{level} dB after" for level in SHOWN)
    print(f"| | seconds | Set5 x3 at the end | {levels} |\n|---|---:|---:|---:|---:|")
    for name, clock in curves.items():
        cells = ["-" if t is None else f"{t:.0f} s" for t in map(clock.reached, SHOWN)]
        print(f"| {name} | {clock.seconds:.0f} | {clock.points[-1][1]:.2f} | {' | '.join(cells)} |")
    plot(curves, ROOT / "benchmarks/training.png")


if __name__ == "__main__":
    benchmark(
        Path(sys.argv[1] if len(sys.argv) > 1 else "."), float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    )
