"""Files of trained weights: checkpoints of this project and of the reference, the authors' .mat; exports."""

import hashlib
import json
import math
import re
import shutil
import struct
import tempfile
from pathlib import Path

import numpy as np
import scipy.io
import tensorflow.compat.v1 as tf

from errors import InputError, first_line
from network import dashed
from writing import replacing

SHIPPED = Path(__file__).parent / "checkpoint" / "shipped"
RELEASED = 2, 3, 4  # scales of the weights that the authors and the reference implementation released
SETTINGS = "srcnn_settings"  # in a .mat file, beside the authors' fields; in ONNX metadata


def read_weights(path):
    """All arrays of a file of weights, by name, and the settings it was made with.

    path: the prefix of a checkpoint (V2; naming one of its files works too), a checkpoint in one
    file (V1), a folder of checkpoints (the latest is taken), or a .mat file of the authors.
    Returns a dict of `w1` (kh, kw, cin, cout), `b1` (cout,) and so on, and a dict of plain values,
    empty where the file has none. Raises InputError if it is no such file.
    """
    if str(path).endswith(".mat"):
        values = _read_mat(path)
    else:
        reader = open_checkpoint(path)
        names = reader.get_variable_to_shape_map()
        values = {name: _tensor(path, reader, name) for name in names}
    text = values.pop("settings", b"{}")
    try:
        settings = json.loads(text)
        if not isinstance(settings, dict):
            raise ValueError
    except ValueError as error:
        raise InputError(f"{path}: its settings cannot be read; take another checkpoint") from error
    return values, settings


def open_checkpoint(path):
    """TensorFlow's reader of a checkpoint, see `read_weights`."""
    prefix = re.sub(r"\.(index|meta|data-\d+-of-\d+)$", "", str(path))
    if Path(prefix).name == "checkpoint" and Path(prefix).is_file():  # the list of a folder
        prefix = str(Path(prefix).parent)
    try:
        if Path(prefix).is_dir():
            prefix = latest_checkpoint(prefix) or prefix
        if not (Path(prefix).is_file() or Path(f"{prefix}.index").is_file()):
            raise InputError(f"{path}: no checkpoint there; give the prefix of one, or a .mat file")
        return tf.train.load_checkpoint(prefix)
    except InputError:
        raise
    except Exception as error:  # the readers raise nearly everything on damaged files
        raise InputError(f"{path}: not a checkpoint that can be read ({first_line(error)})") from error


def _tensor(path, reader, name):
    try:
        return reader.get_tensor(name)
    except Exception as error:
        raise InputError(f"{path}: not a checkpoint that can be read ({first_line(error)})") from error


def check_settings(path, settings, expected):
    """Raises InputError if a checkpoint says that it was made with other settings."""
    differing = [
        f"{name} {settings[name]} (now {value})"
        for name, value in expected.items()
        if name in settings and settings[name] != value
    ]
    if differing:
        raise InputError(f"{path}: was trained with {', '.join(differing)}; change the flags or the folder")


def is_whole(prefix):
    """Whether all files of a checkpoint are there."""
    prefix = Path(prefix)
    parts = {p.name.partition(".data-")[2] for p in prefix.parent.glob("*.data-*") if _is_of(p, prefix)}
    shards = {int(part[9:]) for part in parts}
    return Path(f"{prefix}.index").is_file() and len(shards) == 1 and len(parts) == shards.pop()


def _is_of(path, prefix):
    return bool(re.fullmatch(re.escape(prefix.name) + r"\.data-\d{5}-of-\d{5}", path.name))


def latest_checkpoint(folder):
    """The prefix of the newest checkpoint in a folder, the one that its list names first; or None."""
    try:
        path = tf.train.latest_checkpoint(str(folder))
    except (ValueError, tf.errors.OpError):
        path = None
    if not path:  # the list of checkpoints is damaged or missing
        prefixes = [p.with_suffix("") for p in Path(folder).glob("SRCNN.model-*.index")]
        steps = [int(p.name[12:]) for p in prefixes if p.name[12:].isdecimal() and is_whole(p)]
        path = str(Path(folder) / f"SRCNN.model-{max(steps)}") if steps else None
    return path


