"""Line breaks and terminal codes in the names of everything that a user names: no line is broken by them."""

import os

import pytest

import main
from tests.conftest import save_photographs

ODD = "a\x1b[31m\n\x85\u2028b"
SMALL = "--filters", "3-1-3"
OWN = *SMALL, "--checkpoint_dir", f"check{ODD}"
TESTING = "--is_train", "False", "--test_dir", f"images{ODD}"
TRAINING = *OWN, "--train_dir", f"images{ODD}", "--epoch", "1", "--preconditioner", "none"
WEIGHTS = *SMALL, "--weights", f"check{ODD}/srcnn_3-1-3_x3_matlab"

JOBS = [
    (f"images{ODD}", *OWN, "--sample_dir", f"sample{ODD}"),
    (f"images{ODD}", *OWN, "--output", f"out{ODD}"),
    (f"images{ODD}", *WEIGHTS, "--sample_dir", f"shares{ODD}", "--shard", "1/1"),
    (f"images{ODD}", *WEIGHTS, "--sample_dir", f"shares{ODD}", "--gather"),
    (*TESTING, *OWN, "--sample_dir", f"test{ODD}"),
    (*TESTING, *WEIGHTS, "--sample_dir", f"t{ODD}", "--shard", "1/1"),
    *[("--export", f"net{ODD}{ending}", *OWN) for ending in (".onnx", "", ".safetensors")],
    ("--export", f"page{ODD}.html"),
    (*TRAINING,),
    (*TRAINING, "--checkpoint_dir", f"other{ODD}", *WEIGHTS),
]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
def test_no_name_breaks_a_line(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (save_photographs(tmp_path / f"images{ODD}") / f"broken{ODD}.png").touch()
    assert main.main([*TRAINING, "--skip_broken"]) == 0
    (tmp_path / f"images{ODD}" / f"broken{ODD}.png").unlink()
    for words in JOBS:
        assert main.main(list(words)) == 0, words
    out, err = capfd.readouterr()
    assert "a\\x1b[31m\\n\\x85\\u2028b" in out and "left out" in err
    for line in (out + err).split("\n"):
        assert not set(line) & {*ODD} - {*"a[31mb"}
        assert not line.startswith(("\\x85", "b/", "b."))
