"""Copies the weights of finished trainings from --checkpoint_dir to checkpoint/shipped.

    python -m benchmarks.ship checkpoint

Only w1, b1, w2 and so on, and the settings are kept: the state of the training is 100 times larger.
"""

import json
import re
import sys
from pathlib import Path

from srcnn import tf1
from srcnn.networks.checkpoint_files import NAME
from srcnn.networks.trained import SHIPPED
from srcnn.networks.weight_files import read_weights

ROOT = Path(__file__).parent.parent

tf = tf1.tf


def ship(folder):
    values, settings = read_weights(folder)
    text = json.dumps(settings)
    target = SHIPPED / folder.name
    with tf1.session() as sess:
        tf.Variable(text, name="settings")
        for name, value in values.items():
            if re.fullmatch(r"[wb]\d", name):
                tf.Variable(value, name=name)
        sess.run(tf.global_variables_initializer())
        target.mkdir(parents=True, exist_ok=True)
        saver = tf.train.Saver(save_relative_paths=True)
        saver.save(sess, str(target / NAME), write_meta_graph=False)
    print(target.relative_to(ROOT), text)


if __name__ == "__main__":
    for folder in sorted(Path(sys.argv[1]).glob("srcnn_*")):
        ship(folder)
