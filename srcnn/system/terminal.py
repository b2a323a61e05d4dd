"""Standard streams as they come: closed, full, a pipe that nobody reads, or noisy libraries on them."""

import io
import os
import sys
from contextlib import contextmanager, redirect_stdout, suppress

from srcnn.system import windows
from srcnn.system.errors import InputError

SIGPIPE = 13  # which Windows does not name
were_closed: set[int] = set()  # descriptors that the caller had closed, see `open_streams`


class Stream(io.RawIOBase):
    """Standard output or error whose failures are told apart from those of the files being written.

    number: its descriptor, which stays open.
    """

    failed = False

    def __init__(self, number):
        # Not io.FileIO: of a console of Windows, this is a file that takes UTF-8.
        self.file = open(number, "wb", buffering=0, closefd=False)  # noqa: SIM115

    def writable(self):
        return True

    def fileno(self):
        return self.file.fileno()

    def isatty(self):
        return self.file.isatty()

    def write(self, data):
        if self.failed:
            return len(data)
        try:
            return self.file.write(data)
        except OSError as error:
            self.failed = True
            if windows.is_closed_pipe(error):
                sys.exit(128 + SIGPIPE)  # as `| head` ends other programs
            raise InputError(f"standard output cannot be written: {error.strerror}") from error


class Silent(Stream):
    """Standard error: there is nobody to tell when it fails."""

    def write(self, data):
        with suppress(OSError):
            self.file.write(data)
        return len(data)


def open_streams():
    """Makes standard output and error safe to print to, whatever the caller left of them."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # closed; a file opened later must not take its place
            os.open(os.devnull, os.O_RDWR)
            were_closed.add(number)
    # A log shows progress as it is made. Names of files need not be UTF-8.
    # Errors go to a copy of descriptor 2, since `silenced` takes that away from libraries.
    for name, number, kind in (("stdout", 1, Stream), ("stderr", os.dup(2), Silent)):
        raw = kind(number)
        encoding = getattr(getattr(sys, name), "encoding", None) or "utf-8"
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=True
        )
        setattr(sys, name, stream)


@contextmanager
def waiting(what: str):
    """Says on a terminal what the user waits for, until it is there."""
    shown = sys.stderr is not None and sys.stderr.isatty()
    if shown:
        print(what, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if shown:
            print(f"\r{' ' * len(what)}\r", end="", file=sys.stderr, flush=True)


@contextmanager
def silenced():
    """Keeps what libraries in C and C++ write to stderr, whatever their settings, from being seen."""
    try:
        stderr = os.dup(2)
    except OSError:  # there is none: the caller closed it, or is a program with windows
        yield
        return
    if sys.stderr:
        sys.stderr.flush()
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


@contextmanager
def bytes_alone():
    """A binary stream on standard output; what is printed in the block goes to standard error.

    Raises InputError if that is a terminal, or closed.
    """
    if 1 in were_closed:
        raise InputError("standard output is closed; add --output FILE, or > FILE")
    if os.isatty(1):
        raise InputError("standard output is a terminal; add --output FILE, or > FILE")
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)  # what libraries in C print, too
    try:
        with redirect_stdout(sys.stderr), io.BufferedWriter(Stream(stdout)) as stream:
            yield stream
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
