"""What Windows does otherwise than Linux and macOS, in one place."""

import errno
import os
import time
from pathlib import PureWindowsPath

HERE = os.name == "nt"
TRIES, PAUSE = 20, 0.1  # to replace a file, seconds between them: virus scanners hold new files a moment
LONGEST_PATH = 259  # characters, unless an administrator has allowed more
SIGNS = frozenset('"*:<>?|')  # that no name may have; a colon would name a stream inside a file
DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{port}{number}" for port in ("COM", "LPT") for number in "123456789¹²³"]
)


def replace(source, target):
    """os.replace, which Windows refuses while somebody has one of the files open."""
    for _ in range(TRIES - 1 if HERE else 0):
        try:
            return os.replace(source, target)
        except PermissionError:
            time.sleep(PAUSE)
    return os.replace(source, target)


def check_closed(path):
    """Raises PermissionError if a file that is to be replaced is open somewhere. It is not changed."""
    if HERE and os.path.lexists(path):
        replace(path, path)


def why(error, path):
    """The reason of an OSError of a file, in words, with what to do where Windows does not say it."""
    text = str(error.strerror or error)
    if HERE and isinstance(error, PermissionError):
        text += "; close it if it is open in another program"
    # Temporary files have longer names.
    if HERE and isinstance(error, FileNotFoundError) and len(os.path.abspath(path)) > LONGEST_PATH - 80:
        text += f"; allow paths of more than {LONGEST_PATH} characters in Windows"
    return text


def no_name(path):
    """The first part of a path that names no file or folder on Windows, such as NUL.png; None without."""
    if not HERE:
        return None
    pure = PureWindowsPath(path)
    return next((part for part in pure.parts if part != pure.anchor and _is_reserved(part)), None)


def _is_reserved(name):
    """As os.path.isreserved of Python 3.13."""
    if name in (".", ".."):
        return False
    has_sign = not SIGNS.isdisjoint(name) or any(letter < " " for letter in name)
    return has_sign or name[-1] in ". " or name.partition(".")[0].rstrip(" ").upper() in DEVICES


def is_closed_pipe(error):
    """Whether an error of writing says that nobody reads a pipe any more."""
    return isinstance(error, BrokenPipeError) or (HERE and error.errno == errno.EINVAL)
