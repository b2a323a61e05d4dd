"""Settings of the natural gradient, tried on training images held out: never on Set5 or Set14.

    python -m benchmarks.trials [folder of the 91 images, default Train]

Each line is a training that differs from the defaults as it says: of 1,200 steps or so, the last ones of
the default length. Those of the curvature's sub-images and refreshes have three seeds; the spread is the
largest PSNR less the smallest.
"""

import contextlib
import functools
import io
import itertools
import math
import sys
import tempfile
from pathlib import Path
from statistics import mean
from unittest import mock

import main
import model
from benchmarks.machine import heading
from srcnn.training import loop

ROOT = Path(__file__).parent.parent

CURVATURE = [
    {},
    {"trust": 2e-8},
    {"trust": 1e-7},
    {"momentum": 0.0, "trust": 1e-5},
    {"damping": 1e-7},
    {"damping": 1e-5},
    {"decay": 0.9},
    {"spacing": 1},
]
REFRESHES = [  # tried at the whole length: shorter trainings do not show what they cost
    {"FIRST_STEPS": 1000, "LATER_STEPS": 60},
    {"FIRST_STEPS": 1000, "REFRESH_STEPS": 40},
]
SUB_IMAGES = 8, 16, 64  # that the curvature is taken from
LABEL_PIXELS = 21 * 21  # of a sub-image
SEEDS = 1, 2, 3
BATCHES = 128, 256, 512, 1024  # of sub-images: larger ones for more machines, the same label pixels in all
SCHEDULES = {  # of the learning rate, by the part of training that is done
    "cosine": lambda config, done: 0.5 * (1 + math.cos(math.pi * done)),
    "linear": lambda config, done: 1 - done,
}
FLAGS = [
    "--learning_rate 0.5",
    "--init normal",
    "--batch_size 64 --epoch 4",
    "--batch_size 256 --epoch 16",
    "--image_size 57 --stride 28 --batch_size 28 --epoch 10",
]
LARGER = "--image_size 93 --stride 42 --batch_size 9 --epoch 28"


def validation_psnr(train_dir, seed, flags=(), curvature=None, refreshes=None, schedule=None, weights=None):
    """(PSNR in dB of 10 held-out images, seconds) at the end of a training."""
    patched = {"learning_rate": schedule or loop.learning_rate, **(refreshes or {})}
    gradient = functools.partial(model.NaturalGradient, **curvature or {})
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(model, "NaturalGradient", gradient))
        stack.enter_context(mock.patch.multiple(loop, **patched))
        if weights:
            stack.enter_context(mock.patch.object(model.SRCNN, "sample_weights", weights))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        words = ["--train_dir", train_dir, "--checkpoint_dir", folder, "--validation", "10", "--epoch", "8"]
        if main.main([*words, "--seed", str(seed), *flags]):
            raise SystemExit(1)
        (curve,) = Path(folder).rglob("training.csv")
        last = curve.read_text().splitlines()[-1].split(",")
        return float(last[4]), float(last[5])


def trials():
    """The trials by what they change: arguments of `validation_psnr`, and seeds."""
    found = {str(c) if c else "nothing": ({"curvature": c}, SEEDS[:1]) for c in CURVATURE}
    found |= {flags: ({"flags": flags.split()}, SEEDS[:1]) for flags in FLAGS}
    whole = {"flags": ["--epoch", "29"]}
    found["whole length, all sub-images count the same"] = whole | {"weights": lambda srcnn: 1.0}, SEEDS
    for count in SUB_IMAGES:
        pixels = {"FACTOR_PIXELS": count * LABEL_PIXELS}
        found[f"whole length, {count} sub-images"] = whole | {"refreshes": pixels}, SEEDS
    found |= {
        f"whole length, {n} in a batch": ({"flags": f"--epoch 29 --batch_size {n}".split()}, SEEDS)
        for n in BATCHES
    }
    found[f"whole length, {LARGER}"] = {"flags": LARGER.split()}, SEEDS[:1]
    found |= {f"whole length, {r}": (whole | {"refreshes": r}, SEEDS) for r in REFRESHES}
    for scale, trust in itertools.product((2, 4), (2e-8, 5e-8, 1e-7)):
        found[f"x{scale}, trust {trust}"] = (
            {"curvature": {"trust": trust}, "flags": ["--scale", str(scale)]},
            SEEDS[:1],
        )
    found |= {f"whole length, {name}": (whole | {"schedule": s}, SEEDS[:1]) for name, s in SCHEDULES.items()}
    return found


def benchmark(train_dir):
    print(f"{heading()}\n")
    print("| differs from the defaults by | held-out PSNR (dB) | mean | spread | seconds |")
    print("|---|---:|---:|---:|---:|")
    for name, (trial, seeds) in trials().items():
        psnrs, seconds = zip(*(validation_psnr(train_dir, seed, **trial) for seed in seeds), strict=True)
        spread = f"{max(psnrs) - min(psnrs):.3f}" if len(seeds) > 1 else ""
        each = ", ".join(f"{psnr:.3f}" for psnr in psnrs)
        print(f"| {name} | {each} | {mean(psnrs):.3f} | {spread} | {mean(seconds):.0f} |", flush=True)


if __name__ == "__main__":
    benchmark(sys.argv[1] if len(sys.argv) > 1 else "Train")
