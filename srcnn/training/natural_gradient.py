"""Natural gradient for convolutional layers: Kronecker-factored Gauss-Newton curvature (K-FAC).

Martens & Grosse 2015, "Optimizing Neural Networks with Kronecker-factored Approximate Curvature"
(arXiv 1503.05671), and Grosse & Martens 2016, "A Kronecker-factored approximate Fisher matrix for
convolution layers" (arXiv 1602.01407), written KFC below.

Symbols, of a layer with a kernel (kh, kw, cin, cout) and a bias (cout,):

    W      kernel and bias as one matrix of kh*kw*cin + 1 rows and cout columns, see `stack`
    D      the gradient of the loss with respect to W, in its shape
    a      the input patch under the kernel at one position, as a column, with a 1 appended for the bias
    f_p    the P values that the network gives for a batch; r_p: a random sign for each of them
    g      the derivative of sum_p r_p f_p with respect to the layer's output at one position, before its ReLU
    A, G   the factors: the mean of a a^T over sub-images and positions, and 2/P times the sum of g g^T
    lambda the damping: about what is added to the eigenvalues of the curvature, so that it can be inverted
    pi     how lambda is shared between A and G, see `damped_inverses`
    N      the natural gradient, A^-1 D G^-1
    nu     the one factor that keeps the step in the trust region, see `NaturalGradient.precondition`

The Gauss-Newton matrix of a layer, W's rows one after another, is approximated by the Kronecker product
A (x) G. Its inverse times D is A^-1 D G^-1: two small matrices are inverted instead of a large one.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from srcnn.tf1 import tf
from srcnn.training.towers import Towers


class Layer(NamedTuple):
    """A convolution as the curvature sees it."""

    weights: tf.Variable  # (kh, kw, cin, cout)
    biases: tf.Variable  # (cout,)
    inputs: tf.Tensor  # (n, h, w, cin)
    outputs: tf.Tensor  # (n, h', w', cout), before the ReLU


def patches(inputs: tf.Tensor, kh: int, kw: int, spacing: int = 1) -> tf.Tensor:
    """kh x kw patches of (n, h, w, c) as rows with a 1 appended: (positions, kh*kw*c + 1).

    spacing: pixels from one patch to the next. Slices, because `tf.image.extract_patches` is slow on the CPU.
    """
    shape = tf.shape(inputs)
    h, w = shape[1] - kh + 1, shape[2] - kw + 1
    shifted = [inputs[:, i : i + h : spacing, j : j + w : spacing] for i in range(kh) for j in range(kw)]
    rows = tf.reshape(tf.concat(shifted, 3), [-1, kh * kw * inputs.shape[3]])
    return tf.pad(rows, [[0, 0], [0, 1]], constant_values=1)


def input_factor(layer: Layer, spacing: int = 1) -> tf.Tensor:
    """A, the mean of a a^T over sub-images and positions (KFC eq. 28), (kh*kw*cin + 1) square.

    spacing: pixels from one position to the next.
    """
    kh, kw = layer.weights.shape[:2]
    a = patches(layer.inputs, int(kh), int(kw), spacing)
    return tf.matmul(a, a, transpose_a=True) / tf.cast(tf.shape(a)[0], tf.float32)


def output_factor(layer: Layer, pred: tf.Tensor, signs: tf.Tensor) -> tf.Tensor:
    """G of the mean squared error over the P values of `pred`, cout square.

    The Gauss-Newton matrix is 2/P times the sum over output values p of (df_p/dW)(df_p/dW)^T. With
    g the gradient of sum_p r_p f_p for independent random signs r_p, the cross terms vanish in
    the mean: G = 2/P times the sum over sub-images and positions of g g^T (KFC eq. 29).
    signs: r, of the shape of `pred`, each times the root of what its value counts in the loss.
    """
    (g,) = tf.gradients(pred, layer.outputs, grad_ys=signs)
    g = tf.reshape(g, [-1, g.shape[3]])
    return tf.matmul(g, g, transpose_a=True) * (2 / tf.cast(tf.size(pred), tf.float32))


def stack(weights: tf.Tensor, biases: tf.Tensor) -> tf.Tensor:
    """Kernel (kh, kw, cin, cout) and bias (cout,) as one matrix (kh*kw*cin + 1, cout)."""
    return tf.concat([tf.reshape(weights, [-1, weights.shape[3]]), biases[tf.newaxis]], 0)


def damped_inverses(a: tf.Tensor, g: tf.Tensor, damping: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Inverses of A + pi sqrt(lambda) I and G + sqrt(lambda)/pi I, computed in float64.

    pi is the root of the ratio of their mean eigenvalues, trace over size: so both are damped in proportion
    to their own size (Martens & Grosse 2015, section 6.3). damping: lambda.
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


def batch_factors(
    layers: Sequence[Sequence[Layer]],
    towers: Towers,
    weights: tf.Tensor | float,
    seed: Sequence,
    spacing: int,
) -> list[list[tf.Tensor]]:
    """[A, G] of each layer from the batch that is fed; see NaturalGradient. seed: two integers."""
    preds = [tower[-1].outputs for tower in layers]
    # Of the whole batch, so that those of a sub-image do not depend on who has it.
    shape = tf.concat([[towers.length], tf.shape(preds[0])[1:]], 0)
    signs = tf.random.stateless_uniform(shape, seed, 0, 2, tf.int32)
    signs = tf.cast(2 * signs - 1, tf.float32) * tf.sqrt(weights)
    by_device = []
    for device, tower, pred, part in zip(towers.devices, layers, preds, towers.split(signs), strict=True):
        with tf.device(device):
            factors = [(input_factor(layer, spacing), output_factor(layer, pred, part)) for layer in tower]
            by_device.append(factors)
    by_layer = zip(*by_device, strict=True)
    return [[towers.mean(shares) for shares in zip(*pairs, strict=True)] for pairs in by_layer]


class NaturalGradient:
    """Preconditions the gradients that an optimizer is given.

    layers: for each of the towers a list of Layer; the outputs of the last one are `pred`, of which the loss
    is the mean squared error. towers: see towers.py. weights: of the values of all `pred` in that mean, 1 on
    average, in a shape that broadcasts to theirs.
    seed, step: scalar integers from which the random signs derive.
    damping: lambda. trust: the largest squared step of the quadratic model. momentum: what of the last step
    is taken again. decay: what of the running averages of A and G stays at a refresh.
    spacing: pixels between the patches that A is taken from; neighbours say nearly the same.
    `refresh` renews the running averages of the factors from the batch that is fed, and the inverses
    from the averages. All are variables, so a checkpoint has them.
    """

    def __init__(
        self,
        layers: Sequence[Sequence[Layer]],
        towers: Towers,
        weights: tf.Tensor | float,
        seed: int,
        step: tf.Tensor | int,
        damping: float = 1e-6,
        trust: float = 5e-8,
        momentum: float = 0.9,
        decay: float = 0.95,
        spacing: int = 3,
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
                a, g = averaged
                new = damped_inverses(a, g, damping)
            inverses += [tf.assign(*both) for both in zip(pair, new, strict=True)]
        with tf.control_dependencies(inverses):
            return tf.assign_add(count, 1).op

    def precondition(self, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Natural gradients of those of the loss, both w1, b1, w2, ... in a list.

        N = A^-1 D G^-1 for each layer; all are scaled by one factor nu so that the quadratic model's
        squared step, nu^2 <N, D>, stays within `trust` (Ba, Grosse & Martens 2017, "Distributed
        second-order optimization", section 5). The learning
        rate, multiplied on top by the optimizer, so shrinks the trust region with the step. Momentum adds
        up what is left of earlier steps, 1 / (1 - momentum) times as far in the end.
        """
        stacked = [stack(w, b) for w, b in zip(gradients[::2], gradients[1::2], strict=True)]
        naturals = [tf.matmul(tf.matmul(a, d), g) for d, (a, g) in zip(stacked, self.inverses, strict=True)]
        length = tf.add_n([tf.reduce_sum(n * d) for n, d in zip(naturals, stacked, strict=True)])
        # The sum is positive but for rounding.
        nu = tf.minimum(1.0, tf.sqrt(self.trust / (tf.maximum(length, 0.0) + 1e-30)))
        steps = []
        for i, (layer, natural) in enumerate(zip(self.layers, naturals, strict=True), 1):
            velocity = tf.Variable(tf.zeros(natural.shape), name=f"velocity{i}", trainable=False)
            velocity = tf.assign(velocity, self.momentum * velocity + nu * natural)
            steps += [tf.reshape(velocity[:-1], layer.weights.shape), velocity[-1]]
        return steps
