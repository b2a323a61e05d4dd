import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import main
import utils
from srcnn.flag_types import kernel_sizes
from srcnn.networks.network import Network, default_channels
from srcnn.system.errors import UnexpectedError
from srcnn.system.signals import ENDING
from tests.helpers.browser import chromium, show  # noqa: F401

collect_ignore = []
if os.name != "posix":  # they need bash, fork, pseudo-terminals, or limits of memory and files
    collect_ignore += ["test_hostile.py", "test_reliability.py", "test_reproducible.py"]
    collect_ignore += ["cluster/test_cluster.py"]
    collect_ignore += ["system/test_progress.py", "system/test_streams.py"]
    collect_ignore += ["upscaling/films/test_encoded_parts.py"]
on_posix = pytest.mark.skipif(os.name != "posix", reason="needs what POSIX alone has")
ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data"


def network_of(filters="9-1-5", **more):
    """A Network by the name of its kernel sizes."""
    kernels = kernel_sizes(filters)
    return Network(kernels, **{"channels": default_channels(kernels), **more})


@pytest.fixture(autouse=True)
def unexpected(monkeypatch):
    """The errors that nobody foresaw, of files: no test may meet one but who provokes it, and clears this."""
    met, make = [], UnexpectedError.__init__

    def noted(self, path, error):
        met.append(error)
        make(self, path, error)

    monkeypatch.setattr(UnexpectedError, "__init__", noted)
    yield met
    assert not met


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def data():
    """The folder that has Train, Test/Set5 and Test/Set14."""
    for folder in (ROOT, DATA):
        if len(list((folder / "Train").glob("*.bmp"))) == 91 and (folder / "Test/Set14").is_dir():
            return folder
    reason = "the 91 images, Set5 and Set14 are not here: python main.py --download"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def command():
    """Runs main.py as a user would: words as they are typed, in a folder."""

    def run(*words, cwd, timeout=600):
        return subprocess.run(
            [sys.executable, ROOT / "main.py", *words],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run


@pytest.fixture
def usual_signals():
    """Signals end what the test starts, even where the suite itself ignores some: nohup, `&` in a script."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number in ENDING:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def fails(tmp_path, monkeypatch, capfd):
    """Calls main with words that must fail: exit status 2, one line on stderr, nothing written.

    but: a folder in which the pictures of other images may be, and nothing about all of them.
    """
    monkeypatch.chdir(tmp_path)

    def files(but):
        found = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
        if but:
            inside = [path for path in found if but in (path.name, path.parent.name)]
            names = {path.name for path in inside}
            assert not names & {"results.json", "report.html", "filters.png", "test_image.png"}
            for path in inside:
                del found[path]
        return found

    def call(*words, but=None):
        before = files(but)
        capfd.readouterr()
        try:
            status = main.main([str(word) for word in words])
        except SystemExit as stop:
            status = stop.code
        stderr = capfd.readouterr().err
        assert status == 2
        assert stderr.count("\n") == 1 and stderr.startswith("main.py: error: "), stderr
        assert before == files(but)
        return stderr

    return call


def save_photographs(folder):
    """Three small colour images, the program's own."""
    y, x = np.mgrid[:60, :73] / 60
    for i in range(3):
        image = np.stack([np.sin((i + 3) * (x + y) * 7), np.cos(9 * x * (i + 1)), np.sin(40 * y * x)], 2)
        utils.imsave(image / 2 + 0.5, folder / f"image {i}.png")
    return folder


@pytest.fixture
def photographs(tmp_path):
    return save_photographs(tmp_path / "photographs")
