"""What several tests need of trainings."""

import numpy as np

from model import initial_weights
from srcnn.networks.weight_files import read_weights
from tests.conftest import network_of


def flags(photographs, folder, *more):
    words = "--train_dir", photographs, "--checkpoint_dir", folder, "--batch_size", 8
    return [str(word) for word in (*words, *more)]


def trained(folder):
    """The weights and biases of the one training in a folder."""
    (model,) = folder.glob("srcnn*")
    values, _ = read_weights(model)
    assert values["step"] == 2 * EPOCHS
    return {name: values[name] for name in values if name in ("w1", "b1", "w2", "b2", "w3", "b3")}


EPOCHS = 50  # of 2 steps


SMALL = ["--filters", "5-1-3", "--init", "identity", "--epoch", EPOCHS]


def assert_same_but_for_rounding(values, expected):
    """Far closer to each other than to what they started from."""
    start = initial_weights(network_of("5-1-3"), "identity", 0)
    apart, moved = (
        sum(np.sum((values[name] - other[name]) ** 2) for name in expected) for other in (expected, start)
    )
    assert apart < 0.02**2 * moved
