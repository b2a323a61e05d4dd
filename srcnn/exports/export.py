"""Trained weights in other formats: the authors' .mat, ONNX, FFmpeg's .model, safetensors, a SavedModel."""

import json
import struct
import tempfile
from pathlib import Path

import numpy as np
import safetensors.numpy

from model import conv2d, in_blocks
from srcnn import tf1
from srcnn.networks.weight_files import NATIVE, SETTINGS
from srcnn.system import windows
from srcnn.system.errors import InputError, needing
from srcnn.system.writing import replacing
from srcnn.tf1 import tf

BLOCK = 4  # side of the blocks of pixels that the last layer of a SavedModel computes, see `model.in_blocks`


def check_export(path, network):
    """Raises InputError if the format that a path asks for cannot hold a network, or cannot be written."""
    if path.suffix not in ("", *WRITERS):
        raise InputError(
            f"--export {path}: take .safetensors, .onnx, .mat, .model, or no ending for a SavedModel folder"
        )
    if path.suffix == ".mat" and (len(network.kernels) != 3 or network.c_dim != 1):
        raise InputError(
            f"--export {path}: the authors' layout has three layers and one channel; take .onnx or a folder"
        )
    if path.suffix == ".model" and network.c_dim != 1:
        raise InputError(f"--export {path}: FFmpeg's filter is of luminance; take .onnx or a folder")
    if path.suffix == ".onnx":
        with needing("onnx", f"--export {path}"):
            import onnx  # noqa: F401


def write_weights(srcnn, path, settings, overwrite=False):
    """Writes a network in the format that the path asks for by its ending; none is for a SavedModel folder.

    settings: a dict of plain values that the file keeps, but for .model, which has no place for them.
    overwrite: of a file; raises InputError if there is one and it is False.
    """
    values = srcnn.sess.run(srcnn.variables)
    text = json.dumps(settings)
    if path.suffix:
        with replacing(path, overwrite=overwrite) as temporary:
            WRITERS[path.suffix](values, temporary, text)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, ignore_cleanup_errors=True) as folder:
            _write_saved_model(values, Path(folder) / "model", text)
            windows.replace(Path(folder) / "model", path)  # fails where another is there by now


def _write_mat(values, path, settings):
    """The authors' layout, which `read_weights` and their MATLAB code read."""
    import scipy.io

    mat = {SETTINGS: settings}
    for i in (1, 2, 3):
        kernel = values[f"w{i}"]
        pixels = kernel.reshape(-1, *kernel.shape[2:], order="F")  # (kh * kw, cin, cout), column by column
        mat[f"weights_conv{i}"] = {1: pixels[:, 0], 2: pixels.transpose(1, 0, 2), 3: pixels[..., 0].T}[i]
        mat[f"biases_conv{i}"] = values[f"b{i}"][:, np.newaxis]
    scipy.io.savemat(path, mat)


