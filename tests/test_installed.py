"""`pip install .`: the command, the weights that come with it, and no names that are not its own."""

import os
import subprocess
import sys
import sysconfig
import zipfile

import numpy as np
import pytest

import main
from srcnn.images import image_io
from srcnn.system.version import PROGRAM
from tests.conftest import ROOT
from tests.helpers.pictures import smooth

WORDS = "--is_train", "False", "--input", "photo.png", "--scale", "2"
PYTHON = """
import srcnn.installed
from main import upscaler
import main
print(main.__file__)
from srcnn.images import image_io
image_io.save(upscaler(scale=2)("photo.png"), "python.png")
"""


def run(*words, cwd):
    """What a user types who has neither the repository nor its environment on the path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    words = "wheel --no-deps --no-build-isolation --disable-pip-version-check --quiet --wheel-dir"
    run(sys.executable, "-m", "pip", *words.split(), folder, ROOT, cwd=folder)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def scripts(wheel):
    """Where the commands of a new environment are, which has the wheel, and this one's other packages."""
    place = wheel.parent / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=wheel.parent)
    variables = {"base": str(place), "platbase": str(place)}
    scripts, packages = (sysconfig.get_path(name, "venv", variables) for name in ("scripts", "purelib"))
    python = f"{scripts}/python"
    words = "install --no-deps --no-index --disable-pip-version-check --quiet"
    run(sys.executable, "-m", "pip", "--python", python, *words.split(), wheel, cwd=wheel.parent)
    with open(f"{packages}/others.pth", "w", encoding="utf-8") as file:
        file.write(sysconfig.get_path("purelib"))
    return scripts


def test_the_wheel_takes_no_names_but_its_own(wheel):
    assert wheel.name == f"srcnn-{PROGRAM}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"srcnn", f"srcnn-{PROGRAM}.dist-info"}
    files = [ROOT / name for name in ("main.py", "model.py", "utils.py", "SHA256SUMS")]
    files += [path for path in (ROOT / "checkpoint/shipped").rglob("*") if path.is_file()]
    expected = {f"srcnn/root/{path.relative_to(ROOT).as_posix()}" for path in files}
    sources = [path for path in (ROOT / "srcnn").rglob("*.*") if path.suffix != ".pyc"]
    expected |= {path.relative_to(ROOT).as_posix() for path in sources}
    assert {name for name in names if name.startswith("srcnn/")} == expected


def test_what_it_needs_is_what_the_repository_needs(wheel):
    with zipfile.ZipFile(wheel) as files:
        text = files.read(f"srcnn-{PROGRAM}.dist-info/METADATA").decode()
    needed = {
        line[15:].partition("<")[0].partition(">")[0] for line in text.splitlines() if "Requires-Dist" in line
    }
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert needed == {line.partition(">")[0] for line in lines if not line.startswith("#")}


def test_an_image_is_enlarged(scripts, folder):
    image_io.save(smooth(20, 30, 3), folder / "photo.png")
    said = run(f"{scripts}/srcnn", *WORDS, cwd=folder)
    assert "sample/photo_x2.png" in said and "srcnn/root/checkpoint/shipped" in said
    assert run(f"{scripts}/python", "-c", PYTHON, cwd=folder).endswith("root/main.py\n")
    expected = main.upscaler(scale=2)(folder / "photo.png")
    for name in ("sample/photo_x2.png", "python.png"):
        np.testing.assert_array_equal(image_io.read(folder / name).pixels, expected)
    names = "import importlib.util as u; print([u.find_spec(n) for n in ('main', 'model', 'utils')])"
    assert run(f"{scripts}/python", "-c", names, cwd=folder) == "[None, None, None]\n"
