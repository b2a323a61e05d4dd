"""The training of a network: steps, validation, checkpoints, resuming, the curve."""

import itertools
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from srcnn.networks.weight_files import digest
from srcnn.pixels.metrics import psnr, scored_part
from srcnn.pixels.tiles import super_resolve
from srcnn.settings import Recipe, Training
from srcnn.system.errors import InputError
from srcnn.system.progress import progress, say
from srcnn.system.signals import Stop
from srcnn.tf1 import tf
from srcnn.training.batches import Batches
from srcnn.training.checkpoints import Checkpoints
from srcnn.training.curve import Curve

VERSION = 1  # of the checkpoints
CHECKPOINT_STEPS = 500  # from one checkpoint to the next
REFRESH_STEPS = 20  # from one refresh of the curvature to the next, at first
LATER_STEPS = 120  # and after FIRST_STEPS, when it changes slowly
FIRST_STEPS = 500
DECAY = 0.4  # of the steps, the last ones: the learning rate of natural gradient falls to 0 in them
FACTOR_PIXELS = 7056  # label pixels of the batch from which its factors are taken: 16 labels of 21x21


def train(
    srcnn: Any,
    job: Training,
    batches: Batches,
    validation: Sequence[tuple[np.ndarray, np.ndarray]],
    folder: Path,
    stop: Stop,
    initial: dict[str, np.ndarray] | None = None,
    pausing: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Trains until the epochs of a job are done, saving as it goes.

    srcnn: a model.SRCNN with its step of descent.
    batches: of (n, image_size, image_size, c_dim) and (n, label_size, label_size, c_dim).
    validation: (input, label) images, (h, w, c_dim), scored after each epoch.
    folder: of the checkpoints; training goes on where an earlier run with the same settings stopped.
    stop: with its number set, training ends after the current step, with a checkpoint.
    initial: w1, b1, ... to start from; None for those that the network has by its `init`.
    pausing: called after a checkpoint; if it returns True, training ends there for now.
    Returns the path of the curve, CSV with a row an epoch; None if it is to go on. Raises InputError if the
    folder has checkpoints of another training, or none can be written, or the loss is not finite.
    """
    checkpoints = Checkpoints(srcnn, folder, training_settings(job, batches, initial))
    curve = Curve(folder / "training.csv")
    step = checkpoints.restore(initial)
    epoch_steps, steps = batches.epoch_steps, job.epoch * batches.epoch_steps
    if step >= steps:
        say_finished(folder, step, epoch_steps)
        return curve.path
    curve.start(step)
    losses = []
    with curve, closing(batches.following(step)) as following:
        pairs = itertools.islice(following, steps - step)
        for inputs, labels in progress(pairs, "training, steps", steps, step):
            losses.append(train_step(srcnn, step, inputs, labels, learning_rate(job.recipe, step / steps)))
            check_finite(losses[-1], step, job.recipe.largest_rate)
            step += 1
            ending = step == steps or stop.number
            if step % epoch_steps == 0:
                curve.add(step // epoch_steps, step, losses, validate(srcnn, validation))
                curve.show(step == steps)
                losses = []
            if step % CHECKPOINT_STEPS == 0 or ending:
                curve.save()  # before what it belongs to: rows beyond a checkpoint are forgotten
                checkpoints.save(step, step // epoch_steps, steps)
                if ending or pausing():
                    break
    return curve.path if ending else None


def say_finished(folder: Path, step: int, epoch_steps: int) -> None:
    say(
        f"{folder}: training is finished ({step} steps). To continue it, give an --epoch larger "
        f"than {step // epoch_steps}; to start over, remove that folder."
    )


def check_finite(loss: float, step: int, learning_rate: float) -> None:
    if not np.isfinite(loss):
        raise InputError(
            f"the loss is not finite at step {step}; the last checkpoint is kept; "
            f"use a --learning_rate below {learning_rate:g}"
        )


def training_settings(job: Training, batches, initial) -> dict[str, Any]:
    """What a checkpoint says of its training; another training does not go on from it."""
    return {
        "version": VERSION,
        "sub_images": batches.length,
        "images": batches.images,
        "weights": digest(initial) if initial else "",
        "loss_weights": job.loss_weights or [],
        **job.network.settings,
        **asdict(job.recipe),
        **asdict(job.cut),
        "validation": job.validation,
    }


def train_step(srcnn: Any, step: int, inputs: np.ndarray, labels: np.ndarray, rate: float) -> float:
    """One step of descent on a batch, the curvature refreshed when it is due; returns the loss."""
    interval = REFRESH_STEPS if step < FIRST_STEPS else LATER_STEPS
    if srcnn.refresh is not None and step % interval == 0:
        samples = max(1, FACTOR_PIXELS // (labels.shape[1] * labels.shape[2]))
        try:
            srcnn.sess.run(srcnn.refresh, {srcnn.images: inputs[:samples], srcnn.labels: labels[:samples]})
        except tf.errors.InvalidArgumentError as error:
            if "Cholesky" not in error.message:
                raise
            return np.nan  # the curvature of weights that are not finite cannot be inverted
    feed = {srcnn.images: inputs, srcnn.labels: labels, srcnn.learning_rate: rate}
    return srcnn.sess.run([srcnn.loss, srcnn.train_op], feed)[0]


def learning_rate(recipe: Recipe, progress: float) -> float:
    """Constant for plain descent, as in the reference; for natural gradient it falls to 0 in the end.

    It is that of the layer with the largest.
    progress: the steps that are done as a part of all.
    """
    if recipe.preconditioner == "none":
        return recipe.largest_rate
    return recipe.largest_rate * min(1, (1 - progress) / DECAY)


def validate(srcnn: Any, validation: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
    """Mean PSNR of images that are held out, in dB, as text; empty if there are none."""

    def score(input_, label):
        colour, scale = srcnn.network.colour, srcnn.network.scale
        return psnr(scored_part(label, colour), scored_part(super_resolve(srcnn, input_), colour), scale)

    scores = [found for pair in validation if (found := score(*pair)) is not None]
    return f"{np.mean(scores):.3f}" if scores else ""
