"""The paper's experiments (arXiv 1501.00092, section 4), its numbers beside ours, as Markdown.

    python -m benchmarks.paper filters-number [folder with Train and Test, default .] [folder for the runs]

Experiments: filters-number, filters-size, layers, colour, training-set, time. All are at x3 on Set5. Each
run is a folder below benchmarks/runs with its training and, once it is done, a file of results beside it: a
killed run goes on, a finished one is not repeated, whichever experiments it belongs to. Settings and lengths
were fixed before, on images held out (docs/training.md). Pictures of the curves and of the filters that 9-1-5
learned (the paper's figures 7 to 9 and 5) lie beside them. The results of ours are in docs/runs: given as the
folder for the runs, they are printed at once.
"""

import argparse
import contextlib
import csv
import itertools
import json
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

import main
from benchmarks.machine import heading
from srcnn.page import figures
from srcnn.system.errors import InputError

ROOT = Path(__file__).parent.parent

SHORT = 180  # seconds of training up to which a run is made with three seeds
SEEDS = 1, 2, 3
HELD_OUT = "--validation", "10"  # of the 91 images: for the curves


class Run(NamedTuple):
    """One line of a table: its name, the flags that differ from the defaults, and the paper's PSNR in dB."""

    name: str
    flags: str = ""
    paper: float | None = None
    first: str | None = None  # flags of the training whose weights it starts from


WIDE = "--epoch 28 --image_size 49 --batch_size 48"  # larger sub-images for kernels that see more
EXPERIMENTS = {
    "filters-number": [
        Run("128-64", "--channels 128-64", 32.60),
        Run("64-32", "", 32.52),
        Run("32-16", "--channels 32-16", 32.26),
    ],
    "filters-size": [
        Run("11-1-7", "--filters 11-1-7", 32.57),
        Run("9-1-5", "", 32.52),
        Run("9-3-5", f"--filters 9-3-5 {WIDE}", 32.66),
        Run("9-5-5", f"--filters 9-5-5 {WIDE}", 32.75),
    ],
    "layers": [
        Run("9-1-5", "--epoch 80", 32.52),
        Run("9-1-1-5", "--filters 9-1-1-5 --epoch 80"),
        Run("9-3-1-5", f"--filters 9-3-1-5 {WIDE}"),
        Run("9-3-3-5", f"--filters 9-3-3-5 {WIDE}"),
        Run("9-5-5", f"--filters 9-5-5 {WIDE}", 32.75),
        Run("9-5-1-5", f"--filters 9-5-1-5 {WIDE}"),
        Run("9-5-5-5", f"--filters 9-5-5-5 {WIDE}"),
    ],
    "colour": [
        Run("Y only", "", 36.37),
        Run("YCbCr", "--c_dim 3 --colour ycbcr", 33.47),
        Run("Y first, then all", "--c_dim 3 --colour ycbcr", 36.32, "--loss_weights 1 0 0"),
        Run("Cb and Cr first, then all", "--c_dim 3 --colour ycbcr", 36.25, "--loss_weights 0 1 1"),
        Run("RGB", "--c_dim 3 --colour rgb", 36.44),
    ],
    "training-set": [  # as many steps of each; ten images less would be most of 23
        Run("91 images", "--validation 0", 32.39),
        Run("46 images", "--validation 0 --train_dir half --epoch 58"),
        Run("23 images", "--validation 0 --train_dir quarter --epoch 116"),
    ],
}
EXPERIMENTS["time"] = EXPERIMENTS["filters-number"]
PAPER_SECONDS = {"128-64": 0.60, "64-32": 0.18, "32-16": 0.05}  # of an image, on the authors' CPU
PAPER_COLOUR = {  # Y, Cb, Cr
    "bicubic": (30.39, 45.44, 45.42, 34.57),
    "Y only": (32.39, 45.44, 45.42, 36.37),
    "YCbCr": (29.25, 43.30, 43.49, 33.47),
    "Y first, then all": (32.19, 46.49, 46.45, 36.32),
    "Cb and Cr first, then all": (32.14, 46.38, 45.84, 36.25),
    "RGB": (32.33, 46.18, 46.20, 36.44),
}
COLOUR = "psnr", "psnr_cb", "psnr_cr", "psnr_ycbcr"


