"""Where the graph runs: TensorFlow, imported without its noise, and the only place that makes sessions.

Import this room before any other that uses TensorFlow.
"""

import os
from contextlib import contextmanager

from terminal import silenced

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with silenced():  # some of the start-up messages come with the first session
    import tensorflow.compat.v1 as tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    tf.disable_v2_behavior()
    # TF32 keeps 10 bits: too few for the curvature, and scores would differ from those of a CPU.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    with tf.Graph().as_default(), tf.Session() as first:
        first.run(tf.constant(0))


@contextmanager
def session():
    """A graph of its own as the default, and a session for it; memory of GPUs is taken as it is needed.

    Raises MemoryError where TensorFlow ran out of memory.
    """
    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    try:
        with tf.Graph().as_default(), tf.Session(config=config) as sess:
            yield sess
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error
