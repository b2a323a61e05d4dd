"""Weights for a job: found and loaded; which they are is said."""

from model import trained
from weights import find_weights, unsaid, weights_of


def load(sess, config, network):
    """The SRCNN that a test or an upscaling uses; where its weights come from is printed."""
    srcnn = trained(sess, network, config.weights, config.checkpoint_dir, config.label_size)
    print(f"weights for x{network.scale}: {srcnn.source}")
    say_trust(srcnn.source, srcnn.on_trust)
    return srcnn


def say_trust(path, on_trust):
    if on_trust:
        print(f"{path}: does not say what it was trained for; {on_trust} is taken on trust")


def starting_weights(config):
    """w1, b1, ... of --weights, which a training starts from; None without."""
    if not config.weights:
        return None
    path = find_weights(config.network, config.checkpoint_dir, config.weights)
    values, settings = weights_of(path, config.network)
    print(f"starts from {path}")
    say_trust(path, unsaid(settings, config.network))
    return values
