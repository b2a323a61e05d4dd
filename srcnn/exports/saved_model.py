"""TensorFlow's SavedModel: a frozen graph that repeats edges, which TensorFlow Lite converts."""

from pathlib import Path

from srcnn import tf1
from srcnn.tf1 import tf


def write(srcnn, folder: Path, settings: str) -> None:
    """`serving_default` maps `images` (n, h, w, c_dim) to `pred` of that shape.

    srcnn: an SRCNN. Its own graph does not do: TensorFlow Lite must know the channels, which tf.pad forgets.
    """
    block, padding = srcnn.block, srcnn.network.margin // 2
    *operands, kernel, bias = srcnn.sess.run(srcnn.operands)  # the last kernel computes blocks of pixels
    with tf1.session() as session:
        images = x = tf.placeholder(tf.float32, srcnn.images.shape, name="images")
        _, h, w, _ = tf.unstack(tf.shape(images))
        for axis, n in (1, h), (2, w):  # and beyond the padding, to whole blocks
            places = tf.range(-padding, n + -n % block + padding)
            x = tf.gather(x, tf.clip_by_value(places, 0, n - 1), axis=axis)
        for before, biases in zip(operands[::2], operands[1::2], strict=True):
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, before, strides=1, padding="VALID"), biases))
        x = tf.nn.conv2d(x, kernel, strides=block, padding="VALID")
        x = tf.nn.bias_add(tf.depth_to_space(x, block) if block > 1 else x, bias)
        pred = tf.identity(x[:, :h, :w], name="pred")
        tf.saved_model.simple_save(session, str(folder), {"images": images}, {"pred": pred})
    extra = folder / "assets.extra"  # TensorFlow's place for files of the user's
    extra.mkdir()
    (extra / "settings.json").write_text(settings + "\n", "ascii", newline="\n")
