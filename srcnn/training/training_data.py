"""Training pairs in HDF5 files of a gigabyte each: an interrupted preparation goes on with the next one.

One file that is enough becomes train.h5 itself. Of several, train.h5 has their number and train.h5.00000,
train.h5.00001, ... have the pairs.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from srcnn.images import image_io
from srcnn.networks import conditioning
from srcnn.networks.network import Network
from srcnn.settings import Cut
from srcnn.system import windows
from srcnn.system.atomic_write import remove_leftovers
from srcnn.system.errors import InputError
from srcnn.training.hdf5 import check_replaceable_data, damage, is_current, make_data, read_data

PART_BYTES = 2**30
PREPARING = 2**31  # bytes of the images that are prepared at a time, or one that takes more
LEFT_OUT = "skipped", "small"  # attributes: images that are broken, or too small (not in files of before)
READING = 12  # bytes that a value of an image takes while it is read and degraded: measured
# Of an image: its pairs, [data, label] or None, its content, and whether it was left out as broken.
Prepared = tuple[list[np.ndarray] | None, bytes, bool]


def part_path(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number:05}")


def digest_of(paths: Sequence[Path]) -> str:
    """What changes when one of these files does, without reading them. Of the list, which may have 43 MB."""
    statuses = ((path, path.stat()) for path in paths)
    sources = [[str(path), found.st_size, found.st_mtime_ns, found.st_ctime_ns] for path, found in statuses]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def is_prepared(path: Path, settings: dict[str, Any]) -> bool:
    """Whether a file and its parts are whole and made with these settings."""
    if not is_current(path, part_settings(settings, 0)):
        return False
    with h5py.File(path) as hf:
        count = int(hf.attrs.get("parts", 0))
        is_whole = ("parts" in hf.attrs, "data" in hf) == (count > 0, count == 0)
    return is_whole and len(whole_parts(path, settings)) >= count


def whole_parts(path: Path, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The attributes of the first parts, as far as they are whole and made with these settings."""
    found: list[dict[str, Any]] = []
    start = 0
    while is_current(part := part_path(path, len(found)), part_settings(settings, start)):
        with h5py.File(part) as hf:
            attributes = dict(hf.attrs)
        if not attributes.keys() >= {"images", "length", "stop"}:
            break
        found.append(attributes)
        start = int(found[-1]["stop"])
    return found


def part_settings(settings: dict[str, Any], start: int) -> dict[str, Any]:
    """Those of a part; what begins with the first image may be all there is, train.h5 itself."""
    return settings | {"start": start}


def make_parts(
    path: Path, settings: dict[str, Any], count: int, prepared: Callable[[int], Iterator[Prepared]]
) -> int:
    """Prepares `count` images in parts; those that an interrupted run left are used again.

    prepared: called with the number of the first image that is wanted, yields what is `Prepared` of each of
    the images from there on.
    Returns the number of sub-images; nothing is left of them if there are none. Raises InputError, before the
    work, if a file is in the way that is not of the program's making.
    """
    parts = whole_parts(path, settings)
    for part in _numbered(path, len(parts)):
        check_replaceable_data(part)
    stop = int(parts[-1]["stop"]) if parts else 0
    items = prepared(stop)
    while stop < count:
        part = part_path(path, len(parts))
        remove_leftovers(part)
        about: dict[str, Any] = {}
        make_data(part, _until_full(items, about, stop), part_settings(settings, stop), about)
        parts.append(about)
        stop = about["stop"]
    length = sum(int(part["length"]) for part in parts)
    for part in _numbered(path, len(parts) if length else 0):  # of earlier preparations
        check_replaceable_data(part)
        part.unlink()
    if length and len(parts) == 1:  # as it is: a finished part is never opened for writing
        check_replaceable_data(path)
        windows.replace(part_path(path, 0), path)
    elif length:
        digest = hashlib.sha256("".join(part["images"] for part in parts).encode()).hexdigest()
        left_out = {name: sum(int(part.get(name, 0)) for part in parts) for name in LEFT_OUT}
        about = {"parts": len(parts), "images": digest, **left_out}
        make_data(path, [], part_settings(settings, 0), about)
    return length


