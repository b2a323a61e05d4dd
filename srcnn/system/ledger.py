"""The ledger of a folder of results: what the program wrote there, and from what.

It is LIST, a JSON line for each file, made before the file is. A file that has another size or time of change
than its line was changed by somebody else since, and is theirs.
"""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from srcnn.system.errors import InputError
from srcnn.system.output_paths import naming
from srcnn.system.own_files import json_object
from srcnn.system.sequences import is_sequence, members

LIST = ".srcnn-written"
own_list = LIST  # the one of this process
ADDING = threading.Lock()  # Windows moves to the end of a file and writes there in two steps


def origin(source: Path, srcnns: list, known: list | None = None) -> dict:
    """What a result was made from, as the list of its folder notes it: plain values.

    known: the `identity` of the source, where it was taken before the source was read.
    """
    about = {"input": known or identity(source), "weights": [srcnn.digest for srcnn in srcnns]}
    return about | ({"self_ensemble": True} if srcnns[0].self_ensemble else {})


def identity(path: Path) -> list:
    """What tells a file from others and from itself before a change: name, bytes, nanoseconds of its change.

    Plain values, as ledgers note them; of a sequence of images bytes of all, and a digest of what tells each.
    Raises OSError if there is no file.
    """
    if is_sequence(path) and (found := members(path)):
        each = [identity(frame) for frame in found.values()]
        digest = hashlib.sha256(json.dumps(each).encode()).hexdigest()[:16]
        return [path.name, sum(size for _, size, _ in each), digest]
    status = path.stat()
    return [path.name, status.st_size, status.st_mtime_ns]


def identity_if_there(path: Path) -> list | None:
    """The `identity` of a file before it is read; None if there is none, which reading it tells the user."""
    with suppress(OSError):
        return identity(path)
    return None


def check_unchanged(source: Path, known: list | None) -> None:
    """Raises InputError if a file has not the `identity` any more that it had before it was read."""
    try:
        is_same = identity(source) == known
    except OSError as error:
        why = f"can no longer be read ({error.strerror}); when it can, run the same command again"
        raise InputError(f"{source}: {why}") from error
    if not is_same:
        raise InputError(f"{source}: was changed during the work; run the same command again")


def use_list(name):
    """From here on notes go to a list of this name: machines that share a folder write none together."""
    global own_list
    own_list = f"{LIST}-{name}" if name else LIST


def note(path, temporary, about):
    _, size, changed = identity(temporary)
    _add_line(path.parent, {"name": path.name, "size": size, "mtime_ns": changed, "about": about})


def note_failure(path, about):
    """Notes in the list of a folder, which is made, that `path` could not be; see `failures`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _add_line(path.parent, {"name": path.name, "failed": about})


def _add_line(folder, entry):
    notes = folder / own_list
    if os.path.lexists(notes) and not _is_list(notes):
        raise InputError(f"{notes}: is not this program's list of its results; move it away")
    with naming(notes), ADDING, open(notes, "a", encoding="ascii", newline="\n") as file:
        file.write("\n" + json.dumps(entry))  # on a line of its own even after one that a kill cut short


def _is_list(path):
    """Whether a file is a list of what was written: begun by this program, and no link or device."""
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as file:
        start = file.read(10)  # fewer where a disk was full
    return any(begin.startswith(start) for begin in (b'\n{"name": ', b'{"name": "'))


def written(folder):
    """What the program wrote into a folder and nobody changed since: a dict of `about` by name."""
    found = {}
    for entry in _entries(folder, "about"):
        with suppress(OSError, ValueError):  # as of names that no file can have
            known = [entry["name"], entry.get("size"), entry.get("mtime_ns")]
            if identity(Path(folder) / entry["name"]) == known:
                found[entry["name"]] = entry["about"]
    return found


def made_before(results: Iterable[tuple[Path, Callable[[], dict | None]]]) -> Iterator[dict | None]:
    """For each result its note, if it is there as it would be made now, from the same sources; else None.

    results: pairs of a path and a function that gives what would be noted of it now, an `origin` or more,
    None for what cannot be made; asked only where there is a note. The scores of a note are no part of that.
    """
    folders: dict[Path, dict] = {}
    for path, about in results:
        if path.parent not in folders:
            folders[path.parent] = written(path.parent)
        note = folders[path.parent].get(path.name)
        known = note and {name: value for name, value in note.items() if name != "scores"}
        yield note if known and known == about() else None


def failures(folder):
    """What `note_failure` noted in a folder: a dict of `about` by name."""
    return {entry["name"]: entry["failed"] for entry in _entries(folder, "failed")}


def _entries(folder, key):
    """The lines of the lists in a folder with the name of a file and an object under a key.

    A killed run may leave half a line, and anybody anything: that is left out.
    """
    for notes in sorted(Path(folder).glob(f"{LIST}*")):
        if not _is_list(notes):
            continue
        with open(notes, encoding="ascii", errors="replace") as file:
            for line in file:
                with suppress(ValueError):
                    entry = json_object(line)
                    if isinstance(entry.get("name"), str) and isinstance(entry.get(key), dict):
                        yield entry


def check_replaceable(paths, flag):
    """Raises InputError if one of these paths is a file that the program did not write.

    paths: of files that are to be written, in one folder. flag: that named the folder.
    """
    existing = [path for path in paths if os.path.lexists(path)]
    ours = written(existing[0].parent) if existing else {}
    for path in existing:
        if path.name not in ours:
            raise InputError(
                f"{path}: was not written by this program, or was changed since; "
                f"move it away, or choose another {flag}"
            )
