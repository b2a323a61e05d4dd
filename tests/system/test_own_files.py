"""What the program wrote and reads back, as anybody may have left it: one line, or it is left out."""

import json
import os
import signal
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
import scipy.io

import main
from srcnn.cluster.cluster_spec import find_cluster
from srcnn.networks.checkpoint_files import latest_checkpoint
from srcnn.system import ledger
from srcnn.system.errors import InputError
from srcnn.tf1 import tf
from tests.conftest import network_of, on_posix
from tests.helpers.trainings import flags
from tests.helpers.weight_files import random_weights, write_checkpoint, write_mat

SMALL = "--filters", "3-1-3"
MODEL = network_of(SMALL[1]).name
DEEP = "[" * 100_000 + "]" * 100_000
ODD = "1", "null", '"text"', "[]", "{}", DEEP, '{"name": 1, "size": 2, "mtime_ns": 3, "about": {}}'


@contextmanager
def within(seconds):
    """Ends the test if it waits for something."""

    def late(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def line(name, **more):
    return json.dumps({"name": name, "size": 1, "mtime_ns": 1, "about": {}, **more})


def test_odd_lines_of_a_list_of_results_are_left_out(tmp_path):
    (tmp_path / "a.png").write_bytes(b"1")
    ledger.note(tmp_path / "a.png", tmp_path / "a.png", {"input": []})
    odd = [
        *ODD,
        line("\0"),
        line("\ud800"),
        line("x" * 5000),
        line("a.png", size={}),
        line(None),
        line(["a"]),
    ]
    odd += [line("a.png", about=None), json.dumps({"name": "b.png", "failed": None}), '{"name": "b.png"}']
    with open(tmp_path / ledger.LIST, "a", encoding="ascii") as file:
        file.write("\n" + "\n".join(odd) + "\n\xff".encode("ascii", "replace").decode())
    assert ledger.written(tmp_path) == {"a.png": {"input": []}}
    assert ledger.failures(tmp_path) == {}


def test_odd_notes_of_scores_are_tested_again(photographs, tmp_path, capfd):
    words = ["--is_train", "False", "--test_dir", str(photographs), "--sample_dir", str(tmp_path / "s")]
    assert main.main([*words, "--shard", "1/1"]) == 0
    (notes,) = (tmp_path / "s").glob(".srcnn-written*")
    lines = notes.read_text().replace('"srcnn_psnr": ', '"srcnn_psnr": "high", "other": ')
    notes.write_text(lines)
    assert main.main([*words, "--gather"]) == 2
    assert "3 of 3 images are not done yet" in capfd.readouterr().err


@on_posix
@pytest.mark.parametrize(
    "name", ["train.h5", ".lock_owner", ".lock", f"{MODEL}/training.csv", f"{MODEL}/checkpoint"]
)
def test_a_pipe_in_the_place_of_a_file_is_refused(photographs, tmp_path, fails, name):
    (tmp_path / "c" / name).parent.mkdir(parents=True)
    os.mkfifo(tmp_path / "c" / name)
    with within(30):
        assert name in fails(*flags(photographs, tmp_path / "c", *SMALL), but="c")


@on_posix
@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
def test_a_pipe_in_a_checkpoint_is_refused(photographs, tmp_path, fails, ending):
    prefix = write_checkpoint(tmp_path / "SRCNN.model", random_weights("9-1-5"), tf.train.SaverDef.V2)
    os.unlink(prefix + ending)
    os.mkfifo(prefix + ending)
    with within(30):
        words = "--is_train", "False", "--test_dir", photographs, "--weights", prefix
        assert "SRCNN.model" in fails(*words)


def test_a_lock_of_somebody_else_is_refused(photographs, tmp_path, fails):
    (tmp_path / "c").mkdir()
    for text in ("", "mine", "\u0663", "1" * 99):
        (tmp_path / "c/.lock_owner").write_text(text, encoding="utf-8")
        assert ".lock_owner: was not written by this program" in fails(
            *flags(photographs, tmp_path / "c"), but="c"
        )


@pytest.fixture
def trained(photographs, tmp_path, monkeypatch):
    """Words of a training of two epochs, of which one is done, and its checkpoint's prefix."""
    assert main.main(flags(photographs, tmp_path / "c", *SMALL, "--epoch", 1)) == 0
    return flags(photographs, tmp_path / "c", *SMALL, "--epoch", 2), latest_checkpoint(tmp_path / "c" / MODEL)


def rewritten(prefix, **changed):
    """Writes a checkpoint again with other values of some variables."""
    reader = tf.train.load_checkpoint(prefix)
    values = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    with tf.Graph().as_default(), tf.Session() as sess:
        for name, value in (values | changed).items():
            tf.Variable(value, name=name)
        sess.run(tf.global_variables_initializer())
        tf.train.Saver().save(sess, prefix, write_meta_graph=False)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"step": np.int32(-3)}, "its step is negative"),
        ({"w2": np.full((1, 1, 64, 32), np.nan, np.float32)}, "not finite"),
        ({"settings": b"[1]"}, "its settings cannot be read"),
        ({"settings": b'{"scale": ' + DEEP.encode() + b"}"}, "its settings cannot be read"),
        ({"settings": np.float32(3)}, "its settings cannot be read"),
        ({"settings": np.array([b"{}", b"{}"])}, "its settings cannot be read"),
        ({"w1": np.full((3, 3, 1, 64), b"text")}, "cannot be read as a checkpoint"),
    ],
)
def test_odd_checkpoints_are_not_resumed(trained, tmp_path, fails, changed, what):
    words, prefix = trained
    rewritten(prefix, **changed)
    assert what in fails(*words, but="c")


