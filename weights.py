"""Files of trained weights: checkpoints of this project and of the reference, the authors' .mat."""

import math
import os
import re
from pathlib import Path

import numpy as np
import scipy.io
import tensorflow.compat.v1 as tf

from errors import InputError, first_line
from writing import replacing

NAMES = ("w1", "b1", "w2", "b2", "w3", "b3")


def read_weights(path):
    """All arrays of a file of weights, by name: `w1` (kh, kw, cin, cout), `b1` (cout,) and so on.

    path: the prefix of a checkpoint (V2; naming one of its files works too), a checkpoint in one
    file (V1), a folder of checkpoints (the latest is taken), or a .mat file of the authors.
    Raises InputError if it is none of these.
    """
    values = _read_mat(path) if str(path).endswith(".mat") else _read_checkpoint(path)
    missing = [name for name in NAMES if name not in values]
    if missing:
        raise InputError(f"{path}: has no {', '.join(missing)}; not a checkpoint of SRCNN")
    return values


def _read_checkpoint(path):
    prefix = re.sub(r"\.(index|meta|data-\d+-of-\d+)$", "", str(path))
    if os.path.isdir(prefix):
        prefix = latest_checkpoint(prefix) or prefix
    if not (os.path.isfile(prefix) or os.path.isfile(prefix + ".index")):
        raise InputError(f"{path}: no checkpoint there; give the prefix of one, or a .mat file")
    try:
        reader = tf.train.load_checkpoint(prefix)
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    except Exception as error:  # the readers raise nearly everything on damaged files
        raise InputError(f"{path}: not a checkpoint that can be read ({first_line(error)})") from error


def latest_checkpoint(folder):
    """The prefix of the newest checkpoint in a folder, or None."""
    try:
        path = tf.train.latest_checkpoint(str(folder))
    except ValueError:
        path = None
    if not path:  # the list of checkpoints is damaged or missing
        steps = [p.stem[12:] for p in Path(folder).glob("SRCNN.model-*.index")]
        steps = [int(step) for step in steps if step.isdecimal()]
        path = str(Path(folder) / f"SRCNN.model-{max(steps)}") if steps else None
    return path


def _read_mat(path):
    """The authors' layout: kernels as columns, pixels column by column, as MATLAB stores them."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    try:
        mat = scipy.io.loadmat(path)
        if any(np.iscomplexobj(value) for value in mat.values()):
            raise ValueError("complex numbers")
        w1, w2, w3 = (np.asarray(mat[f"weights_conv{i}"], np.float32) for i in (1, 2, 3))
        biases = [np.asarray(mat[f"biases_conv{i}"], np.float32).ravel() for i in (1, 2, 3)]
        w2 = w2.reshape(w1.shape[1], -1, len(biases[1]))
        kernels = [w1[:, np.newaxis], w2.transpose(1, 0, 2), w3.T[..., np.newaxis]]  # pixels, in, out
        values = {}
        for i, (kernel, bias) in enumerate(zip(kernels, biases, strict=True), 1):
            size = math.isqrt(len(kernel))
            values[f"w{i}"] = kernel.reshape(size, size, *kernel.shape[1:], order="F")
            values[f"b{i}"] = bias
        return values
    except KeyError as error:
        raise InputError(
            f"{path}: has no {error.args[0]}; not weights as the authors released them"
        ) from error
    except Exception as error:  # so do scipy's
        raise InputError(f"{path}: not a .mat file that can be read ({first_line(error)})") from error


def write_mat(values, path):
    """Writes w1 to b3 in the authors' layout, which `read_weights` and their MATLAB code read."""
    mat = {}
    for i in (1, 2, 3):
        kernel = values[f"w{i}"]
        pixels = kernel.reshape(-1, *kernel.shape[2:], order="F")  # (kh * kw, cin, cout), column by column
        mat[f"weights_conv{i}"] = {1: pixels[:, 0], 2: pixels.transpose(1, 0, 2), 3: pixels[..., 0].T}[i]
        mat[f"biases_conv{i}"] = values[f"b{i}"][:, np.newaxis]
    with replacing(path) as temporary:
        scipy.io.savemat(temporary, mat)


def write_onnx(values, path):
    """Writes the network as ONNX: `images` (n, c, h, w) to `pred` of the same shape, edges repeated."""
    try:
        from onnx import TensorProto, helper, numpy_helper, save
    except ImportError as error:
        raise InputError(f"--export {path}: needs a package more: pip install onnx") from error

    channels = values["w1"].shape[2]
    padding = sum(values[f"w{i}"].shape[0] - 1 for i in (1, 2, 3)) // 2
    constants = {"pads": np.array([0, 0, padding, padding] * 2)}
    nodes, x = [helper.make_node("Pad", ["images", "pads"], ["padded"], mode="edge")], "padded"
    for i in (1, 2, 3):
        constants[f"w{i}"] = values[f"w{i}"].transpose(3, 2, 0, 1)
        constants[f"b{i}"] = values[f"b{i}"]
        output = "pred" if i == 3 else f"conv{i}"
        nodes.append(helper.make_node("Conv", [x, f"w{i}", f"b{i}"], [output]))
        if i < 3:
            nodes.append(helper.make_node("Relu", [output], [f"relu{i}"]))
            x = f"relu{i}"
    shape = ["n", channels, "h", "w"]
    graph = helper.make_graph(
        nodes,
        "SRCNN",
        *([helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name in ("images", "pred")),
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    with replacing(path) as temporary:
        save(model, str(temporary))
