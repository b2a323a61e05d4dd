"""The curvature against brute force (the cases of "KFAC From Scratch", arXiv 2507.05127)."""

import itertools

import numpy as np
import pytest

import model
from model import SRCNN
from srcnn.tf1 import tf
from srcnn.training.natural_gradient import (
    Layer,
    NaturalGradient,
    batch_factors,
    input_factor,
    output_factor,
    patches,
    stack,
)
from srcnn.training.towers import Towers
from tests.conftest import network_of


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def convolutions(images, shapes, seed=0):
    """A small network of unpadded convolutions with ReLUs between: its layers."""
    rng = np.random.default_rng(seed)
    layers, x = [], images
    for i, shape in enumerate(shapes):
        weights = tf.Variable(rng.normal(size=shape), dtype=tf.float32)
        biases = tf.Variable(rng.normal(size=shape[-1]), dtype=tf.float32)
        outputs = tf.nn.conv2d(x, weights, strides=1, padding="VALID") + biases
        layers.append(Layer(weights, biases, x, outputs))
        x = tf.nn.relu(outputs) if i < len(shapes) - 1 else outputs
    return layers


def jacobian(session, layer, pred):
    """df_p/d(stacked W, b) for every output value p: (P, rows * columns)."""
    shape = session.run(tf.shape(pred))
    selected = tf.placeholder(tf.float32, shape)
    row = tf.reshape(stack(*tf.gradients(pred, [layer.weights, layer.biases], grad_ys=selected)), [-1])
    one_hot = np.eye(np.prod(shape)).reshape(-1, *shape)
    return np.array([session.run(row, {selected: one}) for one in one_hot], np.float64)


