"""The lines of Python in docs/exports.md run, and give what the program does."""

import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import main
import utils
from main import trained
from srcnn import tf1
from srcnn.images import image_io
from srcnn.pixels.tiles import super_resolve
from tests.conftest import ROOT, network_of

DOC = (ROOT / "docs/exports.md").read_text()
SECTIONS = {
    section.splitlines()[0]: re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    for section in re.split(r"^##+ ", DOC, flags=re.MULTILINE)[1:]
}
BEFORE, AFTER = SECTIONS.pop("Running them")
FRAMEWORKS = {name: "".join(blocks) for name, blocks in SECTIONS.items() if blocks}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with a photograph, the exports of x3, and what the program and bicubic make of it."""
    folder = tmp_path_factory.mktemp("exported")
    y, x = np.mgrid[:41, :50] / 9
    photo = np.stack([np.sin(x * y), np.cos(x + y), np.sin(2 * x) * np.cos(3 * y)], 2) > 0
    utils.imsave(photo * 0.6 + 0.2, folder / "photo.png")
    words = ["--is_train", "False", "--checkpoint_dir", str(folder / "none")]
    for name in ("x3.onnx", "x3", "x3.safetensors", "x3.mat"):
        assert main.main([*words, "--export", str(folder / name)]) == 0
    assert main.main([*words, "--input", str(folder / "photo.png"), "--output", str(folder / "own.png")]) == 0
    (folder / "bicubic.py").write_text(BEFORE + "pred = y\nnp.save('y.npy', y)\n" + AFTER)
    subprocess.run([sys.executable, "bicubic.py"], cwd=folder, check=True)
    (folder / "photo_x3.png").rename(folder / "bicubic.png")
    with tf1.session() as session:
        srcnn = trained(session, network_of(), checkpoint_dir=folder / "none")
        np.save(folder / "expected.npy", super_resolve(srcnn, np.load(folder / "y.npy")[..., np.newaxis]))
    return folder


def test_every_format_has_lines_of_python():
    assert set(re.findall(r'"(x3[.\w]*)"', "".join(FRAMEWORKS.values()))) == {
        *("x3.onnx", "x3", "x3.safetensors", "x3.mat")
    }
    assert len(FRAMEWORKS) == 7


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_lines_give_what_the_program_does(exported, name):
    code = FRAMEWORKS[name]
    for package in re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE):
        if not find_spec(package):
            pytest.skip(f"{package} is not installed")
    (exported / "run.py").write_text(BEFORE + code + "np.save('pred.npy', pred)\n" + AFTER)
    (exported / "photo_x3.png").unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "run.py"], cwd=exported, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found, own, bicubic = (
        image_io.read(exported / f"{name}.png").pixels[12:-12, 12:-12].astype(int)
        for name in ("photo_x3", "own", "bicubic")
    )
    pred, expected = np.load(exported / "pred.npy"), np.load(exported / "expected.npy")[..., 0]
    np.testing.assert_allclose(pred, expected, atol=1e-5)
    # Pillow's bicubic is rounded before the network, and another at the border.
    assert np.abs(found - own).max() <= 4 and np.abs(found - own).mean() < 1
    assert np.abs(bicubic - own).max() > np.abs(found - own).max()
