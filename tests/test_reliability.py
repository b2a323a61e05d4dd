"""Nothing is lost: kills, full disks, signals, two at once, odd names, other machines' habits."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import main
from srcnn.networks.checkpoint_files import latest_checkpoint
from srcnn.networks.weight_files import read_weights
from srcnn.system.atomic_write import MACHINE
from tests.conftest import ROOT, network_of
from tests.helpers.programs import python
from tests.helpers.trainings import flags

MODEL = "srcnn_9-1-5_x3_matlab"


KILLER = """
import json, os, random, signal, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import main
from srcnn.training import loop  # TensorFlow, but no session yet: its threads would not survive a fork
from srcnn.training import batches
from srcnn.training import hdf5
from srcnn.system import locks
from srcnn.system import file_names
from srcnn.page import pictures
from srcnn.page import report
from srcnn.upscaling import photographs  # once, not in every child
from srcnn.networks.checkpoint_files import latest_checkpoint
from srcnn.networks.weight_files import read_weights
loop.CHECKPOINT_STEPS = 1
folder, kills, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
random.seed(int(sys.argv[2]))
def start():
    pipe = os.pipe()
    child = os.fork()
    if not child:
        step = loop.train_step
        def counted_step(*arguments):
            os.write(pipe[1], b".")
            return step(*arguments)
        loop.train_step = counted_step
        os._exit(main.main(words))
    os.close(pipe[1])
    return child, pipe[0]
steps = []
while len(steps) < kills:
    child, pipe = start()
    for _ in range(random.randint(1, 8)):
        os.read(pipe, 1)
    time.sleep(random.uniform(0, 0.1))
    os.kill(child, signal.SIGKILL)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended != -signal.SIGKILL:
        sys.exit(f"ended with {ended} before it could be killed")
    path = latest_checkpoint(folder)
    if path:
        values, settings = read_weights(path)
        assert all((values[kind + n] == values[kind + n]).all() for kind in "wb" for n in "123")
        assert settings["step"] == values["step"]
        steps.append(int(values["step"]))
