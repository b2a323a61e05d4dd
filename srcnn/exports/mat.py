"""The .mat file of the authors' release, which `read_weights` and their MATLAB code read."""

from pathlib import Path

import numpy as np

from srcnn.networks.network import Network
from srcnn.networks.weight_files import SETTINGS
from srcnn.system.errors import InputError


def check(path: Path, network: Network) -> None:
    if len(network.kernels) != 3 or network.c_dim != 1:
        raise InputError(
            f"--export {path}: the authors' layout has three layers and one channel; use .onnx or a folder"
        )


def write(values: dict[str, np.ndarray], path: Path, settings: str, network: Network) -> None:
    """`weights_conv1` (pixels, out), `weights_conv2` (in, pixels, out), `weights_conv3` (in, pixels)."""
    import scipy.io

    mat: dict[str, object] = {SETTINGS: settings}
    for i in (1, 2, 3):
        kernel = values[f"w{i}"]
        pixels = kernel.reshape(-1, *kernel.shape[2:], order="F")  # (kh * kw, cin, cout), column by column
        mat[f"weights_conv{i}"] = {1: pixels[:, 0], 2: pixels.transpose(1, 0, 2), 3: pixels[..., 0].T}[i]
        mat[f"biases_conv{i}"] = values[f"b{i}"][:, np.newaxis]
    scipy.io.savemat(path, mat)
