"""The .model file of the native backend of FFmpeg's filter `dnn_processing`, up to FFmpeg 6.0."""

import struct
from pathlib import Path

import numpy as np

from srcnn.networks.network import Network
from srcnn.networks.weight_files import NATIVE
from srcnn.system.errors import InputError

CONVOLUTION, CLAMP_TO_EDGE, RELU, LINEAR = 1, 2, 0, 3
TO_READ, TO_WRITE, FLOATS = 1, 2, 1
DILATION, HAS_BIASES = 1, 1


def check(path: Path, network: Network) -> None:
    if network.c_dim != 1:
        raise InputError(f"--export {path}: FFmpeg's filter works on luminance; use .onnx or a folder")


def write(values: dict[str, np.ndarray], path: Path, settings: str, network: Network) -> None:
    """From `x`, what bicubic enlarged, to `y` of the same size. There is no place for settings.

    The whole of it are little-endian numbers of 32 bits: a version; for each layer its kind and settings, its
    kernel as (out, h, w, in), biases, and the operands that it reads and writes; the operands; their numbers.
    """
    last = len(values) // 2
    file = [NATIVE, struct.pack("<2i", 1, 23)]
    for i in range(1, last + 1):
        kernel = values[f"w{i}"]
        size, _, inputs, outputs = kernel.shape
        activation = LINEAR if i == last else RELU
        numbers = CONVOLUTION, DILATION, CLAMP_TO_EDGE, activation, inputs, outputs, size, HAS_BIASES
        arrays = kernel.transpose(3, 0, 1, 2), values[f"b{i}"]
        file += [struct.pack("<8i", *numbers), *(array.astype("<f4").tobytes() for array in arrays)]
        file.append(struct.pack("<2i", i - 1, i))
    for i in range(last + 1):
        name = b"y" if i == last else b"x" if i == 0 else b"layer%d" % i
        use = TO_READ if i == 0 else TO_WRITE if i == last else TO_READ | TO_WRITE
        channels = values["w1"].shape[2] if i == 0 else values[f"w{i}"].shape[3]
        shape = 1, -1, -1, channels  # of any height and width
        file += [struct.pack("<2i", i, len(name)), name, struct.pack("<6i", use, FLOATS, *shape)]
    file.append(struct.pack("<2i", last, last + 1))
    path.write_bytes(b"".join(file))
