"""safetensors in PyTorch's layout: `conv1.weight` (out, in, h, w), `conv1.bias` and so on."""

from pathlib import Path

import numpy as np
import safetensors.numpy

from srcnn.networks.network import Network
from srcnn.networks.weight_files import SETTINGS


def write(values: dict[str, np.ndarray], path: Path, settings: str, network: Network) -> None:
    tensors = {}
    for i in range(1, len(values) // 2 + 1):
        tensors[f"conv{i}.weight"] = np.ascontiguousarray(values[f"w{i}"].transpose(3, 2, 0, 1))
        tensors[f"conv{i}.bias"] = values[f"b{i}"]
    path.write_bytes(safetensors.numpy.save(tensors, {"format": "pt", SETTINGS: settings}))
