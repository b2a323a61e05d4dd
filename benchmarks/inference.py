"""Speed of one network, the shipped 9-1-5 x3, in this project and elsewhere: luminance in, luminance out.

    python -m benchmarks.inference [SIDE ...]: of square images, by default 512, 1024 and 4096 pixels

Two threads each, every peer in a process of its own, in turns. What is not installed is left out: onnxruntime
(with onnx), openvino, torch, cv2. `ONEDNN_MAX_CPU_ISA=AVX2` keeps TensorFlow, PyTorch and the matrix product
to AVX2 on a processor with AVX-512; ONNX Runtime, OpenVINO and OpenCV know no such limit.
"""

import functools
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.machine import heading
from benchmarks.peers import Peer, serve

ROOT = Path(__file__).parent.parent
THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
SIZES = 512, 1024, 4096
OPERATIONS = 2 * (81 * 64 + 64 * 32 + 32 * 25)  # of a pixel
LARGEST = {"PyTorch": 1024**2, "OpenCV dnn": 1024**2}  # with 4096x4096, PyTorch ran out of 24 GB
OURS, LIMIT, MARGIN = "this project", "matrix product", 12
PRODUCT = 4096  # side of its matrices
ROUNDS = 7
OPEN = ExitStack()  # for as long as a peer lives


def edged(image):
    padding = MARGIN // 2
    return np.pad(image, ((padding, padding), (padding, padding), (0, 0)), mode="edge")


def in_channels(run):
    """A function of (h, w, 1) from one of (1, 1, h, w)."""
    return lambda image: run(image.transpose(2, 0, 1)[np.newaxis])[0].transpose(1, 2, 0)


def shipped():
    """The network and the folder of its weights."""
    from srcnn.networks.network import Network
    from srcnn.networks.trained import SHIPPED

    return Network(), SHIPPED / Network().name


def this_project(folder):
    """As `--is_train False` computes an image: tiles, merging."""
    from main import trained
    from srcnn import tf1
    from srcnn.pixels.tiles import super_resolve

    sess = OPEN.enter_context(tf1.session())
    return functools.partial(super_resolve, trained(sess, *shipped()))


def plain_graph(folder):
    from srcnn import tf1
    from srcnn.networks.weight_files import weights_of

    network, path = shipped()
    values, _ = weights_of(path, network)
    tf = tf1.tf
    sess = OPEN.enter_context(tf1.session())
    images = x = tf.placeholder(tf.float32, [None, None, None, 1])
    for i in (1, 2, 3):
        x = tf.nn.conv2d(x, values[f"w{i}"], strides=1, padding="VALID") + values[f"b{i}"]
        x = tf.nn.relu(x) if i < 3 else x
    return lambda image: sess.run(x, {images: edged(image)[np.newaxis]})[0]


def onnx_runtime(folder):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(folder / "x3.onnx", options, providers=["CPUExecutionProvider"])
    return in_channels(lambda image: session.run(None, {"images": image})[0])


def openvino(folder):
    import openvino

    options = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(folder / "x3.onnx", "CPU", options)
    return in_channels(lambda image: model({"images": image})["pred"])


