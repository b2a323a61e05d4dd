"""Pairs of degraded and original images in HDF5: written whole or not at all, trusted only when whole."""

import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from srcnn.system.atomic_write import replacing
from srcnn.system.errors import InputError, first_line
from srcnn.system.own_files import check_regular

COUNTS = "length", "parts", "skipped", "small", "stop"  # attributes
CHUNK_VALUES = 2**17  # in one chunk of the data: 0.5 MB


class Output(io.FileIO):
    """A file that hides failed writes from HDF5, which crashes on them. `error`: the first one."""

    error: OSError | None = None

    def write(self, data):
        data, done = memoryview(data).cast("B"), 0
        try:
            while done < len(data):
                done += super().write(data[done:])
        except OSError as error:
            self.error = self.error or error
        return len(data)

    def truncate(self, size=None):
        with suppress(OSError):  # a write will fail, too
            super().truncate(size)
        return size


def make_data(
    savepath: Path,
    items: Iterable[Sequence[np.ndarray]],
    settings: dict[str, Any],
    about: dict[str, Any] | None = None,
) -> None:
    """Writes pairs of arrays to an HDF5 file, as they come, in chunks with checksums.

    items: iterable of (data, label), arrays of (n, h, w, c). settings: a dict of plain values, kept as
    an attribute, by which `is_current` knows the file again. about: more attributes, a dict that is complete
    when the items are.
    """
    with replacing(savepath) as temporary, Output(temporary, "w+") as file:
        shapes = {}
        with h5py.File(file, "w", libver="latest") as hf:
            for data, label in items:
                length = max(1, CHUNK_VALUES // int(np.prod(data.shape[1:])))
                for name, array in (("data", data), ("label", label)):
                    append(hf, name, array, length)
                    shapes[name] = hf[name].shape
                if file.error:
                    break
                del data, label, array  # before the next ones are made
            hf.attrs["shapes"] = json.dumps(shapes)
            for name, value in (about or {}).items():
                hf.attrs[name] = value
            hf.attrs["settings"] = json.dumps(settings)  # last: a file without it is not whole
        if file.error:
            raise file.error


def append(hf: h5py.File, name: str, array: np.ndarray, chunk_length: int) -> None:
    """Adds an array of (n, h, w, c) to the end of a dataset, which is made if need be."""
    if name not in hf:
        shape = array.shape[1:]
        layout = {"maxshape": (None, *shape), "chunks": (chunk_length, *shape), "fletcher32": True}
        hf.create_dataset(name, (0, *shape), "float32", **layout)
    dataset = hf[name]
    dataset.resize(len(dataset) + len(array), axis=0)
    dataset[len(dataset) - len(array) :] = array


def is_current(path: str | Path, settings: dict[str, Any]) -> bool:
    """Whether `path` is a whole HDF5 file made with these settings."""
    try:
        check_regular(Path(path))
        with h5py.File(path) as hf:
            shapes = json.loads(hf.attrs["shapes"])
            lengths = {shape[0] for shape in shapes.values()}  # of data and label, if there are any
            are_pairs = set(hf) == set(shapes) and len(lengths) < 2 and 0 not in lengths
            is_ours = _are_known(hf.attrs) and are_pairs and len(shapes) in (0, 2)
            return (
                json.loads(hf.attrs["settings"]) == settings
                and is_ours
                and all(
                    hf[name].dtype == np.float32
                    and hf[name].shape == tuple(shape)
                    and hf[name].id.get_storage_size() >= hf[name].nbytes
                    for name, shape in shapes.items()
                )
            )
    except Exception:  # damaged files raise nearly everything
        return False


def _are_known(attrs):
    """Whether what `make_data` keeps of a file, beside others, is of the kinds that it is written with."""
    counts = [attrs[name] for name in COUNTS if name in attrs]
    return isinstance(attrs.get("images", ""), str) and all(
        isinstance(count, np.integer) and count >= 0 for count in counts
    )


def check_replaceable_data(path: Path) -> None:
    """Raises InputError if there is a file that `make_data` did not write, or a damaged one."""
    check_regular(path)
    if not path.exists():
        return
    try:
        with h5py.File(path) as hf:
            known = "sources" in json.loads(hf.attrs["settings"])
    except PermissionError as error:
        raise InputError(
            f"{path}: cannot be read ({os.strerror(error.errno or 0)}); change its permissions"
        ) from error
    except Exception:
        known = False
    if not known:
        raise InputError(f"{path}: is damaged, or was not written by this program; move it away")


@contextmanager
def read_data(path: str | Path) -> Iterator[h5py.File]:
    """Opens an HDF5 file for reading. Raises InputError if it is damaged."""
    check_regular(Path(path))
    try:
        hf = h5py.File(path)
    except OSError as error:
        raise damage(path, error) from error
    with hf:
        yield hf


def damage(path: str | Path, error: OSError) -> InputError:
    """The InputError for a file that is damaged inside."""
    return InputError(f"{path}: is damaged ({first_line(error)}); remove it and run the same command again")
