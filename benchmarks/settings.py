"""Settings of the natural gradient, tried on training images held out: never on Set5 or Set14.

    python benchmarks/settings.py [folder of the 91 images, default Train]

Each line is a training that differs from the defaults as it says: of 1,200 steps or so, the last ones of
the default length.
"""

import contextlib
import functools
import io
import math
import sys
import tempfile
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import main  # noqa: E402
import model  # noqa: E402

CURVATURE = [
    {},
    {"trust": 1e-6},
    {"trust": 3e-5},
    {"trust": 1e-4},
    {"damping": 1e-7},
    {"damping": 1e-5},
    {"damping": 1e-4},
    {"decay": 0.9},
    {"spacing": 1},
]
REFRESHES = [  # tried at the whole length: shorter trainings do not show what they cost
    {"REFRESH_STEPS": 10},
    {"REFRESH_STEPS": 40},
    {"FACTOR_PIXELS": 3528},
]
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


def validation_psnr(train_dir, flags=(), curvature=None, refreshes=None, schedule=model.learning_rate):
    """(PSNR in dB of 10 held-out images, seconds) at the end of a training."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        gradient = functools.partial(model.NaturalGradient, **curvature or {})
        patched = {"NaturalGradient": gradient, "learning_rate": schedule, **(refreshes or {})}
        stack.enter_context(mock.patch.multiple(model, **patched))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        words = ["--train_dir", train_dir, "--checkpoint_dir", folder, "--validation", "10", "--epoch", "8"]
        if main.main([*words, *flags]):
            raise SystemExit(1)
        (curve,) = Path(folder).rglob("training.csv")
        last = curve.read_text().splitlines()[-1].split(",")
        return float(last[4]), float(last[5])


if __name__ == "__main__":
    train_dir = sys.argv[1] if len(sys.argv) > 1 else "Train"
    print("| differs from the defaults by | held-out PSNR (dB) | seconds |\n|---|---:|---:|")
    trials = [(str(c) if c else "nothing", {"curvature": c}) for c in CURVATURE]
    trials += [(f, {"flags": f.split()}) for f in FLAGS]
    whole = "--epoch", "29"
    trials += [("whole length", {"flags": whole}), (f"whole length, {LARGER}", {"flags": LARGER.split()})]
    trials += [(f"whole length, {r}", {"flags": whole, "refreshes": r}) for r in REFRESHES]
    trials += [(f"whole length, {name}", {"flags": whole, "schedule": s}) for name, s in SCHEDULES.items()]
    for name, trial in trials:
        psnr, seconds = validation_psnr(train_dir, **trial)
        print(f"| {name} | {psnr:.3f} | {seconds:.0f} |", flush=True)
