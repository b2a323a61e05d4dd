"""Natural gradient for convolutional layers: Kronecker-factored Gauss-Newton curvature (K-FAC).

Martens & Grosse 2015, "Optimizing Neural Networks with Kronecker-factored Approximate Curvature"
(arXiv 1503.05671), and Grosse & Martens 2016, "A Kronecker-factored approximate Fisher matrix for
convolution layers" (arXiv 1602.01407), written KFC below.

Symbols. A layer's kernel W (kh, kw, cin, cout) and bias b, stacked, are one matrix of
kh*kw*cin + 1 rows and cout columns; D is the gradient of the loss in that shape. a is the input
patch under the kernel with a 1 appended; g is the derivative with respect to the layer's output
before its ReLU. The Gauss-Newton matrix of the layer is approximated by A (x) G,
A = E[a a^T], G = E[g g^T], so that its inverse times D is A^-1 D G^-1.
"""

import itertools
from typing import NamedTuple

from srcnn.tf1 import tf


class Layer(NamedTuple):
    """A convolution as the curvature sees it."""

    weights: tf.Variable  # (kh, kw, cin, cout)
    biases: tf.Variable  # (cout,)
    inputs: tf.Tensor  # (n, h, w, cin)
    outputs: tf.Tensor  # (n, h', w', cout), before the ReLU


def patches(inputs, kh, kw, spacing=1):
    """kh x kw patches of (n, h, w, c) as rows with a 1 appended: (positions, kh*kw*c + 1).

    spacing: pixels from one patch to the next. Slices, because `tf.image.extract_patches` is slow on the CPU.
    """
    shape = tf.shape(inputs)
    h, w = shape[1] - kh + 1, shape[2] - kw + 1
    shifted = [inputs[:, i : i + h : spacing, j : j + w : spacing] for i in range(kh) for j in range(kw)]
    rows = tf.reshape(tf.concat(shifted, 3), [-1, kh * kw * inputs.shape[3]])
    return tf.pad(rows, [[0, 0], [0, 1]], constant_values=1)


def input_factor(layer, spacing=1):
    """A = E[a a^T] over samples and positions (KFC eq. 28), (kh*kw*cin + 1) square.

    spacing: pixels from one position to the next.
    """
    kh, kw = layer.weights.shape[:2]
    a = patches(layer.inputs, int(kh), int(kw), spacing)
    return tf.matmul(a, a, transpose_a=True) / tf.cast(tf.shape(a)[0], tf.float32)


def output_factor(layer, pred, signs):
    """G of the mean squared error over the P values of `pred`, cout square.

    The Gauss-Newton matrix is 2/P times the sum over output values p of (df_p/dW)(df_p/dW)^T. With
    g the gradient of sum_p r_p f_p for independent random signs r_p, the cross terms vanish in
    the mean: G = 2/P times the sum over samples and positions of g g^T (KFC eq. 29).
    signs: r, of the shape of `pred`.
    """
    (g,) = tf.gradients(pred, layer.outputs, grad_ys=signs)
    g = tf.reshape(g, [-1, g.shape[3]])
    return tf.matmul(g, g, transpose_a=True) * (2 / tf.cast(tf.size(pred), tf.float32))


def stack(weights, biases):
    """Kernel (kh, kw, cin, cout) and bias (cout,) as one matrix (kh*kw*cin + 1, cout)."""
    return tf.concat([tf.reshape(weights, [-1, weights.shape[3]]), biases[tf.newaxis]], 0)


def damped_inverses(a, g, damping):
    """Inverses of A + pi sqrt(damping) I and G + sqrt(damping)/pi I, in float64.

    pi, by which the damping is shared between them, is the root of the ratio of their mean
    eigenvalues (Martens & Grosse 2015, section 6.3).
    """
    a, g = tf.cast(a, tf.float64), tf.cast(g, tf.float64)

    def mean_eigenvalue(m):
        return tf.linalg.trace(m) / int(m.shape[0])

    tiny = 1e-30  # keeps the quotient defined when every unit of a layer is dead
    pi = tf.sqrt((mean_eigenvalue(a) + tiny) / (mean_eigenvalue(g) + tiny))
    root = tf.sqrt(tf.cast(damping, tf.float64))

    def inverse(m, amount):
        eye = tf.eye(int(m.shape[0]), dtype=tf.float64)
        lower = tf.linalg.cholesky(m + amount * eye)
        half = int(m.shape[0]) // 2  # TensorFlow solves each on one core
        solved = [tf.linalg.cholesky_solve(lower, part) for part in (eye[:, :half], eye[:, half:])]
        return tf.cast(tf.concat(solved, 1), tf.float32)

    return inverse(a, pi * root), inverse(g, root / pi)


