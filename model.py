"""The network of Dong et al. 2014 (ECCV, section 3) as a TensorFlow 1 graph, and its training."""

import csv
import itertools
import json
import shutil
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import tensorflow.compat.v1 as tf
from tqdm import tqdm

import utils
from errors import InputError, first_line
from natural_gradient import Layer, NaturalGradient
from progress import LOG_SECONDS
from threads import in_threads
from weights import NAMES, latest_checkpoint, read_weights
from writing import replacing

tf.logging.set_verbosity(tf.logging.ERROR)
tf.disable_v2_behavior()

VERSION = 1  # of the checkpoints
CHECKPOINT_STEPS = 500  # from one checkpoint to the next
REFRESH_STEPS = 20  # from one refresh of the curvature to the next
DECAY = 0.4  # of the steps, the last ones: the learning rate of natural gradient falls to 0 in them
FACTOR_PIXELS = 28224  # label pixels of the batch from which its factors are taken: 64 labels of 21x21


def conv2d(inputs, kernel):
    """Convolution without padding; (n, h, w, cin) to (n, h - kh + 1, w - kw + 1, cout)."""
    return tf.nn.conv2d(inputs, kernel, strides=1, padding="VALID")


def conv2d_few(inputs, kernel, block):
    """The same for a kernel of few output channels, several times faster.

    One convolution of stride `block` computes block x block neighbouring pixels as channels, with
    the kernel at as many shifted places. Output height and width must be multiples of `block`.
    """
    shifts = range(block)
    shifted = [
        tf.pad(kernel, [[i, block - 1 - i], [j, block - 1 - j], [0, 0], [0, 0]])
        for i in shifts
        for j in shifts
    ]
    outputs = tf.nn.conv2d(inputs, tf.concat(shifted, 3), strides=block, padding="VALID")
    return tf.depth_to_space(outputs, block) if block > 1 else outputs