print(json.dumps(steps))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(start()[0], 0)[1]))
"""


def test_thirty_kills_lose_nothing(photographs, tmp_path):
    """Each time the newest checkpoint loads and training goes on; in the end the weights are the same.

    Of a network with small kernels, whose graph is quickly built.
    """
    whole, killed, model = tmp_path / "whole", tmp_path / "killed", network_of("3-1-3").name
    more = "--filters", "3-1-3", "--epoch", 170
    assert main.main(flags(photographs, whole, *more)) == 0
    done = python(KILLER, killed / model, 30, *flags(photographs, killed, *more))
    assert done.returncode == 0, done.stderr
    steps = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("[")))
    assert len(steps) == 30 and steps == sorted(steps) and len(set(steps)) > 20
    (expected, _), (values, _) = (read_weights(folder / model) for folder in (whole, killed))
    for name in expected:
        np.testing.assert_array_equal(values[name], expected[name])
    left = {p.name for p in (killed / model).iterdir() if "model" in p.name}
    assert len({name.partition(".data")[0].removesuffix(".index") for name in left}) == 5, left


LIMITED = """
import resource, sys
limit, words = int(sys.argv[1]), sys.argv[2:]
import main
import utils
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(main.main(words))
"""


def test_a_disk_that_fills_during_a_save_leaves_the_earlier_checkpoint(photographs, tmp_path):
    """No file may grow beyond 3 MB; a checkpoint has 5."""
    folder = tmp_path / "c"
    assert main.main(flags(photographs, folder, "--epoch", 1)) == 0
    before = {p.name: p.read_bytes() for p in (folder / MODEL).glob("SRCNN.model-*")}
    assert max(map(len, before.values())) > 3_000_000
    done = python(LIMITED, 3_000_000, *flags(photographs, folder, "--epoch", 2))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr and done.stderr.count("\n") == 1
    assert before == {p.name: p.read_bytes() for p in (folder / MODEL).glob("SRCNN.model-*")}
    assert main.main(flags(photographs, folder, "--epoch", 2)) == 0  # and with space again it goes on


def test_a_disk_that_fills_leaves_no_half_pictures(photographs, tmp_path):
    sample = tmp_path / "s"
    words = "--is_train", "False", "--input", photographs, "--sample_dir", sample, "--scale", 8
    done = python(LIMITED, 60_000, *words)
    assert done.returncode == 2 and "cannot be written" in done.stderr
    assert not sample.exists() or list(sample.iterdir()) == []
    (tmp_path / "train").mkdir()
    done = python(LIMITED, 60_000, *flags(photographs, tmp_path / "train"))
    assert done.returncode == 2 and "train.h5" in done.stderr
    assert [p.name for p in (tmp_path / "train").iterdir()] in ([], [".lock"])


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_saves_once_and_leaves(usual_signals, photographs, tmp_path, number, status):
    words = [sys.executable, ROOT / "main.py", *flags(photographs, tmp_path / "c", "--epoch", 9999)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "loss" in line:
            break
    process.send_signal(number)
    process.send_signal(number)  # impatience changes nothing
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Run the same command again" in stderr and stderr.count("\n") == 1
    values, settings = read_weights(latest_checkpoint(tmp_path / "c" / MODEL))
    assert settings["step"] == values["step"] > 0
    assert not (tmp_path / "c/.lock_owner").exists()


def test_the_last_five_checkpoints_are_kept(photographs, tmp_path, monkeypatch):
    monkeypatch.setattr("srcnn.training.loop.CHECKPOINT_STEPS", 1)
    assert main.main(flags(photographs, tmp_path / "c", "--epoch", 2)) == 0
    assert main.main(flags(photographs, tmp_path / "c", "--epoch", 4)) == 0
    kept = sorted((tmp_path / "c" / MODEL).glob("SRCNN.model-*.index"), key=lambda p: int(p.stem[12:]))
    last = read_weights(tmp_path / "c" / MODEL)[0]["step"]
    assert [int(p.stem[12:]) for p in kept] == list(range(last - 4, last + 1))


def test_a_checkpoint_knows_what_it_is(photographs, tmp_path, capsys):
    folder = tmp_path / "c"
    assert main.main(flags(photographs, folder, "--epoch", 2, "--scale", 2)) == 0
    path = folder / "srcnn_9-1-5_x2_matlab"
    _, settings = read_weights(path)
    expected = {"scale": 2, "filters": "9-1-5", "degradation": "matlab", "c_dim": 1, "seed": 0, "epoch": 2}
    assert expected.items() <= settings.items() and settings["version"] >= 1 and settings["step"] > 0
    for changed in (("--scale", 4), ("--degradation", "zoom", "--scale", 2)):
        words = ["--is_train", "False", "--test_dir", str(photographs), "--weights", str(path)]
        assert main.main([*words, *map(str, changed)]) == 2
        error = capsys.readouterr().err
        assert f"(now {changed[1]})" in error and error.count("\n") == 1
    for changed in (("--seed", 3), ("--stride", 7), ("--learning_rate", 0.5), ("--preconditioner", "none")):
        before = {p: p.stat().st_mtime_ns for p in path.iterdir()}
        assert main.main(flags(photographs, folder, "--scale", 2, *changed)) == 2
        assert f"(now {changed[1]})" in capsys.readouterr().err
        assert before == {p: p.stat().st_mtime_ns for p in path.iterdir()}


def test_a_finished_training_says_so_and_a_larger_epoch_goes_on(photographs, tmp_path, capsys):
    folder = tmp_path / "c"
    assert main.main(flags(photographs, folder, "--epoch", 2)) == 0
    before = {p.name: p.read_bytes() for p in (folder / MODEL).glob("SRCNN*")}
    assert main.main(flags(photographs, folder, "--epoch", 2)) == 0
    assert "larger than 2" in capsys.readouterr().out
    assert before == {p.name: p.read_bytes() for p in (folder / MODEL).glob("SRCNN*")}
    assert main.main(flags(photographs, folder, "--epoch", 3)) == 0
    assert read_weights(folder / MODEL)[1]["epoch"] == 3


def test_the_second_training_in_a_folder_is_told_of_the_first(photographs, tmp_path, capsys):
    folder = tmp_path / "c"
    words = [sys.executable, ROOT / "main.py", *flags(photographs, folder, "--epoch", 9999)]
    first = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    for line in first.stdout:
        if "loss" in line:
            break
    before = (folder / "train.h5").stat().st_mtime_ns
    assert main.main(flags(photographs, folder, "--scale", 2)) == 2
    error = capsys.readouterr().err
    assert f"process {first.pid} is training there" in error and error.count("\n") == 1
    assert (folder / "train.h5").stat().st_mtime_ns == before
    first.kill()
    first.wait()
    first.stdout.close()
    assert (folder / ".lock_owner").exists()  # left by the dead process, and no obstacle:
    assert main.main(flags(photographs, folder, "--scale", 2, "--epoch", 1)) == 0


def test_what_a_killed_preparation_left_is_removed(photographs, tmp_path):
    (tmp_path / "c").mkdir()
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = tmp_path / f"c/.train.140123456789.{MACHINE}-{ended.pid}.h5"
    left.write_bytes(b"half")
    assert main.main(flags(photographs, tmp_path / "c", "--epoch", 1)) == 0
    assert not left.exists()


NAMES_OF_FILES = [
    "two words.png",
    "照片.png",
    "-rf.png",
    "--scale.png",
    "a..png",
    "a'b\"c$d;e&f.png",
    "%s{0}<b>.png",
    "n" * 250 + ".png",
    "n" * 249 + "m.png",
    "长" * 80 + ".png",
    b"not \xff utf-8.png".decode(errors="surrogateescape"),
]


def test_odd_names_work(photographs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "-资料 folder"
    folder.mkdir()
    refused = []
    for name in NAMES_OF_FILES:
        try:
            shutil.copy(photographs / "image 0.png", folder / name)
        except OSError:
            refused.append(name)
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "self").symlink_to(folder)
    for words in (["--test_dir=-资料 folder"], ["--input=-资料 folder", "--scale=2"]):
        done = subprocess.run(
            [sys.executable, ROOT / "main.py", "--is_train", "False", *words, "--sample_dir=-结果 of it"],
            capture_output=True,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert "left out what is not an image: 1 broken links, 1 sub-folders" in done.stdout.decode()
        entries = "results.json" if "test_dir" in words[0] else "upscaled.json"
        images = json.loads((tmp_path / "-结果 of it" / entries).read_text())["images"]
        assert len(images) == len(NAMES_OF_FILES) - len(refused)
    assert main.main(["--train_dir=-资料 folder", "--checkpoint_dir=-c", "--epoch=1"]) == 0
    assert main.main(["--is_train=False", "--input=-资料 folder/-rf.png", "--output=-o.png"]) == 0
    assert (tmp_path / "-o.png").exists()
    if refused:
        pytest.skip(f"the file system takes no {refused!a}; the others work")


def test_a_loop_of_links_is_no_folder(tmp_path, photographs, fails):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for words in (
        "--train_dir loop",
        "--is_train False --test_dir loop",
        "--is_train False --input loop",
        "--is_train False --test_dir photographs --sample_dir loop",
        "--is_train False --input loop/a.png",
    ):
        assert "loop" in fails(*words.split())


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc, where root cannot write either")
def test_a_sample_dir_that_cannot_be_written_is_said_first(photographs, fails, monkeypatch):
    monkeypatch.setattr("srcnn.images.image_io.read", None)  # before an image is read
    for words in (("--test_dir", photographs), ("--input", photographs)):
        assert "--sample_dir /proc" in fails("--is_train", "False", *words, "--sample_dir", "/proc/new")
