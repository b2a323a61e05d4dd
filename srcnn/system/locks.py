"""One process at a time that works in a folder."""

import os
import re
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from srcnn.system.atomic_write import made, replacing
from srcnn.system.errors import InputError
from srcnn.system.own_files import check_regular


def is_locked(folder):
    """Whether a process works in a folder, see `locked`."""
    lock = Path(folder) / ".lock"
    try:
        with FileLock(lock, timeout=0) if lock.exists() else nullcontext():
            return False
    except Timeout:
        return True


@contextmanager
def locked(folder, work="training there", flag="--checkpoint_dir", target=None):
    """Keeps other processes from working in a folder, which is made. The lock dies with the process.

    work, flag: what they are told that this one does, and how to name another folder. target: what is made
    in the folder, which they are told of instead; then the folder is of the program's making, also if it is
    there already. Such a one goes when nothing is in it.
    """
    folder = Path(folder)
    is_ours = target is not None or not folder.exists()
    lock, owner = FileLock(folder / ".lock"), folder / ".lock_owner"
    with ExitStack() as stack:
        try:
            stack.enter_context(made(folder.parent))
            folder.mkdir(exist_ok=True)
            for file in (owner, folder / ".lock"):
                check_regular(file)
            owner_of(owner)
            lock.acquire(timeout=0)
            stack.callback(_let_go, folder, lock, owner, is_ours)
            with replacing(owner) as temporary:
                temporary.write_text(str(os.getpid()), "ascii")
        except Timeout as error:
            who = f"process {owner_of(owner)}" if owner.exists() else "another process"
            why = f"{who} is {work}; wait for it, or choose another {flag}"
            raise InputError(f"{target or folder}: {why}") from error
        except OSError as error:
            raise InputError(f"{folder}: cannot be written to ({error.strerror or error})") from error
        yield


def _let_go(folder, lock, owner, is_ours):
    with suppress(PermissionError):  # Windows keeps what is being read; it is no obstacle
        owner.unlink(missing_ok=True)
    if is_ours and folder.exists() and [p.name for p in folder.iterdir()] == [".lock"]:
        _remove(folder, lock)
    lock.release()


def owner_of(path: Path) -> str:
    """The number of a process in the file of a lock, empty without one. Raises InputError if it is none."""
    if not path.exists():
        return ""
    with open(path, "rb") as file:
        number = file.read(30).decode("ascii", "replace")
    if not re.fullmatch(r"[0-9]{1,20}", number):
        raise InputError(f"{path}: was not written by this program; move it away")
    return number


def _remove(folder, lock):
    """Removes a folder in which there is only its lock; Windows removes no file that is open."""
    with suppress(OSError):  # another process may have come
        try:
            (folder / ".lock").unlink()
        except PermissionError:
            lock.release()
            (folder / ".lock").unlink(missing_ok=True)
        folder.rmdir()
