"""Files and the person who waits: errors that say what to do, writing whole or not at all, progress."""

import os
import time
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

LOG_SECONDS = 5  # at least, between two lines of progress in a log


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line that says what to do."""


def progress(items, what):
    """Yields the items of a list, with a bar on a terminal and an occasional line in a log."""
    bar = tqdm(items, desc=what, disable=None, leave=False)
    printed = time.monotonic()
    for number, item in enumerate(bar, 1):
        yield item
        if bar.disable and time.monotonic() - printed > LOG_SECONDS:
            printed = time.monotonic()
            print(f"{what}: {number} of {len(items)}")


@contextmanager
def replacing(path):
    """A temporary path beside `path`, renamed to it when the block ends well and removed otherwise."""
    path = Path(path)
    is_new = not path.parent.exists()
    # The process id keeps two runs apart; the suffix stays last because writers choose the format by it.
    temporary = path.with_name(f".{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
        if is_new and path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def check_writable(folder, flag):
    """Raises InputError if files cannot be made in a folder, which need not exist yet."""
    folder = Path(folder)
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        raise InputError(f"{flag} {folder}: cannot be written to; name another folder")