def _write_onnx(values, path, settings):
    """`images` (n, c, h, w) to `pred` of the same shape, edges repeated."""
    from onnx import TensorProto, helper, numpy_helper, save

    last = len(values) // 2
    padding = sum(values[f"w{i}"].shape[0] - 1 for i in range(1, last + 1)) // 2
    constants = {"pads": np.array([0, 0, padding, padding] * 2)}
    nodes, x = [helper.make_node("Pad", ["images", "pads"], ["padded"], mode="edge")], "padded"
    for i in range(1, last + 1):
        constants[f"w{i}"] = values[f"w{i}"].transpose(3, 2, 0, 1)
        constants[f"b{i}"] = values[f"b{i}"]
        output = "pred" if i == last else f"conv{i}"
        size = values[f"w{i}"].shape[:2]  # OpenCV 4.8 does not take it from the kernel
        nodes.append(helper.make_node("Conv", [x, f"w{i}", f"b{i}"], [output], kernel_shape=size))
        if i < last:
            nodes.append(helper.make_node("Relu", [output], [f"relu{i}"]))
            x = f"relu{i}"
    shape = ["n", values["w1"].shape[2], "h", "w"]
    graph = helper.make_graph(
        nodes,
        "SRCNN",
        *([helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name in ("images", "pred")),
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {SETTINGS: settings})
    save(model, str(path))


def _write_native(values, path, _):
    """For the native backend of FFmpeg up to 6.0: from `x`, what bicubic enlarged, to `y` of the same size.

    The whole of it are little-endian numbers of 32 bits: a version; for each layer its kind and settings, its
    kernel as (out, h, w, in), biases, and the operands that it reads and writes; the operands; their numbers.
    """
    convolution, clamp_to_edge, relu, linear = 1, 2, 0, 3
    to_read, to_write, floats = 1, 2, 1
    last = len(values) // 2
    file = [NATIVE, struct.pack("<2i", 1, 23)]
    for i in range(1, last + 1):
        kernel = values[f"w{i}"]
        size, _, inputs, outputs = kernel.shape
        activation = linear if i == last else relu
        numbers = (
            convolution,
            1,
            clamp_to_edge,
            activation,
            inputs,
            outputs,
            size,
            1,
        )  # not dilated, with biases
        arrays = kernel.transpose(3, 0, 1, 2), values[f"b{i}"]
        file += [struct.pack("<8i", *numbers), *(array.astype("<f4").tobytes() for array in arrays)]
        file.append(struct.pack("<2i", i - 1, i))
    for i in range(last + 1):
        name = b"y" if i == last else b"x" if i == 0 else b"layer%d" % i
        use = to_read if i == 0 else to_write if i == last else to_read | to_write
        channels = values["w1"].shape[2] if i == 0 else values[f"w{i}"].shape[3]
        shape = 1, -1, -1, channels  # of any height and width
        file += [struct.pack("<2i", i, len(name)), name, struct.pack("<6i", use, floats, *shape)]
    file.append(struct.pack("<2i", last, last + 1))
    path.write_bytes(b"".join(file))


def _write_safetensors(values, path, settings):
    """`conv1.weight` (out, in, h, w), `conv1.bias` and so on, as PyTorch has them."""
    tensors = {}
    for i in range(1, len(values) // 2 + 1):
        tensors[f"conv{i}.weight"] = np.ascontiguousarray(values[f"w{i}"].transpose(3, 2, 0, 1))
        tensors[f"conv{i}.bias"] = values[f"b{i}"]
    path.write_bytes(safetensors.numpy.save(tensors, {"format": "pt", SETTINGS: settings}))


def _write_saved_model(values, folder, settings):
    """`serving_default` maps `images` (n, h, w, c_dim) to `pred` of that shape, edges repeated."""
    *first, last = range(1, len(values) // 2 + 1)
    padding = sum(values[f"w{i}"].shape[0] - 1 for i in (*first, last)) // 2
    with tf1.session() as session:
        images = x = tf.placeholder(tf.float32, [None, None, None, values["w1"].shape[2]], name="images")
        _, h, w, _ = tf.unstack(tf.shape(images))
        for axis, n in (1, h), (2, w):  # and beyond the padding, to whole blocks; tf.pad forgets the channels
            places = tf.range(-padding, n + -n % BLOCK + padding)
            x = tf.gather(x, tf.clip_by_value(places, 0, n - 1), axis=axis)
        for i in first:
            x = tf.nn.relu(tf.nn.bias_add(conv2d(x, values[f"w{i}"]), values[f"b{i}"]))
        kernel = in_blocks(values[f"w{last}"], BLOCK)
        x = tf.nn.bias_add(conv2d(x, kernel, BLOCK), values[f"b{last}"])
        pred = tf.identity(x[:, :h, :w], name="pred")
        tf.saved_model.simple_save(session, str(folder), {"images": images}, {"pred": pred})
    extra = folder / "assets.extra"  # TensorFlow's place for files of the user's
    extra.mkdir()
    (extra / "settings.json").write_text(settings + "\n", "ascii", newline="\n")


WRITERS = {
    ".mat": _write_mat,
    ".model": _write_native,
    ".onnx": _write_onnx,
    ".safetensors": _write_safetensors,
}
