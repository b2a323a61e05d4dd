"""The network of Dong et al. 2014 (ECCV, section 3) as a TensorFlow 1 graph."""

import hashlib

import numpy as np
import tensorflow.compat.v1 as tf

from errors import InputError
from natural_gradient import Layer, NaturalGradient
from network import TILE, Network
from weights import check_settings, find_weights, read_weights

RELEASED = 2, 3, 4  # scales of the weights that the authors and the reference implementation released


def conv2d(inputs, kernel):
    """Convolution without padding; (n, h, w, cin) to (n, h - kh + 1, w - kw + 1, cout)."""
    return tf.nn.conv2d(inputs, kernel, strides=1, padding="VALID")


def conv2d_few(inputs, kernel, block):
    """The same for a kernel of few output channels, several times faster.

    One convolution of stride `block` computes block x block neighbouring pixels as channels, with
    the kernel at as many shifted places. Output height and width must be multiples of `block`.
    """
    shifts = range(block)
    shifted = [
        tf.pad(kernel, [[i, block - 1 - i], [j, block - 1 - j], [0, 0], [0, 0]])
        for i in shifts
        for j in shifts
    ]
    outputs = tf.nn.conv2d(inputs, tf.concat(shifted, 3), strides=block, padding="VALID")
    return tf.depth_to_space(outputs, block) if block > 1 else outputs


def initial_weights(network, init, seed):
    """Initial w1, b1, ... as a dict of arrays.

    'normal' is the paper's N(0, 1e-3). 'identity' lets the image through unchanged, so that training
    starts at the bicubic score: a 1 at the centre of the kernels of the first c_dim channels; the
    others are He-normal (He et al. 2015) and, in the last layer, N(0, 1e-3).
    """
    rng = np.random.default_rng(seed)
    values = {}
    for name, shape in network.shapes.items():
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
        values[name] = kernel.astype(np.float32)
    return values


