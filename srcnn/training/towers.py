"""One batch over several devices: who gets which part of it, and the mean of what they find."""

import functools
import operator
from collections.abc import Sequence

from srcnn.tf1 import tf


class Towers:
    """The devices that share out a batch as equally as it goes, in their order.

    length: sub-images in the batch, a scalar integer tensor. devices: their names; one alone takes the
    whole batch as it is. Of a batch with fewer sub-images than devices the last devices have no share: they
    are given its last sub-image, which does not count, as some convolutions fail on none.
    """

    def __init__(self, length: tf.Tensor, devices: Sequence[str] = ("",)):
        self.length, self.devices = length, list(devices)
        count = len(self.devices)
        self.sizes = [length // count + tf.cast(i < length % count, tf.int32) for i in range(count)]
        self.shares = [tf.cast(size, tf.float32) / tf.cast(length, tf.float32) for size in self.sizes]

    def split(self, batch: tf.Tensor) -> list[tf.Tensor]:
        """The parts of (n, ...) for each of the devices."""
        if len(self.devices) == 1:
            return [batch]
        parts, start = [], 0
        for size in self.sizes:
            first = tf.minimum(start, self.length - 1)
            parts.append(batch[first : first + tf.maximum(size, 1)])
            start += size
        return parts

    def hand_out(self, whole: tf.Tensor, batches: Sequence[tf.Tensor]) -> list[list[tf.Tensor]]:
        """A tensor as it is and the parts of several batches, on each of the devices: a list for each.

        The first device, which sends the others theirs, starts with its own when they have them: else they
        would wait for its convolutions, and then it for theirs.
        """
        parts, arrived = [[whole, *part] for part in zip(*map(self.split, batches), strict=True)], []
        for place, device in enumerate(self.devices[1:], 1):
            parts[place], size = sent(parts[place], device)
            arrived.append(size)
        with tf.device(self.devices[0]), tf.control_dependencies(arrived):
            parts[0] = [tf.identity(part) for part in parts[0]]
        return parts

    def mean(self, parts: Sequence[tf.Tensor]) -> tf.Tensor:
        """The mean over the batch of the means over its parts, added up in the order of the devices."""
        if len(parts) == 1:
            return parts[0]
        return functools.reduce(operator.add, (s * part for s, part in zip(self.shares, parts, strict=True)))


def sent(tensors: Sequence[tf.Tensor], device: str) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Tensors of float32 on another device, and how many values have arrived there: all in one message.

    Their shapes are not known beforehand, so they go first.
    """
    ranks = [len(tensor.shape) for tensor in tensors]
    shapes = tf.concat([tf.shape(tensor) for tensor in tensors], 0)
    message = flatten([tf.cast(shapes, tf.float32), *tensors])
    with tf.device(device):
        message = tf.identity(message)
        shapes = tf.split(tf.cast(message[: sum(ranks)], tf.int32), ranks)
        parts = unflatten(message[sum(ranks) :], shapes)
        for part, tensor in zip(parts, tensors, strict=True):
            part.set_shape(tensor.shape)  # as far as it is known
        return parts, tf.size(message)


def flatten(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Tensors as one vector: on the way to another device each would be a message of its own."""
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], 0)


def unflatten(vector: tf.Tensor, shapes: Sequence) -> list[tf.Tensor]:
    """Tensors of these shapes, vectors of integers, from one vector."""
    parts = tf.split(vector, tf.stack([tf.reduce_prod(tf.cast(shape, tf.int32)) for shape in shapes]))
    return [tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]
