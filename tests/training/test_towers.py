"""A batch on several devices gives what it gives on one: logical CPUs, as GPUs cannot be had here."""

import functools
import signal

import numpy as np
import pytest

import main
from model import SRCNN
from srcnn import tf1
from srcnn.tf1 import tf
from srcnn.training import loop
from srcnn.training.towers import Towers
from tests.conftest import network_of
from tests.helpers.trainings import EPOCHS, SMALL, assert_same_but_for_rounding, flags, trained


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


def curvature(batch, cpus):
    """Factors and their inverses after two refreshes and steps on that many devices."""
    with tf1.session(cpus) as sess:
        srcnn = SRCNN(sess, network_of("5-1-3"), "identity", label_size=27)
        names = tf1.towers(sess)
        assert len(names) == cpus
        srcnn.build_descent("kfac", names)
        sess.run(tf.global_variables_initializer())
        feed = dict(zip((srcnn.images, srcnn.labels, srcnn.learning_rate), (*batch, 0.1), strict=True))
        losses = []
        for _ in range(2):
            sess.run(srcnn.refresh, feed)
            losses.append(sess.run([srcnn.loss, srcnn.train_op], feed)[0])
        kinds = "factor", "inverse", "velocity"
        return losses, {v.op.name: sess.run(v) for v in tf.global_variables() if v.op.name.startswith(kinds)}


@pytest.mark.parametrize("length", [2, 8])
def test_three_devices_see_the_curvature_that_one_sees(length):
    """Their shares, signs and weights are those of one: of 2 sub-images the third device has none."""
    rng = np.random.default_rng(0)
    labels = rng.random((length, 27, 27, 1)) * rng.random((length, 1, 1, 1))
    images = np.pad(labels, ((0, 0), (3, 3), (3, 3), (0, 0))) + rng.normal(0, 0.05, (length, 33, 33, 1))
    (losses, expected), (shared, values) = (curvature((images, labels), cpus) for cpus in (1, 3))
    np.testing.assert_allclose(shared, losses, rtol=1e-5)
    for name, value in expected.items():
        assert np.linalg.norm(values[name] - value) < 2e-3 * np.linalg.norm(value), name


@pytest.mark.parametrize("more", [["--learning_rate", 0.1], ["--preconditioner", "none"]])
def test_three_devices_train_as_one_does(usual_signals, photographs, tmp_path, monkeypatch, more):
    """Batches of 8, which three do not share equally; the curvature from 2, of which the third has none.

    Stopped half-way, a training on three devices goes on on one.
    """
    monkeypatch.setattr(loop, "FACTOR_PIXELS", 2 * 27 * 27)
    used, whole, step, listed = [], tf1.session, loop.train_step, tf1.towers

    def towers(sess):
        used.append(len(listed(sess)))
        return listed(sess)

    def stopped_step(srcnn, number, *rest):
        if number == EPOCHS:
            signal.raise_signal(signal.SIGINT)
        return step(srcnn, number, *rest)

    monkeypatch.setattr(tf1, "towers", towers)
    one, three, both = (tmp_path / name for name in ("one", "three", "both"))
    assert main.main(flags(photographs, one, *SMALL, *more)) == 0
    monkeypatch.setattr(tf1, "session", functools.partial(whole, cpus=3))
    assert main.main(flags(photographs, three, *SMALL, *more)) == 0
    monkeypatch.setattr(loop, "train_step", stopped_step)
    assert main.main(flags(photographs, both, *SMALL, *more)) == 128 + signal.SIGINT
    monkeypatch.setattr(loop, "train_step", step)
    monkeypatch.setattr(tf1, "session", whole)
    assert main.main(flags(photographs, both, *SMALL, *more)) == 0
    assert used == [1, 3, 3, 1]
    for folder in (three, both):
        assert_same_but_for_rounding(trained(folder), trained(one))
