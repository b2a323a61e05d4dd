"""A batch on several devices gives what it gives on one: logical CPUs, as GPUs cannot be had here."""

import functools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from test_reliability import flags

import devices
import main
import training
from towers import Towers
from weights import read_weights


@pytest.mark.parametrize(("length", "count"), [(8, 1), (8, 3), (2, 3), (7, 7)])
def test_shares_make_up_the_batch(length, count):
    with tf.Graph().as_default(), tf.Session() as sess:
        batch = np.random.default_rng(0).random((length, 2)).astype(np.float32)
        towers = Towers(tf.constant(length), [""] * count)
        parts = towers.split(tf.constant(batch))
        mean = towers.mean([tf.reduce_mean(part, 0) for part in parts])
        found, sizes, mean = sess.run([parts, towers.sizes, mean])
    assert max(sizes) - min(sizes) <= 1
    assert [len(part) for part in found] == [max(size, 1) for size in sizes]
    np.testing.assert_array_equal(np.concatenate(found)[:length], batch)
    np.testing.assert_allclose(mean, batch.mean(0), rtol=1e-6)


def trained(folder, model):
    return read_weights(folder / model)[0]


@pytest.mark.parametrize("preconditioner", ["kfac", "none"])
def test_three_devices_train_as_one_does(photographs, tmp_path, monkeypatch, preconditioner):
    """Batches of 8, which three do not share equally; the curvature from 2, of which the third has none.

    A checkpoint of three devices is resumed by one.
    """
    monkeypatch.setattr(training, "FACTOR_PIXELS", 2 * 21 * 21)
    more = "--preconditioner", preconditioner, "--init", "identity", "--filters", "5-1-3"
    one, three, both = (tmp_path / name for name in ("one", "three", "both"))
    whole = devices.session
    used = []

    def towers(sess):
        used.append(len(found := listed(sess)))
        return found

    listed = training.towers
    monkeypatch.setattr(training, "towers", towers)
    steps = 60
    assert main.main(flags(photographs, one, *more, "--epoch", steps)) == 0
    monkeypatch.setattr(devices, "session", functools.partial(whole, cpus=3))
    assert main.main(flags(photographs, three, *more, "--epoch", steps)) == 0
    assert main.main(flags(photographs, both, *more, "--epoch", steps // 2)) == 0
    monkeypatch.setattr(devices, "session", whole)
    assert main.main(flags(photographs, both, *more, "--epoch", steps)) == 0
    assert used == [1, 3, 3, 1]
    model = next(one.glob("srcnn*")).name
    expected = trained(one, model)
    assert expected["step"] >= 100
    for folder in (three, both):
        values = trained(folder, model)
        assert values["step"] == expected["step"]
        for name in (f"{kind}{i}" for kind in "wb" for i in (1, 2, 3)):
            print(folder.name, name, np.abs(values[name] - expected[name]).max())
