"""The names of the files of checkpoints."""

from pathlib import Path

import pytest

from srcnn.networks.checkpoint_files import FILE, is_whole, latest_checkpoint, prefix_of, whole_checkpoints
from srcnn.tf1 import tf
from tests.helpers.weight_files import random_weights, write_checkpoint


def make(folder, *names):
    for name in names:
        (folder / name).touch()


def test_names_are_those_that_tensorflow_gives(tmp_path):
    prefix = write_checkpoint(tmp_path / "SRCNN.model", random_weights("3-3"), tf.train.SaverDef.V2)
    assert is_whole(prefix) and whole_checkpoints(tmp_path) == [Path(prefix)]
    files = [path for path in tmp_path.glob("SRCNN*") if path.suffix != ".meta"]
    assert len(files) == 2 and {prefix_of(path) for path in files} == {prefix}
    assert all(FILE.fullmatch(path.name)[1] == Path(prefix).name for path in files)
    assert prefix_of(tmp_path / "checkpoint") == str(tmp_path)


def test_a_checkpoint_is_whole_with_all_its_files(tmp_path):
    make(tmp_path, "SRCNN.model-3.index", "SRCNN.model-3.data-00000-of-00002", "SRCNN.model-3.data-x")
    assert not is_whole(tmp_path / "SRCNN.model-3")
    make(tmp_path, "SRCNN.model-3.data-00001-of-00002", "SRCNN.model-33.data-00001-of-00003")
    assert is_whole(tmp_path / "SRCNN.model-3")
    make(tmp_path, "SRCNN.model-3.data-00000-of-00001")  # of another save
    assert not is_whole(tmp_path / "SRCNN.model-3")


def test_without_a_list_the_last_whole_checkpoint_is_the_latest(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    for step in ("7", "10", "012", "best"):  # the program gives no name like the last two
        make(tmp_path, f"SRCNN.model-{step}.index", f"SRCNN.model-{step}.data-00000-of-00001")
    make(tmp_path, "SRCNN.model-11.index")
    assert latest_checkpoint(tmp_path) == str(tmp_path / "SRCNN.model-10")


@pytest.mark.parametrize("named", ["\0N.model-3", "SRCNN.model-9", "../x", "n" * 5000, ""])
def test_a_list_that_names_no_checkpoint_is_passed_over_in_silence(tmp_path, caplog, named):
    make(tmp_path, "SRCNN.model-3.index", "SRCNN.model-3.data-00000-of-00001")
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "{named}"\n', "utf-8")
    assert latest_checkpoint(tmp_path) == str(tmp_path / "SRCNN.model-3")
    assert not caplog.records