def batch_factors(layers, towers, weights, seed, spacing):
    """[A, G] of each layer from the batch that is fed; see NaturalGradient. seed: two integers."""
    preds = [tower[-1].outputs for tower in layers]
    # Of the whole batch, so that those of a sub-image do not depend on who has it.
    shape = tf.concat([[towers.length], tf.shape(preds[0])[1:]], 0)
    signs = tf.random.stateless_uniform(shape, seed, 0, 2, tf.int32)
    signs = tf.cast(2 * signs - 1, tf.float32) * tf.sqrt(weights)
    found = []
    for device, tower, pred, part in zip(towers.devices, layers, preds, towers.split(signs), strict=True):
        with tf.device(device):
            found.append([[input_factor(la, spacing), output_factor(la, pred, part)] for la in tower])
    return [[towers.mean(parts) for parts in zip(*pairs, strict=True)] for pairs in zip(*found, strict=True)]


class NaturalGradient:
    """Preconditions the gradients that an optimizer is given.

    layers: for each of the towers a list of Layer; the outputs of the last one are `pred`, of which the loss
    is the mean squared error. towers: see towers.py. weights: of the values of all `pred` in that mean, 1 on
    average, in a shape that broadcasts to theirs.
    seed, step: scalar integer tensors from which the random signs derive.
    spacing: pixels between the patches that A is taken from; neighbours say nearly the same.
    `refresh` renews the running averages of the factors from the batch that is fed, and the inverses
    from the averages. All are variables, so a checkpoint has them.
    """

    def __init__(
        self,
        layers,
        towers,
        weights,
        seed,
        step,
        damping=1e-6,
        trust=5e-8,
        momentum=0.9,
        decay=0.95,
        spacing=3,
    ):
        self.layers, self.trust, self.momentum = layers[0], trust, momentum
        factors = batch_factors(layers, towers, weights, [seed, step], spacing)

        def variables(name):
            return [
                [
                    tf.Variable(tf.eye(int(f.shape[0])), name=f"{name}_{letter}{i}", trainable=False)
                    for letter, f in zip("ag", pair, strict=True)
                ]
                for i, pair in enumerate(factors, 1)
            ]

        self.factors, self.inverses = variables("factor"), variables("inverse")
        self.refresh = self._refresh(factors, towers.devices, damping, decay)

    def _refresh(self, factors, devices, damping, decay):
        """The operation that renews averages and inverses, the inverses spread over devices."""
        count = tf.Variable(0.0, name="refreshes", trainable=False)
        # A plain mean at first, a running one once there are enough of them (section 5).
        weight = tf.maximum(1 - decay, 1 / (count + 1))
        averages = [
            [tf.assign_add(average, weight * (new - average)) for average, new in zip(*pairs, strict=True)]
            for pairs in zip(self.factors, factors, strict=True)
        ]
        inverses = []
        # The largest first: it stays with the chief, the others go round the towers.
        by_size = sorted(
            zip(self.inverses, averages, strict=True), key=lambda pair: -int(pair[1][0].shape[0])
        )
        for (pair, averaged), device in zip(by_size, itertools.cycle(devices), strict=False):
            with tf.device(device):
                new = damped_inverses(*averaged, damping)
            inverses += [tf.assign(*both) for both in zip(pair, new, strict=True)]
        with tf.control_dependencies(inverses):
            return tf.assign_add(count, 1).op

    def precondition(self, gradients):
        """Natural gradients of those of the loss, both w1, b1, w2, ... in a list.

        N = A^-1 D G^-1 for each layer; all are scaled by one factor nu so that the quadratic model's
        squared step, nu^2 <N, D>, stays within `trust` (Ba et al. 2017, section 5). The learning
        rate, multiplied on top by the optimizer, so shrinks the trust region with the step. Momentum adds
        up what is left of earlier steps, 1 / (1 - momentum) times as far in the end.
        """
        stacked = [stack(w, b) for w, b in zip(gradients[::2], gradients[1::2], strict=True)]
        naturals = [tf.matmul(tf.matmul(a, d), g) for d, (a, g) in zip(stacked, self.inverses, strict=True)]
        length = tf.add_n([tf.reduce_sum(n * d) for n, d in zip(naturals, stacked, strict=True)])
        # The sum is positive but for rounding.
        nu = tf.minimum(1.0, tf.sqrt(self.trust / (tf.maximum(length, 0.0) + 1e-30)))
        found = []
        for i, (layer, natural) in enumerate(zip(self.layers, naturals, strict=True), 1):
            velocity = tf.Variable(tf.zeros(natural.shape), name=f"velocity{i}", trainable=False)
            velocity = tf.assign(velocity, self.momentum * velocity + nu * natural)
            found += [tf.reshape(velocity[:-1], layer.weights.shape), velocity[-1]]
        return found
