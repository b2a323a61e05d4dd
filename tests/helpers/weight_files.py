"""What several tests need of weight files."""

import numpy as np
import scipy.io

from model import initial_weights
from srcnn.tf1 import tf
from tests.conftest import network_of

COLOUR = {1: "y", 3: "rgb"}  # by channels


def random_weights(filters, c_dim=1, seed=0):
    """Weights of a size that keeps every layer alive."""
    rng = np.random.default_rng(seed)
    values = initial_weights(network_of(filters, colour=COLOUR[c_dim]), "normal", seed)
    for name, value in values.items():
        deviation = 0.1 if name.startswith("b") else np.sqrt(2 / np.prod(value.shape[:3]))
        values[name] = rng.normal(0, deviation, value.shape).astype(np.float32)
    return values


def write_checkpoint(prefix, values, version):
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [tf.Variable(value, name=name) for name, value in values.items()]
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver(variables, write_version=version)
        return saver.save(session, str(prefix), global_step=2550000)


def write_mat(path, values):
    """The authors' layout, a value at a time, from its description."""
    w1, w2, w3 = (values[f"w{i}"] for i in (1, 2, 3))
    f1, f2, f3 = len(w1), len(w2), len(w3)
    conv1 = np.array([[w1[p % f1, p // f1, 0, i] for i in range(64)] for p in range(f1 * f1)])
    conv2 = np.array(
        [[[w2[p % f2, p // f2, i, o] for o in range(32)] for p in range(f2 * f2)] for i in range(64)]
    )
    conv3 = np.array([[w3[p % f3, p // f3, i, 0] for p in range(f3 * f3)] for i in range(32)])
    mat = {"weights_conv1": conv1, "weights_conv2": conv2, "weights_conv3": conv3}
    scipy.io.savemat(path, mat | {f"biases_conv{i}": values[f"b{i}"][:, np.newaxis] for i in (1, 2, 3)})
