"""One batch over several devices: who gets which part of it, and the mean of what they find."""

import functools
import operator

import numpy as np
import tensorflow.compat.v1 as tf


class Towers:
    """The devices that share out a batch as equally as it goes, in their order.

    length: sub-images in the batch, a scalar integer tensor. devices: their names; one alone takes the
    whole batch as it is. Of a batch with fewer sub-images than devices the last devices have no share: they
    are given its last sub-image, which does not count, as some convolutions fail on none.
    """

    def __init__(self, length, devices=("",)):
        self.length, self.devices = length, list(devices)
        count = len(self.devices)
        self.sizes = [length // count + tf.cast(i < length % count, tf.int32) for i in range(count)]
        self.shares = [tf.cast(size, tf.float32) / tf.cast(length, tf.float32) for size in self.sizes]

    def split(self, batch):
        """The parts of (n, ...) for each of the devices."""
        if len(self.devices) == 1:
            return [batch]
        parts, start = [], 0
        for size in self.sizes:
            first = tf.minimum(start, self.length - 1)
            parts.append(batch[first : first + tf.maximum(size, 1)])
            start += size
        return parts

    def hand_out(self, batches):
        """The parts of several batches for each of the devices.

        The first device, which sends the others theirs, starts with its own when they have the first one of
        them: else they would wait for its convolutions, and then it for theirs.
        """
        parts, arrived = list(zip(*map(self.split, batches), strict=True)), []
        for place, device in enumerate(self.devices[1:], 1):
            with tf.device(device):
                parts[place] = [tf.identity(part) for part in parts[place]]
                arrived.append(tf.size(parts[place][0]))
        with tf.device(self.devices[0]), tf.control_dependencies(arrived):
            parts[0] = [tf.identity(part) for part in parts[0]]
        return parts

    def mean(self, parts):
        """The mean over the batch of the means over its parts, added up in the order of the devices."""
        if len(parts) == 1:
            return parts[0]
        return functools.reduce(operator.add, (s * part for s, part in zip(self.shares, parts, strict=True)))


def put_together(tensors):
    """Tensors as one vector: on the way to another device each would be a message of its own."""
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], 0)


def taken_apart(vector, variables):
    """Tensors of the shapes of variables from one vector."""
    parts = tf.split(vector, [int(np.prod(variable.shape)) for variable in variables])
    return [tf.reshape(part, variable.shape) for part, variable in zip(parts, variables, strict=True)]
