"""One machine against two, as processes on the loopback with a core each; and what follows for more.

    python -m benchmarks.cluster [folder of training images, default Train]

Needs Linux, with `taskset` and two cores that nothing else works on. They take turns. A step of training is
timed after its first 500, when the curvature is renewed as seldom as in most of a training. What a step does
beside its convolutions is timed part by part. The table adds up those parts and what the wire takes.
"""

import csv
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from benchmarks.machine import heading

ROOT = Path(__file__).parent.parent

ROUNDS = 3
FIRST_EPOCH, LAST_EPOCH = 4, 6  # timed from the end of one to that of the other: steps 680 to 1,020
BATCH = 128
SIZES = BATCH, 8 * BATCH  # of batches in the tables
MACHINES = [2**n for n in range(9)]
GIGABITS = 1, 10, 100
PHOTOGRAPHS, SIDES = 12, (1500, 1000)
COUNT = 5  # machines between which messages are timed
PAIR = 33**2 + 21**2  # values of a sub-image and its label


@contextmanager
def started(commands):
    """Processes, a core for each as far as there are any; what still runs in the end is killed."""
    processes = []
    try:
        for number, words in enumerate(commands):
            core = str(number % 2)
            words = ["taskset", "-c", core, sys.executable, *map(str, words)]
            env = {**os.environ, "PYTHONPATH": str(ROOT)}
            processes.append(
                subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
            )
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def finish(processes):
    for process in processes:
        process.communicate()
        if process.returncode:
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
    words = [ROOT / "main.py", "--train_dir", train_dir, "--checkpoint_dir", folder, "--epoch", LAST_EPOCH]
    commands = [words]
    if count > 1:
        hosts = free_hosts(count)
        more = "--worker_hosts", hosts, "--timeout", 120, "--task_index"
        commands = [[*words, *more, task] for task in range(count)]
    with started(commands) as processes:
        finish(processes)
    (curve,) = folder.rglob("training.csv")
    with open(curve, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first, last = rows[FIRST_EPOCH - 1], rows[LAST_EPOCH - 1]
    return (float(last["seconds"]) - float(first["seconds"])) / (int(last["step"]) - int(first["step"]))


def enlarging(images, folder, count):
    """Seconds of enlarging a folder with that many machines."""
    words = [ROOT / "main.py", "--is_train", "False", "--input", images, "--sample_dir", folder, "--scale", 2]
    began = time.monotonic()
    with started([[*words, "--shard", f"{i + 1}/{count}"] for i in range(count)]) as processes:
        finish(processes)
    return time.monotonic() - began


def photographs(folder, number, width, height):
    """A folder of generated images."""
    folder.mkdir()
    y, x = np.mgrid[:height, :width]
    for i in range(number):
        pixels = np.stack([x * 7 + i, y * 5, (x + y) // 26 * 3], 2).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


def in_turns(measure):
    """Medians of one machine and of two."""
    found = [[measure(turn, count) for count in (1, 2)] for turn in range(ROUNDS)]
    return [median(values) for values in zip(*found, strict=True)]


def seconds(sess, fetches, feed=None):
    """Median of forty runs after the first ones."""
    found = []
    for _ in range(45):
        began = time.perf_counter()
        sess.run(fetches, feed)
        found.append(time.perf_counter() - began)
    return median(found[5:])


def trips(tf1, target, count):
    """Seconds of a step's messages with that many machines: empty, weights and gradients, the batch, too."""
    from model import SRCNN
    from srcnn.training.towers import flatten, sent

    tf = tf1.tf
    with tf1.cluster_session(target, range(count)) as sess:
        weights = flatten(SRCNN(sess).variables.values())
        batch = tf.placeholder(tf.float32, [None])
        empty, gradients, both = [], [], []
        for task in range(1, count):
            device = tf1.device_of(task)
            with tf.device(tf1.device_of(0)):
                (alone,), _ = sent([weights], device)
                (beside, share), _ = sent([weights, batch], device)
            with tf.device(device):
                empty.append(tf.random.uniform([]))
                gradients.append(alone * 1.5)
                both.append(beside * tf.reduce_mean(share))
        sess.run(tf.global_variables_initializer())
        feed = {batch: np.zeros(BATCH * PAIR // count, np.float32)}
        with tf.device(tf1.device_of(0)):
            kinds = empty, gradients, both
            sums = [tf.add_n([tf.reduce_sum(tensor) for tensor in kind]) for kind in kinds]
        return [seconds(sess, total, feed) for total in sums]


def step_parts(tf1):
    """Seconds on one machine of a step, of what in it are not gradients, and of a refresh."""
    from model import DEFAULT, SRCNN

    tf = tf1.tf
    with tf1.session() as sess:
        srcnn = SRCNN(sess, DEFAULT, "identity")
        plain = [srcnn.loss, *tf.gradients(srcnn.loss, list(srcnn.variables.values()), gate_gradients=True)]
        srcnn.build_descent("kfac")
        sess.run(tf.global_variables_initializer())
        x = np.random.default_rng(0).random((BATCH, 33, 33, 1))
        y = x[:, 6:-6, 6:-6]
        feed = {srcnn.images: x, srcnn.labels: y, srcnn.learning_rate: 1e-4}
        step = seconds(sess, [srcnn.loss, srcnn.train_op], feed)
        others = step - seconds(sess, plain, feed)
        return step, others, seconds(sess, srcnn.refresh, {srcnn.images: x[:16], srcnn.labels: y[:16]})


def machine(hosts, task):
    """One of the processes between which parts of a step are timed, and printed as JSON by the first."""
    from srcnn import tf1
    from srcnn.cluster.cluster_spec import Cluster

    target = tf1.serve(Cluster(tuple(hosts.split(",")), task))
    if task:
        sys.stdin.read()
    else:
        found = {count: trips(tf1, target, count) for count in range(2, COUNT + 1)}
        print(json.dumps({"trips": found, "step": step_parts(tf1)}))


def traffic(machines, batch):
    """Bytes that the chief sends and receives in a step: batch, weights, gradients, at times factors."""
    from srcnn.networks.network import Network
    from srcnn.training.loop import LATER_STEPS

    shapes = Network().shapes
    weights = 4 * sum(int(np.prod(shape)) for shape in shapes.values())
    kernels = [shape for name, shape in shapes.items() if name.startswith("w")]
    factors = 4 * sum((np.prod(k[:3]) + 1) ** 2 + k[3] ** 2 for k in kernels) / LATER_STEPS
    sent = batch * 4 * PAIR * (machines - 1) / machines + (machines - 1) * weights
    return sent, (machines - 1) * (weights + factors)


def parts():
    """Seconds of messages by number of machines, and of what the chief does alone."""
    hosts = free_hosts(COUNT)
    commands = [["-m", "benchmarks.cluster", "machine", hosts, task] for task in range(COUNT)]
    with started(commands) as processes:
        output = processes[0].stdout.read()
    if not output:
        raise SystemExit("the parts of a step could not be timed")
    return json.loads(output)


def table(step, alone, refresh, each, batch):
    """How many times as fast as one machine, by machines and gigabits a second.

    step: seconds of a step of BATCH on one machine. alone: those of it that the chief spends by itself,
    whatever the batch. refresh: those of a refresh, spread over the steps. each: of messages, for a machine.
    """
    speeds = " | ".join(f"{gigabits} Gbit/s" for gigabits in GIGABITS)
    print(f"\n| {batch:,} in a batch, machines | MB out and in, a step | {speeds} |")
    print("|---:|---:|" + "---:|" * len(GIGABITS))
    work = (step - alone - refresh) * batch / BATCH
    one = work + alone + refresh
    for machines in MACHINES:
        out, back = traffic(machines, batch)
        fixed = work / machines + alone + refresh + each * (machines - 1)
        times = [fixed + max(out, back) * 8 / (g * 1e9) for g in GIGABITS]
        cells = " | ".join(f"{one / t:.1f}" for t in times)
        print(f"| {machines} | {out / 1e6:.2f}, {back / 1e6:.2f} | {cells} |")


def benchmark(train_dir):
    from srcnn.training.loop import LATER_STEPS

    print(f"{heading()}\nA core each.\n")
    found = parts()
    messages = {int(count): values for count, values in found["trips"].items()}
    print("| ms of a step's messages, machines | none | weights and gradients | and the batch |")
    print("|---:|---:|---:|---:|")
    for count, values in messages.items():
        print(f"| {count} | {' | '.join(f'{1e3 * value:.2f}' for value in values)} |")
    each = (messages[COUNT][2] - messages[2][2]) / (COUNT - 2)
    step, alone, refresh = found["step"]
    print(f"\nEach machine more adds {1e3 * each:.2f} ms.")
    print(
        f"Of a step of {1e3 * step:.1f} ms on one core {1e3 * alone:.1f} ms are not gradients; "
        f"a refresh takes {1e3 * refresh:.0f} ms every {LATER_STEPS} steps."
    )
    with tempfile.TemporaryDirectory() as name:
        numbers = itertools.count()

        def place():
            return Path(name) / str(next(numbers))

        one, two = in_turns(lambda _, count: training(train_dir, place(), count))
        print(
            f"\nTraining: {one * 1e3:.1f} ms a step on one core, {two * 1e3:.1f} on two, "
            f"{one / two:.2f} times as fast. Messages take {messages[2][2] / two:.0%} of that."
        )
        large, tiny = photographs(place(), PHOTOGRAPHS, *SIDES), photographs(place(), 2, 16, 16)
        one_enlarges, two_enlarge = in_turns(lambda _, count: enlarging(large, place(), count))
        start, _ = in_turns(lambda _, count: enlarging(tiny, place(), count))
        without = (one_enlarges - start) / (two_enlarge - start)
        print(
            f"Enlarging {PHOTOGRAPHS} photographs: {one_enlarges:.1f} s, {two_enlarge:.1f} s: "
            f"{one_enlarges / two_enlarge:.2f} times, {without:.2f} without the {start:.1f} s of the start."
        )
    for size in SIZES:
        table(one, alone, refresh / LATER_STEPS, each, size)


if __name__ == "__main__":
    if sys.argv[1:2] == ["machine"]:
        machine(sys.argv[2], int(sys.argv[3]))
        sys.exit()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("This benchmark needs two cores.")
    benchmark(Path(sys.argv[1] if len(sys.argv) > 1 else "Train").resolve())
