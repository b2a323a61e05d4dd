"""The network of Dong et al. 2014 (ECCV, section 3) as a TensorFlow 1 graph."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from srcnn import tf1
from srcnn.networks.network import Network
from srcnn.tf1 import tf
from srcnn.training.natural_gradient import Layer, NaturalGradient
from srcnn.training.towers import Towers, flatten, unflatten

DEFAULT = Network()


def conv2d(inputs: tf.Tensor, kernel: tf.Tensor, block: int = 1) -> tf.Tensor:
    """Convolution without padding; (n, h, w, cin) to (n, h - kh + 1, w - kw + 1, cout).

    block: of a kernel that `in_blocks` made; the output's height and width must be multiples of it.
    """
    outputs = tf.nn.conv2d(inputs, kernel, strides=block, padding="VALID")
    return tf.depth_to_space(outputs, block) if block > 1 else outputs


def in_blocks(kernel: tf.Tensor, block: int) -> tf.Tensor:
    """A kernel (kh, kw, cin, cout) as one that computes block x block neighbouring pixels as channels.

    Where cout is small, `conv2d` is several times faster with it. Returns the kernel at as many shifted
    places, (kh + block - 1, kw + block - 1, cin, block * block * cout).
    """
    if block == 1:
        return kernel
    shifts = itertools.product(range(block), repeat=2)
    return tf.concat(
        [tf.pad(kernel, [[i, block - 1 - i], [j, block - 1 - j], [0, 0], [0, 0]]) for i, j in shifts], 3
    )


def initial_weights(network: Network, init: str, seed: int) -> dict[str, np.ndarray]:
    """Initial w1, b1, ... as a dict of arrays.

    'normal' is the paper's N(0, 1e-3). 'identity' lets the image through unchanged, so that training
    starts at the bicubic score: a 1 at the centre of the kernels of the first c_dim channels; the
    others are He-normal (He et al. 2015) and, in the last layer, N(0, 1e-3). What a network is conditioned
    on makes no difference at first.
    """
    rng = np.random.default_rng(seed)
    values, plain = {}, network._replace(degradation="matlab").shapes
    for name, shape in plain.items():
        if name.startswith("b"):
            values[name] = np.zeros(shape, np.float32)
            continue
        is_last = name == f"w{len(network.kernels)}"
        deviation = 1e-3 if init == "normal" or is_last else np.sqrt(2 / np.prod(shape[:3]))
        kernel = rng.normal(0, deviation, shape)
        if init == "identity":
            for c in range(network.c_dim):
                passing = kernel[..., c, :] if is_last else kernel[..., c]
                passing[:] = 0
                kernel[shape[0] // 2, shape[1] // 2, c, c] = 1
        extra = network.shapes[name][2] - shape[2]
        values[name] = np.pad(kernel.astype(np.float32), ((0, 0), (0, 0), (0, extra), (0, 0)))
    return values


class SRCNN:
    """The graph of one network in a `tf.Session`.

    sess: the session. network: see network.py. init, seed: of the weights it starts with.
    label_size: of the outputs that it is to be quick for; those of every size are right.
    loss_weights: of the channels of an image in the loss, in proportion; by default all the same.

    images: (n, h, w, c_dim), with one channel more for a network conditioned on JPEG, see conditioning.py.
    labels, pred: (n, h - margin, w - margin, c_dim). loss: the mean squared error.
    weights, biases: variables w1, w2, ... and b1, b2, ... by name.
    """

    def __init__(
        self,
        sess: tf.Session,
        network: Network = DEFAULT,
        init: str = "normal",
        seed: int = 0,
        label_size: int = 21,
        loss_weights: Sequence[float] | None = None,
    ):
        self.sess, self.network, self.seed, self.self_ensemble = sess, network, seed, False
        self.source: str | Path | None = None  # of the weights; see networks/trained.py
        self.settings: dict[str, Any] = {}
        self.on_trust, self.digest = "", ""
        self.block = next(b for b in (4, 3, 2, 1) if label_size % b == 0)
        channels = network.c_dim + network.is_conditioned
        self.images = tf.placeholder(tf.float32, [None, None, None, channels], name="images")
        self.labels = tf.placeholder(tf.float32, [None, None, None, network.c_dim], name="labels")
        initial = initial_weights(network, init, seed)
        self.variables = {name: tf.Variable(value, name=name) for name, value in initial.items()}
        self.weights = {name: v for name, v in self.variables.items() if name.startswith("w")}
        self.biases = {name: v for name, v in self.variables.items() if name.startswith("b")}
        self.step = tf.Variable(0, name="step", trainable=False)
        self.pred, self.layers, self.operands = self.model(self.images, self.variables.values())
        self.frozen: tuple[tf.Session, tf.Tensor, tf.Tensor] | None = None  # see `freeze`
        weights = np.array(loss_weights or [1] * network.c_dim, np.float32)
        self.loss_weights = weights / weights.mean()
        self.errors = self.squared_errors(self.labels, self.pred)
        self.loss = tf.reduce_mean(self.errors)
        self.assigned = {name: tf.placeholder(tf.float32, v.shape) for name, v in self.variables.items()}
        self.assign = {name: tf.assign(v, self.assigned[name]) for name, v in self.variables.items()}

    def model(
        self, images: tf.Tensor, values: Iterable[tf.Tensor]
    ) -> tuple[tf.Tensor, list[Layer], list[tf.Tensor]]:
        """The network (paper, equations 1 to 3): what comes out, the list of Layer, and the operands.

        values: w1, b1, w2, ...
        """
        values = list(values)
        operands = self.operands_of(values)
        pred, convolved = self.convolutions(images, operands)
        layers = zip(values[::2], values[1::2], convolved, strict=True)
        return pred, [Layer(kernel, bias, *tensors) for kernel, bias, tensors in layers], operands

    def operands_of(self, values: Iterable[tf.Tensor]) -> list[tf.Tensor]:
        """w1, b1, w2, ... as the convolutions take them: the last kernel computes a block of pixels."""
        *before, kernel, bias = values
        return [*before, in_blocks(kernel, self.block), bias]

    def convolutions(self, images: tf.Tensor, operands: Sequence[tf.Tensor]):
        """What comes out, and of each layer its inputs and its outputs before the ReLU."""
        # The last layer computes blocks of pixels, so the images are extended to a whole number of them.
        h, w = (tf.shape(images)[axis] - self.network.margin for axis in (1, 2))
        x = tf.pad(images, [[0, 0], [0, -h % self.block], [0, -w % self.block], [0, 0]])
        if self.network.is_conditioned:
            x, strength = x[..., :-1], x[:, :1, :1, -1:]
        convolved: list[tuple[tf.Tensor, tf.Tensor]] = []
        for kernel, bias in zip(operands[::2], operands[1::2], strict=True):
            if self.network.is_conditioned:
                has_products = kernel.shape[2] > x.shape[3] + 1
                extra = [strength * tf.ones_like(x[..., :1])] + [strength * x] * has_products
                x = tf.concat([x, *extra], 3)
            block = self.block if len(convolved) == len(self.network.kernels) - 1 else 1
            outputs = tf.nn.bias_add(conv2d(x, kernel, block), bias)
            convolved.append((x, outputs))
            x = tf.nn.relu(outputs)
        return tf.identity(outputs[:, :h, :w], name="pred"), convolved

    def squared_errors(self, labels: tf.Tensor, pred: tf.Tensor) -> tf.Tensor:
        """The mean squared error of each sub-image, (n,)."""
        squares = tf.math.squared_difference(labels, pred)
        if self.network.c_dim > 1:
            squares *= self.loss_weights
        return tf.reduce_mean(squares, [1, 2, 3])

    def build_descent(
        self,
        preconditioner: str,
        devices: Sequence[str] = ("",),
        relative_rates: Sequence[float] | None = None,
    ) -> None:
        """Adds the step of descent: `learning_rate`, `train_op` and `refresh` of the curvature.

        preconditioner: 'kfac' for the natural gradient, 'none' for the plain one (refresh is None).
        devices: those that share out a batch. relative_rates: factors of each layer's steps.
        """
        self.learning_rate = tf.placeholder(tf.float32, [], name="learning_rate")
        optimizer = tf.train.GradientDescentOptimizer(self.learning_rate)
        towers = Towers(tf.shape(self.images)[0], devices)
        natural = preconditioner == "kfac"
        weights = self.sample_weights() if natural else tf.ones_like(self.errors)
        variables = list(self.variables.values())
        layers, found = [], []
        for device, (tower, errors, weight, values) in zip(
            towers.devices, self.replicas(towers, weights), strict=True
        ):
            layers.append(tower)
            with tf.device(device):
                # Gated: no weight changes before all that is computed from it, and a layer's convolutions do
                # not compete with the next layer's for the cores, which costs a tenth of a step.
                gradients = tf.gradients(tf.reduce_mean(weight * errors), values, gate_gradients=True)
                found.append(flatten([*gradients, tf.reduce_mean(errors)]))
        *gradients, self.loss = unflatten(towers.mean(found), [*self.network.shapes.values(), []])
        self.refresh = None
        if natural:
            weights = self.loss_weights * tf.reshape(weights, [-1, 1, 1, 1])
            curvature = NaturalGradient(layers, towers, weights, self.seed, self.step)
            gradients, self.refresh = curvature.precondition(gradients), curvature.refresh
        if relative_rates:
            gradients = [g * relative_rates[i // 2] for i, g in enumerate(gradients)]
        pairs = zip(gradients, variables, strict=True)
        self.train_op = optimizer.apply_gradients(pairs, global_step=self.step)

    def replicas(self, towers, weights):
        """On each device the layers of the network, errors, (n,), their weights, and what to derive by."""
        variables = list(self.variables.values())
        if len(towers.devices) == 1:
            return [(self.layers, self.errors, weights, variables)]
        found, shapes = [], list(self.network.shapes.values())
        parts = towers.hand_out(flatten(variables), [self.images, self.labels, weights])
        for device, (values, images, labels, weight) in zip(towers.devices, parts, strict=True):
            with tf.device(device):
                pred, layers, _ = self.model(images, unflatten(values, shapes))
                found.append((layers, self.squared_errors(labels, pred), weight, [values]))
        return found

    def sample_weights(self) -> tf.Tensor:
        """How much the error of each sub-image counts for the natural gradient: (n,), 1 on average.

        PSNR is a logarithm: what is easy counts as much in its mean as what is hard. So errors are taken
        relative to those of the inputs, and to half their mean, lest flat sub-images count for nearly all.
        """
        padding = self.network.margin // 2
        h, w = tf.shape(self.labels)[1], tf.shape(self.labels)[2]
        centres = self.images[:, padding : padding + h, padding : padding + w, : self.network.c_dim]
        error = tf.reduce_mean(tf.math.squared_difference(self.labels, centres), [1, 2, 3]) + 1e-12
        weights = 1 / (error + tf.reduce_mean(error) / 2)
        return weights / tf.reduce_mean(weights)

    def run(self, images: np.ndarray) -> np.ndarray:
        """One pass: (n, h + margin, w + margin, channels of `images`) to (n, h, w, c_dim).

        With `self_ensemble` eight of them: the mean of those of its flips and rotations (Timofte et al.
        2016, "Seven ways to improve example-based single image super resolution").
        """
        sess, pred, placeholder = self.frozen or (self.sess, self.pred, self.images)
        if not self.self_ensemble:
            return sess.run(pred, {placeholder: images})
        outputs = []
        for flip, quarters in itertools.product((1, -1), range(4)):
            turned = np.rot90(images[:, :, ::flip], quarters, (1, 2))
            outputs.append(np.rot90(sess.run(pred, {placeholder: turned}), -quarters, (1, 2))[:, :, ::flip])
        return np.mean(outputs, axis=0)

    def freeze(self) -> None:
        """From here on `run` computes by a frozen graph: the present weights are constants of it.

        oneDNN prepares a constant kernel once, others anew for every batch: a third to a half of the time of
        a processor without AVX-512. To be called again after the weights have changed.
        """
        self.thaw()
        constants = self.sess.run(self.operands)
        sess = tf.Session(graph=tf.Graph(), config=tf1.settings())
        with sess.graph.as_default():
            images = tf.placeholder(tf.float32, self.images.shape, name="images")
            pred, _ = self.convolutions(images, [tf.constant(value) for value in constants])
        self.frozen = sess, pred, images

    def thaw(self) -> None:
        """From here on `run` computes with the variables."""
        if self.frozen:
            self.frozen[0].close()
        self.frozen = None

    def set(self, values: dict[str, np.ndarray]) -> None:
        """Assigns arrays to w1, b1, ... by name; `run` computes with them as they are, until `freeze`."""
        self.thaw()
        feed = {self.assigned[name]: value for name, value in values.items()}
        self.sess.run([self.assign[name] for name in values], feed)
