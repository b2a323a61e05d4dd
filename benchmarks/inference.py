"""Speed of one network, the shipped 9-1-5 x3, in this project and elsewhere: luminance in, luminance out.

    python benchmarks/inference.py

Two threads each. Peers that are not installed are left out: onnxruntime (with onnx), torch, cv2.
"""

import copy
import functools
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

THREADS = 2
os.environ["OMP_NUM_THREADS"] = str(THREADS)

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import tf1  # noqa: E402
import utils  # noqa: E402
import weights  # noqa: E402
from errors import InputError  # noqa: E402
from evaluate import super_resolve  # noqa: E402
from export import write_weights  # noqa: E402
from model import trained  # noqa: E402
from network import Network  # noqa: E402

tf = tf1.tf

SIZES = 512, 1024, 4096
OPERATIONS = 2 * (81 * 64 + 64 * 32 + 32 * 25)  # of a pixel
LARGEST = {"PyTorch": 1024**2, "OpenCV dnn": 1024**2}  # with 4096x4096, PyTorch ran out of 24 GB
OURS, LIMIT, MARGIN = "this project", "matrix product", 12
ROUNDS = 7


def edged(image):
    padding = MARGIN // 2
    return np.pad(image, ((padding, padding), (padding, padding), (0, 0)), mode="edge")


def weights_of(srcnn):
    """w1, b1, ... by name."""
    return srcnn.sess.run(srcnn.variables)


def this_project(srcnn, folder):
    """As `--is_train False` computes an image: tiles, batches, merging."""
    yield OURS, functools.partial(super_resolve, srcnn)


def plain_graph(srcnn, folder):
    values = weights_of(srcnn)
    images = x = tf.placeholder(tf.float32, [None, None, None, 1])
    for i in (1, 2, 3):
        x = tf.nn.conv2d(x, values[f"w{i}"], strides=1, padding="VALID") + values[f"b{i}"]
        x = tf.nn.relu(x) if i < 3 else x
    yield "TensorFlow, plain graph", lambda image: srcnn.sess.run(x, {images: edged(image)[np.newaxis]})[0]


def onnx_runtime(srcnn, folder):
    import onnxruntime

    write_weights(srcnn, folder / "x3.onnx", {})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(folder / "x3.onnx", options, providers=["CPUExecutionProvider"])

    def run(image):
        return session.run(None, {"images": image.transpose(2, 0, 1)[np.newaxis]})[0][0].transpose(1, 2, 0)

    yield "ONNX Runtime", run


def pytorch(srcnn, folder):
    import torch

    torch.set_num_threads(THREADS)
    layers, values = [], weights_of(srcnn)
    for i in (1, 2, 3):
        kernel = torch.from_numpy(values[f"w{i}"].transpose(3, 2, 0, 1).copy())
        layer = torch.nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2])
        layer.weight.data, layer.bias.data = kernel, torch.from_numpy(values[f"b{i}"])
        layers += [layer, torch.nn.ReLU()]
    plain = torch.nn.Sequential(torch.nn.ReplicationPad2d(MARGIN // 2), *layers[:-1]).eval()

    def runner(network, memory_format=torch.contiguous_format, dtype=torch.float32):
        def run(image):
            x = torch.from_numpy(image.transpose(2, 0, 1)[np.newaxis].copy())
            with torch.inference_mode():
                y = network(x.to(dtype=dtype, memory_format=memory_format))
            return y.float()[0].numpy().transpose(1, 2, 0)

        return run

    yield "PyTorch", runner(plain)
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    yield "PyTorch, channels last", runner(last, torch.channels_last)
    yield "PyTorch, compiled", runner(torch.compile(last), torch.channels_last)
    half = copy.deepcopy(plain).to(dtype=torch.bfloat16, memory_format=torch.channels_last)
    yield "PyTorch, bfloat16", runner(half, torch.channels_last, torch.bfloat16)


def opencv(srcnn, folder):
    import cv2

    cv2.setNumThreads(THREADS)
    write_weights(srcnn, folder / "x3.onnx", {})
    network = cv2.dnn.readNetFromONNX(str(folder / "x3.onnx"))

    def run(image):
        network.setInput(image.transpose(2, 0, 1)[np.newaxis])
        return network.forward()[0].transpose(1, 2, 0)

    yield "OpenCV dnn", run


def product():
    """A large matrix product: the limit of what the machine can do in fp32."""
    a = np.random.default_rng(0).random((4096, 4096)).astype(np.float32)
    return lambda: a @ a


def best(run):
    """Seconds of the fastest of some runs, after one to warm up."""
    run()
    times = []
    while len(times) < 2 or sum(times) < 0.4:
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


def peers(srcnn, folder):
    runs = {}
    for peer in (this_project, plain_graph, onnx_runtime, pytorch, opencv):
        try:
            runs.update(peer(srcnn, folder))
        except (ImportError, InputError) as error:
            print(f"left out: {error}", file=sys.stderr)
    return runs


def measure(runs, n):
    """Median Mpixel/s of each peer for an n x n image; in turns: the machine's speed changes."""
    small = np.random.default_rng(n).random((n // 4, n // 4, 1))
    image = utils.enlarge(small, 4, "matlab").astype(np.float32)
    expected = runs[OURS](image)
    timed = {}
    for name, run in runs.items():
        if image.size <= LARGEST.get(name.partition(",")[0], image.size):
            error = np.abs(run(image) - expected).max()
            assert error < 1e-4 or "bfloat16" in name, (name, error)
            timed[name] = image.size, functools.partial(run, image)
    timed[LIMIT] = 2 * 4096**3 / OPERATIONS, product()
    seconds = {name: [] for name in timed}
    for _ in range(ROUNDS):
        for name, (_, run) in timed.items():
            seconds[name].append(best(run))
        print(n, {name: f"{times[-1]:.4f}" for name, times in seconds.items()}, file=sys.stderr)
    return {name: pixels / 1e6 / np.median(seconds[name]) for name, (pixels, _) in timed.items()}


def benchmark():
    print(f"{processor()}, {THREADS} threads, TensorFlow {tf.__version__}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder, tf1.session() as sess:
        srcnn = trained(sess, Network(), weights.SHIPPED / Network().name)
        runs = peers(srcnn, Path(folder))
        speeds = [measure(runs, n) for n in SIZES]
    print("| Mpixel/s | " + " | ".join(f"{n}x{n}" for n in SIZES) + " | ours is faster by |")
    print("|---|" + "---:|" * (len(SIZES) + 1))
    for name in runs:
        cells = [f"{row[name]:.1f}" if name in row else "-" for row in speeds]
        ratios = [f"{row[OURS] / row[name]:.2f}" if name in row else "-" for row in speeds]
        print(f"| {name} | {' | '.join(cells)} | {'' if name == OURS else ', '.join(ratios)} |")
    limit = np.median([row[LIMIT] for row in speeds])
    shares = ", ".join(f"{row[OURS] / row[LIMIT]:.0%}" for row in speeds)
    print(f"\nThe same operations as a matrix product: {limit:.1f} Mpixel/s, of which ours is {shares}.")


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except OSError:
        return platform.processor()


if __name__ == "__main__":
    benchmark()
