"""Films and their parts that are damaged or changed during the work: no frame is wrong in silence."""

import itertools
import os
import shutil

import pytest
from PIL import Image

from srcnn.upscaling import file_kinds, inputs
from srcnn.upscaling.films import encoded_parts, film_job, muxing, preview_loop
from tests.helpers.film_clips import Killed, decode, hashes, killed, make, run, sound
from tests.helpers.folders import refuse


@pytest.fixture
def interrupted(folder, monkeypatch):
    """The folder of parts, of a frame each, of in.mp4, enlarged but not joined; whole.mkv is the film."""
    make("in.mp4", 8)
    assert run("--input", "in.mp4", "--lossless", "--output", "whole.mkv") == 0
    monkeypatch.setattr(film_job, "SECONDS", 0)
    with monkeypatch.context() as stopped, pytest.raises(Killed):
        stopped.setattr(muxing, "join", killed)
        run("--input", "in.mp4", "--lossless")
    (parts,) = folder.glob("sample/.in_x2.*.parts")
    return parts


def changed(path, old, new):
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "note without a byte": lambda nut, note: os.truncate(note, 0),
    "note of another kind": lambda nut, note: note.write_text("[]"),
    "note without stamps": lambda nut, note: note.write_text('{"stamps": [], "broken": 0, "crc": 0}'),
    "note of an earlier version": lambda nut, note: note.write_text('{"stamps": [3], "broken": 0}'),
    "other number in the note": lambda nut, note: changed(note, b'"broken": 0', b'"broken": 1'),
    "note in no code": lambda nut, note: note.write_bytes(b"\xff\xfe\xfd"),
    "half a file": lambda nut, note: os.truncate(nut, nut.stat().st_size // 2),
    "empty file": lambda nut, note: os.truncate(nut, 0),
    "no file": lambda nut, note: nut.unlink(),
    "other bit": lambda nut, note: flip(nut),
}


def test_from_a_damaged_part_on_the_work_is_done_again(interrupted, folder, capfd):
    """As power cuts and bad disks leave them; the film is the same to the bit."""
    assert len(encoded_parts.finished(interrupted)) == 8
    kept = shutil.copytree(interrupted, folder / "kept")
    for what, damage in DAMAGES.items():
        shutil.copytree(kept, interrupted, dirs_exist_ok=True)
        damage(interrupted / "000000003.nut", interrupted / "000000003.json")
        assert len(encoded_parts.finished(interrupted)) == 3, what
    assert run("--input", "in.mp4", "--lossless") == 0
    assert "continuing from frame 3" in capfd.readouterr().out and not interrupted.exists()
    assert hashes("sample/in_x2.mkv", "video") == hashes("whole.mkv", "video")
    assert decode("sample/in_x2.mkv")[1] == decode("in.mp4")[1]


CHANGES = {
    "replaced": lambda: os.replace("other.mp4", "in.mp4"),
    "touched": lambda: os.utime("in.mp4"),
    "removed": lambda: os.rename("in.mp4", "away.mp4"),
}


@pytest.mark.parametrize(("room", "name", "last"), [(encoded_parts, "write", 2), (muxing, "join", 1)])
@pytest.mark.parametrize("change", CHANGES)
def test_a_film_that_is_changed_meanwhile_is_not_mixed(folder, monkeypatch, capfd, room, name, last, change):
    """After two of the parts, and after the parts were joined."""
    make("in.mp4", 8, change=lambda output, _: sound(output, 20))
    make("other.mp4", 3)
    before = (folder / "in.mp4").stat()
    monkeypatch.setattr(film_job, "SECONDS", 0)
    real, calls = getattr(room, name), itertools.count(1)

    def meanwhile(*words, **more):
        done = real(*words, **more)
        if next(calls) == last:
            CHANGES[change]()
        return done

    with monkeypatch.context() as patched:
        patched.setattr(room, name, meanwhile)
        assert run("--input", "in.mp4") == 2
    (said,) = capfd.readouterr().err.splitlines()
    why = "can no longer be read (No such file" if change == "removed" else "was changed during the work"
    assert f"in.mp4: {why}" in said and not list(folder.glob("sample/*.mp4"))
    (parts,) = folder.glob("sample/.in_x2.*.parts")
    assert len(encoded_parts.finished(parts)) == (2 if name == "write" else 8)  # of the film as it was
    if change == "removed":
        os.rename("away.mp4", "in.mp4")
    elif change == "touched":
        os.utime("in.mp4", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run("--input", "in.mp4") == 0
    assert ("continuing from frame" in capfd.readouterr().out) == (change != "replaced")
    assert decode("sample/in_x2.mp4")[1] == decode("in.mp4")[1]


def test_a_film_whose_frames_cannot_be_read_again_is_done_without_a_picture(folder, monkeypatch):
    """After a day's work the page is no reason to have no film."""
    make("in.mp4", 3)
    monkeypatch.setattr(preview_loop, "Reader", lambda *_: [])
    assert run("--input", "in.mp4") == 0
    assert len(decode("sample/in_x2.mp4")[0]) == 3
    assert "in_x2.mp4" in (folder / "sample/upscaled.html").read_text()


def test_a_look_at_a_file_that_fails_does_not_end_the_run(folder, monkeypatch):
    """Whether it is a film is asked of a file without an extension; whether it is a program, of .ts."""
    (folder / "in").mkdir()
    for name in ("a.png", "none"):
        Image.new("RGB", (20, 30)).save(folder / "in" / name, "PNG")
    make("film.mkv", 2)
    os.rename("film.mkv", "in/film.ts")
    for module in (inputs, file_kinds):
        monkeypatch.setattr(module, "open", refuse("none", "film.ts"), raising=False)
    assert run("--input", "in", "in/none", "--output", "out") == 0
    names = {path.name for path in (folder / "out").iterdir()}
    assert names == {".srcnn-written", "a_x2.png", "none_x2.png", "film_x2.mkv"}
