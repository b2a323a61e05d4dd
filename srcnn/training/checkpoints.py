"""The checkpoints of a training: resuming from them, saving, and which of them may go."""

import filecmp
import itertools
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from srcnn.cluster.failures import is_machine_failure
from srcnn.networks import checkpoint_files as files
from srcnn.networks.weight_files import check_settings, checkpoint_settings, open_checkpoint
from srcnn.system.atomic_write import replacing
from srcnn.system.errors import InputError, first_line
from srcnn.system.progress import say
from srcnn.system.version import PROGRAM
from srcnn.tf1 import tf

DISK = 24 * 3_600_000  # milliseconds for a disk to take a checkpoint, or to give it
KEPT = 5  # of the checkpoints that a training saved, the last ones


class Checkpoints:
    """The checkpoints of one training.

    srcnn: the network, its graph complete. folder: where they are. settings: of the training, a dict of
    plain values that every checkpoint keeps.
    """

    def __init__(self, srcnn: Any, folder: Path, settings: dict[str, Any]):
        self.srcnn, self.folder, self.settings = srcnn, folder, settings
        self.text = tf.Variable("{}", name="settings", trainable=False)
        self.new_text = tf.placeholder(tf.string, [])
        self.write_text = tf.assign(self.text, self.new_text)
        self.saver = tf.train.Saver(max_to_keep=None)
        self.kept: list[str] = []  # paths of those that this training saved, oldest first

    def restore(self, initial: dict[str, np.ndarray] | None = None) -> int:
        """Goes on from the checkpoint that the folder's list names, if there is one; returns the step.

        initial: w1, b1, ... of the first step, a dict of arrays, instead of those of the flag `init`.
        Raises InputError if it is of another training, or has weights without the state of a training.
        """
        sess = self.srcnn.sess
        sess.run(tf.global_variables_initializer())
        path = files.latest_checkpoint(self.folder)
        if path:
            self._check(path)
            files.remove_unfinished(self.folder)
            try:
                self._run_saver("restore_op_name", path)
            except tf.errors.OpError as error:
                if is_machine_failure(sess, error):
                    raise
                raise InputError(
                    f"{path}: cannot be read as a checkpoint ({first_line(error)}); remove its files"
                ) from error
            self._check_values(path)
            self._recover(path)
        step = int(sess.run(self.srcnn.step))
        if initial and not step:
            self.srcnn.set(initial)
        return step

    def _check(self, path):
        reader = open_checkpoint(path)
        shapes = reader.get_variable_to_shape_map()
        settings = checkpoint_settings(path, reader)
        check_settings(path, settings, self.srcnn.network.settings)  # of another one more is missing, too
        if any(variable.op.name not in shapes for variable in tf.global_variables()):
            raise InputError(
                f"{path}: has weights, but not the state of a training of this version to continue from; "
                "move it away, or use it as --weights with another --checkpoint_dir"
            )
        check_settings(path, settings, self.settings)

    def _check_values(self, path):
        """Raises InputError if the state of a training from a checkpoint can be that of none."""
        numbers = [variable for variable in tf.global_variables() if variable.dtype.base_dtype.is_floating]
        step, *values = self.srcnn.sess.run([self.srcnn.step, *numbers])
        wrong = "its step is negative" if step < 0 else ""
        if not all(np.isfinite(value).all() for value in values):
            wrong = "it has values that are not finite"
        if wrong:
            raise InputError(f"{path}: {wrong}; remove its files to continue from the checkpoint before it")

    def _recover(self, path):
        """Lets the rotation go on with the checkpoints that this training saved before."""
        step = files.step_of(path)
        listed = [p for p in (*files.listed_checkpoints(self.folder), path) if Path(p).parent == self.folder]
        self.kept = [p for p in dict.fromkeys(listed) if 0 <= files.step_of(p) <= step and files.is_whole(p)]
        newer = [p for p in files.whole_checkpoints(self.folder) if files.step_of(p) > step]
        if newer:
            names = ", ".join(p.name for p in newer)
            say(f"{path}: continuing from here, the last one in the list; leaving {names} alone")

    def save(self, step: int, epoch: int, steps: int) -> None:
        """Writes a checkpoint of the whole state; the last KEPT of this training are kept.

        steps: those after which the training is finished.
        """
        sess = self.srcnn.sess
        if not all(np.isfinite(value).all() for value in sess.run([*self.srcnn.weights.values()])):
            raise InputError("the weights are no longer finite; the last checkpoint is kept")
        text = json.dumps({**self.settings, "program": PROGRAM, "step": step, "epoch": epoch, "steps": steps})
        sess.run(self.write_text, {self.new_text: text})
        path = str(files.prefix_at(self.folder, step))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            copies = self._set_aside(path)
            self._run_saver("save_tensor_name", path)
            self._rotate(path)
            if all(filecmp.cmp(file, copy, shallow=False) for file, copy in copies):
                for _, copy in copies:  # this training saved it and was killed before it listed it
                    copy.unlink()
            else:
                say(f"{path}: the earlier checkpoint is kept as {copies[-1][1].with_suffix('')}")
        except (tf.errors.OpError, OSError) as error:
            if is_machine_failure(sess, error):
                raise
            reason = first_line(error)
            raise InputError(f"{self.folder}: the checkpoint cannot be written ({reason})") from error
        finally:
            files.remove_unfinished(self.folder)

    def _run_saver(self, what, path):
        """Saves or restores; the disk is waited for, even where sessions have a limit for other machines."""
        names, options = self.saver.saver_def, tf.RunOptions(timeout_in_ms=DISK)
        self.srcnn.sess.run(getattr(names, what), {names.filename_tensor_name: str(path)}, options)

    def _rotate(self, path):
        """Lists a new checkpoint and removes those that are too many, in an order that survives kills."""
        self.kept = [*(p for p in self.kept if p != path), path]
        files.write_list(self.folder, self.kept)
        for old in self.kept[:-KEPT]:
            with suppress(PermissionError):  # Windows keeps what is being read, until the next rotation
                files.index_of(old).unlink(missing_ok=True)  # what is left is not whole
        files.remove_unfinished(self.folder)
        self.kept = [p for p in self.kept[:-KEPT] if files.is_whole(p)] + self.kept[-KEPT:]
        files.write_list(self.folder, self.kept)

    def _set_aside(self, path: str) -> list[tuple[Path, Path]]:
        """Copies a checkpoint that is not of the rotation where this one is about to save.

        Returns pairs of paths: of its files and their copies.
        """
        if not files.index_of(path).exists() or path in self.kept:
            return []
        free = (f"{path}-kept-{n}" for n in itertools.count(1))
        aside = next(name for name in free if not files.index_of(name).exists())
        own = [*files.data_of(path), files.index_of(path)]  # the index last: with it the copy is whole
        copies = [(file, Path(aside + str(file).removeprefix(path))) for file in own]
        for file, copy in copies:
            with replacing(copy) as temporary:
                shutil.copyfile(file, temporary)
        return copies
