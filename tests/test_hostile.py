"""Damaged files of every kind, handed to the command: a result or one line with exit status 2."""

import resource
import shutil
import sys
from contextlib import suppress

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

import main
from srcnn.images import image_io
from srcnn.tf1 import tf
from srcnn.upscaling import photographs
from tests.conftest import network_of
from tests.helpers.weight_files import random_weights, write_checkpoint, write_mat

SMALL = "--filters", "3-1-3"  # whose graph is quickly built, with all that a checkpoint of 9-1-5 has
MODEL = network_of(SMALL[1]).name
PLACE = st.floats(0, 1, exclude_max=True)
NAN = b"\0\0\xc0\x7f"
FLIP = st.tuples(st.just("flip"), PLACE, st.integers(0, 7))
FIELD = st.tuples(
    st.just("field"),
    PLACE,
    st.sampled_from([b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f" * 2, b"\0" * 8, NAN * 4]),
)
CUT = st.tuples(st.just("cut"), PLACE, st.none())
DAMAGE = st.one_of(st.lists(st.one_of(FLIP, FIELD), min_size=1, max_size=6), st.tuples(CUT))
IMAGES = ["a.png", "a.jpg", "a.bmp", "a.gif", "a.tif", "lzw.tif", "a.webp", "a.jp2", "16.png", "16.tif"]
OTHERS = {  # with flags that ask more of a file
    "a.avif": "--width 90",
    "a.ppm": "--height 90",
    "a.tga": "--scale 2.5",
    "a.heic": "--width 90",
    "16.tif": "--width 90",
    "moving.png": "--output b.webp",
    "moving.webp": "--output b.gif",
    "moving.gif": "--output b.png",
}
WEIGHTS = ["V1/SRCNN.model-2550000", "V2/SRCNN.model-2550000.index"]
WEIGHTS += ["V2/SRCNN.model-2550000.data", "x3.mat"]


def damaged(content, damage):
    """Bytes after bits are flipped, fields overwritten or the end cut off; half of that near the start."""
    content = bytearray(content)
    for kind, place, value in damage:
        length = len(content) if place < 0.5 else min(len(content), 512)
        at = int(place * 2 % 1 * length)
        if kind == "flip":
            content[at] ^= 1 << value
        elif kind == "field":
            content[at : at + len(value)] = value
        else:
            del content[at:]
    return bytes(content)


def damages(count):
    """A test of this many damaged files; the deadline is for what hangs, on however slow a machine."""

    def decorate(test):
        unhurried = settings(
            max_examples=count,
            deadline=60_000,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        )
        return unhurried(given(damage=DAMAGE)(test))

    return decorate


@pytest.fixture(scope="module", autouse=True)
def memory():
    """All of these together may take 1 GB more than what was there before.

    The largest result that `small` lets through takes 0.1 GB at 24 bytes a pixel (test_photographs.py), and
    libraries keep what they had. A damaged 32-bit field taken at its word would take 2 or 4 GB.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 2**30


@pytest.fixture
def small(monkeypatch):
    """Limits at which a header that promises a huge image is refused quickly."""
    monkeypatch.setattr(image_io, "LARGEST", 500_000)
    monkeypatch.setattr(photographs, "LARGEST", 4_500_000)


@pytest.fixture
def ends_well(capfd, tmp_path, monkeypatch):
    """Calls the command; it must succeed, or say one line and exit with status 2."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        capfd.readouterr()
        status = main.main([str(word) for word in words])
        error = capfd.readouterr().err
        if status == 0:
            return status
        assert status == 2
        lines = [line for line in error.splitlines() if " frames; " not in line]
        assert len(lines) == 1 and lines[0].startswith("main.py: error: "), error
        assert len(error) < 1000
        return status

    return call


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Whole files of every kind."""
    folder = tmp_path_factory.mktemp("made")
    y, x = np.mgrid[:45, :54]
    pixels = np.stack([x * 4, y * 5, (x * y) % 256], 2).astype(np.uint8)
    image = Image.fromarray(pixels)
    for name in ("a.png", "a.jpg", "a.bmp", "a.gif", "a.tif", "a.webp", "a.jp2"):
        image.save(folder / name)
    for name in ("a.avif", "a.ppm", "a.tga"):
        image.save(folder / name)
    with suppress(ImportError):
        import pillow_heif

        pillow_heif.from_pillow(image).save(folder / "a.heic")
    frames = [image.rotate(angle) for angle in (5, 10)]
    for name in ("moving.png", "moving.webp", "moving.gif"):
        image.save(folder / name, save_all=True, append_images=frames, duration=50)
    image.save(folder / "lzw.tif", compression="tiff_lzw")
    for name in ("16.png", "16.tif"):
        image_io.save(pixels.astype(np.uint16) * 257, folder / name)
    (folder / "photographs").mkdir()
    image.save(folder / "photographs/a.png")
    write_mat(folder / "x3.mat", random_weights("9-1-5"))
    for name in ("V1", "V2"):
        (folder / name).mkdir()
        version = getattr(tf.train.SaverDef, name)
        write_checkpoint(folder / name / "SRCNN.model", random_weights("9-1-5"), version)
    words = "--train_dir", folder / "photographs", "--checkpoint_dir", folder / "trained", "--batch_size", 4
    assert main.main([str(word) for word in (*words, *SMALL, "--epoch", 1)]) == 0
    return folder


@pytest.mark.parametrize("name", IMAGES)
@damages(20)
def test_images_to_upscale(made, tmp_path, small, ends_well, name, damage):
    (tmp_path / name).write_bytes(damaged((made / name).read_bytes(), damage))
    ends_well("--is_train", "False", "--input", name, "--overwrite")


@pytest.mark.parametrize("name", OTHERS)
@damages(10)
def test_images_that_are_asked_for_more(made, tmp_path, small, ends_well, name, damage):
    if not (made / name).exists():
        pytest.skip("no pillow-heif")
    (tmp_path / name).write_bytes(damaged((made / name).read_bytes(), damage))
    ends_well("--is_train", "False", "--input", name, *OTHERS[name].split(), "--overwrite")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "lzw.tif"])
@damages(15)
def test_images_to_test_and_train_with(made, tmp_path, small, ends_well, name, damage):
    (tmp_path / "images").mkdir(exist_ok=True)
    (tmp_path / "images" / name).write_bytes(damaged((made / name).read_bytes(), damage))
    ends_well("--is_train", "False", "--test_dir", "images")
    shutil.rmtree(tmp_path / "checkpoint", ignore_errors=True)
    ends_well("--train_dir", "images", "--preconditioner", "none", "--epoch", 1, *SMALL)


@damages(60)
def test_training_files(made, tmp_path, ends_well, damage):
    shutil.rmtree(tmp_path / "c", ignore_errors=True)
    (tmp_path / "c").mkdir()
    content = damaged((made / "trained/train.h5").read_bytes(), damage)
    (tmp_path / "c/train.h5").write_bytes(content)
    words = "--train_dir", made / "photographs", "--checkpoint_dir", "c", "--batch_size", 4
    if ends_well(*words, "--preconditioner", "none", "--epoch", 1, *SMALL) == 2:
        assert (tmp_path / "c/train.h5").read_bytes() == content


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001", "state"])
@damages(20)
def test_checkpoints_to_resume(made, tmp_path, ends_well, suffix, damage):
    shutil.rmtree(tmp_path / "c", ignore_errors=True)
    shutil.copytree(made / "trained", tmp_path / "c")
    (path,) = (tmp_path / "c" / MODEL).glob("checkpoint" if suffix == "state" else f"SRCNN*{suffix}")
    path.write_bytes(damaged(path.read_bytes(), damage))
    words = "--train_dir", made / "photographs", "--checkpoint_dir", "c", "--batch_size", 4
    ends_well(*words, *SMALL, "--epoch", 2)


@pytest.mark.parametrize("name", WEIGHTS)
@damages(40)
def test_weights(made, tmp_path, ends_well, name, damage):
    shutil.copytree(made / "V2", tmp_path / "V2", dirs_exist_ok=True)
    source = min(made.glob(f"{name}*"))
    path = tmp_path / source.relative_to(made)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(damaged(source.read_bytes(), damage))
    ends_well("--is_train", "False", "--weights", path, "--export", "x.mat", "--overwrite")


WRONG = {
    "text": "not a number",
    "a cell": np.array([["a", 1]], dtype=object),
    "a struct": {"field": 1},
    "complex": np.ones((81, 64)) * 1j,
    "NaN": np.full((81, 64), np.nan),
    "empty": np.zeros((0, 0)),
    "another shape": np.ones((64, 81)),
    "not square": np.ones((80, 64)),
    "bits": np.ones((81, 64), bool),
}


@pytest.mark.parametrize("kind", WRONG)
def test_mat_files_of_wrong_types(made, tmp_path, fails, kind):
    mat = {k: v for k, v in scipy.io.loadmat(made / "x3.mat").items() if k[0] != "_"}
    path = tmp_path / "x3.mat"
    scipy.io.savemat(path, mat | {"weights_conv1": WRONG[kind]})
    if kind != "bits":
        assert "x3.mat" in fails("--is_train", "False", "--weights", path, "--export", "x.onnx")


@pytest.mark.parametrize("shape", [(10**9, 33, 33, 1), (4, 33, 33), (4, 32, 33, 1)])
@pytest.mark.parametrize("kind", ["float32", "float64", "S5"])
def test_a_training_file_of_other_dimensions_or_types_is_made_anew(made, tmp_path, ends_well, shape, kind):
    shutil.copytree(made / "trained", tmp_path / "c")
    with h5py.File(tmp_path / "c/train.h5", "r+") as hf:
        del hf["data"]
        hf.create_dataset("data", shape, kind, chunks=(1, *shape[1:]))  # takes no space
    words = "--train_dir", made / "photographs", "--checkpoint_dir", "c", "--batch_size", 4
    assert ends_well(*words, *SMALL, "--epoch", 1) == 0  # nobody could wait for 10**9 pairs to be read
    with h5py.File(tmp_path / "c/train.h5") as hf:
        assert hf["data"].dtype == np.float32 and hf["data"].shape[0] < 100


def test_a_bomb_is_refused_with_the_limit(tmp_path, fails):
    """A PNG of 20,000 x 20,000 pixels in 50 kB."""
    Image.new("1", (20000, 20000)).save(tmp_path / "bomb.png", optimize=True)
    assert (tmp_path / "bomb.png").stat().st_size < 70_000
    assert f"{image_io.LARGEST:,}" in fails("--is_train", "False", "--input", "bomb.png")


def test_a_mat_file_runs_no_code(tmp_path, fails):
    """What unpickling would run is not run: .mat and checkpoints are read by their own formats."""
    import pickle

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    for name in ("x3.mat", "SRCNN.model-1", "SRCNN.model-1.index"):
        (tmp_path / name).write_bytes(pickle.dumps(Evil()))
        fails("--is_train", "False", "--weights", tmp_path / name, "--export", "x.onnx")
    assert not (tmp_path / "owned").exists()
