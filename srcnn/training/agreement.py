"""What machines that train together must have in common."""

from dataclasses import asdict

from srcnn import tf1
from srcnn.networks.network import default_channels
from srcnn.settings import Training
from srcnn.system.version import PROGRAM


def same_everywhere(job: Training) -> dict[str, str]:
    """What machines that train together must have in common, as flags; None stands for a default."""
    network = job.network
    usual = network.channels == default_channels(network.kernels)
    flags = {
        "filters": network.kernels,
        "channels": None if usual else network.channels,
        "c_dim": network.c_dim,
        "colour": network.colour if network.colour == "ycbcr" else None,
        "scale": network.scale,
        "degradation": network.degradation,
    }
    flags |= asdict(job.recipe) | asdict(job.cut) | {"weights": job.source.weights}
    flags |= {name: getattr(job, name) for name in ("epoch", "loss_weights", "validation", "skip_broken")}
    said = {f"--{name}": str(value) for name, value in flags.items()}
    return {"program": PROGRAM, "TensorFlow": tf1.tf.__version__, **said}
