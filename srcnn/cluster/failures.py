"""What sessions raise when another machine is gone."""

from srcnn.tf1 import tf

MACHINE_FAILURES = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)


def is_machine_failure(sess: tf.Session, error: Exception) -> bool:
    """Whether an error of a session says that another machine is gone; without a cluster none can be."""
    return bool(sess.sess_str) and isinstance(error, MACHINE_FAILURES)
