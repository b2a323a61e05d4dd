"""Parts of the graph by hand: initial weights, the loss, what a network is conditioned on."""

import numpy as np
import pytest
from scipy.ndimage import correlate

from model import DEFAULT, SRCNN, initial_weights
from srcnn.networks.network import Network
from srcnn.tf1 import tf


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_the_network_of_the_paper_is_the_default(session):
    srcnn = SRCNN(session)
    assert srcnn.network == DEFAULT == Network((9, 1, 5), (64, 32), "y", 3, "matlab")
    assert srcnn.block == 3  # of labels of 21 pixels
    session.run(tf.global_variables_initializer())
    values = initial_weights(DEFAULT, "normal", 0)
    for name, value in session.run(srcnn.variables).items():
        np.testing.assert_array_equal(value, values[name])
    assert session.run(srcnn.step) == 0
    assert set(srcnn.weights) == {"w1", "w2", "w3"} and set(srcnn.biases) == {"b1", "b2", "b3"}
    assert not srcnn.self_ensemble and srcnn.frozen is None


@pytest.mark.parametrize(("label_size", "block"), [(21, 3), (20, 4), (10, 2), (17, 1)])
def test_the_block_divides_the_labels(session, label_size, block):
    assert SRCNN(session, label_size=label_size).block == block


@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_initial_weights(colour):
    network = Network((9, 3, 5), (64, 32), colour)
    normal, identity = (initial_weights(network, init, 1) for init in ("normal", "identity"))
    assert {name: value.shape for name, value in normal.items()} == network.shapes
    for name in ("w1", "w2", "w3"):
        assert normal[name].dtype == np.float32
        assert normal[name].std() == pytest.approx(1e-3, rel=0.1) and abs(normal[name].mean()) < 1e-4
        others = np.delete(identity[name], range(network.c_dim), 2 if name == "w3" else 3)
        inputs = np.prod(normal[name].shape[:3])
        deviation = 1e-3 if name == "w3" else (2 / inputs) ** 0.5
        assert others.std() == pytest.approx(deviation, rel=0.1)
        centre = np.zeros(normal[name].shape[:2])
        centre[centre.shape[0] // 2, centre.shape[1] // 2] = 1
        for c in range(network.c_dim):
            passing = np.moveaxis(identity[name][..., c, :] if name == "w3" else identity[name][..., c], 2, 0)
            for channel, kernel in enumerate(passing):
                np.testing.assert_array_equal(kernel, centre * (channel == c))
    assert not any(values[f"b{i}"].any() for values in (normal, identity) for i in (1, 2, 3))
    assert not np.array_equal(normal["w1"], initial_weights(network, "normal", 2)["w1"])


def test_a_conditioned_network_starts_as_a_plain_one():
    plain, network = Network((3, 1, 3), (5, 4)), Network((3, 1, 3), (5, 4), degradation="jpeg")
    expected, values = (initial_weights(each, "identity", 0) for each in (plain, network))
    assert {name: value.shape for name, value in values.items()} == network.shapes
    for name, value in expected.items():
        inputs = value.shape[2] if value.ndim == 4 else None
        np.testing.assert_array_equal(values[name][..., :inputs, :] if inputs else values[name], value)
        assert not inputs or not values[name][:, :, inputs:].any()


@pytest.mark.parametrize(
    ("kernels", "channels"), [((3, 5), (4,)), ((5, 1, 3), (4, 3)), ((3, 1, 3, 3), (4, 3, 2))]
)
@pytest.mark.parametrize(("label_size", "colour"), [(7, "y"), (8, "rgb")])
def test_a_conditioned_network_sees_the_strength_and_its_products(
    session, kernels, channels, label_size, colour
):
    """All layers see the strength as a channel; the first and the last the channels times it, too."""
    network = Network(kernels, channels, colour, degradation="jpeg")
    rng = np.random.default_rng(0)
    srcnn = SRCNN(session, network, label_size=label_size)
    session.run(tf.global_variables_initializer())
    values = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in network.shapes.items()}
    srcnn.set(values)
    images, strengths = rng.random((2, 15, 17, network.c_dim)), [0.7, -0.4]
    planes = np.ones((2, 15, 17, 1)) * np.reshape(strengths, (2, 1, 1, 1))
    given = np.concatenate([images, planes], 3)
    for image, strength, found in zip(images, strengths, srcnn.run(given), strict=True):
        x = image
        for i, size in enumerate(kernels, 1):
            extra = [np.full_like(x[..., :1], strength)]
            extra += [strength * x] if i in (1, len(kernels)) else []
            seen, kernel = np.concatenate([x, *extra], 2), values[f"w{i}"].astype(float)
            x = np.stack(
                [
                    sum(correlate(seen[..., c], kernel[..., c, o]) for c in range(seen.shape[2]))
                    for o in range(kernel.shape[3])
                ],
                2,
            )
            half = size // 2
            x = x[half : x.shape[0] - half, half : x.shape[1] - half] + values[f"b{i}"]
            x = np.maximum(x, 0) if i < len(kernels) else x
        np.testing.assert_allclose(found, x, atol=1e-4)


@pytest.mark.parametrize("weights", [None, [2, 1, 0], [0.5, 0.5, 2]])
def test_the_loss_counts_channels_by_their_weights(session, weights):
    srcnn = SRCNN(session, Network((3, 1), (4,), "ycbcr"), loss_weights=weights)
    session.run(tf.global_variables_initializer())
    rng = np.random.default_rng(0)
    feed = {srcnn.images: rng.random((4, 9, 9, 3)), srcnn.labels: rng.random((4, 7, 7, 3))}
    loss, errors, pred = session.run([srcnn.loss, srcnn.errors, srcnn.pred], feed)
    share = np.array(weights or [1, 1, 1])
    squares = (pred - feed[srcnn.labels]) ** 2 * share / share.mean()
    np.testing.assert_allclose(errors, squares.mean((1, 2, 3)), rtol=1e-5)
    assert loss == pytest.approx(squares.mean(), rel=1e-5)


def test_each_step_is_counted(session):
    srcnn = SRCNN(session, Network((3, 1), (4,)))
    srcnn.build_descent("none")
    assert srcnn.refresh is None
    session.run(tf.global_variables_initializer())
    feed = {
        srcnn.images: np.ones((1, 9, 9, 1)),
        srcnn.labels: np.ones((1, 7, 7, 1)),
        srcnn.learning_rate: 0.1,
    }
    before = session.run(srcnn.biases["b2"])
    gradient = 2 * np.mean(session.run(srcnn.pred, feed) - 1)
    session.run(srcnn.train_op, feed)
    assert session.run(srcnn.step) == 1
    np.testing.assert_allclose(session.run(srcnn.biases["b2"]), before - 0.1 * gradient, rtol=1e-5)
