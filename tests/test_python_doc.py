"""The lines of Python in docs/python.md run, from another folder, and do what it says."""

import json
import os
import re
import subprocess
import sys
from inspect import signature

import numpy as np
import pytest
from PIL import Image

import main
from srcnn.upscaling.from_python import Upscaler
from tests.conftest import ROOT
from tests.helpers.pictures import smooth

DOC = (ROOT / "docs/python.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", DOC, re.DOTALL | re.MULTILINE)
SHOWN = """
import json
np.save("larger.npy", larger)
np.save("trained.npy", enlarge(photo))
print(json.dumps({"losses": [float(loss) for loss in losses], "w1": weights["w1"].shape}))
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A folder in which all lines ran one after the other, and what was printed last."""
    folder = tmp_path_factory.mktemp("python")
    Image.fromarray(smooth(60, 70, 3)).save(folder / "photo.png")
    (folder / "my_photos").mkdir()
    for seed in range(3):
        Image.fromarray(smooth(50, 50, 3, seed=seed)).save(folder / f"my_photos/{seed}.png")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "".join([*BLOCKS, SHOWN])]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder, json.loads(result.stdout.splitlines()[-1])


def test_what_is_enlarged(done):
    folder, _ = done
    expected = main.upscaler(scale=3)(folder / "photo.png")
    np.testing.assert_array_equal(np.load(folder / "larger.npy"), expected)
    cleaned = main.upscaler(scale=1, quality=75)(folder / "photo.png")
    expected = main.upscaler(scale=2.5, filters="9-5-5")(cleaned)
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "photo_x2.5.png")), expected)


def test_what_is_trained(done):
    folder, shown = done
    assert (folder / "mine/srcnn_9-1-5_32-16_x2_matlab/training.png").is_file()
    assert np.load(folder / "trained.npy").shape == (120, 140, 3)
    assert shown["losses"][-1] < 0.95 * shown["losses"][0] and shown["w1"] == [9, 9, 1, 64]


def test_every_argument_of_upscaler_is_named():
    _, _, *names = signature(Upscaler.__init__).parameters
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", DOC, re.MULTILINE)
    assert [name for name, _ in rows] == names
