"""Files of trained weights: checkpoints of this project and of the reference, the authors' .mat."""

import hashlib
import json
import math
import re
from pathlib import Path

import numpy as np
import safetensors

from srcnn.networks import conditioning
from srcnn.networks.network import dashed
from srcnn.settings import Source
from srcnn.system.errors import InputError, first_line
from srcnn.tf1 import tf

SHIPPED = Path(__file__).parents[2] / "checkpoint" / "shipped"
RELEASED = 2, 3, 4  # scales of the weights that the authors and the reference implementation released
ON_TRUST = "scale", "degradation"  # what shapes do not tell and a file may leave unsaid
NATIVE = b"FFMPEGDNNNATIVE"  # how a .model file begins
SETTINGS = "srcnn_settings"  # in a .mat file, beside the authors' fields; in metadata of other formats


def read_weights(path):
    """All arrays of a file of weights, by name, and the settings it was made with.

    path: the prefix of a checkpoint (V2; naming one of its files works too), a checkpoint in one
    file (V1), a folder of checkpoints (the latest is taken), a .mat file of the authors, or .safetensors as
    `export` writes them.
    Returns a dict of `w1` (kh, kw, cin, cout), `b1` (cout,) and so on, and a dict of plain values,
    empty where the file has none. Raises InputError if it is no such file.
    """
    if str(path).endswith(".mat"):
        values = _read_mat(path)
    elif str(path).endswith(".safetensors"):
        values = _read_safetensors(path)
    elif _is_export(Path(path)):
        raise InputError(f"{path}: an export for other programs; name the checkpoint that it was made from")
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


def _is_export(path):
    if path.suffix == ".onnx" or path.name == "saved_model.pb" or (path / "saved_model.pb").exists():
        return True
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(NATIVE)) == NATIVE


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
        raise _unreadable(path, error) from error


def _unreadable(path, error):
    return InputError(f"{path}: not a checkpoint that can be read ({first_line(error)}); take another")


def _tensor(path, reader, name):
    try:
        return reader.get_tensor(name)
    except Exception as error:
        raise _unreadable(path, error) from error


def check_settings(path, settings, expected):
    """Raises InputError if a checkpoint says that it was made with other settings."""
    differing = [
        f"other {name}" if name in ("images", "weights") else f"{name} {settings[name]} (now {value})"
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
    if Path(folder).is_dir():
        next(Path(folder).iterdir(), None)  # PermissionError, instead of passing over one's own
    try:
        path = tf.train.latest_checkpoint(str(folder))
    except (ValueError, tf.errors.OpError):
        path = None
    if not path:  # the list of checkpoints is damaged or missing
        prefixes = [p.with_suffix("") for p in Path(folder).glob("SRCNN.model-*.index")]
        steps = [int(p.name[12:]) for p in prefixes if p.name[12:].isdecimal() and is_whole(p)]
        path = str(Path(folder) / f"SRCNN.model-{max(steps)}") if steps else None
    return path


def own_or_shipped(network, checkpoint_dir):
    """The newest checkpoint of a network: trained in checkpoint_dir, else shipped; or None."""
    own = latest_checkpoint(Path(checkpoint_dir) / network.name)
    return own or latest_checkpoint(SHIPPED / network.name)


def find_known(network, checkpoint_dir, path):
    """The shipped file of weights if path is 'shipped', one's own or else the shipped one if it is None."""
    return latest_checkpoint(SHIPPED / network.name) if path else own_or_shipped(network, checkpoint_dir)


def find_weights(network, checkpoint_dir, path=None):
    """The file of weights to use: a path as it is, 'shipped', or by default one's own, else the shipped one.

    Raises InputError if there is none.
    """
    if path and path != "shipped":
        return str(path)
    found = find_known(network, checkpoint_dir, path)
    if not found:
        unneeded = ("quality",) if network.c_dim > 1 else ("quality", "colour")
        said = {name: value for name, value in network.settings.items() if name not in unneeded}
        flags = " ".join(f"--{name} {value}" for name, value in said.items())
        where = "shipped weights" if path else f"checkpoint in {checkpoint_dir}"
        raise InputError(
            f"no {where} for {flags}; train one with --is_train True, or name a file by --weights"
        )
    return found


def weights_of(path, network):
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
        raise InputError(f"{path}: is for quality {only} alone; add --quality {only}")
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
    values = {name: values[name] for name in network.shapes}
    return values if quality is None else conditioning.folded(values, quality), settings


def restore(srcnn, path):
    """Gives a network, model.SRCNN, the weights of a file that are for it, from which it then computes.

    Raises InputError if there are none.
    """
    values, settings = weights_of(path, srcnn.network)
    srcnn.set(values)
    srcnn.freeze()
    srcnn.source, srcnn.settings, srcnn.digest = path, settings, digest(values)
    srcnn.on_trust = unsaid(settings, srcnn.network)


def at_quality(srcnn, quality):
    """Makes a network that was restored the one for JPEG of another quality."""
    if srcnn.network.quality != quality:
        srcnn.network = srcnn.network._replace(quality=quality)
        restore(srcnn, srcnn.source)


def unsaid(settings, network):
    """What a file of weights does not say of itself and is taken from the flags, in words; may be empty."""
    names = [name for name in ON_TRUST if name not in settings]
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
    import scipy.io

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


def _read_safetensors(path):
    """PyTorch's layout: `conv1.weight` (out, in, h, w), `conv1.bias` and so on."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    values = {}
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
        raise InputError(f"{path}: not safetensors that can be read ({first_line(error)})") from error


def say_trust(path, on_trust):
    if on_trust:
        print(f"{path}: does not say what it was trained for; {on_trust} is taken on trust")


def starting_weights(network, source: Source, folder):
    """w1, b1, ... of --weights, from which a training in a folder starts; None without. It is said."""
    own, values = latest_checkpoint(folder), None
    if source.weights:
        path = find_weights(network, source.checkpoint_dir, source.weights)
        path = (latest_checkpoint(path) or path) if Path(path).is_dir() else path
        if Path(path).parent.resolve() == folder.resolve():
            raise InputError(
                f"--weights {path}: is where this training writes; name another --checkpoint_dir"
            )
        values, settings = weights_of(path, network)
        say_trust(path, unsaid(settings, network))
    if own:
        print(f"goes on from {own}")
    elif source.weights:
        print(f"starts from {path}")
    return values