def _until_full(items, about, start):
    """The pairs of images until a part is full; then `about` says what is in it."""
    digest, size = hashlib.sha256(), 0
    about |= {"length": 0, **dict.fromkeys(LEFT_OUT, 0)}
    for number, (pairs, content, broken) in enumerate(items, start + 1):
        about["skipped"] += broken
        about["small"] += not (pairs or broken)
        digest.update(content)
        if pairs:
            about["length"] += len(pairs[0])
            size += sum(array.nbytes for array in pairs)
            yield pairs
            pairs.clear()  # from the memory, before the next ones are waited for
        about |= {"stop": number, "images": digest.hexdigest()}
        if size >= PART_BYTES:
            return


def _numbered(path, first):
    """The paths of the parts that there are, from a number on."""
    name = re.compile(re.escape(path.name) + r"\.(\d{5})")
    matches = [(part, name.fullmatch(part.name)) for part in path.parent.glob(f"{path.name}.*")]
    return [part for part, match in matches if match and int(match[1]) >= first]


def memory_of(cut: Cut, network: Network, numbered: tuple[int, Path]) -> int:
    """About how many bytes the pairs of an image take, and their making; numbered: its number and path."""
    try:
        h, w = image_io.size(numbered[1])
    except InputError:
        return 0  # which will be said when it is read
    values = cut.image_size**2 * (network.c_dim + network.is_conditioned) + cut.label_size**2 * network.c_dim
    copies = 2 * len(conditioning.DRAWN) if network.is_conditioned else 1  # they are put together
    return h * w // cut.stride**2 * values * 4 * copies + h * w * network.c_dim * READING


@contextmanager
def read_parts(path: Path) -> "Iterator[h5py.File | Pairs]":
    """Opens training pairs for reading, in one file or more: `data` and `label` by name, and `attrs`."""
    with read_data(path) as hf:
        if "parts" not in hf.attrs:
            yield hf
            return
        attrs = dict(hf.attrs)
    paths = [part_path(path, number) for number in range(int(attrs["parts"]))]
    yield Pairs(path, attrs, {name: Joined(paths, name) for name in ("data", "label")})


@dataclass(frozen=True)
class Pairs:
    """What an h5py.File offers of pairs that are in several files."""

    filename: Path
    attrs: dict[str, Any]
    datasets: "dict[str, Joined]"

    def __getitem__(self, name):
        return self.datasets[name]


class Joined:
    """The datasets of several files, one after another, as one. A file is open only while it is read."""

    def __init__(self, paths, name):
        self.name, self.paths, lengths = name, [], []
        for path in paths:
            with read_data(path) as hf:
                if name in hf:  # not where all images were too small
                    self.paths.append(path)
                    lengths.append(len(hf[name]))
                    self.chunks, self.shape, self.dtype = hf[name].chunks, hf[name].shape[1:], hf[name].dtype
        self.ends = np.cumsum(lengths)
        self.nbytes = len(self) * int(np.prod(self.shape)) * self.dtype.itemsize

    def __len__(self):
        return int(self.ends[-1])

    def __getitem__(self, place):
        """A slice of it, (n, h, w, c). Raises InputError if a file is damaged."""
        start, stop, _ = place.indices(len(self))
        found = np.empty((max(0, stop - start), *self.shape), self.dtype)
        begin = 0
        for path, end in zip(self.paths, map(int, self.ends), strict=True):
            first, last = max(start, begin), min(stop, end)
            if first < last:
                try:
                    with read_data(path) as hf:
                        hf[self.name].read_direct(
                            found, np.s_[first - begin : last - begin], np.s_[first - start : last - start]
                        )
                except OSError as error:
                    raise damage(path, error) from error
            begin = end
        return found
