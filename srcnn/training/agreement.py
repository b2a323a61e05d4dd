"""What machines that train together must have in common."""

from dataclasses import asdict

from srcnn import tf1
from srcnn.networks.network import Network, default_channels
from srcnn.settings import Cut, Recipe
from srcnn.system.version import PROGRAM


def same_everywhere(network: Network, recipe: Recipe, cut: Cut, **others) -> dict[str, str]:
    """What machines that train together must have in common, as flags; None stands for a default.

    others: by the names of their flags, the values that neither of the three has.
    """
    usual = network.channels == default_channels(network.kernels)
    flags = {
        "filters": network.kernels,
        "channels": None if usual else network.channels,
        "c_dim": network.c_dim,
        "colour": network.colour if network.colour == "ycbcr" else None,
        "scale": network.scale,
        "degradation": network.degradation,
    }
    flags |= asdict(recipe) | asdict(cut) | others
    said = {f"--{name}": str(value) for name, value in flags.items()}
    return {"program": PROGRAM, "TensorFlow": tf1.tf.__version__, **said}
