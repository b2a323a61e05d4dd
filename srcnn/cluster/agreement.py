"""What machines that train together must have in common."""

from srcnn import tf1
from srcnn.system.version import PROGRAM


def same_everywhere(config):
    """What machines that train together must have in common: plain values."""
    own = "network", "cluster", "worker_hosts", "job_name", "task_index", "timeout"
    own += "train_dir", "test_dir", "checkpoint_dir", "sample_dir"
    flags = {f"--{name}": str(value) for name, value in vars(config).items() if name not in own}
    return {"program": PROGRAM, "TensorFlow": tf1.tf.__version__, **flags}
