"""Trained weights in other formats: the table of formats, each of which has a module of its own here."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from srcnn.exports import ffmpeg, mat, onnx, safetensors, saved_model
from srcnn.networks.network import Network
from srcnn.system import windows
from srcnn.system.atomic_write import replacing
from srcnn.system.errors import InputError


class Format(NamedTuple):
    """A file format of weights.

    write: called with w1, b1, ... by name, a path and the settings as JSON, which the file keeps if it can.
    check: called with a path and a Network; raises InputError if a file cannot hold that, or not be written.
    """

    write: Callable[[dict[str, np.ndarray], Path, str], None]
    check: Callable[[Path, Network], None] = lambda path, network: None


FORMATS = {
    ".mat": Format(mat.write, mat.check),
    ".model": Format(ffmpeg.write, ffmpeg.check),
    ".onnx": Format(onnx.write, onnx.check),
    ".safetensors": Format(safetensors.write),
}


def check_export(path: Path, network: Network) -> None:
    """Raises InputError if the format that a path asks for cannot hold a network, or cannot be written."""
    if path.suffix and path.suffix not in FORMATS:
        raise InputError(
            f"--export {path}: take .safetensors, .onnx, .mat, .model, or no ending for a SavedModel folder"
        )
    if path.suffix:
        FORMATS[path.suffix].check(path, network)


def write_weights(srcnn, path: Path, settings: dict, overwrite: bool = False) -> None:
    """Writes a network, an SRCNN, in the format that the path's ending asks for; none: a SavedModel folder.

    settings: plain values that the file keeps, but for .model, which has no place for them.
    overwrite: of a file; raises InputError if there is one and it is False.
    """
    text = json.dumps(settings)
    if path.suffix:
        values = srcnn.sess.run(srcnn.variables)
        with replacing(path, overwrite=overwrite) as temporary:
            FORMATS[path.suffix].write(values, temporary, text)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, ignore_cleanup_errors=True) as folder:
            saved_model.write(srcnn, Path(folder) / "model", text)
            windows.replace(Path(folder) / "model", path)  # fails where another is there by now