@pytest.mark.parametrize(
    ("w1", "what"),
    [
        (np.full((9, 9, 1, 64), b"text"), "w1 does not hold real numbers"),
        (b"text", "w1 does not hold real numbers"),
        (np.full((9, 9, 1, 64), 1e30, np.float32), "w1 has values beyond 1,000"),
        (np.full((9, 9, 1, 64), 1j), "w1 does not hold real numbers"),
    ],
)
def test_odd_weights_are_refused(photographs, tmp_path, fails, w1, what):
    prefix = write_checkpoint(tmp_path / "SRCNN.model", random_weights("9-1-5"), tf.train.SaverDef.V2)
    rewritten(prefix, w1=w1)
    assert what in fails("--is_train", "False", "--input", photographs, "--weights", prefix)


def test_a_mat_file_of_zeros_is_refused_by_its_size(tmp_path, fails, photographs):
    zeros = {"weights_conv1": np.zeros((81, 100_000)), "biases_conv1": np.zeros(3)}
    scipy.io.savemat(tmp_path / "zeros.mat", zeros, do_compression=True)
    words = "--is_train", "False", "--input", photographs, "--weights", tmp_path / "zeros.mat"
    assert "claims to hold 8,100,003 values" in fails(*words)


def test_a_reader_that_crashes_is_a_line(tmp_path, fails, photographs, monkeypatch):
    write_mat(tmp_path / "x3.mat", random_weights("9-1-5"))
    (tmp_path / "crash.py").write_text("import os; os.abort()")
    monkeypatch.setattr("srcnn.networks.weight_files.MAT_PROCESS", tmp_path / "crash.py")
    words = "--is_train", "False", "--input", photographs, "--weights", tmp_path / "x3.mat"
    assert "x3.mat: cannot be read as a .mat file (it is damaged)" in fails(*words)


def test_a_training_file_without_permission_is_said(tmp_path, photographs, monkeypatch, fails):
    assert main.main(flags(photographs, tmp_path / "c", *SMALL, "--epoch", 1)) == 0

    def refused(*_):
        raise PermissionError(13, "Unable to open file (Permission denied)")

    monkeypatch.setattr(h5py, "File", refused)
    words = flags(photographs, tmp_path / "c", *SMALL, "--epoch", 2)
    assert "train.h5: cannot be read (Permission denied)" in fails(*words, but="c")


@pytest.mark.parametrize("text", [DEEP, '{"cluster": ' + DEEP + "}", '{"cluster": {"chief": 3}}', "1"])
def test_an_odd_tf_config_is_said(text):
    with pytest.raises(InputError, match="TF_CONFIG"):
        find_cluster(None, None, None, {"TF_CONFIG": text})


def test_a_folder_of_a_network_that_cannot_be_written_is_said_first(
    photographs, tmp_path, fails, monkeypatch
):
    monkeypatch.setattr("srcnn.images.image_io.read", None)  # before an image is read
    (tmp_path / "c" / MODEL).mkdir(parents=True)

    def refused(dir):
        assert dir == tmp_path / "c" / MODEL
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    assert f"--checkpoint_dir {tmp_path / 'c' / MODEL}" in fails(*flags(photographs, tmp_path / "c", *SMALL))
