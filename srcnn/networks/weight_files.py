"""Files of trained weights: checkpoints of this project and of the reference, the authors' .mat."""

import hashlib
import io
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from srcnn.networks import conditioning
from srcnn.networks.checkpoint_files import data_of, index_of, latest_checkpoint, prefix_of
from srcnn.networks.network import Network, dashed
from srcnn.system.errors import InputError, first_line
from srcnn.system.own_files import check_regular, json_object
from srcnn.tf1 import tf

RELEASED = 2, 3, 4  # scales of the weights that the authors and the reference implementation released
ON_TRUST = "scale", "degradation"  # what shapes do not tell and a file may leave unsaid
SWELLING = 8  # values for each byte of a file: fewer than one without compression
LARGEST = 1000  # of a weight; those of this project are below 7
MAT_PROCESS = Path(__file__).with_name("mat_process.py")
NATIVE = b"FFMPEGDNNNATIVE"  # how a .model file begins
SETTINGS = "srcnn_settings"  # in a .mat file, beside the authors' fields; in metadata of other formats


def read_weights(path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """All arrays of a file of weights, by name, and the settings it was made with.

    path: the prefix of a checkpoint (V2; naming one of its files works too), a checkpoint in one
    file (V1), a folder of checkpoints (the latest is taken), a .mat file of the authors, or .safetensors as
    `export` writes them.
    Returns a dict of `w1` (kh, kw, cin, cout), `b1` (cout,) and so on, and a dict of plain values,
    empty where the file has none. Raises InputError if it is no such file.
    """
    suffix = Path(path).suffix
    if suffix in (".mat", ".safetensors"):
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file")
        values = _read_mat(path) if suffix == ".mat" else _read_safetensors(path)
    elif _is_export(Path(path)):
        raise InputError(f"{path}: is an export for other programs; name the checkpoint it was made from")
    else:
        reader = open_checkpoint(path)
        names = reader.get_variable_to_shape_map()
        values = {name: tensor_of(path, reader, name) for name in names}
    return values, settings_of(path, values.pop("settings", b"{}"))


def settings_of(path: str | Path, text: str | bytes) -> dict[str, Any]:
    """The settings that a file of weights has, from their text. Raises InputError if that is damaged."""
    try:
        return json_object(text)
    except (ValueError, TypeError) as error:  # or they are no text
        raise InputError(f"{path}: its settings cannot be read; use another checkpoint") from error


def checkpoint_settings(path: str | Path, reader: Any) -> dict[str, Any]:
    """The settings that a checkpoint has, by its reader; empty where it has none."""
    has_settings = "settings" in reader.get_variable_to_shape_map()
    return settings_of(path, tensor_of(path, reader, "settings")) if has_settings else {}


def _is_export(path):
    if path.suffix == ".onnx" or path.name == "saved_model.pb" or (path / "saved_model.pb").exists():
        return True
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(NATIVE)) == NATIVE


def open_checkpoint(path: str | Path) -> Any:
    """TensorFlow's reader of a checkpoint, see `read_weights`."""
    prefix = prefix_of(path)
    try:
        if Path(prefix).is_dir():
            prefix = latest_checkpoint(prefix) or prefix
        if not (Path(prefix).is_file() or index_of(prefix).is_file()):
            raise InputError(
                f"{path}: is not a checkpoint; give the prefix of one, or a .mat or .safetensors file"
            )
        files = [path for path in (Path(prefix), index_of(prefix)) if path.is_file()] + data_of(prefix)
        for file in files:
            check_regular(file)
        reader = tf.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map().values()
        check_swelling(sum(map(math.prod, shapes)), sum(file.stat().st_size for file in files))
        return reader
    except InputError:
        raise
    except Exception as error:  # the readers raise nearly everything on damaged files
        raise _unreadable(path, error) from error


def check_swelling(count: int, size: int) -> None:
    """Raises ValueError if arrays of so many values cannot be what a file of so many bytes has."""
    if count > SWELLING * size:
        raise ValueError(f"claims to hold {count:,} values in {size:,} bytes")


def _unreadable(path, error):
    return InputError(f"{path}: cannot be read as a checkpoint ({first_line(error)}); use another one")


def tensor_of(path: str | Path, reader: Any, name: str) -> Any:
    """A tensor of a checkpoint. Raises InputError if it is damaged."""
    try:
        return reader.get_tensor(name)
    except Exception as error:
        raise _unreadable(path, error) from error


def check_settings(path: str | Path, settings: dict[str, Any], expected: dict[str, Any]) -> None:
    """Raises InputError if a checkpoint says that it was made with other settings."""
    differing = [
        f"other {name}" if name in ("images", "weights") else f"{name} {settings[name]} (now {value})"
        for name, value in expected.items()
        if name in settings and settings[name] != value
    ]
    if differing:
        raise InputError(f"{path}: was trained with {', '.join(differing)}; change the flags or the folder")


