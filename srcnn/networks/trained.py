"""Weights for a job: found and loaded; which they are is said."""

from pathlib import Path

from model import trained
from srcnn.networks.weight_files import find_weights, latest_checkpoint, unsaid, weights_of
from srcnn.system.errors import InputError


def load(sess, config, network):
    """The SRCNN that a test or an upscaling uses; where its weights come from is printed."""
    srcnn = trained(sess, network, config.weights, config.checkpoint_dir, config.label_size)
    srcnn.self_ensemble = config.self_ensemble
    print(f"weights for x{network.scale}: {srcnn.source}")
    say_trust(srcnn.source, srcnn.on_trust)
    return srcnn


def say_trust(path, on_trust):
    if on_trust:
        print(f"{path}: does not say what it was trained for; {on_trust} is taken on trust")


def starting_weights(config, folder):
    """w1, b1, ... of --weights, from which a training in a folder starts; None without. It is said."""
    own, values = latest_checkpoint(folder), None
    if config.weights:
        path = find_weights(config.network, config.checkpoint_dir, config.weights)
        path = (latest_checkpoint(path) or path) if Path(path).is_dir() else path
        if Path(path).parent.resolve() == folder.resolve():
            raise InputError(
                f"--weights {path}: is where this training writes; name another --checkpoint_dir"
            )
        values, settings = weights_of(path, config.network)
        say_trust(path, unsaid(settings, config.network))
    if own:
        print(f"goes on from {own}")
    elif config.weights:
        print(f"starts from {path}")
    return values