def has_weights(network, checkpoint_dir):
    """The newest checkpoint of a network: trained in checkpoint_dir, else shipped; or None."""
    own = latest_checkpoint(Path(checkpoint_dir) / network.name)
    return own or latest_checkpoint(SHIPPED / network.name)


def find_weights(network, checkpoint_dir, path=None):
    """The file of weights to use: a path as it is, 'shipped', or by default one's own, else the shipped one.

    Raises InputError if there is none.
    """
    if path and path != "shipped":
        return str(path)
    found = latest_checkpoint(SHIPPED / network.name) if path else has_weights(network, checkpoint_dir)
    if not found:
        flags = " ".join(f"--{name} {value}" for name, value in network.settings.items() if name != "colour")
        where = "shipped weights" if path else f"checkpoint in {checkpoint_dir}"
        raise InputError(f"no {where} for {flags}; train one with --is_train True, or give --weights")
    return found


def weights_of(path, network):
    """w1, b1, ... of a network from a file, see `read_weights`, and the settings that it has.

    Raises InputError if their shapes are not those of the network, its settings others, or it does not say
    its scale and none that was released has this one.
    """
    values, settings = read_weights(path)
    check_settings(path, settings, network.settings)
    if missing := [name for name in network.shapes if name not in values]:
        raise InputError(f"{path}: has no {', '.join(missing)}; not a checkpoint of this network")
    if f"w{len(network.kernels) + 1}" in values:
        raise InputError(f"{path}: has more layers than --filters {network.filters}")
    for name, shape in network.shapes.items():
        if values[name].shape != shape:
            raise InputError(
                f"{path}: {name} has the shape {values[name].shape}, but --filters {network.filters} "
                f"with --channels {dashed(network.channels)} and --c_dim {network.c_dim} needs {shape}"
            )
        if not np.isfinite(values[name]).all():
            raise InputError(f"{path}: {name} is not finite; take another checkpoint")
    if "scale" not in settings and network.scale not in RELEASED:
        raise InputError(
            f"{path}: does not say its scale, and no released weights are for --scale {network.scale}; "
            f"take one of {RELEASED}"
        )
    return {name: values[name] for name in network.shapes}, settings


def unsaid(settings, network):
    """What a file of weights does not say of itself and is taken from the flags, in words; may be empty."""
    names = [name for name in ("scale", "degradation") if name not in settings]
    return ", ".join(f"{name} {getattr(network, name)}" for name in names)


def digest(values):
    """What tells weights from others: a hash of w1, b1, ..., in hexadecimal."""
    found = hashlib.sha256()
    for name in sorted(values):
        found.update(name.encode() + values[name].tobytes())
    return found.hexdigest()[:16]


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
        if SETTINGS in mat:
            values["settings"] = str(np.asarray(mat[SETTINGS]).item())
        return values
    except KeyError as error:
        raise InputError(
            f"{path}: has no {error.args[0]}; not weights as the authors released them"
        ) from error
    except Exception as error:  # so do scipy's
        raise InputError(f"{path}: not a .mat file that can be read ({first_line(error)})") from error


def check_export(path, network):
    """Raises InputError if the format that a path asks for cannot hold a network."""
    if path.suffix not in ("", ".mat", ".model", ".onnx"):
        raise InputError(f"--export {path}: take .mat, .onnx, .model, or no ending for a SavedModel folder")
    if path.suffix == ".mat" and (len(network.kernels) != 3 or network.c_dim != 1):
        raise InputError(
            f"--export {path}: the authors' layout has three layers and one channel; take .onnx or a folder"
        )


