"""Copies the weights of finished trainings from --checkpoint_dir to checkpoint/shipped.

    python benchmarks/ship.py checkpoint

Only w1 to w3, b1 to b3 and the settings are kept: the state of the training is 100 times larger.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import tensorflow.compat.v1 as tf  # noqa: E402

from weights import NAMES, latest_checkpoint, read_weights  # noqa: E402


def ship(folder):
    values = read_weights(latest_checkpoint(folder))
    with tf.Graph().as_default(), tf.Session() as session:
        for name in (*NAMES, "settings"):
            tf.Variable(values[name], name=name)
        session.run(tf.global_variables_initializer())
        target = ROOT / "checkpoint" / "shipped" / folder.name
        target.mkdir(parents=True, exist_ok=True)
        tf.train.Saver(save_relative_paths=True).save(
            session, str(target / "SRCNN.model"), write_meta_graph=False
        )
    print(target.relative_to(ROOT), values["settings"].decode())


if __name__ == "__main__":
    for folder in sorted(Path(sys.argv[1]).glob("srcnn_*")):
        ship(folder)
