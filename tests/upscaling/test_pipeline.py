"""Photographs that are read and written beside the network: in order, within bounds, each for itself."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main
from srcnn.images import image_io, png
from srcnn.page import report
from srcnn.system import ledger
from srcnn.system.errors import InputError
from srcnn.upscaling import pipeline
from tests.conftest import ROOT


def run(*words):
    return main.main(["--is_train", "False", "--scale", "2", *map(str, words)])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in "abcdef":
        image_io.save(rng.integers(0, 256, (20, 30, 3), np.uint8), tmp_path / "in" / f"{name}.png")
    return tmp_path


def printed(capsys):
    """Names in the lines on standard output and error, in their order, by stream."""
    out, err = capsys.readouterr()
    return [line[0] for line in out.replace("out/", "").splitlines() if "_x2.png:" in line], err


def test_a_slow_and_a_failed_file_keep_their_place(folder, monkeypatch, capsys):
    """b takes longest to write, c cannot be read, d cannot be written."""
    save, waiting = image_io.save, threading.Event()

    def slowly(pixels, path, *more):
        if path.name.startswith("b"):
            assert waiting.wait(60)
        if path.name.startswith("d"):
            raise InputError(f"{path}: cannot be written: No space left on device")
        save(pixels, path, *more)
        if path.name.startswith("a"):
            threading.Timer(0.5, waiting.set).start()

    monkeypatch.setattr(image_io, "save", slowly)
    monkeypatch.setattr(pipeline, "cores", lambda: 3)
    (folder / "in/c.png").write_bytes(b"no image")
    assert run("--input", "in", "--output", "out") == 2
    names, err = printed(capsys)
    assert names == list("abef")
    assert [line.split(": ")[2] for line in err.splitlines()] == ["in/c.png", "out/d_x2.png"]
    assert sorted(p.name for p in (folder / "out").glob("*.png")) == [f"{n}_x2.png" for n in "abef"]


def test_streams_of_messages_are_in_one_order(folder, monkeypatch, capfd):
    """What is said of a file comes after what is said of those before it, on whichever stream."""
    Image.new("RGB", (9, 9)).save(
        folder / "in/c.gif", save_all=True, append_images=[Image.new("RGB", (9, 9), "red")]
    )
    (folder / "in/c.png").unlink()
    monkeypatch.setattr("srcnn.images.animations.fit", lambda *_: False)
    said = []
    monkeypatch.setattr("srcnn.system.progress.tqdm.write", lambda text, **_: said.append(text))
    assert run("--input", "in", "--output", "out") == 0
    of_files = [line for line in said if line.startswith(("in/", "out/"))]
    assert [line[4] if line.startswith("out/") else line for line in of_files] == [
        *"ab", "in/c.gif: has 2 frames; using the first one", *"cdef"
    ]  # fmt: skip


@pytest.mark.parametrize(("pixels", "most"), [(1, 1), (2 * 40 * 60, 2), (2**25, 6)])
def test_no_more_is_in_memory_than_is_allowed(folder, monkeypatch, pixels, most):
    held, largest, lock = set(), [], threading.Lock()
    read, finished = image_io.read, pipeline.Photograph.finished

    def counted(path):
        with lock:
            held.add(path)
            largest.append(len(held))
        return read(path)

    def let_go(photograph):
        time.sleep(0.05)  # so that the others could run ahead
        with lock:
            held.discard(photograph.item.source)
        return finished(photograph)

    monkeypatch.setattr(image_io, "read", counted)
    monkeypatch.setattr(pipeline.Photograph, "finished", let_go)
    monkeypatch.setattr(pipeline, "PIXELS", pixels)
    monkeypatch.setattr(report, "MOST_EXHIBITS", 0)
    assert run("--input", "in", "--output", "out") == 0
    assert len(largest) == 6 and max(largest) <= most


@pytest.mark.parametrize("step", ["upscale", "check_unchanged"])
def test_an_error_of_the_program_ends_it(folder, monkeypatch, step):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(pipeline, "PIXELS", 1)  # the reader waits for room
    monkeypatch.setattr(pipeline, step, broken)
    with pytest.raises(ZeroDivisionError):
        run("--input", "in", "--output", "out")
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


@pytest.mark.parametrize(
    "owner, name, mistake",
    [
        (image_io, "_decode", lambda: 1 + None),  # ours in reading
        (image_io, "_start", lambda: {}["b"]),  # ours in what is asked of sizes, too
        (png, "write", lambda: Image.open([])),  # of a library in writing
    ],
)
def test_what_nobody_foresaw_of_a_file_is_named_and_the_next_are_done(
    folder, monkeypatch, capsys, unexpected, owner, name, mistake
):
    right = getattr(owner, name)

    def wrong(*words):
        if any(Path(word).name.strip(".").startswith("b") for word in words if isinstance(word, str | Path)):
            mistake()
        return right(*words)

    monkeypatch.setattr(owner, name, wrong)
    words = "--is_train", "False", "--width", "60", "--input", "in", "--output", "out"
    assert main.main(words) == 2
    assert sorted(path.name[0] for path in (folder / "out").glob("*.png")) == list("acdef")
    err = capsys.readouterr().err
    assert err.startswith("main.py: error: in/b.png: unexpected error (") and err.count("\n") == 1
    assert unexpected
    unexpected.clear()


def test_signals_in_a_hurry_end_it_once_and_without_a_word(folder):
    rng = np.random.default_rng(0)
    for name in "abcd":
        image_io.save(rng.integers(0, 256, (600, 500, 3), np.uint8), folder / "large" / f"{name}.png")
    words = "--is_train", "False", "--scale", "2", "--input", "large", "--output", "out"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, ROOT / "main.py", *words], **pipes)
    process.stdout.readline()
    process.stdout.readline()  # of the first photograph
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        process.send_signal(number)
        time.sleep(0.02)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) in ((143, ""), (130, ""), (0, ""))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_leaves_whole_files_and_the_same_command_goes_on(folder, number):
    rng = np.random.default_rng(0)
    for name in "abcdefghij":
        image_io.save(rng.integers(0, 256, (600, 500, 3), np.uint8), folder / "large" / f"{name}.png")
    words = "--is_train", "False", "--scale", "2", "--input", "large", "--output", "out"
    command = [sys.executable, ROOT / "main.py", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "a_x2.png" in line:
            break
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    done = {path: path.read_bytes() for path in (folder / "out").glob("[a-j]_x2.png")}
    assert done
    for path in done:
        with Image.open(path) as image:
            image.load()
            assert image.size == (1000, 1200)
    again = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert f"{len(done)} of 10 already upscaled" in again.stdout or len(done) == 10
    assert len(list((folder / "out").glob("[a-j]_x2.png"))) == 10
    assert all(path.read_bytes() == content for path, content in done.items())


def test_a_picture_replaced_while_it_is_read_is_noted_as_none(folder, monkeypatch, capsys):
    read = image_io.read

    def slowly(path):
        picture = read(path)
        if path.name == "b.png":
            image_io.save(np.zeros((20, 30, 3), np.uint8), path)
        return picture

    with monkeypatch.context() as context:
        context.setattr(image_io, "read", slowly)
        assert run("--input", "in", "--output", "out") == 2
    names, err = printed(capsys)
    assert names == list("acdef") and "in/b.png: was changed during the work" in err
    assert run("--input", "in", "--output", "out") == 0
    assert printed(capsys)[0] == ["b"]
    assert image_io.read(folder / "out/b_x2.png").pixels.max() == 0


def test_two_runs_of_one_upscaling_at_once_are_both_right(folder, monkeypatch, capsys):
    """The other one, a process of its own, makes all results while this one reads its first picture."""
    read = image_io.read

    def slowly(path):
        if not (folder / "out").exists():
            words = "--is_train", "False", "--scale", "2", "--input", "in", "--output", "out"
            subprocess.run([sys.executable, ROOT / "main.py", *words, "--sample_dir", "other"], check=True)
        return read(path)

    monkeypatch.setattr(image_io, "read", slowly)
    assert run("--input", "in", "--output", "out") == 0
    made = json.loads((folder / "sample/upscaled.json").read_text())["images"]
    assert [image["output"] for image in made] == [f"out/{name}_x2.png" for name in "abcdef"]
    assert capsys.readouterr().err.count("another run has made it") == 6
    (folder / "out/a_x2.png").write_bytes(b"mine")
    assert run("--input", "in", "--output", "out") == 2


def test_a_picture_that_the_page_cannot_show_is_done(folder, monkeypatch, capfd):
    def failing(*_):
        raise ValueError("no preview")

    monkeypatch.setattr(pipeline, "compared", failing)
    assert run("--input", "in/a.png", "in/b.png") == 0
    assert capfd.readouterr().err.count("the page cannot show it (no preview)") == 2
    assert image_io.size("sample/b_x2.png") == (40, 60)


def test_the_ledger_is_not_read_again_for_each_file_that_fails(folder, monkeypatch, capsys):
    """Thousands of broken files would else take hours."""
    read, counts = ledger.written, []
    monkeypatch.setattr(ledger, "written", lambda of: counts.append(of) or read(of))
    broken = []
    assert run("--input", "in", "--output", "out") == 0  # from here on there is a page
    for name in "bcdef":
        (folder / f"in/{name}.png").write_bytes(b"no image")
        broken.append(len(counts))
        assert run("--input", "in", "--output", f"out {name}") == 2
        broken[-1] = len(counts) - broken[-1]
    assert len(set(broken)) == 1
    assert capsys.readouterr().err.count("damaged") == 1 + 2 + 3 + 4 + 5
