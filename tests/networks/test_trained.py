"""Which weights are taken: one's own, or the shipped ones."""

import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

import main
from srcnn.networks import trained
from srcnn.networks.network import Network
from srcnn.networks.trained import SHIPPED
from srcnn.settings import Source
from srcnn.tf1 import tf
from tests.helpers.weight_files import random_weights, write_checkpoint


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Makes a checkpoint of one's own in the default folder that says how far its training was."""
    monkeypatch.chdir(tmp_path)
    folder = Path("checkpoint", Network().name)
    folder.mkdir(parents=True)

    def make(**progress):
        values = random_weights("9-1-5") | {"settings": json.dumps(progress)}
        write_checkpoint(folder / "SRCNN.model", values, tf.train.SaverDef.V2)
        return folder

    return make


def exported(capfd, *words):
    """What an export, which takes the weights of a test, says of them."""
    assert main.main(["--export", "x3.mat", "--overwrite", *words]) == 0
    return capfd.readouterr().out


def test_a_training_that_was_stopped_does_not_replace_the_shipped_weights(own, capfd):
    folder = own(step=335, steps=5974)
    said = exported(capfd)
    assert f"weights for x3: {SHIPPED}" in said
    assert f"{folder} stopped after 335 of 5,974 steps; --weights {folder} uses its weights" in said
    for words in (["--weights", str(folder)], ["--checkpoint_dir", str(folder.parent.absolute())]):
        assert f"weights for x3: {SHIPPED}" not in exported(capfd, *words)


@pytest.mark.parametrize("progress", [{"step": 5974, "steps": 5974}, {"step": 335}, {}])
def test_a_finished_training_does_and_says_so(own, capfd, progress):
    """As do those of earlier versions, which do not say how long they were to be."""
    folder = own(**progress)
    said = exported(capfd)
    assert f"weights for x3: checkpoint/{folder.name}" in said.replace("\\", "/")
    assert "--weights shipped uses the shipped ones" in said
    assert f"weights for x3: {SHIPPED}" in exported(capfd, "--weights", "shipped")


def test_folders_of_checkpoints_are_looked_through_once_for_all_images(tmp_path, monkeypatch):
    """And a training that ends meanwhile changes nothing half-way: x6 stays x2 and then x3."""
    monkeypatch.chdir(tmp_path)
    looked: list[int] = []

    def found(network, source):
        looked.append(network.scale)
        return "there" if network.scale < 6 or len(looked) > 2 else None

    monkeypatch.setattr(trained, "find_checkpoint", found)
    stages = trained.Stages(lambda network: SimpleNamespace(network=network), Network(), Source())
    for _ in range(3):
        assert [srcnn.network.scale for srcnn in stages(Fraction(6))] == [2, 3]
    assert looked == [6, 6]
