"""What stands in the environment where the program is started: by notebooks, services, old scripts."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

NOWHERE = "/proc/nowhere"  # where not even root can write
ENVIRONMENTS = {
    "notebook": {"MPLBACKEND": "module://nowhere.backend"},
    "home": dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"), NOWHERE),
    "warnings": {"PYTHONWARNINGS": "error"},
    "safe path": {"PYTHONSAFEPATH": "1"},
    "locale": {"PYTHONUTF8": "0", "LC_ALL": "C"},
}


@pytest.mark.parametrize("more", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_it_does_not_matter(photographs, tmp_path, more):
    """A training, which draws its curve, and an upscaling of a folder with a name that is not ASCII."""
    (photographs / "image 0.png").rename(photographs / "bild ü.png")
    training = "--train_dir photographs --filters 3-1-3 --epoch 1 --batch_size 8 --checkpoint_dir c"
    for words in (training, "--is_train False --input photographs --scale 2"):
        command = [sys.executable, ROOT / "main.py", *words.split()]
        environment = {**os.environ, **more}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8")
        assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.glob("c/*/training.png"))
    assert (tmp_path / "sample/bild ü_x2.png").is_file() and "sample/bild ü_x2.png: " in done.stdout


def test_python_that_is_isolated(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", ROOT / "main.py", "--help"], cwd=tmp_path, capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")


CALL = "import sys; sys.path.insert(0, sys.argv.pop(1)); import main; sys.exit(main.main())"


def test_names_of_files_from_python_without_utf8(photographs, tmp_path):
    """Where main.py does not start the process, which then knows ASCII names alone."""
    (photographs / "image 0.png").rename(photographs / "bild ü.png")
    words = "--is_train", "False", "--input", "photographs", "--scale", "2"
    environment = {**os.environ, **ENVIRONMENTS["locale"]}
    done = subprocess.run([sys.executable, "-c", CALL, ROOT, *words], cwd=tmp_path, env=environment)
    assert done.returncode == 0 and (tmp_path / "sample/bild ü_x2.png").is_file()


KERNEL = """
import io, os, sys
import main
class Cell(io.TextIOBase):  # as ipykernel's streams, of no file
    def write(self, text):
        os.write(1, text.encode())
        return len(text)
sys.stdout = sys.stderr = Cell()
for words in sys.argv[1:]:
    print(words, main.main(words.split()))
import matplotlib
print(matplotlib.rcParams["backend"])
"""


def test_within_a_notebook(photographs, tmp_path):
    """In its own process standard output has no descriptor, and the backend of its plots is left to it."""
    training = "--train_dir photographs --filters 3-1-3 --epoch 1 --batch_size 8 --checkpoint_dir c"
    jobs = training, "--is_train False --input photographs --scale 2", "--is_train False --input nothing.png"
    done = subprocess.run(
        [sys.executable, "-c", KERNEL, *jobs],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "svg"},
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and done.stderr == ""
    for words, status in zip(jobs, (0, 0, 2), strict=True):
        assert f"{words} {status}" in lines
    assert lines[-1] == "svg"
    assert any(line.startswith("main.py: error: --input nothing.png") for line in lines)
