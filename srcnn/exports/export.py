"""Trained weights in other formats: the table of formats, each of which has a module of its own here."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from srcnn.exports import ffmpeg, glsl, mat, onnx, safetensors, saved_model
from srcnn.networks.network import Network
from srcnn.networks.weight_files import ON_TRUST
from srcnn.system import windows
from srcnn.system.atomic_write import made, replacing
from srcnn.system.errors import InputError, first_line
from srcnn.system.output_paths import check_apart, check_writable, naming
from srcnn.tf1 import tf


class Format(NamedTuple):
    """A file format of weights.

    write: called with w1, b1, ... by name, a path, the settings as JSON, which the file keeps if it can, and
        the Network.
    check: called with a path and a Network; raises InputError if a file cannot hold that, or not be written.
    """

    write: Callable[[dict[str, np.ndarray], Path, str, Network], None]
    check: Callable[[Path, Network], None] = lambda path, network: None


FORMATS = {
    ".glsl": Format(glsl.write, glsl.check),
    ".mat": Format(mat.write, mat.check),
    ".model": Format(ffmpeg.write, ffmpeg.check),
    ".onnx": Format(onnx.write, onnx.check),
    ".safetensors": Format(safetensors.write),
}
PAGE = ".html"  # of several networks, see web/page.py
ENLARGING = {".glsl": "a shader", PAGE: "the page"}  # what degrades or converts nothing itself


def check_export(path: Path, network: Network) -> None:
    """Raises InputError if the format that a path asks for cannot hold a network, or cannot be written."""
    endings = PAGE, *FORMATS
    if path.name.lower() in endings:
        raise InputError(f"--export {path}: is an extension without a name; name a file")
    if path.suffix and path.suffix not in endings:
        raise InputError(f"--export {path}: use {', '.join(endings)}, or no extension for a SavedModel")
    if path.suffix in ENLARGING and (network.c_dim != 1 or network.degradation == "zoom"):
        leave_out = "--c_dim 3" if network.c_dim != 1 else "--degradation zoom"
        what = f"{ENLARGING[path.suffix]} enlarges luminance from bicubic inputs"
        raise InputError(f"--export {path}: {what}; leave out {leave_out}")
    if path.suffix in FORMATS:
        FORMATS[path.suffix].check(path, network)


def check_target(path: Path, network: Network, weights: str | None, overwrite: bool) -> None:
    """Raises InputError, before the work, if an export cannot be written, or must not be; see `check_export`.

    weights: the file of weights that the user named, if so. overwrite: whether a file may be replaced.
    """
    check_export(path, network)
    if os.path.lexists(path) and not (overwrite and path.is_file() and path.suffix):
        way = ", or add --overwrite" if path.is_file() and path.suffix else ""
        raise InputError(f"--export {path}: already exists; choose another name{way}")
    check_apart([weights] if weights else [], [path])
    check_writable(path.parent, "--export")


def export_weights(srcnn, path: Path, overwrite: bool = False) -> None:
    """Writes the weights of a network that was restored, with what is known of it. Raises InputError."""
    # What the file of weights does not say of itself is not made a fact of.
    known = {name: value for name, value in srcnn.network.settings.items() if name not in ON_TRUST}
    try:
        write_weights(srcnn, path, known | srcnn.settings, overwrite)
    except (MemoryError, tf.errors.OpError) as error:  # a full disk may be MemoryError
        reason = first_line(error.__cause__ or error).rpartition("; ")[2]  # TensorFlow's own path before it
        raise InputError(f"{path}: cannot be written: {reason}") from error


def write_weights(srcnn, path: Path, settings: dict, overwrite: bool = False) -> None:
    """Writes a network, an SRCNN, in the format that the path's ending asks for; none: a SavedModel folder.

    settings: plain values that the file keeps, but for .model, which has no place for them.
    overwrite: of a file; raises InputError if there is one and it is False.
    """
    text = json.dumps(settings)
    if path.suffix:
        values = srcnn.sess.run(srcnn.variables)
        with replacing(path, overwrite=overwrite) as temporary:
            FORMATS[path.suffix].write(values, temporary, text, srcnn.network)
        return
    with (
        naming(path),
        made(path.parent),
        tempfile.TemporaryDirectory("", ".srcnn-", path.parent, ignore_cleanup_errors=True) as folder,
    ):
        saved_model.write(srcnn, Path(folder) / "model", text)
        windows.replace(Path(folder) / "model", path)  # fails where another is there by now
