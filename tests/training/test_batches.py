"""Order, flips and memory of the training pairs."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from srcnn.training import batches
from srcnn.training.batches import Batches
from tests.conftest import ROOT
from tests.helpers.training_data import stored


def numbered(n):
    """Pairs that tell which they are."""
    data = np.arange(n, dtype=np.float32).reshape(n, 1, 1, 1) * np.ones((1, 5, 5, 1), np.float32)
    return stored(data, data[:, 1:-1, 1:-1])


def numbers(pairs):
    return [int(one[0, 0, 0]) for one in pairs[0]]


def test_batches_cover_an_epoch_in_all_eight_positions():
    images = np.random.default_rng(0).random((64, 5, 5, 1)).astype(np.float32)
    pairs = Batches(stored(images, images[:, 1:-1, 1:-1]), 8, seed=0)
    assert pairs.epoch_steps == 8
    seen, positions = set(), set()
    for step in range(8):
        inputs, labels = pairs.batch(step)
        np.testing.assert_array_equal(labels, inputs[:, 1:-1, 1:-1])
        for one in inputs:
            for number, image in enumerate(images):
                for flip in (False, True):
                    for turns in range(4):
                        turned = np.rot90(image, turns)
                        if np.array_equal(one, turned[:, ::-1] if flip else turned):
                            seen.add(number)
                            positions.add((flip, turns))
    assert len(seen) == 64 and len(positions) == 8


@pytest.mark.parametrize("pool_bytes", [2**20, 20 * 34 * 4])
def test_a_batch_derives_from_seed_and_step_alone(monkeypatch, pool_bytes):
    monkeypatch.setattr(batches, "POOL_BYTES", pool_bytes)
    hf = numbered(90)
    expected = [Batches(hf, 8, seed=0).batch(step) for step in range(40)]
    for start in (0, 5, 23):
        following = Batches(hf, 8, seed=0).following(start)
        for step, pairs in zip(range(start, 40), following, strict=False):
            for array, again in zip(expected[step], pairs, strict=True):
                np.testing.assert_array_equal(array, again)
    assert numbers(Batches(hf, 8, seed=1).batch(0)) != numbers(expected[0])
    assert numbers(Batches(hf, 8, seed=0).batch(11)) != numbers(expected[0])


def test_a_large_file_is_mixed_in_pools(monkeypatch):
    """103 pairs in 25 whole chunks of 4; pools of 10 chunks: 40, 40 and 20 pairs; batches of 8."""
    monkeypatch.setattr(batches, "POOL_BYTES", 40 * 34 * 4)
    pairs = Batches(numbered(103), 8, seed=0)
    assert not pairs.is_whole and (pairs.pool_length, pairs.epoch_steps) == (40, 5 + 5 + 2)
    epochs = []
    for epoch in range(3):
        drawn = [numbers(pairs.batch(epoch * 12 + step)) for step in range(12)]
        flat = list(itertools.chain(*drawn))
        assert len(flat) == len(set(flat)) == 96 and max(flat) < 100  # nothing twice
        for pool in (drawn[:5], drawn[5:10], drawn[10:]):
            chunks = {number // 4 for number in itertools.chain(*pool)}
            assert len(chunks) <= (10 if len(pool) == 5 else 5)
        assert max(drawn[0]) - min(drawn[0]) > 30  # from all over the file
        epochs.append(flat)
    assert epochs[0] != epochs[1] and epochs[1] != epochs[2]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_file_larger_than_the_memory_is_read(tmp_path):
    """190 MB of pairs, written and read by a process that may take 100 MB more than when it started.

    Those are six pools of 16 MB: one in use, the next one, and what they are put together from.
    """
    program = """
import re, resource, sys, h5py
import numpy as np
from srcnn.training import batches
from srcnn.training.hdf5 import make_data
batches.POOL_BYTES, allowed = 2**24, 10**8
block = np.random.default_rng(0).random((1000, 33, 33, 1)).astype(np.float32)
used = 1024 * int(re.search(r"VmData:\\s*(\\d+)", open("/proc/self/status").read())[1])
resource.setrlimit(resource.RLIMIT_DATA, (used + allowed, used + allowed))
make_data(sys.argv[1], [(block, block[:, 6:-6, 6:-6])] * 31, {})
with h5py.File(sys.argv[1]) as hf:
    pairs = batches.Batches(hf, 128, seed=0)
    assert not pairs.is_whole
    for step, (data, label) in zip(range(pairs.epoch_steps + 5), pairs.following(0)):
        assert data.shape == (128, 33, 33, 1) and label.shape == (128, 21, 21, 1)
    print(pairs.epoch_steps, pairs.pool_length)
try:
    np.ones(2 * allowed // 8)
except MemoryError:
    print("limited")
"""
    words = [sys.executable, "-c", program, str(tmp_path / "train.h5")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "train.h5").stat().st_size > 1.8e8
    steps, pool_length, said = done.stdout.split()
    assert abs(int(steps) - 31_000 // 128) < 20 and 2000 < int(pool_length) < 3000 and said == "limited"
