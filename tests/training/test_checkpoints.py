"""The folder of checkpoints: what is of a training there, and what is the user's."""

import os
import shutil

import h5py
import numpy as np
import pytest

import main
import utils
from srcnn.networks.network import Network
from srcnn.networks.trained import SHIPPED
from srcnn.networks.weight_files import read_weights
from tests.helpers.folders import contents

MODEL = Network().name


def train(photographs, *words):
    folders = "--train_dir", photographs, "--checkpoint_dir", "c", "--batch_size", 8
    return main.main([str(word) for word in (*folders, *words)])


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_training_file_of_somebody_else_is_left_alone(here, photographs, capsys):
    """As the reference implementation writes it: checkpoint/train.h5 without this program's settings."""
    (here / "c").mkdir()
    with h5py.File(here / "c/train.h5", "w") as hf:
        hf["data"] = np.zeros((4, 33, 33, 1))
    before = (here / "c/train.h5").read_bytes()
    assert train(photographs) == 2
    assert "c/train.h5: is damaged, or was not written by this program" in capsys.readouterr().err
    assert (here / "c/train.h5").read_bytes() == before


def checkpoints():
    return sorted(path for path in os.listdir(f"c/{MODEL}") if path.startswith("SRCNN.model-"))


def whole(*steps):
    parts = ".data-00000-of-00001", ".index"
    return sorted(f"SRCNN.model-{step}{part}" for step in steps for part in parts)


@pytest.fixture
def trained(photographs, monkeypatch):
    """A training of 8 steps, two an epoch, that saves after every step."""
    monkeypatch.setattr("srcnn.training.loop.CHECKPOINT_STEPS", 1)
    assert train(photographs, "--epoch", 4) == 0
    last = read_weights(f"c/{MODEL}")[0]["step"]
    assert checkpoints() == whole(*range(last - 4, last + 1))
    return last


def write_list(*names):
    lines = [f'model_checkpoint_path: "{names[0]}"']
    lines += [f'all_model_checkpoint_paths: "{name}"' for name in names]
    with open(f"c/{MODEL}/checkpoint", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def test_a_list_that_names_other_checkpoints_removes_none(trained, photographs):
    write_list("SRCNN.model-77", "SRCNN.model-78")
    assert train(photographs, "--epoch", 4) == 0  # finished: nothing to save
    assert checkpoints() == whole(*range(trained - 4, trained + 1))


def test_files_of_the_user_beside_the_checkpoints_stay(trained, photographs, here):
    folder = here / "c" / MODEL
    mine = (
        "SRCNN.model-200-good.index",
        "SRCNN.model-notes.txt",
        "SRCNN.model-best/weights",
        "SRCNN.model-3.txt",
        "SRCNN.model-1000.index",  # a save writes it last, a rotation removes it first
    )
    for name in mine:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("precious")
    for left in (
        "SRCNN.model-9.data-00000-of-00001",
        "SRCNN.model-9.index.tempstate123",
    ):
        (folder / left).write_text("half")
    (folder / "SRCNN.model-10.index").write_text("in the way")
    assert train(photographs, "--epoch", 6) == 0
    for name in mine:
        assert (folder / name).read_text() == "precious"
    assert (folder / "SRCNN.model-10-kept-1.index").read_text() == "in the way"
    for left in ("SRCNN.model-9.index.tempstate123",):
        assert not (folder / left).exists()
    assert "half" not in [
        path.read_text(errors="replace") for path in folder.glob("SRCNN.model-*.*") if path.is_file()
    ]


def test_rolling_back_leaves_the_newer_checkpoints_alone(trained, photographs, here, capsys):
    folder = here / "c" / MODEL
    newer = {path.name: path.read_bytes() for path in folder.glob(f"SRCNN.model-{trained}.*")}
    write_list(f"SRCNN.model-{trained - 2}", f"SRCNN.model-{trained - 3}")
    assert train(photographs, "--epoch", 6) == 0  # another schedule, so other weights at the same step
    said = capsys.readouterr().out
    assert f"SRCNN.model-{trained - 1}, SRCNN.model-{trained} alone" in said
    assert f"SRCNN.model-{trained}: the earlier checkpoint is kept as" in said
    for name, content in newer.items():
        kept = name.replace(str(trained), f"{trained}-kept-1")
        assert (folder / kept).read_bytes() == content
    assert {f"SRCNN.model-{trained - 4}.index"} <= set(checkpoints())  # not in the list: not of the rotation


def test_a_file_in_the_place_of_the_folder_is_said_before_the_work(here, photographs, capsys):
    (here / "c").mkdir()
    (here / "c" / MODEL).write_text("mine")
    assert train(photographs) == 2
    assert f"c/{MODEL}: stands where" in capsys.readouterr().err
    assert contents(here / "c") == {here / "c" / MODEL: b"mine"}


def test_training_images_are_known_by_their_content(photographs, capsys):
    """Others of the same names, numbers and times of change."""
    assert train(photographs, "--epoch", 1) == 0
    first = min(photographs.iterdir())
    times = first.stat().st_atime_ns, first.stat().st_mtime_ns
    utils.imsave(np.random.default_rng(0).random((60, 73, 3)), first)
    os.utime(first, ns=times)
    assert train(photographs, "--epoch", 2) == 2
    assert "was trained with other images;" in capsys.readouterr().err


def test_weights_without_a_training_cannot_be_resumed(here, photographs, capsys):
    shutil.copytree(SHIPPED / MODEL, here / "c" / MODEL)
    before = contents(here / "c" / MODEL)
    assert train(photographs, "--epoch", 1) == 2
    error = capsys.readouterr().err
    assert "not the state of a training" in error and error.count("\n") == 1
    assert contents(here / "c" / MODEL) == before


def test_a_picture_of_the_user_beside_the_curve_stays(photographs, here):
    assert train(photographs, "--epoch", 1) == 0
    picture = here / "c" / MODEL / "training.png"
    picture.write_bytes(b"mine")
    assert train(photographs, "--epoch", 2) == 0
    assert picture.read_bytes() == b"mine"


def test_the_rotation_is_of_this_training_alone(trained, photographs, here):
    """Not of what somebody writes into the list: other folders, other names."""
    for name in ("elsewhere/SRCNN.model-1", f"c/{MODEL}/SRCNN.model-best"):
        (here / name).parent.mkdir(exist_ok=True)
        for ending in (".index", ".data-00000-of-00001"):
            shutil.copy(here / f"c/{MODEL}/SRCNN.model-{trained}{ending}", here / f"{name}{ending}")
    write_list(f"SRCNN.model-{trained}", str(here / "elsewhere/SRCNN.model-1"), "SRCNN.model-best")
    before = contents(here / "elsewhere")
    assert train(photographs, "--epoch", 9) == 0
    assert contents(here / "elsewhere") == before
    assert (here / f"c/{MODEL}/SRCNN.model-best.index").exists()
