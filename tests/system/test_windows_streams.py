"""Standard streams and signals as Windows has them; `test_windows` tells of files."""

import errno
import io
import os
import signal
import subprocess
import sys

import pytest

from srcnn.system import terminal
from tests.conftest import ROOT


def test_a_console_takes_all_letters(monkeypatch, capfd):
    """Python's own stream of a console of Windows knows how; its descriptor takes a code page."""
    written = []

    class Console(io.RawIOBase):
        def write(self, data):
            written.append(bytes(data))
            return len(data)

    monkeypatch.setattr(terminal, "open", lambda *_, **__: Console(), raising=False)
    stream = io.TextIOWrapper(io.BufferedWriter(terminal.Stream(1)), "utf-8", line_buffering=True)
    print("照片.png", file=stream)
    assert b"".join(written).decode() == f"照片.png{os.linesep}" and capfd.readouterr().out == ""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_code_page_that_lacks_letters_is_no_error(tmp_path, stream):
    words = ["--is_train", "False", "--weights", "照片"] if stream == "stderr" else ["--help"]
    program = f"import main, sys; print('照片'); main.run({words!r})"
    env = {**os.environ, "PYTHONIOENCODING": "cp1252:strict", "PYTHONPATH": str(ROOT)}
    program = "from srcnn.system import terminal; terminal.open_streams(); " + program
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True)
    assert b"\\u7167" in getattr(done, stream) and b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "error", [BrokenPipeError(errno.EPIPE, "pipe"), OSError(errno.EINVAL, "Invalid argument")]
)
def test_a_reader_that_leaves_is_known_on_windows(monkeypatch, on_windows, error):
    """There is no SIGPIPE, and the error is another one there."""
    monkeypatch.delattr(signal, "SIGPIPE", raising=False)
    stream = terminal.Stream(1)

    class Pipe:
        def write(self, data):
            raise error

    monkeypatch.setattr(stream, "file", Pipe())
    with pytest.raises(SystemExit) as stopped:
        stream.write(b"x")
    assert stopped.value.code == 141
    assert stream.write(b"x") == 1  # and no more is said of it


def test_programs_with_windows_have_no_stderr(monkeypatch):
    def closed(number):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(os, "dup", closed)
    with terminal.silenced():
        pass


def test_signals_are_those_that_the_system_has():
    """SIGHUP is not Windows', SIGBREAK nobody else's."""
    program = """
import signal
for name in ("SIGHUP", "SIGPIPE", "SIGKILL"):
    if hasattr(signal, name):
        delattr(signal, name)
signal.SIGBREAK = getattr(signal, "SIGBREAK", None) or signal.SIGUSR1
import os
from srcnn.system import signals
from srcnn.system import terminal
with signals.stopping() as stop:
    signal.raise_signal(signal.SIGBREAK)
assert stop.number == signal.SIGBREAK
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], env=env, check=True)
