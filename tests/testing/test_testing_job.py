"""The job of a test."""

import threading

import pytest

import main
from srcnn.testing import evaluate, testing_job


def test_an_error_while_pictures_are_written_ends_it(photographs, tmp_path, monkeypatch):
    """And nothing waits for room that nobody makes any more."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evaluate, "PIXELS", 1)  # the reader waits for room
    monkeypatch.setattr(testing_job, "save_comparison", full)
    words = ["--is_train", "False", "--test_dir", str(photographs), "--sample_dir", str(tmp_path / "s")]
    assert main.main(words) == 2
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]
    assert not (tmp_path / "s").exists() or not list((tmp_path / "s").iterdir())


@pytest.mark.parametrize("words", ["--epoch 3 --seed 1", "--learning_rate 0.1 --init normal --validation 2"])
def test_flags_of_a_training_may_stand_beside_what_is_done_with_its_network(words):
    for job in ("--test_dir a", "--input a.png", "--export a.mat"):
        main.parse(["--is_train", "False", *job.split(), *words.split()])
