"""Standard streams as they come: closed, full, a pipe that nobody reads, or noisy libraries on them."""

import io
import os
import signal
import sys
from contextlib import contextmanager, redirect_stdout, suppress

from errors import InputError

were_closed = set()  # descriptors that the caller had closed, see `open_streams`


class Stream(io.FileIO):
    """Standard output or error whose failures are told apart from those of the files being written."""

    failed = False

    def write(self, data):
        if self.failed:
            return len(data)
        try:
            return super().write(data)
        except BrokenPipeError:
            self.failed = True
            sys.exit(128 + signal.SIGPIPE)  # as `| head` ends other programs
        except OSError as error:
            self.failed = True
            raise InputError(f"standard output cannot be written: {error.strerror}") from error


class Silent(Stream):
    """Standard error: there is nobody to tell when it fails."""

    def write(self, data):
        with suppress(OSError):
            super(Stream, self).write(data)
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
        raw = kind(number, "w", closefd=False)
        encoding = getattr(getattr(sys, name), "encoding", None) or "utf-8"
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=True
        )
        setattr(sys, name, stream)


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
        raw = Stream(stdout, "w", closefd=False)
        with redirect_stdout(sys.stderr), io.BufferedWriter(raw) as stream:
            yield stream
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
