"""PSNR at x3 by the number of sub-images seen: the paper's recipe, the reference's, and ours.

    python -m benchmarks.recipes [folder of the 91 images, default Train] [seconds for each, default 140]

Trains on 81 images and scores the ten that are held out. Prints a table and saves benchmarks/recipes.png, as
the paper has figure 1, in ten minutes. The paper's baseline is sparse coding, of which it has numbers for
Set5 alone: its level is drawn as far above bicubic as it is there. The loss of the paper is the sum of the
squared errors of a sub-image, here it is their mean, for which the paper's rate of 1e-4 is 441 times as
large. Both are run.
"""

import contextlib
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

import main
import utils
from benchmarks.machine import heading
from benchmarks.training import build
from srcnn import tf1
from srcnn.networks.network import Network
from srcnn.page import figures
from srcnn.pixels.metrics import psnr
from srcnn.pixels.tiles import super_resolve
from srcnn.settings import Cut
from srcnn.training.batches import Batches
from srcnn.training.datasets import split
from srcnn.training.loop import learning_rate, train_step

ROOT = Path(__file__).parent.parent
tf = tf1.tf

PLAIN = "--preconditioner none"
RECIPES = {
    "ours: natural gradient": "",
    "the paper's, errors summed": f"{PLAIN} --learning_rate 0.0441 0.0441 0.00441",
    "the paper's, errors averaged": f"{PLAIN} --learning_rate 1e-4 1e-4 1e-5",
    "the reference's": PLAIN,
}
SPARSE_CODING = 31.42 - 30.39  # dB above bicubic on Set5, of the paper


def curve(words, seconds, hf, tests):
    """(sub-images seen, PSNR in dB) of a recipe, at numbers of steps that grow by a half each time.

    The clock stands still during scoring.
    """
    job, points = main.parse(words.split() or ["--is_train", "True"]), []
    with (
        tf1.session() as sess,
        contextlib.closing(Batches(hf, job.recipe.batch_size, 0).following(0)) as following,
    ):
        srcnn = build(job, sess)
        sess.run(tf.global_variables_initializer())
        step, due, spent = 0, 8, 0.0
        while spent < seconds:
            started = time.monotonic()
            train_step(srcnn, step, *next(following), learning_rate(job.recipe, spent / seconds))
            spent += time.monotonic() - started
            step += 1
            if step >= due or spent >= seconds:
                scores = [psnr(label, super_resolve(srcnn, input_), 3) for input_, label in tests]
                points.append((step * job.recipe.batch_size, float(np.mean(scores))))
                due = step * 3 // 2
    return points


def plot(curves, levels, path):
    figure = figures.figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        axes.plot(*zip(*points, strict=True), marker=".", label=name)
    for name, level in levels.items():
        axes.axhline(level, color="grey", linestyle="--", linewidth=1)
        where = axes.get_yaxis_transform()
        axes.text(0.01, level + 0.04, f"{name}, {level:.2f} dB", color="grey", transform=where)
    axes.set(xlabel="sub-images seen", ylabel="images held out, x3: PSNR (dB)", xscale="log")
    axes.set_ylim(levels["bicubic"] - 2)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def reached(points, level):
    return next((f"{count:,}" for count, score in points if score >= level), "-")


def benchmark(train_dir, seconds):
    paths, held_out = split(utils.prepare_data(train_dir), 10)
    tests = [utils.preprocess(path) for path in held_out]
    bicubic = float(np.mean([psnr(label, input_, 3) for input_, label in tests]))
    levels = {"bicubic": bicubic, "sparse coding": bicubic + SPARSE_CODING}
    print(f"{heading()}; {seconds:.0f} seconds for each\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = utils.input_setup(Cut(), Network(), paths, folder)
        with h5py.File(path) as hf:
            curves = {name: curve(words, seconds, hf, tests) for name, words in RECIPES.items()}
    above = " | ".join(f"above {name} ({level:.2f}) after" for name, level in levels.items())
    print(f"| | sub-images seen | PSNR at the end | {above} |\n|---|---:|---:|---:|---:|")
    for name, points in curves.items():
        count, last = points[-1]
        after = " | ".join(reached(points, level) for level in levels.values())
        print(f"| {name} | {count:,} | {last:.2f} | {after} |")
    plot(curves, levels, ROOT / "benchmarks/recipes.png")


if __name__ == "__main__":
    words = dict(enumerate(sys.argv))
    benchmark(Path(words.get(1, "Train")), float(words.get(2, 140)))
