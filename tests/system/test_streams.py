"""Standard streams and signals as shells and other programs leave them."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.helpers.trainings import flags

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason=f"no {FULL} here")


def shell(line, cwd):
    """Runs a line of sh in which $P is the command; returns what became of it."""
    line = f'P="{sys.executable} {ROOT / "main.py"}"; {line}'
    return subprocess.run(["bash", "-c", line], cwd=cwd, capture_output=True, text=True)


JOBS = {
    "test": "--is_train False --test_dir photographs",
    "upscale": "--is_train False --input photographs",
    "train": "--train_dir photographs --epoch 1 --batch_size 8",
}


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_a_reader_that_leaves_is_no_damage(photographs, tmp_path, job):
    done = shell(f"$P {job} | head -1; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert done.returncode in (0, 128 + signal.SIGPIPE)  # 0: all was said before the reader left
    assert done.stderr == "" and done.stdout.count("\n") == 1


@needs_full
@pytest.mark.parametrize("job", [*JOBS.values(), "--help"], ids=[*JOBS, "help"])
def test_a_full_output_is_said_as_that(photographs, tmp_path, job):
    done = shell(f"$P {job} > {FULL}", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "main.py: error: standard output cannot be written: No space left on device\n"


@needs_full
def test_a_full_stderr_changes_nothing(tmp_path):
    assert shell(f"$P --is_train False --weights nowhere 2> {FULL}", tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("job", "closed"), [*((job, "<&- >&- 2>&-") for job in JOBS), ("test", ">&-"), ("test", "2>&-")]
)
def test_closed_streams_change_nothing(photographs, tmp_path, job, closed):
    """A file that is opened later must not take their place either: train.h5 is read back."""
    done = shell(f"$P {JOBS[job]} {closed}", tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    if job == "train":
        again = shell(f"$P {JOBS[job]}", tmp_path)
        assert again.returncode == 0 and "training is finished" in again.stdout


def test_a_picture_for_a_closed_output_is_not_lost(photographs, tmp_path):
    done = shell('$P --is_train False --input - < "photographs/image 0.png" >&-', tmp_path)
    assert done.returncode == 2
    assert done.stderr == "main.py: error: standard output is closed; add --output FILE, or > FILE\n"


def test_a_temporary_folder_without_space_is_named(tmp_path):
    line = "head -c 100000 /dev/zero | (ulimit -f 8; TMPDIR=. $P --is_train False --input - > out)"
    done = shell(line, tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "temporary folder . (TMPDIR): cannot be written: File too large" in done.stderr


def catches(process, number):
    """Whether a process has a handler of its own for a signal, as the program has from its first line on."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (number - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_loading_is_no_traceback(usual_signals, photographs, tmp_path, number):
    """Before its first line Python answers, with status 1 where it loads modules; after its last one, too."""
    words = [sys.executable, ROOT / "main.py", "--is_train", "False", "--test_dir", "photographs"]
    for seconds in (0, 0.2, 0.4, 0.8, 1.5):
        process = subprocess.Popen(
            words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while process.poll() is None and not catches(process, signal.SIGHUP):  # the last to get its handler
            time.sleep(0.001)
        time.sleep(seconds)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        is_done = "report.html to" in stdout  # at the end Python takes all handlers away
        assert process.returncode in (0, 128 + number, *([-number] if is_done else []))
        assert "main.py" not in stderr.replace('main.py", line 0', "")


def test_a_storm_of_signals_ends_a_training_as_one_does(usual_signals, photographs, tmp_path):
    words = flags(photographs, tmp_path / "c", "--filters", "3-1-3", "--epoch", 99999)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, ROOT / "main.py", *words], **pipes) as process:
        for line in process.stdout:
            if "loss" in line:
                break
        while process.poll() is None:
            process.send_signal(signal.SIGTERM)
            time.sleep(0.002)
        error = process.stderr.read()
    assert process.returncode == 128 + signal.SIGTERM
    assert error.startswith("Stopped. Run the same command again to continue") and error.count("\n") == 1
