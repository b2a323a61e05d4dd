"""Pairs of degraded and original images in HDF5: written whole or not at all, trusted only when whole."""

import io
import json
from contextlib import contextmanager, suppress

import h5py
import numpy as np

from errors import InputError, first_line
from writing import replacing

CHUNK_VALUES = 2**17  # in one chunk of the data: 0.5 MB


class Output(io.FileIO):
    """A file that hides failed writes from HDF5, which crashes on them. `error`: the first one."""

    error = None

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


def make_data(savepath, items, settings):
    """Writes arrays to an HDF5 file, as they come, in chunks with checksums.

    items: iterable of (group, data, label), arrays of (n, h, w, c); those of one group are
    appended to each other as `group/data` and `group/label`. settings: a dict of plain values,
    kept as an attribute, by which `is_current` knows the file again.
    """
    with replacing(savepath) as temporary, Output(temporary, "w+") as file:
        shapes = {}
        with h5py.File(file, "w", libver="latest") as hf:
            for group, data, label in items:
                length = max(1, CHUNK_VALUES // int(np.prod(data.shape[1:])))
                for name, array in ((f"{group}/data", data), (f"{group}/label", label)):
                    append(hf, name, array, length)
                    shapes[name] = hf[name].shape
                if file.error:
                    break
            hf.attrs["shapes"] = json.dumps(shapes)
            hf.attrs["settings"] = json.dumps(settings)  # last: a file without it is not whole
        if file.error:
            raise file.error


def append(hf, name, array, chunk_length):
    """Adds an array of (n, h, w, c) to the end of a dataset, which is made if need be."""
    if name not in hf:
        shape = array.shape[1:]
        layout = {"maxshape": (None, *shape), "chunks": (chunk_length, *shape), "fletcher32": True}
        hf.create_dataset(name, (0, *shape), "float32", **layout)
    dataset = hf[name]
    dataset.resize(len(dataset) + len(array), axis=0)
    dataset[len(dataset) - len(array) :] = array


def is_current(path, settings):
    """Whether `path` is a whole HDF5 file made with these settings."""
    try:
        with h5py.File(path) as hf:
            shapes = json.loads(hf.attrs["shapes"])
            return json.loads(hf.attrs["settings"]) == settings and all(
                hf[name].dtype == np.float32
                and hf[name].shape == tuple(shape)
                and hf[name].id.get_storage_size() >= hf[name].nbytes
                for name, shape in shapes.items()
            )
    except Exception:  # damaged files raise nearly everything
        return False


@contextmanager
def read_data(path):
    """Opens an HDF5 file for reading. Raises InputError if what is read from it is damaged."""
    try:
        with h5py.File(path) as hf:
            yield hf
    except OSError as error:
        raise InputError(f"{path}: is damaged ({first_line(error)}); remove it and start again") from error
