"""The files of checkpoints: their names, which of them are whole, and the list that their folder has.

A checkpoint is named by its prefix, such as folder/SRCNN.model-500; TensorFlow keeps it in PREFIX.index and
PREFIX.data-00000-of-00001, and in the file `checkpoint` the prefixes of a folder.
"""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from srcnn.system.atomic_write import replacing
from srcnn.system.own_files import check_regular
from srcnn.tf1 import tf

NAME = "SRCNN.model"
LIST = "checkpoint"
DATA = r"\.data-\d{5}-of-(\d{5})"
FILE = re.compile(rf"({re.escape(NAME)}-\d+)(?:\.index|{DATA})(\.tempstate\d+)?")


def prefix_of(path: str | Path) -> str:
    """The prefix of a checkpoint that one of its files names, or the folder that its list names."""
    prefix = re.sub(r"\.(index|meta|data-\d+-of-\d+)$", "", str(path))
    is_list = Path(prefix).name == LIST and Path(prefix).is_file()
    return str(Path(prefix).parent) if is_list else prefix


def prefix_at(folder: Path, step: int) -> Path:
    return folder / f"{NAME}-{step}"


def step_of(prefix: str | Path) -> int:
    """The step in the name of a checkpoint; -1 if there is none."""
    step = Path(prefix).name.removeprefix(f"{NAME}-")
    return int(step) if step.isdecimal() and step == str(int(step)) else -1


def index_of(prefix: str | Path) -> Path:
    """The file that is written last and removed first: without it a checkpoint is not whole."""
    return Path(f"{prefix}.index")


def data_of(prefix: str | Path) -> list[Path]:
    """The files of a checkpoint, but for its index."""
    prefix = Path(prefix)
    of_prefix = re.compile(re.escape(prefix.name) + DATA)
    return [path for path in prefix.parent.glob("*.data-*") if of_prefix.fullmatch(path.name)]


def is_whole(prefix: str | Path) -> bool:
    """Whether all files of a checkpoint are there."""
    names = [path.name for path in data_of(prefix)]
    counts = {int(name.rpartition("-")[2]) for name in names}
    return index_of(prefix).is_file() and counts == {len(names)}


def whole_checkpoints(folder: str | Path) -> list[Path]:
    """The prefixes of the checkpoints in a folder that a training may have saved, the oldest first."""
    prefixes = [path.with_suffix("") for path in Path(folder).glob(f"{NAME}-*.index")]
    return sorted((path for path in prefixes if step_of(path) >= 0 and is_whole(path)), key=step_of)


def latest_checkpoint(folder: str | Path) -> str | None:
    """The prefix of the newest checkpoint in a folder, the one that its list names first; or None."""
    if Path(folder).is_dir():
        next(Path(folder).iterdir(), None)  # PermissionError, instead of passing over one's own
    newest = (state := _list_of(folder)) and state.model_checkpoint_path
    if newest and any(map(os.path.isfile, (index_of(newest), newest))):  # of TensorFlow's V2, or of its V1
        return newest
    whole = whole_checkpoints(folder)  # the list is damaged or missing
    return str(whole[-1]) if whole else None


def listed_checkpoints(folder: str | Path) -> list[str]:
    """The prefixes that the list in a folder names, the oldest first; none if it is missing or damaged."""
    state = _list_of(folder)
    return list(state.all_model_checkpoint_paths) if state else []


def _list_of(folder):
    """TensorFlow's CheckpointState of a folder; None if its list is missing or damaged."""
    check_regular(Path(folder) / LIST)
    with suppress(ValueError, tf.errors.OpError):
        return tf.train.get_checkpoint_state(str(folder))
    return None


def write_list(folder: Path, prefixes: Sequence[str]) -> None:
    """Writes TensorFlow's list of the checkpoints in a folder, the oldest first."""
    names = [Path(prefix).name for prefix in prefixes]
    lines = [f'model_checkpoint_path: "{names[-1]}"']
    lines += [f'all_model_checkpoint_paths: "{name}"' for name in names]
    with replacing(folder / LIST) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "ascii", newline="\n")


def remove_unfinished(folder: str | Path) -> None:
    """Removes what an interrupted or failed save, or rotation, left: the index comes last, and goes first."""
    for path in list(Path(folder).glob(f"{NAME}-*")):
        match = FILE.fullmatch(path.name)
        if match and path.is_file() and (match[3] or not index_of(path.with_name(match[1])).exists()):
            with suppress(PermissionError):  # Windows keeps what is being read
                path.unlink()
