"""One machine against two, as processes on the loopback with a core each; and what follows for more.

    python benchmarks/cluster.py [folder of training images, default Train]

Needs Linux, with `taskset` and two cores that nothing else works on. They take turns. Training is timed from
the end of its first epoch to that of its last, enlarging with the start of the program.
"""

import csv
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from network import Network  # noqa: E402

ROUNDS = 3
EPOCHS = 3
BATCH, IMAGE_SIZE, LABEL_SIZE = 128, 33, 21
MACHINES = [2**n for n in range(9)]
GIGABITS = 1, 10, 100


def start(core, *words):
    words = ["taskset", "-c", core, sys.executable, ROOT / "main.py", *words]
    return subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL)


def finish(processes):
    for process in processes:
        if process.wait():
            raise SystemExit(process.returncode)


def free_hosts(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ",".join(f"127.0.0.1:{port}" for port in ports)


def training(train_dir, folder, count):
    """Seconds of a step with that many machines."""
    words = ["--train_dir", train_dir, "--checkpoint_dir", folder, "--epoch", EPOCHS]
    places = [[]]
    if count > 1:
        places = [["--worker_hosts", free_hosts(count), "--timeout", 120]] * count
    finish([start(i, *words, *more, *(["--task_index", i] if more else [])) for i, more in enumerate(places)])
    (curve,) = folder.rglob("training.csv")
    with open(curve, newline="") as file:
        rows = list(csv.DictReader(file))
    first, last = rows[0], rows[-1]
    return (float(last["seconds"]) - float(first["seconds"])) / (int(last["step"]) - int(first["step"]))


def enlarging(images, folder, count):
    """Seconds of enlarging a folder with that many machines."""
    words = ["--is_train", "False", "--input", images, "--sample_dir", folder, "--scale", 2]
    started = time.monotonic()
    finish([start(i, *words, "--shard", f"{i + 1}/{count}") for i in range(count)])
    return time.monotonic() - started


def in_turns(measure):
    """Medians of one machine and of two."""
    found = [[measure(turn, count) for count in (1, 2)] for turn in range(ROUNDS)]
    return [median(values) for values in zip(*found, strict=True)]


def sent(machines, batch=BATCH):
    """Bytes that the chief sends in a step: shares of the batch to the others, and the weights to each."""
    sub_image = 4 * (IMAGE_SIZE**2 + LABEL_SIZE**2)
    return batch * sub_image * (machines - 1) / machines, (machines - 1) * 4 * weights()


def weights():
    total = 0
    for shape in Network().shapes.values():
        count = 1
        for size in shape:
            count *= size
        total += count
    return total


def table(one, overhead, batch):
    """How many times as fast as one machine, by machines and gigabits a second.

    one: seconds of a step of this batch on one machine. overhead: seconds for each machine more, which the
    chief spends one after another.
    """
    speeds = " | ".join(f"{gigabits} Gbit/s" for gigabits in GIGABITS)
    print(f"\n| {batch} in a batch, machines | MB sent in a step | {speeds} |")
    print("|---:|---:|" + "---:|" * len(GIGABITS))
    for machines in MACHINES:
        size = sum(sent(machines, batch))
        times = [one / machines + overhead * (machines - 1) + size * 8 / (g * 1e9) for g in GIGABITS]
        print(f"| {machines} | {size / 1e6:.2f} | {' | '.join(f'{one / t:.1f}' for t in times)} |")


def benchmark(train_dir):
    with tempfile.TemporaryDirectory() as name:
        numbers = itertools.count()

        def place():
            return Path(name) / str(next(numbers))

        one, two = in_turns(lambda _, count: training(train_dir, place(), count))
        overhead = max(0, two - one / 2)
        ratio = one / two
        print(
            f"a step of training: {one * 1e3:.1f} ms on one core, {two * 1e3:.1f} on two: {ratio:.2f} times"
        )
        batch, each = (size / 1e6 for size in sent(2))
        print(
            f"{overhead / two:.0%} of it is not the work itself: to send {batch:.2f} MB of the batch and "
            f"{each:.2f} MB of weights, to receive as much of gradients, and to wait"
        )
        one_enlarges, two_enlarge = in_turns(lambda _, count: enlarging(train_dir, place(), count))
        print(f"enlarging: {one_enlarges:.1f} s, {two_enlarge:.1f} s: {one_enlarges / two_enlarge:.2f} times")
    for size in (BATCH, 8 * BATCH):
        table(one * size / BATCH, overhead, size)


if __name__ == "__main__":
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("two cores are needed")
    benchmark(Path(sys.argv[1] if len(sys.argv) > 1 else "Train").resolve())
