"""Files and the person who waits: errors that say what to do, writing whole or not at all, progress."""

import os
import sys
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from tqdm import tqdm

LOG_SECONDS = 5  # at least, between two lines of progress in a log


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line that says what to do."""


def first_line(error):
    return str(error).strip().partition("\n")[0]


def progress(items, what, total=None):
    """Yields items, with a bar on a terminal and an occasional line in a log. total: their number."""
    total = total or len(items)
    bar = tqdm(items, desc=what, total=total, disable=None, leave=False)
    printed = time.monotonic()
    for number, item in enumerate(bar, 1):
        yield item
        if bar.disable and time.monotonic() - printed > LOG_SECONDS:
            printed = time.monotonic()
            print(f"{what}: {number} of {total}")


def in_threads(function, items, workers=4):
    """Yields function(item) for each of the items in order, made by threads, few of them ahead of time.

    workers: of tiles, several leave no core waiting for what one tile cannot share.
    """
    with ThreadPoolExecutor(workers) as executor:
        ahead = deque()
        for item in items:
            ahead.append(executor.submit(function, item))
            if len(ahead) > workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


@contextmanager
def replacing(path):
    """A temporary path beside `path`, renamed to it when the block ends well and removed otherwise."""
    path = Path(path)
    is_new = not path.parent.exists()
    # The process id keeps two runs apart; the suffix stays last because writers choose the format by it.
    temporary = path.with_name(f".{path.stem[:40]}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
            if is_new:
                path.parent.rmdir()  # if it is empty


def remove_leftovers(path):
    """Removes what killed processes left of writing `path`. For files that one process at a time writes."""
    for leftover in path.parent.glob(f".{path.stem}.*{path.suffix}"):
        leftover.unlink()


@contextmanager
def locked(folder):
    """Keeps other processes from training into a folder, which is made. The lock dies with the process."""
    folder = Path(folder)
    is_new = not folder.exists()
    lock, owner = FileLock(folder / ".lock"), folder / ".lock_owner"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
        owner.write_text(str(os.getpid()))
    except Timeout as error:
        who = f"process {owner.read_text()}" if owner.exists() else "another process"
        raise InputError(
            f"{folder}: {who} is training there; wait for it, or take another --checkpoint_dir"
        ) from error
    except OSError as error:
        raise InputError(f"{folder} cannot be written to: {error.strerror or error}") from error
    try:
        yield
    finally:
        owner.unlink(missing_ok=True)
        if is_new and [p.name for p in folder.iterdir()] == [".lock"]:
            (folder / ".lock").unlink()
            folder.rmdir()
        lock.release()


@contextmanager
def silenced():
    """Keeps what libraries in C and C++ write to stderr, whatever their settings, from being seen."""
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def check_writable(folder, flag):
    """Raises InputError if files cannot be made in a folder, which need not exist yet."""
    folder = Path(folder)
    existing = next(p for p in (folder, *folder.absolute().parents) if os.path.lexists(p))
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(f"{flag} {folder}: cannot be written to; name another folder") from error
