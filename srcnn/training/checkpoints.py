"""The checkpoints of a training: resuming from them, saving, and which of them may go."""

import filecmp
import itertools
import json
import re
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np

from srcnn.cluster.failures import is_lost
from srcnn.networks.weight_files import check_settings, is_whole, latest_checkpoint, open_checkpoint
from srcnn.system.atomic_write import replacing
from srcnn.system.errors import InputError, first_line
from srcnn.system.version import PROGRAM
from srcnn.tf1 import tf

DISK = 24 * 3_600_000  # milliseconds for a disk to take a checkpoint, or to give it
KEPT = 5  # of the checkpoints that a training saved, the last ones
PART = re.compile(r"(SRCNN\.model-\d+)\.(index|data-\d{5}-of-\d{5})(\.tempstate\d+)?")


class Checkpoints:
    """The checkpoints of one training.

    srcnn: the network, its graph complete. folder: where they are. settings: of the training, a dict of
    plain values that every checkpoint keeps.
    """

    def __init__(self, srcnn, folder, settings):
        self.srcnn, self.folder, self.settings = srcnn, Path(folder), settings
        self.text = tf.Variable("{}", name="settings", trainable=False)
        self.new_text = tf.placeholder(tf.string, [])
        self.write_text = tf.assign(self.text, self.new_text)
        self.saver = tf.train.Saver(max_to_keep=None)
        self.kept = []  # paths of those that this training saved, oldest first

    def restore(self, initial=None):
        """Goes on from the checkpoint that the folder's list names, if there is one; returns the step.

        initial: w1, b1, ... of the first step, a dict of arrays, instead of those of the flag `init`.
        Raises InputError if it is of another training, or has weights without the state of a training.
        """
        sess = self.srcnn.sess
        sess.run(tf.global_variables_initializer())
        path = latest_checkpoint(self.folder)
        if path:
            self._check(path)
            remove_unfinished(self.folder)
            try:
                self._run_saver("restore_op_name", path)
            except tf.errors.OpError as error:
                if is_lost(sess, error):
                    raise
                raise InputError(
                    f"{path}: not a checkpoint that can be read ({first_line(error)}); remove its files"
                ) from error
            self._recover(path)
        step = int(sess.run(self.srcnn.step))
        if initial and not step:
            self.srcnn.set(initial)
        return step

    def _check(self, path):
        reader = open_checkpoint(path)
        shapes = reader.get_variable_to_shape_map()
        settings = read_settings(path, reader) if "settings" in shapes else {}
        check_settings(path, settings, self.srcnn.network.settings)  # of another one more is missing, too
        if any(variable.op.name not in shapes for variable in tf.global_variables()):
            raise InputError(
                f"{path}: has weights but not the state of a training by this version, so none can go on "
                f"from it; move it away, or start from it with --weights in another --checkpoint_dir"
            )
        check_settings(path, settings, self.settings)

    def _recover(self, path):
        """Lets the rotation go on with the checkpoints that this training saved before."""
        step = step_of(path)
        listed = [p for p in (*listed_checkpoints(self.folder), path) if Path(p).parent == self.folder]
        self.kept = [p for p in dict.fromkeys(listed) if 0 <= step_of(p) <= step and is_whole(p)]
        newer = sorted((p for p in whole_checkpoints(self.folder) if step_of(p) > step), key=step_of)
        if newer:
            names = ", ".join(p.name for p in newer)
            print(f"{path}: the list names this one, training goes on from it; {names} are left alone")

    def save(self, step, epoch):
        """Writes a checkpoint of the whole state; the last KEPT of this training are kept."""
        sess = self.srcnn.sess
        if not all(np.isfinite(value).all() for value in sess.run([*self.srcnn.weights.values()])):
            raise InputError("the weights are not finite any more; the last checkpoint stands")
        text = json.dumps({**self.settings, "program": PROGRAM, "step": step, "epoch": epoch})
        sess.run(self.write_text, {self.new_text: text})
        path = self.folder / "SRCNN.model"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            copies = self._set_aside(path.with_name(f"{path.name}-{step}"))
            path = f"{path}-{step}"
            self._run_saver("save_tensor_name", path)
            self._rotate(path)
            if all(filecmp.cmp(part, copy, shallow=False) for part, copy in copies):
                for _, copy in copies:  # this training saved it and was killed before it listed it
                    copy.unlink()
            else:
                print(f"{path} is kept as {copies[-1][1].with_suffix('')}")
        except (tf.errors.OpError, OSError) as error:
            if is_lost(sess, error):
                raise
            reason = first_line(error)
            raise InputError(f"{self.folder}: the checkpoint cannot be written ({reason})") from error
        finally:
            remove_unfinished(self.folder)

    def _run_saver(self, what, path):
        """Saves or restores; the disk is waited for, even where sessions have a limit for other machines."""
        names, options = self.saver.saver_def, tf.RunOptions(timeout_in_ms=DISK)
        self.srcnn.sess.run(getattr(names, what), {names.filename_tensor_name: str(path)}, options)

    def _rotate(self, path):
        """Lists a new checkpoint and removes those that are too many, in an order that survives kills."""
        self.kept = [*(p for p in self.kept if p != path), path]
        self._list()
        for old in self.kept[:-KEPT]:
            with suppress(PermissionError):  # Windows keeps what is being read, until the next rotation
                Path(f"{old}.index").unlink(missing_ok=True)  # what is left is not whole
        remove_unfinished(self.folder)
        self.kept = [p for p in self.kept[:-KEPT] if is_whole(p)] + self.kept[-KEPT:]
        self._list()

    def _list(self):
        """Writes TensorFlow's list of checkpoints."""
        names = [Path(path).name for path in self.kept]
        lines = [f'model_checkpoint_path: "{names[-1]}"']
        lines += [f'all_model_checkpoint_paths: "{name}"' for name in names]
        with replacing(self.folder / "checkpoint") as temporary:
            temporary.write_text("\n".join(lines) + "\n", "ascii", newline="\n")

    def _set_aside(self, path):
        """Copies a checkpoint that is not of the rotation where this one is about to save.

        Returns pairs of paths: of its files and their copies.
        """
        if not Path(f"{path}.index").exists() or str(path) in self.kept:
            return []
        free = (f"{path}-kept-{n}" for n in itertools.count(1))
        aside = next(name for name in free if not Path(f"{name}.index").exists())
        parts = [p for p in path.parent.iterdir() if p.name.startswith(f"{path.name}.data-")]
        parts.append(Path(f"{path}.index"))  # last: with it the copy is whole
        copies = [(part, Path(aside + part.name.removeprefix(path.name))) for part in parts]
        for part, copy in copies:
            with replacing(copy) as temporary:
                shutil.copyfile(part, temporary)
        return copies


