"""Files written whole or not at all."""

import glob
import hashlib
import os
import re
import socket
import tempfile
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from srcnn.system import windows
from srcnn.system.errors import InputError
from srcnn.system.ledger import check_replaceable, note
from srcnn.system.output_paths import naming
from srcnn.system.signals import ending_later

MACHINE = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]  # in names of temporary files


made_here: dict[Path, int] = {}  # folders that this process made, and how many blocks of `made` need each
MAKING = threading.Lock()


@contextmanager
def made(folder):
    """A folder for the block, made with its parents; those of them that are empty in the end go again.

    Other threads may need the same ones; who is last lets them go.
    """
    folder = Path(folder)
    with MAKING:
        needed = [path for path in (folder, *folder.parents) if path in made_here or not path.exists()]
        for path in needed:
            made_here[path] = made_here.get(path, 0) + 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        with MAKING:
            for path in needed:
                made_here[path] -= 1
                if not made_here[path]:
                    del made_here[path]
                    with suppress(OSError):  # what is not empty stays
                        path.rmdir()


@contextmanager
def replacing(path, about=None, overwrite=True):
    """A temporary path beside `path`, renamed to it when the block ends well and removed otherwise.

    about: a dict of plain values to be noted in the list of the folder, see `written`; None: no note.
    overwrite: False raises InputError if there is something at the path by then.
    """
    path = Path(path)
    # Thread and process keep long names and two runs apart; the suffix stays last because writers choose
    # the format by it.
    own = f"{threading.get_ident()}.{MACHINE}-{os.getpid()}"
    temporary = path.with_name(f"{_beginning(path)}{own}{path.suffix}")
    with naming(path), made(path.parent):
        try:
            yield temporary
            if about is not None:
                note(path, temporary, about)
            if overwrite:
                windows.replace(temporary, path)
            else:
                move_if_free(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _beginning(path):
    """How the names of temporary files of a path begin."""
    return f".{path.stem[:40]}."


def check_still_free(path):
    """Raises InputError if there is something at a path where nothing was when the work began."""
    if os.path.lexists(path):
        why = "already exists, since another run or program wrote it during the work"
        raise InputError(f"{path}: {why}; add --overwrite to replace it")


def move_if_free(temporary, path, check=check_still_free):
    """Moves a file to where nothing is; check(path) raises InputError if there is something by then."""
    try:
        os.link(temporary, path)
    except OSError:  # there is something, or the file system has no links
        check(path)
        windows.replace(temporary, path)
    else:
        temporary.unlink()


def move_all_if_free(pairs, check):
    """Moves files, pairs of paths, to where nothing is, all of them or none; see `move_if_free`."""
    moved = []
    with ExitStack() as folders, ending_later():
        try:
            for temporary, path in pairs:
                known = _node(temporary)
                with naming(path):
                    folders.enter_context(made(path.parent))
                    move_if_free(temporary, path, check)
                moved.append((known, path))
        except BaseException:
            for known, path in moved:
                with suppress(OSError):
                    if _node(path) == known:  # not what came in its place
                        path.unlink()
            raise


def _node(path):
    status = path.lstat()
    return status.st_dev, status.st_ino


@contextmanager
def published(folder, flag):
    """A temporary folder, whose files are moved into `folder` and noted there when the block ends well.

    So results of a run that fails half-way replace nothing. flag: that named the folder. Raises InputError if
    one of them would replace a file that the program did not write.
    """
    folder = Path(folder)
    with ExitStack() as stack:
        with naming(folder):
            stack.enter_context(made(folder))
            staging = tempfile.TemporaryDirectory(prefix=".srcnn-", dir=folder)
        with staging as name:
            yield Path(name)
            results = sorted(Path(name).iterdir())
            check_replaceable([folder / path.name for path in results], flag)
            results.sort(key=lambda path: path.suffix in (".html", ".json"))  # what tells of the others last
            for path in results:
                with naming(folder / path.name):
                    windows.check_closed(folder / path.name)
            with ending_later(), naming(folder):
                for path in results:
                    note(folder / path.name, path, {})
                    windows.replace(path, folder / path.name)


def remove_leftovers(path):
    """Removes what killed processes of this machine left of writing `path`, or one that begins like it."""
    own = re.compile(rf"{re.escape(_beginning(path))}\d+\.{MACHINE}-(\d+){re.escape(path.suffix)}")
    for leftover in path.parent.glob(f"{glob.escape(_beginning(path))}*"):
        found = own.fullmatch(leftover.name)
        with suppress(FileNotFoundError):
            if found and not _is_alive(int(found[1]), leftover.stat().st_mtime):
                leftover.unlink()


def _is_alive(process, since):
    """Whether the process of a number lives that did so at a time; the number may be another's by now."""
    try:
        return psutil.Process(process).create_time() <= since
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True  # another user's