def write_weights(srcnn, path, settings):
    """Writes a network in the format that the path asks for: .mat, .onnx, .model, or a SavedModel folder.

    settings: a dict of plain values that the file keeps, but for .model, which has no place for them.
    """
    values = srcnn.sess.run(srcnn.variables)
    text = json.dumps(settings)
    if path.suffix == ".mat":
        _write_mat(values, path, text)
    elif path.suffix == ".onnx":
        _write_onnx(values, path, text)
    elif path.suffix == ".model":
        _write_native(values, path)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            _write_saved_model(srcnn, Path(folder) / "model", text)
            shutil.move(Path(folder) / "model", path)


def _write_mat(values, path, settings):
    """The authors' layout, which `read_weights` and their MATLAB code read."""
    mat = {SETTINGS: settings}
    for i in (1, 2, 3):
        kernel = values[f"w{i}"]
        pixels = kernel.reshape(-1, *kernel.shape[2:], order="F")  # (kh * kw, cin, cout), column by column
        mat[f"weights_conv{i}"] = {1: pixels[:, 0], 2: pixels.transpose(1, 0, 2), 3: pixels[..., 0].T}[i]
        mat[f"biases_conv{i}"] = values[f"b{i}"][:, np.newaxis]
    with replacing(path) as temporary:
        scipy.io.savemat(temporary, mat)


def _write_onnx(values, path, settings):
    """`images` (n, c, h, w) to `pred` of the same shape, edges repeated."""
    try:
        from onnx import TensorProto, helper, numpy_helper, save
    except ImportError as error:
        raise InputError(f"--export {path}: needs a package more: pip install onnx") from error

    last = len(values) // 2
    padding = sum(values[f"w{i}"].shape[0] - 1 for i in range(1, last + 1)) // 2
    constants = {"pads": np.array([0, 0, padding, padding] * 2)}
    nodes, x = [helper.make_node("Pad", ["images", "pads"], ["padded"], mode="edge")], "padded"
    for i in range(1, last + 1):
        constants[f"w{i}"] = values[f"w{i}"].transpose(3, 2, 0, 1)
        constants[f"b{i}"] = values[f"b{i}"]
        output = "pred" if i == last else f"conv{i}"
        nodes.append(helper.make_node("Conv", [x, f"w{i}", f"b{i}"], [output]))
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
    with replacing(path) as temporary:
        save(model, str(temporary))


def _write_native(values, path):
    """For the native backend of FFmpeg up to 6.0: from `x`, what bicubic enlarged, to `y` of the same size.

    The whole of it are little-endian numbers of 32 bits: a version; for each layer its kind and settings, its
    kernel as (out, h, w, in), biases, and the operands that it reads and writes; the operands; their numbers.
    """
    convolution, clamp_to_edge, relu, linear = 1, 2, 0, 3
    to_read, to_write, floats = 1, 2, 1
    last = len(values) // 2
    file = [b"FFMPEGDNNNATIVE", struct.pack("<2i", 1, 23)]
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
    with replacing(path) as temporary:
        temporary.write_bytes(b"".join(file))


def _write_saved_model(srcnn, folder, settings):
    """`serving_default` maps `images` (n, h, w, c_dim) to `pred` of that shape."""
    frozen = tf.graph_util.convert_variables_to_constants(
        srcnn.sess, srcnn.sess.graph.as_graph_def(), [srcnn.pred.op.name]
    )
    padding = srcnn.network.margin // 2
    with tf.Graph().as_default(), tf.Session() as session:
        images = x = tf.placeholder(tf.float32, srcnn.images.shape, name="images")
        for axis in (1, 2):  # edge pixels repeated
            n = tf.shape(images)[axis]
            x = tf.gather(x, tf.clip_by_value(tf.range(-padding, n + padding), 0, n - 1), axis=axis)
        (pred,) = tf.import_graph_def(frozen, {srcnn.images.name: x}, [srcnn.pred.name], name="")
        tf.saved_model.simple_save(session, str(folder), {"images": images}, {"pred": pred})
    extra = folder / "assets.extra"  # TensorFlow's place for files of the user's
    extra.mkdir()
    (extra / "settings.json").write_text(settings + "\n")