def test_patches_are_what_the_kernel_sees(session):
    images = tf.constant(np.random.default_rng(0).random((2, 6, 7, 3)), tf.float32)
    (layer,) = convolutions(images, [(3, 2, 3, 4)])
    session.run(tf.global_variables_initializer())
    product = tf.matmul(patches(images, 3, 2), stack(layer.weights, layer.biases))
    by_patches, outputs = session.run([product, layer.outputs])
    np.testing.assert_allclose(by_patches.reshape(outputs.shape), outputs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("spacing", [1, 2])
def test_input_factor_is_the_mean_outer_product(session, spacing):
    images = np.random.default_rng(0).random((2, 5, 6, 2)).astype(np.float32)
    (layer,) = convolutions(tf.constant(images), [(3, 3, 2, 4)])
    rows = [
        np.append(image[y : y + 3, x : x + 3].ravel(), 1)
        for image in images
        for y in range(0, 3, spacing)
        for x in range(0, 4, spacing)
    ]
    expected = np.mean([np.outer(row, row) for row in rows], axis=0)
    np.testing.assert_allclose(session.run(input_factor(layer, spacing)), expected, rtol=1e-5)


def test_output_factor_over_all_signs_is_brute_force(session):
    """The mean over every vector of signs: 2/P sum_t sum_p g_tp g_tp^T, t positions, p outputs."""
    images = tf.constant(np.random.default_rng(0).normal(size=(2, 4, 4, 1)), tf.float32)
    layers = convolutions(images, [(2, 2, 1, 3), (2, 2, 3, 1)])
    session.run(tf.global_variables_initializer())
    pred = layers[-1].outputs  # (2, 2, 2, 1): 8 values, 256 vectors of signs
    signs = tf.placeholder(tf.float32, [2, 2, 2, 1])
    factor = output_factor(layers[0], pred, signs)
    every = itertools.product((-1, 1), repeat=8)
    mean = np.mean([session.run(factor, {signs: np.reshape(s, (2, 2, 2, 1))}) for s in every], axis=0)
    expected = np.zeros((3, 3))
    for value in tf.unstack(tf.reshape(pred, [-1])):
        g = session.run(tf.gradients(value, layers[0].outputs)[0]).reshape(-1, 3)
        expected += 2 / 8 * g.T @ g
    np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shapes", [[(1, 1, 3, 1)], [(1, 1, 3, 5), (1, 1, 5, 1)]])
def test_the_product_of_factors_is_the_gauss_newton_matrix_of_one_sample(session, shapes):
    """Where there is one position and one sample, nothing is approximated, in any of three or four layers."""
    images = tf.constant(np.random.default_rng(0).normal(size=(1, 2, 2, 3)), tf.float32)
    layers = convolutions(images, [(2, 2, 3, 4), (1, 1, 4, 3), *shapes])
    session.run(tf.global_variables_initializer())
    pred = layers[-1].outputs
    for layer in layers:
        a, g = session.run([input_factor(layer), output_factor(layer, pred, tf.ones([1, 1, 1, 1]))])
        j = jacobian(session, layer, pred)
        np.testing.assert_allclose(np.kron(a, g), 2 * j.T @ j, rtol=1e-4, atol=1e-5)


def test_the_step_of_one_linear_layer_is_that_of_a_dense_solve(session):
    """One layer, one output: A (x) G is the whole Gauss-Newton matrix."""
    rng = np.random.default_rng(0)
    images = tf.constant(rng.normal(size=(20, 6, 6, 2)), tf.float32)
    labels = tf.constant(rng.normal(size=(20, 4, 4, 1)), tf.float32)
    layers = convolutions(images, [(3, 3, 2, 1)])
    loss = tf.reduce_mean(tf.square(layers[0].outputs - labels))
    settings = {"damping": 1e-16, "trust": 1e9, "momentum": 0, "spacing": 1}
    preconditioner = NaturalGradient([layers], Towers(20), 1.0, 0, 0, **settings)
    variables = [layers[0].weights, layers[0].biases]
    gradients = tf.gradients(loss, variables)
    naturals, plain = preconditioner.precondition(gradients), stack(*gradients)
    session.run(tf.global_variables_initializer())
    session.run(preconditioner.refresh)
    natural, gradient = session.run([stack(*naturals), plain])
    j = jacobian(session, layers[0], layers[0].outputs)
    expected = np.linalg.solve(2 / len(j) * j.T @ j, gradient.astype(np.float64).ravel())
    np.testing.assert_allclose(natural.ravel(), expected, rtol=2e-3, atol=1e-4)
    # and a full step of it reaches the least-squares solution
    session.run(tf.train.GradientDescentOptimizer(1.0).apply_gradients(zip(naturals, variables, strict=True)))
    np.testing.assert_allclose(session.run(plain), 0, atol=1e-4)


def test_the_steps_of_four_layers_are_their_gradients_between_their_own_inverses(session):
    """A^-1 D G^-1, damped as in section 6.3 of the paper, computed layer by layer in float64."""
    images = tf.constant(np.random.default_rng(0).normal(size=(30, 2, 2, 3)), tf.float32)
    layers = convolutions(images, [(2, 2, 3, 4), (1, 1, 4, 3), (1, 1, 3, 5), (1, 1, 5, 1)])
    pred, damping = layers[-1].outputs, 1e-3  # of one position, so that signs do not matter
    settings = {"damping": damping, "trust": 1e9, "momentum": 0, "spacing": 1}
    preconditioner = NaturalGradient([layers], Towers(30), 1.0, 0, 0, **settings)
    gradients = tf.gradients(tf.reduce_mean(tf.square(pred)), [v for layer in layers for v in layer[:2]])
    naturals = preconditioner.precondition(gradients)
    session.run(tf.global_variables_initializer())
    session.run(preconditioner.refresh)
    for i, layer in enumerate(layers):
        signs, part = tf.ones_like(pred), slice(2 * i, 2 * i + 2)
        nodes = input_factor(layer), output_factor(layer, pred, signs), stack(*gradients[part])
        a, g, d = (value.astype(np.float64) for value in session.run(nodes))
        pi = np.sqrt(np.mean(np.diag(a)) / np.mean(np.diag(g)))
        inverse = np.linalg.inv(a + pi * damping**0.5 * np.eye(len(a)))
        expected = inverse @ d @ np.linalg.inv(g + damping**0.5 / pi * np.eye(len(g)))
        natural = session.run(stack(*naturals[part]))
        np.testing.assert_allclose(natural, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_the_trust_region_bounds_the_step(session):
    rng = np.random.default_rng(0)
    images = tf.constant(rng.normal(size=(8, 6, 6, 1)), tf.float32)
    labels = tf.constant(rng.normal(size=(8, 3, 3, 1)), tf.float32)
    layers = convolutions(images, [(3, 3, 1, 4), (2, 2, 4, 1)])
    loss = tf.reduce_mean(tf.square(layers[-1].outputs - labels))
    trust = tf.placeholder(tf.float32, [])
    preconditioner = NaturalGradient([layers], Towers(8), 1.0, 0, 0, trust=trust, momentum=0)
    plain = tf.gradients(loss, [variable for layer in layers for variable in layer[:2]])
    run = [preconditioner.precondition(plain), plain]
    session.run(tf.global_variables_initializer())
    session.run(preconditioner.refresh)
    naturals, gradients = session.run(run, {trust: 1e30})
    length = sum(np.sum(n * d) for n, d in zip(naturals, gradients, strict=True))
    for limit in (length / 100, length * 100):
        bounded, _ = session.run(run, {trust: limit})
        nu = min(1, np.sqrt(limit / length))
        for short, natural in zip(bounded, naturals, strict=True):
            np.testing.assert_allclose(short, nu * natural, rtol=1e-4, atol=1e-6)


def test_factors_are_averaged_first_plainly_then_with_decay(session):
    """Of four batches by weights of 1, 1/2, then 1 - decay; the inverses are those of the average."""
    images, damping = tf.placeholder(tf.float32, [5, 2, 2, 1]), 1e-2
    layers = convolutions(images, [(2, 2, 1, 1)])
    settings = {"damping": damping, "decay": 0.6, "spacing": 1}
    curvature = NaturalGradient([layers], Towers(tf.constant(5)), 1.0, 0, 0, **settings)
    session.run(tf.global_variables_initializer())
    rng, average, g = np.random.default_rng(0), np.zeros((5, 5)), 2.0  # of the mean squared error
    for weight in (1, 1 / 2, 0.4, 0.4):
        batch = rng.normal(size=(5, 2, 2, 1))
        session.run(curvature.refresh, {images: batch})
        rows = np.pad(batch.reshape(5, 4), ((0, 0), (0, 1)), constant_values=1)
        average += weight * (rows.T @ rows / 5 - average)
        ((factor, _),), ((inverse, _),) = session.run([curvature.factors, curvature.inverses])
        np.testing.assert_allclose(factor, average, rtol=1e-5, atol=1e-6)
        pi = np.sqrt(np.mean(np.diag(average)) / g)
        expected = np.linalg.inv(average + pi * damping**0.5 * np.eye(5))
        np.testing.assert_allclose(inverse, expected, rtol=1e-3, atol=1e-3)


def test_momentum_adds_what_is_left_of_earlier_steps(session):
    layers = convolutions(tf.zeros([1, 2, 2, 1]), [(2, 2, 1, 3)])
    fed = [tf.placeholder(tf.float32, shape) for shape in ((2, 2, 1, 3), (3,))]
    curvature = NaturalGradient([layers], Towers(tf.constant(1)), 1.0, 0, 0, trust=1e9, momentum=0.7)
    steps, velocity = curvature.precondition(fed), [0, 0]
    session.run(tf.global_variables_initializer())  # the inverses are still 1
    rng = np.random.default_rng(0)
    for _ in range(3):
        gradients = [rng.normal(size=tensor.shape) for tensor in fed]
        velocity = [0.7 * before + gradient for before, gradient in zip(velocity, gradients, strict=True)]
        for step, expected in zip(
            session.run(steps, dict(zip(fed, gradients, strict=True))), velocity, strict=True
        ):
            np.testing.assert_allclose(step, expected, rtol=1e-5, atol=1e-6)


def test_the_factors_of_outputs_weigh_each_sample(session):
    """G = 2/P sum_n w_n g_n g_n^T, of one position, so that signs do not matter."""
    rng = np.random.default_rng(0)
    images, weights = rng.normal(size=(30, 2, 2, 3)), rng.uniform(0.1, 4, 30)
    layers = convolutions(tf.constant(images, tf.float32), [(2, 2, 3, 4), (1, 1, 4, 3), (1, 1, 3, 1)])
    towers, counted = Towers(tf.constant(30)), tf.constant(weights.reshape(30, 1, 1, 1), tf.float32)
    factors = batch_factors([layers], towers, counted, [0, 0], 1)
    session.run(tf.global_variables_initializer())
    for layer, (_, factor) in zip(layers, factors, strict=True):
        found, g = session.run([factor, tf.gradients(layers[-1].outputs, layer.outputs)[0][:, 0, 0]])
        expected = sum(2 / 30 * w * np.outer(row, row) for w, row in zip(weights, g, strict=True))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def samples(channels):
    """Eight sub-images, from easy to hard: (8, 11, 11, c) and labels (8, 7, 7, c)."""
    rng = np.random.default_rng(0)
    images = rng.random((8, 11, 11, channels))
    noise = rng.normal(size=(8, 7, 7, channels)) * np.geomspace(0.001, 0.3, 8).reshape(8, 1, 1, 1)
    return images, images[:, 2:-2, 2:-2] + noise


def relative_weights(images, labels):
    """What sub-images count: 1 over the error of the input and half the mean of those; 1 on average."""
    errors = [np.mean((label - image[2:-2, 2:-2]) ** 2) for image, label in zip(images, labels, strict=True)]
    weights = np.array([1 / (error + sum(errors) / 8 / 2) for error in errors])
    return weights / weights.mean()


@pytest.mark.parametrize("colour", ["y", "rgb"])
def test_easy_sub_images_count_more_than_hard_ones(session, colour):
    srcnn = SRCNN(session, network_of("3-3", colour=colour))
    images, labels = samples(srcnn.network.c_dim)
    found = session.run(srcnn.sample_weights(), {srcnn.images: images, srcnn.labels: labels})
    np.testing.assert_allclose(found, relative_weights(images, labels), rtol=1e-5)
    assert all(np.diff(found) < 0) and 2 < found[0] / found[-1] < 20


def test_descent_and_curvature_are_of_the_weighted_error(session, monkeypatch):
    """The step of the last bias by hand: the mean of w_n times its gradient, channels by their weights."""
    seen = []

    class Unconditioned:
        refresh = None

        def __init__(self, layers, towers, weights, seed, step):
            seen.append(weights)

        def precondition(self, gradients):
            return gradients

    monkeypatch.setattr(model, "NaturalGradient", Unconditioned)
    srcnn = SRCNN(session, network_of("3-3", colour="rgb"), "identity", loss_weights=[1, 0.5, 0])
    srcnn.build_descent("kfac")
    session.run(tf.global_variables_initializer())
    images, labels = samples(3)
    feed = {srcnn.images: images, srcnn.labels: labels, srcnn.learning_rate: 0.1}
    residuals = srcnn.run(images) - labels
    _, weights = session.run([srcnn.train_op, seen[0]], feed)
    by_hand = relative_weights(images, labels).reshape(8, 1, 1, 1) * [2, 1, 0]
    np.testing.assert_allclose(weights, by_hand, rtol=1e-5)
    expected = -0.1 * np.mean(by_hand * 2 * residuals, (0, 1, 2)) / 3
    np.testing.assert_allclose(session.run(srcnn.biases["b2"]), expected, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("spacing", [2, None])
def test_weights_count_in_the_factors_of_outputs_and_spacing_in_those_of_inputs(session, spacing):
    """Each sample has one output: its sign does not matter. By default every third patch counts."""
    rng = np.random.default_rng(0)
    images = tf.constant(rng.normal(size=(4, 7, 7, 1)), tf.float32)
    layers = convolutions(images, [(3, 3, 1, 2), (5, 5, 2, 1)])
    weights = rng.uniform(0.5, 2, (4, 1, 1, 1)).astype(np.float32)
    more = {"spacing": spacing} if spacing else {}
    preconditioner = NaturalGradient([layers], Towers(4), tf.constant(weights), 0, 0, **more)
    session.run(tf.global_variables_initializer())
    session.run(preconditioner.refresh)
    (a, g), (_, last) = session.run(preconditioner.factors)
    np.testing.assert_allclose(a, session.run(input_factor(layers[0], spacing or 3)), rtol=1e-5)
    np.testing.assert_allclose(last, [[2 * weights.mean()]], rtol=1e-5)
    root = output_factor(layers[0], layers[1].outputs, tf.constant(np.sqrt(weights)))
    np.testing.assert_allclose(g, session.run(root), rtol=1e-4, atol=1e-6)