def read_settings(path, reader):
    try:
        return json.loads(reader.get_tensor("settings"))
    except Exception as error:  # the readers raise nearly everything on damaged files
        raise InputError(f"{path}: its settings cannot be read; take another checkpoint") from error


def step_of(path):
    """The step in the name of a checkpoint; -1 if there is none."""
    step = Path(path).name.removeprefix("SRCNN.model-")
    return int(step) if step.isdecimal() and step == str(int(step)) else -1


def listed_checkpoints(folder):
    """The checkpoints that the list in a folder names, oldest first; none if it is missing or damaged."""
    try:
        state = tf.train.get_checkpoint_state(str(folder))
    except (ValueError, tf.errors.OpError):
        state = None
    return list(state.all_model_checkpoint_paths) if state else []


def whole_checkpoints(folder):
    prefixes = {path.with_suffix("") for path in Path(folder).glob("SRCNN.model-*.index")}
    return [path for path in prefixes if step_of(path) >= 0 and is_whole(path)]


def remove_unfinished(folder):
    """Removes what an interrupted or failed save, or rotation, left: the index comes last, and goes first."""
    parts = [(path, PART.fullmatch(path.name)) for path in Path(folder).glob("SRCNN.model-*")]
    parts = [(path, match) for path, match in parts if match and path.is_file()]
    broken = {match[1] for _, match in parts if not (Path(folder) / f"{match[1]}.index").exists()}
    for path, match in parts:
        if match[3] or match[1] in broken:
            with suppress(PermissionError):  # Windows keeps what is being read
                path.unlink()
