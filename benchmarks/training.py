"""PSNR on Set5 against wall time of four ways to train 9-1-5 at x3, one after the other on this machine.

    python benchmarks/training.py [folder with Train and Test, default .] [seconds for each, default 90]

Prints tables and saves benchmarks/training.png. PyTorch is compared where it is installed
(pip install torch). The clock stands still during scoring.
"""

import platform
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import main  # noqa: E402
import utils  # noqa: E402

tf = main.import_tensorflow()

import model  # noqa: E402

FLAGS = {
    "natural gradient (this project)": [],
    "Adam 1e-3, same graph": ["--preconditioner", "none", "--init", "identity"],
    "plain descent, reference's settings": ["--preconditioner", "none"],
}
TORCH = "PyTorch, Adam 1e-4 / 1e-5, batch 16"
SCORES = 12  # times that each is scored
SHOWN = 32.0, 32.39  # dB


class Clock:
    """Seconds of training, and the scores at even distances of them."""

    def __init__(self, seconds):
        self.seconds, self.elapsed, self.started = seconds, 0.0, None
        self.points = []

    def progress(self):
        return min(1.0, (self.elapsed + time.monotonic() - self.started) / self.seconds)

    def run(self, step, score):
        """Calls step(number, progress) until time is up; returns how many a second."""
        number, self.started = 0, time.monotonic()
        while True:
            progress = self.progress()
            if progress * SCORES >= len(self.points) + 1:
                self.elapsed += time.monotonic() - self.started
                self.points.append((self.elapsed, score()))
                self.started = time.monotonic()
                if len(self.points) == SCORES:
                    return number / self.elapsed
            step(number, min(progress, 1))
            number += 1


def tensorflow_run(flags, adam, clock, data, label, tests):
    with tf.Graph().as_default(), tf.Session() as session, tempfile.TemporaryDirectory() as folder:
        config = main.parse_flags([*flags, "--checkpoint_dir", folder])
        srcnn = main.build(config, session)
        srcnn.build_training(config)
        if adam:
            srcnn.train_op = tf.train.AdamOptimizer(srcnn.learning_rate).minimize(srcnn.loss)
        session.run(tf.global_variables_initializer())
        following = batches.following(0)

        def step(number, progress):
            inputs, labels = next(following)
            rate = model.learning_rate(config, progress)
            if adam:
                rate = 1e-3 * 0.5 * (1 + np.cos(np.pi * progress))
            srcnn.train_step(number, inputs, labels, rate)

        def score():
            return float(np.mean([utils.psnr(y, srcnn.test(x), 3) for x, y in tests]))

        return clock.run(step, score) * config.batch_size


def torch_run(clock, data, label, tests):
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(2)
    layers = [torch.nn.Conv2d(1, 64, 9), torch.nn.Conv2d(64, 32, 1), torch.nn.Conv2d(32, 1, 5)]
    relu = torch.nn.ReLU()
    network = torch.nn.Sequential(layers[0], relu, layers[1], relu, layers[2])
    groups = [{"params": layer.parameters()} for layer in layers]
    groups[2]["lr"] = 1e-5
    optimizer = torch.optim.Adam(groups, lr=1e-4)
    inputs, labels = (torch.from_numpy(a.transpose(0, 3, 1, 2).copy()) for a in (data, label))

    def step(number, progress):
        chosen = torch.randint(len(inputs), (16,))
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(network(inputs[chosen]), labels[chosen]).backward()
        optimizer.step()

    def score():
        psnrs = []
        for x, y in tests:
            extended = np.pad(x, ((6, 6), (6, 6), (0, 0)), mode="edge").transpose(2, 0, 1)[np.newaxis]
            with torch.no_grad():
                psnrs.append(
                    utils.psnr(y, network(torch.from_numpy(extended))[0].numpy().transpose(1, 2, 0), 3)
                )
        return float(np.mean(psnrs))

    return clock.run(step, score) * 16


def step_cost(data, label, rounds=6):
    """Seconds of 40 natural-gradient steps, refreshes among them, and of 40 plain ones, interleaved."""
    times = {"kfac": [], "none": []}
    sessions = {}
    for kind in times:
        graph = tf.Graph()
        with graph.as_default():
            config = main.parse_flags(["--preconditioner", kind])
            sessions[kind] = srcnn = main.build(config, tf.Session(graph=graph))
            srcnn.build_training(config)
            srcnn.sess.run(tf.global_variables_initializer())
    for _ in range(rounds):
        for kind, srcnn in sessions.items():
            started = time.monotonic()
            for step in range(40):
                srcnn.train_step(step, data[:128], label[:128], 1e-4)
            times[kind].append(time.monotonic() - started)
    return np.median(times["kfac"][1:]), np.median(times["none"][1:])


def plot(curves, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, points in curves.items():
        axes.plot(*zip(*points, strict=True), marker=".", label=name)
    axes.axhline(32.39, color="grey", linestyle="--", linewidth=1)
    axes.text(0.01, 32.43, "the paper, 32.39 dB", color="grey", transform=axes.get_yaxis_transform())
    axes.set(xlabel="seconds of training", ylabel="Set5 x3, PSNR (dB)", ylim=(27, 33))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def benchmark(root, seconds):
    tests = [utils.preprocess(path) for path in utils.prepare_data(root / "Test/Set5")]
    with tempfile.TemporaryDirectory() as folder:
        config = main.parse_flags(["--checkpoint_dir", folder])
        data, label = read_data(utils.input_setup(config, utils.prepare_data(root / "Train")))
    natural, plain = step_cost(data, label)
    print(f"{platform.processor() or platform.machine()}, TensorFlow {tf.__version__}")
    print(f"A natural-gradient step takes {natural / plain:.2f} times a plain one, refreshes included.\n")
    curves, lines = {}, []
    runs = [
        (name, lambda clock, f=flags, a="Adam" in name: tensorflow_run(f, a, clock, data, label, tests))
        for name, flags in FLAGS.items()
    ]
    runs.append((TORCH, lambda clock: torch_run(clock, data, label, tests)))
    for name, run in runs:
        clock = Clock(seconds)
        try:
            speed = run(clock)
        except ImportError:
            print(f"{name}: not installed")
            continue
        curves[name] = clock.points
        reached = [next((t for t, psnr in clock.points if psnr >= level), None) for level in SHOWN]
        cells = ["-" if t is None else f"{t:.0f} s" for t in reached]
        lines.append(f"| {name} | {speed:,.0f} | {clock.points[-1][1]:.2f} | {' | '.join(cells)} |")
    levels = " | ".join(f"{level} dB after" for level in SHOWN)
    print(f"| {seconds:.0f} s each | sub-images/s | Set5 x3 at the end | {levels} |")
    print("|---|---:|---:|---:|---:|", *lines, sep="\n")
    plot(curves, ROOT / "benchmarks/training.png")


if __name__ == "__main__":
    benchmark(
        Path(sys.argv[1] if len(sys.argv) > 1 else "."), float(sys.argv[2]) if len(sys.argv) > 2 else 90.0
    )