def initial_weights(filters, c_dim, init, seed):
    """Initial w1, b1, ... as a dict of arrays.

    'normal' is the paper's N(0, 1e-3). 'identity' lets the image through unchanged, so that training
    starts at the bicubic score: a 1 at the centre of the kernels of the first c_dim channels; the
    others are He-normal (He et al. 2015) and, in the last layer, N(0, 1e-3).
    """
    rng = np.random.default_rng(seed)
    channels = c_dim, 64, 32, c_dim
    values = {}
    for i, size in enumerate(map(int, filters.split("-")), 1):
        shape = size, size, channels[i - 1], channels[i]
        deviation = 1e-3 if init == "normal" or i == 3 else np.sqrt(2 / np.prod(shape[:3]))
        kernel = rng.normal(0, deviation, shape)
        if init == "identity":
            for c in range(c_dim):
                passing = kernel[..., c, :] if i == 3 else kernel[..., c]
                passing[:] = 0
                kernel[size // 2, size // 2, c, c] = 1
        values[f"w{i}"] = kernel.astype(np.float32)
        values[f"b{i}"] = np.zeros(channels[i], np.float32)
    return values


class SRCNN:
    """The network and what can be done with it, in a `tf.Session`.

    sess: the session. image_size, label_size: of the sub-images for training and of the tiles for
    testing; they differ by `utils.margin(filters)`. c_dim: 1 for luminance, 3 for RGB.
    checkpoint_dir: where training saves, in a folder named after filters, scale and degradation.
    The graph itself takes images of any size: `pred` is (n, h - margin, w - margin, c_dim) for
    `images` of (n, h, w, c_dim).
    """

    def __init__(
        self,
        sess,
        image_size=33,
        label_size=21,
        batch_size=128,
        c_dim=1,
        checkpoint_dir="checkpoint",
        filters="9-1-5",
        scale=3,
        degradation="matlab",
        init="normal",
        seed=0,
    ):
        self.sess = sess
        self.image_size, self.label_size, self.batch_size = image_size, label_size, batch_size
        self.c_dim, self.filters, self.scale, self.degradation = c_dim, filters, scale, degradation
        self.init, self.seed = init, seed
        self.model_dir = Path(checkpoint_dir) / model_name(filters, scale, degradation, c_dim)
        self.stopping = False
        self.build_model()

    def build_model(self):
        shape = [None, None, None, self.c_dim]
        self.images = tf.placeholder(tf.float32, shape, name="images")
        self.labels = tf.placeholder(tf.float32, shape, name="labels")
        initial = initial_weights(self.filters, self.c_dim, self.init, self.seed)
        variables = {name: tf.Variable(value, name=name) for name, value in initial.items()}
        self.weights = {name: variables[name] for name in ("w1", "w2", "w3")}
        self.biases = {name: variables[name] for name in ("b1", "b2", "b3")}
        self.step = tf.Variable(0, name="step", trainable=False)
        self.settings = tf.Variable("{}", name="settings", trainable=False)
        self.pred = self.model()
        self.loss = tf.reduce_mean(tf.square(self.labels - self.pred))
        variables["settings"] = self.settings
        self.assigned = {name: tf.placeholder(v.dtype.base_dtype, v.shape) for name, v in variables.items()}
        self.assign = {name: tf.assign(v, self.assigned[name]) for name, v in variables.items()}

    def model(self):
        """The three convolutions (paper, equations 1 to 3); remembers them in `layers`."""
        # The last layer computes blocks of pixels, so the images are extended to a whole number of them.
        block = next(b for b in (4, 3, 2, 1) if self.label_size % b == 0)
        h, w = (tf.shape(self.images)[axis] - utils.margin(self.filters) for axis in (1, 2))
        x = tf.pad(self.images, [[0, 0], [0, -h % block], [0, -w % block], [0, 0]])
        self.layers = []
        for i in (1, 2, 3):
            kernel, bias = self.weights[f"w{i}"], self.biases[f"b{i}"]
            conv = conv2d(x, kernel) if i < 3 else conv2d_few(x, kernel, block)
            outputs = tf.nn.bias_add(conv, bias)
            self.layers.append(Layer(kernel, bias, x, outputs))
            x = tf.nn.relu(outputs)
        return tf.identity(outputs[:, :h, :w], name="pred")

    def test(self, input_, stride=None):
        """Super-resolves one degraded image, (h, w, c_dim) to the same shape.

        The image is cut into tiles at this stride, by default side by side (label_size); they
        pass through the network batch_size at a time and are merged.
        """
        stride = stride or self.label_size
        h, w = input_.shape[:2]
        grid = [utils.tile_grid(n, self.label_size, stride) for n in (h, w)]
        inputs = utils.tiles(input_, grid, self.image_size, self.label_size, stride)

        def run(batch):
            return self.sess.run(self.pred, {self.images: batch})

        outputs = in_threads(run, batched(inputs, self.batch_size))
        return utils.merge(itertools.chain.from_iterable(outputs), grid, stride)[:h, :w]

    def infer(self, image):
        """One pass over a whole image: (h + margin, w + margin, c_dim) to (h, w, c_dim)."""
        return self.sess.run(self.pred, {self.images: image[np.newaxis]})[0]

    def export(self, folder):
        """Writes a SavedModel: `serving_default` maps `images` (n, h, w, c_dim) to `pred` of that shape."""
        frozen = tf.graph_util.convert_variables_to_constants(
            self.sess, self.sess.graph.as_graph_def(), [self.pred.op.name]
        )
        padding = utils.margin(self.filters) // 2
        with tf.Graph().as_default(), tf.Session() as session:
            images = x = tf.placeholder(tf.float32, self.images.shape, name="images")
            for axis in (1, 2):  # edge pixels repeated
                n = tf.shape(images)[axis]
                x = tf.gather(x, tf.clip_by_value(tf.range(-padding, n + padding), 0, n - 1), axis=axis)
            (pred,) = tf.import_graph_def(frozen, {self.images.name: x}, [self.pred.name], name="")
            tf.saved_model.simple_save(session, str(folder), {"images": images}, {"pred": pred})

    def save(self, step, epoch):
        """Writes a checkpoint of the whole state into `model_dir`; the last five are kept."""
        if not all(np.isfinite(value).all() for value in self.sess.run([*self.weights.values()])):
            raise InputError("the weights are not finite any more; the last checkpoint stands")
        self.set({"settings": json.dumps({**self.trained_with, "step": step, "epoch": epoch})})
        try:
            self.model_dir.mkdir(parents=True, exist_ok=True)
            self.saver.save(
                self.sess, str(self.model_dir / "SRCNN.model"), global_step=step, write_meta_graph=False
            )
        except (tf.errors.OpError, OSError) as error:
            reason = first_line(error)
            raise InputError(f"{self.model_dir}: the checkpoint cannot be written ({reason})") from error
        finally:
            remove_unlisted(self.model_dir)

    def load(self, path):
        """Takes w1 to w3 and b1 to b3 from a file that `read_weights` knows.

        Raises InputError if their shapes are not those of this network, or its settings others.
        """
        values = read_weights(path)
        names = "filters", "scale", "degradation", "c_dim"
        compare_settings(path, values, {name: getattr(self, name) for name in names})
        for name in NAMES:
            shape = tuple(self.assigned[name].shape.as_list())
            if values[name].shape != shape:
                raise InputError(
                    f"{path}: {name} has the shape {values[name].shape}, but --filters {self.filters} "
                    f"with --c_dim {self.c_dim} needs {shape}"
                )
            if not np.isfinite(values[name]).all():
                raise InputError(f"{path}: {name} is not finite; take another checkpoint")
        self.set({name: values[name] for name in NAMES})

    def set(self, values):
        """Assigns w1, b1, ... or the settings."""
        self.sess.run(
            [self.assign[name] for name in values],
            {self.assigned[name]: value for name, value in values.items()},
        )

    def build_training(self, config):
        """Adds what training needs to the graph: `learning_rate`, `train_op`, `refresh`, `saver`."""
        self.learning_rate = tf.placeholder(tf.float32, [], name="learning_rate")
        optimizer = tf.train.GradientDescentOptimizer(self.learning_rate)
        if config.preconditioner == "kfac":
            preconditioner = NaturalGradient(self.layers, self.loss, self.seed, self.step)
            gradients = preconditioner.gradients()
            self.refresh = preconditioner.refresh
        else:
            gradients = optimizer.compute_gradients(self.loss)
            self.refresh = None
        self.train_op = optimizer.apply_gradients(gradients, global_step=self.step)
        self.saver = tf.train.Saver(max_to_keep=5, save_relative_paths=True)

    def resume(self, config, n):
        """Goes on from the last checkpoint in `model_dir`, or starts; returns the step. n: of sub-images."""
        names = "scale", "filters", "degradation", "c_dim", "seed", "preconditioner", "init", "learning_rate"
        names += "batch_size", "image_size", "label_size", "stride", "validation"
        self.trained_with = {"version": VERSION, "sub_images": n, **{k: getattr(config, k) for k in names}}
        self.sess.run(tf.global_variables_initializer())
        path = latest_checkpoint(self.model_dir)
        if path:
            compare_settings(path, read_weights(path), self.trained_with)
            remove_unlisted(self.model_dir)
            self.saver.restore(self.sess, path)
            self.saver.recover_last_checkpoints(listed_checkpoints(self.model_dir) or [path])
        return int(self.sess.run(self.step))

    def train(self, config, batches, validation=()):
        """Trains on sub-images until `config.epoch` epochs are done, saving as it goes.

        config: the flags (main.py). batches: see batches.py; of (n, image_size, image_size, c_dim) and
        (n, label_size, label_size, c_dim). validation: (input, label) images, scored after each epoch.
        Goes on where an earlier run with the same settings stopped. Setting `stopping` ends it after
        the current step, with a checkpoint. Returns the path of the curve, CSV with a row an epoch.
        """
        self.build_training(config)
        step = self.resume(config, batches.length)
        epoch_steps = batches.epoch_steps
        steps = config.epoch * epoch_steps
        curve = self.model_dir / "training.csv"
        if step >= steps:
            print(
                f"{self.model_dir}: training is finished ({step} steps). To go on, give an --epoch larger "
                f"than {step // epoch_steps}; to start anew, remove that folder."
            )
            return curve
        rows = read_curve(curve, step)
        seconds = float(rows[-1]["seconds"]) if rows else 0.0
        losses, started, printed = [], time.monotonic() - seconds, 0.0
        summaries = tf.summary.FileWriter(str(self.model_dir / "summaries"))
        bar = tqdm(total=steps, initial=step, unit="step", disable=None, dynamic_ncols=True)
        with summaries, bar, closing(batches.following(step)) as following:
            while step < steps and not self.stopping:
                inputs, labels = next(following)
                try:
                    loss = self.train_step(step, inputs, labels, learning_rate(config, step / steps))
                except tf.errors.InvalidArgumentError:  # the curvature cannot be inverted any more
                    loss = np.nan
                if not np.isfinite(loss):
                    raise InputError(
                        f"the loss is not finite at step {step}; the last checkpoint stands. "
                        f"Take a --learning_rate below {config.learning_rate:g}"
                    )
                losses.append(loss)
                step += 1
                bar.update()
                if step % epoch_steps == 0:
                    rows.append(self.epoch_row(step // epoch_steps, step, losses, validation, started))
                    losses = []
                    add_summary(summaries, rows[-1])
                    bar.set_postfix_str(f"loss {rows[-1]['loss']}, PSNR {rows[-1]['psnr']} dB")
                    if time.monotonic() - printed > LOG_SECONDS or step == steps:
                        printed = time.monotonic()
                        bar.write(", ".join(f"{key} {value}" for key, value in rows[-1].items() if value))
                if step % CHECKPOINT_STEPS == 0 or step == steps or self.stopping:
                    self.save(step, step // epoch_steps)
                    write_curve(curve, rows)
        return curve

    def train_step(self, step, inputs, labels, rate):
        """One step of descent on a batch, the curvature refreshed when it is due; returns the loss."""
        if self.refresh is not None and step % REFRESH_STEPS == 0:
            samples = max(1, FACTOR_PIXELS // self.label_size**2)
            self.sess.run(self.refresh, {self.images: inputs[:samples]})
        feed = {self.images: inputs, self.labels: labels, self.learning_rate: rate}
        return self.sess.run([self.loss, self.train_op], feed)[0]

    def epoch_row(self, epoch, step, losses, validation, started):
        """One row of the curve: PSNR in dB, of the training sub-images and of the validation images."""
        loss = float(np.mean(losses))
        scores = [utils.psnr(label, self.test(input_), self.scale) for input_, label in validation]
        scores = [score for score in scores if score is not None]
        return {
            "epoch": epoch,
            "step": step,
            "loss": f"{loss:.4e}",
            "psnr": f"{-10 * np.log10(max(loss, 1e-30)):.3f}",
            "validation_psnr": f"{np.mean(scores):.3f}" if scores else "",
            "seconds": f"{time.monotonic() - started:.1f}",
        }


def model_name(filters, scale, degradation, c_dim):
    """The name of a folder of checkpoints, such as srcnn_9-1-5_x3_matlab."""
    return f"srcnn_{filters}_x{scale}_{degradation}" + ("_rgb" if c_dim == 3 else "")


def listed_checkpoints(folder):
    """The checkpoints that the list in a folder names, oldest first; none if it is missing or damaged."""
    try:
        state = tf.train.get_checkpoint_state(str(folder))
    except ValueError:
        state = None
    return list(state.all_model_checkpoint_paths) if state else []


def remove_unlisted(folder):
    """Removes what an interrupted or failed save left in a folder of checkpoints."""
    listed = {Path(path).name for path in listed_checkpoints(folder)}
    for path in folder.glob("SRCNN.model-*"):
        if listed and path.name.partition(".data-")[0].removesuffix(".index") not in listed:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def compare_settings(path, values, expected):
    """Raises InputError if a checkpoint says that it was made with other settings."""
    try:
        settings = json.loads(values["settings"]) if "settings" in values else {}
    except ValueError as error:
        raise InputError(f"{path}: its settings cannot be read; take another checkpoint") from error
    differing = [
        f"{name} {settings[name]} (now {value})"
        for name, value in expected.items()
        if name in settings and settings[name] != value
    ]
    if differing:
        raise InputError(f"{path}: was trained with {', '.join(differing)}; change the flags or the folder")


def learning_rate(config, progress):
    """Constant for plain descent, as in the reference; for natural gradient it falls to 0 in the end."""
    if config.preconditioner == "none":
        return config.learning_rate
    return config.learning_rate * min(1, (1 - progress) / DECAY)


def batched(items, size):
    """Stacks consecutive arrays, `size` at a time."""
    group = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield np.stack(group)
            group = []
    if group:
        yield np.stack(group)


def add_summary(writer, row):
    """Hands one row of the curve to TensorBoard."""
    values = [
        tf.Summary.Value(tag=key, simple_value=float(row[key]))
        for key in ("loss", "psnr", "validation_psnr")
        if row[key]
    ]
    writer.add_summary(tf.Summary(value=values), row["step"])


def read_curve(path, step):
    """The rows of a training curve up to a step."""
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [row for row in csv.DictReader(file) if int(row["step"]) <= step]


def write_curve(path, rows):
    with replacing(path) as temporary, open(temporary, "w", newline="") as file:
        if rows:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
