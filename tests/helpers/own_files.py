"""Readers of what the program reads back of itself, a whole file for each, and changes of such files."""

import io
import json
from pathlib import Path

import h5py
import numpy as np

from srcnn.networks import checkpoint_files
from srcnn.networks.trained import SHIPPED
from srcnn.networks.weight_files import read_weights, settings_of
from srcnn.system import ledger, locks
from srcnn.training import hdf5, training_data
from srcnn.training.curve import read_rows
from srcnn.upscaling import results_page
from srcnn.upscaling.films import encoded_parts
from srcnn.upscaling.work import Work
from tests.conftest import network_of

PIECES = [
    *(b"[", b"{", b'"', b",", b"null", b"-1", b"1e999", b"NaN", b"\0", b"\xff", b"\n", b'"\\ud800"', b"../"),
    b"9" * 40,
    b"true",
]
SETTINGS = {"sources": "some", "scale": 3}


def read_ledger(path):
    path = path.rename(path.with_name(ledger.LIST))
    for about in ledger.written(path.parent).values():
        assert isinstance(about, dict)
    for about in ledger.failures(path.parent).values():
        assert isinstance(about, dict)


def read_part(path):
    path = path.rename(path.with_name("000000000.json"))
    path.with_suffix(".nut").write_bytes(b"frames")
    assert encoded_parts.finished(path.parent) == []


def read_settings(path):
    assert isinstance(settings_of(path, path.read_bytes()), dict)


def read_page(path):
    results_page.is_current([path, path], [Work(Path("a"), Path("b"), None)])


def read_list(path):
    """The newest checkpoint is one that is there, whatever the list of its folder says."""
    path = path.rename(path.with_name(checkpoint_files.LIST))
    for ending in (".index", ".data-00000-of-00001"):
        path.with_name(f"SRCNN.model-3{ending}").touch()
    assert all(isinstance(name, str) for name in checkpoint_files.listed_checkpoints(path.parent))
    found = checkpoint_files.latest_checkpoint(path.parent)
    assert found and checkpoint_files.index_of(found).exists()


def read_training_file(path):
    if not training_data.is_prepared(path, SETTINGS):
        return hdf5.check_replaceable_data(path)
    with training_data.read_parts(path) as hf:
        for name in ("data", "label"):
            try:
                hf[name][0:4]
            except (OSError, KeyError):  # which `Batches` turns into `damage`
                return


def read_index(path):
    path = path.rename(path.with_suffix(".index"))
    data = path.with_suffix(".data-00000-of-00001")
    data.write_bytes(DATA)
    read_weights(path)


def _training_file():
    file = io.BytesIO()
    with h5py.File(file, "w") as hf:
        pairs = np.zeros((4, 5, 5, 1), np.float32)
        for name in ("data", "label"):
            hdf5.append(hf, name, pairs, 2)
        hf.attrs["shapes"] = json.dumps({"data": pairs.shape, "label": pairs.shape})
        hf.attrs["settings"] = json.dumps(training_data.part_settings(SETTINGS, 0))
    return file.getvalue()


INDEX, DATA = (
    next(SHIPPED.glob(f"srcnn_9-1-5_x3_matlab/*{end}*")).read_bytes() for end in (".index", ".data")
)
NOTE = {"name": "a.png", "size": 6, "mtime_ns": 1, "about": {"input": ["a", 1, 2], "weights": ["x"]}}
FAILURE = {"name": "b.png", "failed": {"reason": "no"}}
SEEDS = {
    read_ledger: f"\n{json.dumps(NOTE)}\n{json.dumps(FAILURE)}".encode(),
    read_part: json.dumps({"stamps": [0, 1, 2], "broken": 0, "crc": 1}).encode(),
    read_settings: json.dumps(network_of().settings | {"step": 3}).encode(),
    read_page: json.dumps({"images": [{"output": "b"}]}).encode(),
    read_rows: b"epoch,step,loss,psnr,validation_psnr,seconds\r\n1,2,1e-2,20.0,,0.5\r\n",
    read_list: b'model_checkpoint_path: "SRCNN.model-3"\nall_model_checkpoint_paths: "SRCNN.model-3"\n',
    read_training_file: _training_file(),
    read_index: INDEX,
    locks.owner_of: b"12345",
}


def changed(content: bytes, rng) -> bytes:
    """Bytes with a few of them replaced by others, or by pieces that parsers stumble over, or cut off."""
    found = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at, length = rng.integers(len(found) + 1), rng.integers(0, 8)
        piece = PIECES[rng.integers(len(PIECES))] if rng.random() < 0.7 else rng.bytes(2)
        found[at : at + length] = piece * (100_000 if rng.random() < 0.01 else 1)
    return bytes(found[: rng.integers(len(found) + 1)] if rng.random() < 0.1 else found)
