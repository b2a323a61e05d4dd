"""Progress of long work in a log."""

import os
import pty
import re
import subprocess
import sys

import pytest

from srcnn.system import progress
from tests.conftest import ROOT


def test_a_log_shows_long_work_and_is_not_filled_by_it(monkeypatch, capsys):
    """Two days of steps of 20 seconds, of which the first 100 were done before."""
    clock = iter(range(0, 10**9, 20))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    steps = 2 * 24 * 180
    assert list(progress.progress(range(steps), "steps", steps + 100, 100)) == list(range(steps))
    found = [
        re.fullmatch(r"steps: (\d+) of 8740, 0.05 a second, (\S+) left", line)
        for line in capsys.readouterr().out.splitlines()
    ]
    done = [int(match[1]) for match in found]
    assert done[:10] == list(range(101, 111))  # one every 20 seconds at first
    assert 100 < len(done) < 500
    assert found[0][2] == "47:59:40"
    assert done[-1] > 8740 * 0.97


@pytest.mark.parametrize("columns", [0, 100])
def test_a_terminal_shows_a_bar(columns):
    """One without a window, as of some build services, says that it has no columns."""
    code = (
        "import time; from srcnn.system import progress; "
        "list(progress.progress(map(time.sleep, [0.3] * 3), 'steps', 3))"
    )
    reader, terminal = pty.openpty()
    size = subprocess.run(["stty", "rows", "24", "columns", str(columns)], stdin=terminal)
    assert size.returncode == 0
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], stdout=terminal, stderr=terminal, env=env, check=True)
    os.close(terminal)
    assert "steps:  33%" in os.read(reader, 10000).decode()
    os.close(reader)
