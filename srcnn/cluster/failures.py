"""What sessions raise when another machine is gone."""

from srcnn.tf1 import tf

LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)


def is_lost(sess, error):
    """Whether an error of a session says that another machine is gone; without a cluster none can be."""
    return bool(sess.sess_str) and isinstance(error, LOST)