def weights_of(path: str | Path, network: Network) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """w1, b1, ... of a network from a file, see `read_weights`, and the settings that it has.

    Raises InputError if their shapes are not those of the network, its settings others, or it does not say
    its scale and none that was released has this one.
    """
    values, settings = read_weights(path)
    quality = network.quality if "quality" not in settings else None
    if quality is not None:
        network = network._replace(quality=None)
    elif network.quality and settings["quality"] != network.quality:
        only = settings["quality"]
        raise InputError(f"{path}: is for JPEG quality {only} only; add --quality {only}")
    check_settings(path, settings, network.settings)
    if missing := [name for name in network.shapes if name not in values]:
        raise InputError(f"{path}: has no {', '.join(missing)}, so it belongs to another network")
    if f"w{len(network.kernels) + 1}" in values:
        raise InputError(f"{path}: has more layers than --filters {network.filters}; change the flag")
    for name, shape in network.shapes.items():
        if getattr(values[name], "dtype", np.dtype(object)).kind != "f":
            raise InputError(f"{path}: {name} does not hold real numbers; use another checkpoint")
        if values[name].shape != shape:
            raise InputError(
                f"{path}: {name} has the shape {values[name].shape}, but --filters {network.filters} "
                f"with --channels {dashed(network.channels)} and --c_dim {network.c_dim} needs {shape}"
            )
        if not np.isfinite(values[name]).all():
            raise InputError(f"{path}: {name} has values that are not finite; use another checkpoint")
        if np.abs(values[name]).max() > LARGEST:
            raise InputError(f"{path}: {name} has values beyond {LARGEST:,}; use another checkpoint")
    if "scale" not in settings and network.scale not in RELEASED:
        raise InputError(
            f"{path}: does not record its scale, and the authors released no weights for "
            f"--scale {network.scale}; use one of {RELEASED}"
        )
    values = {name: values[name] for name in network.shapes}
    return values if quality is None else conditioning.folded(values, quality), settings


def unsaid(settings: dict[str, Any], network: Network) -> str:
    """What a file of weights does not say of itself and is taken from the flags, in words; may be empty."""
    names = [name for name in ON_TRUST if name not in settings]
    return ", ".join(f"{name} {getattr(network, name)}" for name in names)


def digest(values: dict[str, np.ndarray]) -> str:
    """What tells weights from others: a hash of w1, b1, ..., in hexadecimal."""
    found = hashlib.sha256()
    for name in sorted(values):
        found.update(name.encode() + values[name].tobytes())
    return found.hexdigest()[:16]


def _read_mat(path):
    """The authors' layout: kernels as columns, pixels column by column, as MATLAB stores them."""
    try:
        mat = _mat_arrays(path)
        if any(np.iscomplexobj(value) for value in mat.values()):
            raise ValueError("complex numbers")
        w1, w2, w3 = (np.asarray(mat[f"weights_conv{i}"], np.float32) for i in (1, 2, 3))
        biases = [np.asarray(mat[f"biases_conv{i}"], np.float32).ravel() for i in (1, 2, 3)]
        w2 = w2.reshape(w1.shape[1], -1, len(biases[1]))
        kernels = [w1[:, np.newaxis], w2.transpose(1, 0, 2), w3.T[..., np.newaxis]]  # pixels, in, out
        values: dict[str, Any] = {}
        for i, (kernel, bias) in enumerate(zip(kernels, biases, strict=True), 1):
            size = math.isqrt(len(kernel))
            values[f"w{i}"] = kernel.reshape(size, size, *kernel.shape[1:], order="F")
            values[f"b{i}"] = bias
        if SETTINGS in mat:
            values["settings"] = str(np.asarray(mat[SETTINGS]).item())
        return values
    except KeyError as error:
        raise InputError(
            f"{path}: has no {error.args[0]}, so it is not in the layout of the authors' weights"
        ) from error
    except Exception as error:  # so do scipy's
        raise InputError(f"{path}: cannot be read as a .mat file ({first_line(error)})") from error


def _mat_arrays(path):
    """The arrays of a .mat file by name, read by a process that may end in the middle of it, see there."""
    command = [sys.executable, "-P", MAT_PROCESS, path]
    done = subprocess.run(
        [*map(os.fspath, command), str(SWELLING)], stdin=subprocess.DEVNULL, capture_output=True
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines() if done.returncode == 1 else []
        raise ValueError(lines[-1] if lines else "it is damaged")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as arrays:
        return dict(arrays)


def _read_safetensors(path):
    """PyTorch's layout: `conv1.weight` (out, in, h, w), `conv1.bias` and so on."""
    values: dict[str, Any] = {}
    try:
        with safetensors.safe_open(path, "np") as file:
            for name in file.keys():  # noqa: SIM118
                if found := re.fullmatch(r"conv(\d)\.(weight|bias)", name):
                    tensor = file.get_tensor(name).astype(np.float32)
                    kernel = tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor
                    values[f"{found[2][0]}{found[1]}"] = kernel
            values["settings"] = (file.metadata() or {}).get(SETTINGS, "{}")
        return values
    except Exception as error:  # so do its
        raise InputError(f"{path}: cannot be read as safetensors ({first_line(error)})") from error
