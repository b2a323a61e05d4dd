"""Errors that say what to do."""

import os
import traceback
import unicodedata
from contextlib import contextmanager


def one_line(message):
    """A message as one line on whatever terminal: names of files may have line breaks and worse."""
    breaks = "Cc", "Zl", "Zp"  # control characters, separators of lines and of paragraphs
    odd = {c for c in str(message) if unicodedata.category(c) in breaks}
    return "".join(c.encode("unicode_escape").decode() if c in odd else c for c in str(message))


class InputError(Exception):
    """Something the user gave cannot be used; the message is one line that says what to do."""


class UnexpectedError(InputError):
    """What nobody foresaw, of one file: it is named, and the next ones are done. No test may meet it."""

    def __init__(self, path, error):
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__} in {os.path.basename(place.filename)}, line {place.lineno}"
        super().__init__(
            f"{path}: unexpected error ({what}: {first_line(error)}); please report it with the file"
        )


@contextmanager
def expecting(path):
    """Turns whatever a file leads to into an UnexpectedError, but for what is said of it already."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise UnexpectedError(path, error) from error


def counted(number: int, noun: str) -> str:
    """A number of things in words, such as "1 frame" or "2 frames"."""
    return f"{number} {noun}{'s' * (number != 1)}"


def first_line(error):
    """The line of an error that gives the reason; TensorFlow's graphs say first where it happened."""
    lines = str(error).strip().split("\n")
    nodes = [i for i, line in enumerate(lines) if line.startswith("Node: ")]
    return lines[min(nodes[0] + 1, len(lines) - 1)] if nodes else lines[0]


@contextmanager
def needing(package, what):
    """Turns an import that fails into an InputError: what only some people need is asked for."""
    try:
        yield
    except ImportError as error:
        raise InputError(f"{what}: needs another package; run pip install {package}") from error
