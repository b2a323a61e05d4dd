"""What Windows and macOS do otherwise, by functions replaced by what they do there: neither is here."""

import _pyio
import builtins
import errno
import io
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PureWindowsPath

import psutil
import pytest

import main
from srcnn.system import atomic_write, ledger, locks, output_paths, windows
from srcnn.system.errors import InputError
from srcnn.upscaling import inputs, pipes

TRAIN = "--train_dir photographs --epoch 2 --batch_size 8 --filters 3-1-3 --checkpoint_dir c"
JOBS = {
    "train": TRAIN,
    "test": "--is_train False --test_dir photographs",
    "upscale": "--is_train False --input photographs --scale 2",
    "export": "--is_train False --export x.mat",
    "animation": "--is_train False --input moving.gif --scale 2 --output moving.webp",
    "film": "--is_train False --input clip.mkv --scale 2 --output larger.mkv",
}


def is_open(path):
    """Whether this process has a file open."""
    path = os.path.realpath(path)
    return any(found.path == path for found in psutil.Process().open_files())


@pytest.fixture
def open_files_stay(monkeypatch):
    """No file that is open can be replaced, renamed or removed, as on Windows."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("of Linux: names of open folders are asked of /proc")

    def strict(function, count):
        def call(*paths, dir_fd=None, **more):
            folder = os.readlink(f"/proc/self/fd/{dir_fd}") if dir_fd is not None else ""
            for path in paths[:count]:
                if is_open(os.path.join(folder, path)):
                    raise PermissionError(errno.EACCES, "Access is denied", os.fspath(path))
            return function(*paths, **more, **({"dir_fd": dir_fd} if dir_fd is not None else {}))

        return call

    for name, count in (("replace", 2), ("rename", 2), ("unlink", 1), ("remove", 1)):
        monkeypatch.setattr(os, name, strict(getattr(os, name), count))


@pytest.fixture
def windows_text(monkeypatch):
    """Text files are of code page 1252, with its line ends, unless something else is asked for."""
    monkeypatch.setattr(os, "linesep", "\r\n")
    monkeypatch.setattr(_pyio.TextIOWrapper, "_get_locale_encoding", lambda self: "cp1252", raising=False)
    monkeypatch.setattr(_pyio, "text_encoding", lambda encoding, *_: encoding or "cp1252", raising=False)
    for module in (io, builtins):
        monkeypatch.setattr(module, "open", _pyio.open)


def run(job):
    return main.main(job.split())


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_what_is_replaced_or_removed_is_closed(photographs, folder, open_files_stay, job):
    """Twice: the second time there is something to replace."""
    make_moving_pictures()
    assert run(job) == 0
    more = "" if "--test_dir" in job else " --overwrite" if "--is_train" in job else " --epoch 3"
    assert run(job + more) == 0
    left = [path.name for path in folder.rglob("*") if path.name.startswith((".srcnn-", ".lock_", ".larger"))]
    assert [name for name in left if name != ledger.LIST] == []


def make_moving_pictures():
    import av
    import numpy as np
    from PIL import Image

    frames = [np.full((32, 32, 3), 60 * n, np.uint8) for n in range(3)]
    first, *others = map(Image.fromarray, frames)
    first.save("moving.gif", save_all=True, append_images=others, duration=40)
    with av.open("clip.mkv", "w") as film:
        stream = film.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        film.mux(stream.encode())


def test_a_lock_that_is_open_goes_with_its_folder(tmp_path, open_files_stay):
    with locks.locked(tmp_path / "new"):
        pass
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    with locks.locked(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine").exists()


def test_a_checkpoint_that_is_being_read_is_removed_later(photographs, folder, monkeypatch, open_files_stay):
    monkeypatch.setattr("srcnn.training.loop.CHECKPOINT_STEPS", 1)
    assert run(TRAIN) == 0
    (model,) = Path("c").glob("srcnn*")
    oldest = min(model.glob("SRCNN.model-*.index"), key=lambda path: int(path.stem[12:]))
    with open(oldest, encoding="utf-8"), open(oldest.with_suffix(".data-00000-of-00001"), encoding="utf-8"):
        assert run(TRAIN.replace("--epoch 2", "--epoch 5")) == 0
        assert oldest.exists()
    assert run(TRAIN.replace("--epoch 2", "--epoch 6")) == 0
    assert len(list(model.glob("SRCNN.model-*.index"))) == 5 and not oldest.exists()


def test_a_result_that_is_open_in_a_viewer_changes_nothing(
    photographs, folder, on_windows, open_files_stay, capsys
):
    """The results of two tests are not mixed."""
    test = "--is_train False --test_dir photographs"
    assert run(test) == 0
    before = {path: path.read_bytes() for path in Path("sample").iterdir()}
    with open("sample/results.json", encoding="utf-8"):
        assert run(test + " --stride 21") == 2
    error = capsys.readouterr().err
    assert "results.json: cannot be written" in error and "close it" in error and error.count("\n") == 1
    assert {path: path.read_bytes() for path in Path("sample").iterdir()} == before
    assert run(test + " --stride 21") == 0


def test_a_path_that_is_too_long_is_said(tmp_path, on_windows, monkeypatch):
    def missing(*_):
        raise FileNotFoundError(errno.ENOENT, "The system cannot find the path specified")

    monkeypatch.setattr(os, "replace", missing)
    for name, is_long in (("a" * 200, True), ("a", False)):
        with (
            pytest.raises(InputError) as raised,
            atomic_write.replacing(tmp_path / f"{name}.txt") as temporary,
        ):
            temporary.touch()
        assert ("259 characters" in str(raised.value)) == is_long


def test_a_scanner_that_holds_a_new_file_is_waited_for(tmp_path, monkeypatch, on_windows):
    replace, tries = os.replace, []

    def held(source, target):
        tries.append(source)
        if len(tries) < 5:
            raise PermissionError(errno.EACCES, "Access is denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", held)
    with atomic_write.replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "a.txt").read_text() == "whole" and len(tries) == 5


def test_who_lives_is_asked_without_a_signal(tmp_path, monkeypatch):
    """Signal 0 is Ctrl-C on Windows."""
    monkeypatch.setattr(os, "kill", None)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    path = tmp_path / "train.h5"
    for process in (ended.pid, os.getpid(), 10**20):
        (tmp_path / f".train.1.{atomic_write.MACHINE}-{process}.h5").touch()
    atomic_write.remove_leftovers(path)
    assert [found.name for found in tmp_path.iterdir()] == [
        f".train.1.{atomic_write.MACHINE}-{os.getpid()}.h5"
    ]


def test_a_number_that_another_process_has_by_now_is_no_obstacle(tmp_path):
    """In a container each run has the same number."""
    left = tmp_path / f".train.1.{atomic_write.MACHINE}-{os.getpid()}.h5"
    left.touch()
    os.utime(left, (1e9, 1e9))
    atomic_write.remove_leftovers(tmp_path / "train.h5")
    assert not left.exists()


@pytest.mark.parametrize("numbered", [True, False])
def test_disks_that_number_no_files_have_no_equal_ones(tmp_path, monkeypatch, numbered):
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    if numbered:
        os.link(tmp_path / "a.png", tmp_path / "link.png")
        with pytest.raises(InputError, match="which is an input"):
            output_paths.check_apart([tmp_path / "a.png"], [tmp_path / "link.png"])
        return
    status = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **more: os.stat_result([0, 0, *list(status(path))[2:]]))
    output_paths.check_apart([tmp_path / "a.png"], [tmp_path / "b.png"])


def test_a_drive_that_is_not_there_is_said(photographs, fails, monkeypatch):
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    error = fails("--is_train", "False", "--test_dir", photographs, "--sample_dir", "elsewhere")
    assert "--sample_dir elsewhere: is on a drive that does not exist" in error


@pytest.mark.parametrize(
    "name", ["NUL.png", "con", "aux .x.png", "COM1.png", "photo:a.png", "a?.png", "a.png.", "a.png ", 'out"']
)
@pytest.mark.parametrize("flag", ["--output", "--sample_dir", "--export", "--checkpoint_dir"])
def test_names_of_no_files_are_refused_on_windows(fails, on_windows, flag, name):
    error = fails("--is_train", "False", flag, f"C:\\results\\{name}")
    assert f"argument {flag}" in error and "Windows allows no files named" in error


@pytest.mark.parametrize(
    "name", ["C:\\a\\null.png", "..\\a b.c.png", "\\\\server\\share\\x.png", "./-", "é.png"]
)
def test_names_of_files_are_taken_on_windows(on_windows, name):
    assert main.parse(["--is_train", "False", "--input", "a", "--output", name]).output == name


def test_other_systems_have_such_names(monkeypatch):
    monkeypatch.setattr(windows, "HERE", False)
    assert main.parse(["--is_train", "False", "--input", "a", "--output", "a:b?.png"]).output == "a:b?.png"


def test_a_folder_may_end_in_the_separator_of_the_system(monkeypatch):
    monkeypatch.setattr(inputs.os, "sep", "\\")
    assert not inputs._is_file("results 2.0\\") and not inputs._is_file("results 2.0/")
    assert inputs._is_file("results.png")


def test_an_image_that_is_named_twice_is_done_once(photographs, folder, monkeypatch):
    """On Windows in whatever case."""
    monkeypatch.setattr(os.path, "normcase", lambda path: os.fspath(path).lower())
    shutil.copy("photographs/image 0.png", "photographs/IMAGE 0.PNG")  # the same file there
    words = ["photographs/image 0.png", "photographs/IMAGE 0.PNG"]
    assert len(inputs.sources(words, False)) == 1


def test_pipes_are_not_named_by_their_files(monkeypatch):
    monkeypatch.setattr(pipes, "Path", PureWindowsPath)
    files = pipes.Files([], "C:\\Temp\\srcnn-x\\stdout.png", True, "C:\\Temp\\srcnn-x")
    assert files.shown("C:\\Temp\\srcnn-x\\stdin: damaged") == "standard input: damaged"
    assert files.shown("C:\\Temp\\srcnn-x\\stdout.png: 2x2") == "standard output: 2x2"


def test_the_list_of_results_is_known_again(tmp_path, windows_text):
    """Windows would begin it by another line end."""
    for name in ("a.txt", "é照.txt"):
        with atomic_write.replacing(tmp_path / name, {"about": name}) as temporary:
            temporary.write_bytes(b"x")
    assert ledger.written(tmp_path) == {name: {"about": name} for name in ("a.txt", "é照.txt")}


def test_text_files_are_the_same_on_every_system(photographs, folder, windows_text, monkeypatch):
    (folder / "photographs/image 0.png").rename(folder / "photographs/照 é.png")
    monkeypatch.setattr(sys, "argv", ["main.py"])
    for job in (TRAIN, *(JOBS[name] for name in ("test", "upscale"))):
        assert run(job) == 0
    texts = [*Path("sample").glob("*.json"), *Path("sample").glob("*.html"), *Path("c").rglob("checkpoint")]
    assert len(texts) == 5
    for path in texts:
        assert b"\r" not in path.read_bytes(), path
    assert "照 é" in json.loads(Path("sample/results.json").read_bytes())["images"]
    again = Path("sample/upscaled.html").stat().st_mtime_ns
    assert run(JOBS["upscale"]) == 0  # the page is of these results
    assert Path("sample/upscaled.html").stat().st_mtime_ns == again
    assert next(Path("c").rglob("training.csv")).read_bytes().startswith(b"epoch,step")


def test_threads_add_to_a_list_one_after_the_other(tmp_path, monkeypatch):
    """Windows moves to the end of a file first, and writes then: of two at a time, one line would be lost."""

    class File(io.StringIO):
        def write(self, text):
            end = len(lines)
            threading.Event().wait(0.002)
            lines[end:] = [text.strip()]
            return len(text)

    lines: list[str] = []
    monkeypatch.setattr(ledger, "open", lambda *_, **__: File(), raising=False)
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda n: ledger.note_failure(tmp_path / str(n), {}), range(40)))
    assert sorted(json.loads(line)["name"] for line in lines) == sorted(map(str, range(40)))
