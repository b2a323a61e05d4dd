"""Whether files may be written where they are to be: checks that change nothing."""

import os
import tempfile
import unicodedata
from contextlib import contextmanager
from pathlib import Path

from srcnn.system import windows
from srcnn.system.errors import InputError


def check_here():
    """Raises InputError if the working directory was removed, or there is no temporary one for libraries."""
    try:
        os.getcwd()
    except OSError as error:
        raise InputError("the working directory does not exist any more; change to another one") from error
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise InputError("no temporary folder can be written to; set TMPDIR to one that can") from error


def check_free(path):
    """Raises InputError if there is something at the path of an --output or --export."""
    if os.path.lexists(path):
        raise InputError(f"{path}: already exists; add --overwrite, or name another file")


def _spelling(path):
    """A path as file systems that know neither case nor ways to compose letters see it."""
    return unicodedata.normalize("NFC", os.path.realpath(path)).casefold()


def _file(path):
    """What tells a file from others, under whatever name; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else None  # some of Windows' disks number none


def check_apart(inputs, outputs):
    """Raises InputError if a file to be written is one that is read: by its path, a link, or but for case."""
    inputs = [Path(path) for path in inputs]
    spellings = {_spelling(path): path for path in inputs}
    files = {_file(path): path for path in inputs}
    files.pop(None, None)
    for path in outputs:
        same = spellings.get(_spelling(path)) or files.get(_file(path))
        if same:
            raise InputError(f"{path}: would replace {same}, which is an input; choose another name")


def check_writable(folder, flag):
    """Raises InputError if files cannot be made in a folder, which need not exist yet."""
    folder = Path(folder)
    existing = next((p for p in (folder, *folder.absolute().parents) if os.path.lexists(p)), None)
    if existing is None:
        raise InputError(f"{flag} {folder}: is on a drive that does not exist; choose another folder")
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(f"{flag} {folder}: cannot be written to; choose another folder") from error


@contextmanager
def naming(path):
    """Turns errors of the file system into an InputError that names the path that was to be written."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {windows.why(error, path)}") from error