def pytorch(folder, is_last=False, is_compiled=False, is_half=False):
    """is_last: channels are the last dimension in memory. is_half: in bfloat16."""
    import torch

    torch.set_num_threads(THREADS)
    layers, values = [], np.load(folder / "weights.npz")
    for i in (1, 2, 3):
        kernel = torch.from_numpy(values[f"w{i}"].transpose(3, 2, 0, 1).copy())
        layer = torch.nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2])
        layer.weight.data, layer.bias.data = kernel, torch.from_numpy(values[f"b{i}"])
        layers += [layer, torch.nn.ReLU()]
    kind = {"memory_format": torch.channels_last if is_last else torch.contiguous_format}
    kind["dtype"] = torch.bfloat16 if is_half else torch.float32
    network = torch.nn.Sequential(torch.nn.ReplicationPad2d(MARGIN // 2), *layers[:-1]).eval().to(**kind)
    network = torch.compile(network) if is_compiled else network

    def run(image):
        with torch.inference_mode():
            return network(torch.from_numpy(image.copy()).to(**kind)).float().numpy()

    return in_channels(run)


def opencv(folder):
    import cv2

    cv2.setNumThreads(THREADS)
    network = cv2.dnn.readNetFromONNX(str(folder / "x3.onnx"))

    def run(image):
        network.setInput(image)
        return network.forward()

    return in_channels(run)


def product(folder):
    """A large matrix product: the limit of what the machine can do in fp32."""
    a = np.random.default_rng(0).random((PRODUCT, PRODUCT)).astype(np.float32)

    def run(image):
        a @ a

    return run


PEERS = {
    OURS: this_project,
    "TensorFlow, plain graph": plain_graph,
    "ONNX Runtime": onnx_runtime,
    "OpenVINO": openvino,
    "PyTorch": pytorch,
    "PyTorch, channels last": functools.partial(pytorch, is_last=True),
    "PyTorch, compiled": functools.partial(pytorch, is_last=True, is_compiled=True),
    "PyTorch, bfloat16": functools.partial(pytorch, is_last=True, is_half=True),
    "OpenCV dnn": opencv,
    LIMIT: product,
}


class Served:
    """A peer, as its process serves it."""

    def __init__(self, name, folder):
        self.name, self.run = name, PEERS[name](folder)
        self.run(np.zeros((32, 32, 1), np.float32))

    def ready(self):
        return True

    def seconds(self, path):
        """Seconds for the image of a file; the result is saved beside it."""
        image = np.load(path)
        result = self.run(image)
        if result is not None:
            np.save(Path(path).with_name(f"{self.name}.npy"), result)
        return best(functools.partial(self.run, image))


def best(run):
    """Seconds of the fastest of some runs."""
    times = []
    while len(times) < 2 or sum(times) < 0.4:
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times)


def start(name, folder):
    """A peer in a process of its own; None, which is said, where it is not installed."""
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS), "OPENBLAS_NUM_THREADS": str(THREADS)}
    # What some machines set for old versions of OpenBLAS would keep the product to AVX2.
    environment = {key: value for key, value in environment.items() if key[:11] != "OPENBLAS_CO"}
    if os.environ.get("ONEDNN_MAX_CPU_ISA") == "AVX2":
        environment |= {"OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2"}
    log = folder / f"{name}.log"
    with open(log, "w", encoding="utf-8") as errors:
        peer = Peer(
            "-m", "benchmarks.inference", "--serve", name, folder, env=environment, stderr=errors, cwd=ROOT
        )
    try:
        peer.call("ready")
    except RuntimeError:
        print(f"left out: {name}: {log.read_text(encoding='utf-8').splitlines()[-1]}", file=sys.stderr)
        return None
    return peer


def prepared(folder):
    """Writes the weights as the peers take them."""
    from main import trained
    from srcnn import tf1
    from srcnn.exports.export import write_weights
    from srcnn.system.errors import InputError

    with tf1.session() as sess:
        srcnn = trained(sess, *shipped())
        np.savez(folder / "weights.npz", **sess.run(srcnn.variables))
        try:
            write_weights(srcnn, folder / "x3.onnx", {})
        except InputError as error:
            print(f"without ONNX: {error}", file=sys.stderr)


def measure(peers, n, folder):
    """Median Mpixel/s of each peer for an n x n image; in turns: the machine's speed changes."""
    from srcnn.pixels import resize

    small = np.random.default_rng(n).random((n // 4, n // 4, 1))
    np.save(folder / "image.npy", resize.enlarge(small, 4, "matlab").astype(np.float32))
    pixels = {name: n * n for name in peers if n * n <= LARGEST.get(name.partition(",")[0], n * n)}
    pixels[LIMIT] = 2 * PRODUCT**3 / OPERATIONS
    seconds = {name: [] for name in pixels}
    for _ in range(ROUNDS):
        for name, times in seconds.items():
            times.append(peers[name].call("seconds", str(folder / "image.npy")))
        print(n, {name: f"{times[-1]:.4f}" for name, times in seconds.items()}, file=sys.stderr)
    expected = np.load(folder / f"{OURS}.npy")
    for name in set(pixels) - {LIMIT}:
        error = np.abs(np.load(folder / f"{name}.npy") - expected).max()
        assert error < 1e-4 or "bfloat16" in name, (name, error)
    return {name: pixels[name] / 1e6 / np.median(times) for name, times in seconds.items()}


def benchmark(sizes):
    print(heading(THREADS, "onnxruntime", "openvino", "torch", "opencv-python-headless") + "\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        prepared(folder)
        peers = {name: peer for name in PEERS if (peer := start(name, folder))}
        speeds = [measure(peers, n, folder) for n in sizes]
    for peer in peers.values():
        peer.process.kill()
    print("| Mpixel/s | " + " | ".join(f"{n}x{n}" for n in sizes) + " | ours is faster by |")
    print("|---|" + "---:|" * (len(sizes) + 1))
    for name in [name for name in peers if name != LIMIT]:
        cells = [f"{row[name]:.1f}" if name in row else "-" for row in speeds]
        ratios = [f"{row[OURS] / row[name]:.2f}" if name in row else "-" for row in speeds]
        print(f"| {name} | {' | '.join(cells)} | {'' if name == OURS else ', '.join(ratios)} |")
    limit = np.median([row[LIMIT] for row in speeds])
    shares = ", ".join(f"{row[OURS] / row[LIMIT]:.0%}" for row in speeds)
    print(f"\nThe same operations as a matrix product: {limit:.1f} Mpixel/s, of which ours is {shares}.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Served(sys.argv[2], Path(sys.argv[3])))
    else:
        benchmark([int(side) for side in sys.argv[1:]] or SIZES)