class Bench:
    """Where the images are and the runs go."""

    def __init__(self, data, runs):
        self.data, self.runs = Path(data).resolve(), Path(runs).resolve()

    def command(self, *words):
        """The program, in this process: killed, none goes on without it."""
        with contextlib.redirect_stdout(None):
            status = main.main([str(word) for word in words])
        if status:
            raise SystemExit(status)

    def training_images(self, flags):
        """The flags, with folders of every second or fourth image of the 91 where they ask for them."""
        for name, step in (("half", 2), ("quarter", 4)):
            if name in flags:
                folder, images = self.runs / name, sorted((self.data / "Train").glob("*.bmp"))[::step]
                folder.mkdir(parents=True, exist_ok=True)
                names = [path.name for path in images]
                for link in folder.iterdir():
                    if not link.is_symlink() or link.name not in names:
                        raise InputError(f"{link}: is not of this benchmark; move it away")
                    link.unlink()  # the images may lie elsewhere now
                for path in images:
                    (folder / path.name).symlink_to(path)
                return [str(folder) if word == name else word for word in flags]
        return ["--train_dir", str(self.data / "Train"), *flags]

    def train(self, folder, flags, seed):
        """Trains in a folder, or goes on; returns the rows of the curve."""
        words = [
            *HELD_OUT,
            *self.training_images(flags),
            "--seed",
            str(seed),
            "--checkpoint_dir",
            str(folder),
        ]
        self.command("--is_train", "True", *words)
        (curve,) = folder.glob("srcnn_*/training.csv")
        with open(curve, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def folder(self, run, seed=SEEDS[0]):
        words = [*run.flags.split(), *(f"after {run.first}".split() if run.first else ()), "seed", str(seed)]
        return self.runs / " ".join(word.removeprefix("--") for word in words)

    def result(self, run, seed):
        """What became of a run: plain values; made if it is not there."""
        folder = self.folder(run, seed)
        path = folder.with_name(folder.name + ".json")
        if path.exists():
            return read_result(path)
        flags = run.flags.split()
        network, seconds = tested(flags), 0.0
        if run.first:
            first = folder / "first"
            seconds = float(self.train(first, [*flags, *run.first.split()], seed)[-1]["seconds"])
            (weights,) = first.glob("srcnn_*")
            flags += ["--weights", str(weights)]
        rows = self.train(folder, flags, seed)
        words = "--test_dir", self.data / "Test/Set5", "--sample_dir", folder / "sample"
        self.command("--is_train", "False", *network, "--checkpoint_dir", folder, *words)
        average = json.loads((folder / "sample/results.json").read_text())["average"]
        found = {
            "average": average,
            "seconds": seconds + float(rows[-1]["seconds"]),
            "curve": [
                [int(row["step"]), float(row["validation_psnr"])] for row in rows if row["validation_psnr"]
            ],
            "machine": heading(),
        }
        temporary = folder / "result.tmp"
        temporary.write_text(json.dumps(found, indent=1) + "\n")
        temporary.replace(path)
        return found

    def results(self, run):
        """Of one seed, or of three if that takes less than SHORT."""
        found = [self.result(run, SEEDS[0])]
        if found[0]["seconds"] < SHORT:
            found += [self.result(run, seed) for seed in SEEDS[1:]]
        return found


def read_result(path):
    try:
        found = json.loads(path.read_text())
        return {name: found[name] for name in ("average", "seconds", "curve", "machine")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no result of this benchmark; move it away") from error


def tested(flags):
    """The flags that a test needs to know of those of a training."""
    names = "--filters", "--channels", "--c_dim", "--colour"
    pairs = itertools.pairwise(flags)
    return [word for name, value in pairs if name in names for word in (name, value)]


def spread(values):
    """Mean, and the distance from the lowest to the highest where there are several."""
    more = f" ({max(values) - min(values):.3f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{more}"


def table(bench, experiment):
    """PSNR of each run beside the paper's."""
    lines = ["| network | paper | ours (spread of seeds) | difference | held out | seconds of training |"]
    lines.append("|---|---:|---:|---:|---:|---:|")
    curves = {}
    for run in EXPERIMENTS[experiment]:
        found = bench.results(run)
        values = [one["average"]["srcnn_psnr"] for one in found]
        held_out = spread([one["curve"][-1][1] for one in found]) if found[0]["curve"] else "-"
        paper = "-" if run.paper is None else f"{run.paper:.2f}"
        difference = "-" if run.paper is None else f"{statistics.mean(values) - run.paper:+.2f}"
        seconds = statistics.mean(one["seconds"] for one in found)
        lines.append(
            f"| {run.name} | {paper} | {spread(values)} | {difference} | {held_out} | {seconds:.0f} |"
        )
        if found[0]["curve"]:
            curves[run.name] = found[0]["curve"]
    lines.append(f"\nSeconds on {found[0]['machine']}.")
    if curves:
        lines[-1] += " Trained on 81 of the 91 images; ten held out."
        plot(curves, bench.runs / f"{experiment}.png")
    if experiment == "filters-size":
        with contextlib.suppress(FileNotFoundError):  # there are results without their training
            shutil.copy(bench.folder(Run("9-1-5")) / "sample/filters.png", bench.runs / "filters.png")
    return lines


def colour_table(bench, experiment):
    """Table 5: PSNR of Y, Cb, Cr and of the three together."""
    lines = ["| strategy | Y | Cb | Cr | all | paper's Y | Cb | Cr | all | seconds |"]
    lines.append("|---|" + "---:|" * 9)
    for index, run in enumerate(EXPERIMENTS[experiment]):
        found = bench.results(run)
        rows = [("bicubic", "bicubic")] if index == 0 else []
        for name, kind in [*rows, (run.name, "srcnn")]:
            shown = found[:1] if kind == "bicubic" else found  # the same with every seed
            ours = [spread([one["average"][f"{kind}_{metric}"] for one in shown]) for metric in COLOUR]
            paper = [f"{value:.2f}" for value in PAPER_COLOUR[name]]
            seconds = "-" if kind == "bicubic" else f"{statistics.mean(one['seconds'] for one in found):.0f}"
            lines.append("| " + " | ".join([name, *ours, *paper, seconds]) + " |")
    return lines


def time_table(bench, experiment, rounds=5):
    """Seconds of the network for an image of Set5 on average, the runs in turns, beside the paper's."""
    import utils
    from model import SRCNN
    from srcnn import tf1
    from srcnn.pixels.tiles import TILE, super_resolve

    inputs = [utils.preprocess(path)[0] for path in utils.prepare_data(bench.data / "Test/Set5")]
    seconds = {}
    for number in range(rounds + 1):  # the first one warms up
        for run in EXPERIMENTS[experiment]:
            network = main.parse(["--is_train", "False", *tested(run.flags.split())]).network
            with tf1.session() as sess:
                srcnn = SRCNN(sess, network, "identity", label_size=TILE)
                sess.run(tf1.tf.global_variables_initializer())
                super_resolve(srcnn, inputs[0])
                started = time.perf_counter()
                for input_ in inputs:
                    super_resolve(srcnn, input_)
                if number:
                    taken = (time.perf_counter() - started) / len(inputs)
                    seconds.setdefault(run.name, []).append(taken)
    lines = [
        "| network | paper, seconds an image | ours | to 64-32, paper | ours |",
        "|---|---:|---:|---:|---:|",
    ]
    ours = {name: statistics.median(values) for name, values in seconds.items()}
    for name, value in ours.items():
        ratio, paper = value / ours["64-32"], PAPER_SECONDS[name] / PAPER_SECONDS["64-32"]
        lines.append(f"| {name} | {PAPER_SECONDS[name]:.2f} | {value:.4f} | {paper:.2f} | {ratio:.2f} |")
    return [*lines, f"\nOn {heading()}."]


def plot(curves, path):
    """PSNR of the images held out against steps of training (the paper's figures 7 to 9)."""
    figure = figures.figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        axes.plot(*zip(*points, strict=True), label=name)
    best = max(psnr for points in curves.values() for _, psnr in points)
    limits = best - 0.6, best + 0.05
    axes.set(xlabel="steps", ylabel="PSNR of ten images held out (dB)", ylim=limits)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=110)


def parse():
    parser = argparse.ArgumentParser(description="An experiment of the paper: its numbers beside ours.")
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("data", nargs="?", default=".", help="folder with Train and Test")
    parser.add_argument("runs", nargs="?", default=ROOT / "benchmarks/runs", help="folder for the runs")
    return parser.parse_args()


if __name__ == "__main__":
    asked = parse()
    bench = Bench(asked.data, asked.runs)
    makers = {"colour": colour_table, "time": time_table}
    try:
        found = makers.get(asked.experiment, table)(bench, asked.experiment)
    except InputError as error:
        print(f"paper.py: error: {error}", file=sys.stderr)
        sys.exit(2)
    print("\n".join(found))