class SRCNN:
    """The graph of one network in a `tf.Session`.

    sess: the session. network: see network.py. init, seed: of the weights it starts with.
    label_size: of the outputs that it is to be quick for; those of every size are right.

    images: (n, h, w, c_dim). labels, pred: (n, h - margin, w - margin, c_dim). loss: the mean squared error.
    weights, biases: variables w1, w2, ... and b1, b2, ... by name.
    """

    def __init__(self, sess, network=Network(), init="normal", seed=0, label_size=21):  # noqa: B008
        self.sess, self.network, self.seed = sess, network, seed
        self.block = next(b for b in (4, 3, 2, 1) if label_size % b == 0)
        shape = [None, None, None, network.c_dim]
        self.images = tf.placeholder(tf.float32, shape, name="images")
        self.labels = tf.placeholder(tf.float32, shape, name="labels")
        initial = initial_weights(network, init, seed)
        self.variables = {name: tf.Variable(value, name=name) for name, value in initial.items()}
        self.weights = {name: v for name, v in self.variables.items() if name.startswith("w")}
        self.biases = {name: v for name, v in self.variables.items() if name.startswith("b")}
        self.step = tf.Variable(0, name="step", trainable=False)
        self.pred = self.model()
        self.loss = tf.reduce_mean(tf.square(self.labels - self.pred))
        self.assigned = {name: tf.placeholder(tf.float32, v.shape) for name, v in self.variables.items()}
        self.assign = {name: tf.assign(v, self.assigned[name]) for name, v in self.variables.items()}

    def model(self):
        """The convolutions (paper, equations 1 to 3); remembers them in `layers`."""
        # The last layer computes blocks of pixels, so the images are extended to a whole number of them.
        h, w = (tf.shape(self.images)[axis] - self.network.margin for axis in (1, 2))
        x = tf.pad(self.images, [[0, 0], [0, -h % self.block], [0, -w % self.block], [0, 0]])
        self.layers = []
        for kernel, bias in zip(self.weights.values(), self.biases.values(), strict=True):
            is_last = len(self.layers) == len(self.weights) - 1
            conv = conv2d_few(x, kernel, self.block) if is_last else conv2d(x, kernel)
            outputs = tf.nn.bias_add(conv, bias)
            self.layers.append(Layer(kernel, bias, x, outputs))
            x = tf.nn.relu(outputs)
        return tf.identity(outputs[:, :h, :w], name="pred")

    def build_descent(self, preconditioner):
        """Adds the step of descent: `learning_rate`, `train_op` and `refresh` of the curvature.

        preconditioner: 'kfac' for the natural gradient, 'none' for the plain one (refresh is None).
        """
        self.learning_rate = tf.placeholder(tf.float32, [], name="learning_rate")
        optimizer = tf.train.GradientDescentOptimizer(self.learning_rate)
        if preconditioner == "kfac":
            natural = NaturalGradient(self.layers, self.loss, self.seed, self.step)
            gradients, self.refresh = natural.gradients(), natural.refresh
        else:
            gradients, self.refresh = optimizer.compute_gradients(self.loss), None
        self.train_op = optimizer.apply_gradients(gradients, global_step=self.step)

    def run(self, images):
        """One pass: (n, h + margin, w + margin, c_dim) to (n, h, w, c_dim)."""
        return self.sess.run(self.pred, {self.images: images})

    def set(self, values):
        """Assigns arrays to w1, b1, ... by name."""
        feed = {self.assigned[name]: value for name, value in values.items()}
        self.sess.run([self.assign[name] for name in values], feed)

    def digest(self):
        """What tells the weights from others: a hash of them."""
        digest = hashlib.sha256()
        for value in self.sess.run([*self.variables.values()]):
            digest.update(value.tobytes())
        return digest.hexdigest()

    def load(self, path):
        """Takes w1, b1, ... from a file that `read_weights` knows; returns the settings that it has.

        Raises InputError if their shapes are not those of this network, or its settings others.
        """
        values, settings = read_weights(path)
        check_settings(path, settings, self.network.settings)
        needed = self.network.shapes
        if missing := [name for name in needed if name not in values]:
            raise InputError(f"{path}: has no {', '.join(missing)}; not a checkpoint of this network")
        for name, shape in needed.items():
            if values[name].shape != shape:
                raise InputError(
                    f"{path}: {name} has the shape {values[name].shape}, but --filters "
                    f"{self.network.filters} with --c_dim {self.network.c_dim} needs {shape}"
                )
            if not np.isfinite(values[name]).all():
                raise InputError(f"{path}: {name} is not finite; take another checkpoint")
        if f"w{len(self.weights) + 1}" in values:
            raise InputError(f"{path}: has more layers than --filters {self.network.filters}")
        self.set({name: values[name] for name in needed})
        return settings


def trained(sess, network=Network(), path=None, checkpoint_dir="checkpoint", label_size=TILE):  # noqa: B008
    """An SRCNN with trained weights.

    path: a file of weights, see `read_weights`; by default those trained in checkpoint_dir, else the shipped
    ones. Returns the SRCNN and the path. Raises InputError if there are none that fit.
    """
    path = path or find_weights(network, checkpoint_dir)
    if not path:
        flags = " ".join(f"--{name} {value}" for name, value in network.settings.items())
        raise InputError(
            f"{checkpoint_dir}: no checkpoint for {flags}; train one with --is_train True, or give --weights"
        )
    srcnn = SRCNN(sess, network, label_size=label_size)
    settings = srcnn.load(path)
    unsaid = [name for name in ("scale", "degradation") if name not in settings]
    srcnn.on_trust = ", ".join(f"{name} {getattr(network, name)}" for name in unsaid)
    if "scale" in unsaid and network.scale not in RELEASED:
        raise InputError(
            f"{path}: does not say its scale, and no released weights are for --scale {network.scale}; "
            f"take one of {RELEASED}"
        )
    return srcnn, str(path)
