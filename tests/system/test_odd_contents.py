"""Bytes changed at random in what the program reads back of itself: read, left out, or one error."""

import json
from contextlib import suppress

import numpy as np
import pytest

from srcnn.networks.weight_files import settings_of
from srcnn.system import ledger, locks
from srcnn.system.errors import InputError
from srcnn.training.curve import plot_curve
from srcnn.upscaling.films import encoded_parts
from tests.conftest import network_of

TRIES = 400
PIECES = [
    b"[",
    b"{",
    b'"',
    b",",
    b"null",
    b"-1",
    b"1e999",
    b"NaN",
    b"\0",
    b"\xff",
    b"\n",
    b'"\\ud800"',
    b"9" * 40,
]


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


def read_curve(path):
    plot_curve(path)


NOTE = {"name": "a.png", "size": 6, "mtime_ns": 1, "about": {"input": ["a", 1, 2], "weights": ["x"]}}
SEEDS = {
    read_ledger: f"\n{json.dumps(NOTE)}\n{json.dumps({'name': 'b.png', 'failed': {'reason': 'no'}})}",
    read_part: json.dumps({"stamps": [0, 1, 2], "broken": 0, "crc": 1}),
    read_settings: json.dumps(network_of().settings | {"step": 3}),
    read_curve: "epoch,step,loss,psnr,validation_psnr,seconds\r\n1,2,1e-2,20.0,,0.5\r\n",
    locks.owner_of: "12345",
}


def changed(content, rng):
    """Bytes with a few of them replaced by others, or by pieces that parsers stumble over, or cut off."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at, length = rng.integers(len(content) + 1), rng.integers(0, 8)
        piece = PIECES[rng.integers(len(PIECES))] if rng.random() < 0.7 else rng.bytes(2)
        content[at : at + length] = piece * (100_000 if rng.random() < 0.01 else 1)
    return bytes(content[: rng.integers(len(content) + 1)] if rng.random() < 0.1 else content)


@pytest.mark.parametrize("read", SEEDS)
def test_changed_bytes_are_one_error_or_none(tmp_path, read):
    rng = np.random.default_rng(0)
    (tmp_path / "a.png").write_bytes(b"result")
    for _ in range(TRIES // (20 if read is read_curve else 1)):  # which draws a picture
        (tmp_path / "read.csv").write_bytes(changed(SEEDS[read].encode(), rng))
        with suppress(InputError):
            read(tmp_path / "read.csv")
