"""Films that are interrupted, damaged or cut short: what was done is kept, and is done once."""

import itertools
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from srcnn.images import image_io
from srcnn.pixels import resize
from srcnn.system.atomic_write import MACHINE, remove_leftovers
from srcnn.system.locks import locked
from srcnn.upscaling.films import decoding, encoded_parts, film_job, frame_reader, muxing
from srcnn.upscaling.films.probe import probe, scanned
from tests.conftest import ROOT
from tests.helpers.film_clips import WORDS, Killed, decode, hashes, killed, make, run, sound


def slow_film(folder):
    """A film for which the program takes some seconds."""
    return make(folder / "in.mp4", 150, (160, 120))


def parts(folder):
    return sorted(folder.glob("sample/.in_x2.*.parts/*.json"))


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


PART_BY_PART = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import main
from srcnn.upscaling.films import film_job
film_job.SECONDS = 0.3
sys.exit(main.main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_same_command_goes_on(folder, number):
    """Killed twice: the same to the bit as without, and nothing was done twice."""
    slow_film(folder)
    assert run("--input", "in.mp4", "--lossless", "--output", "whole.mkv") == 0
    words = [sys.executable, "-c", PART_BY_PART, ROOT, *WORDS, "--input", "in.mp4", "--lossless"]
    for count in (1, 3):
        process = subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, text=True)
        until(lambda: len(parts(folder)) >= count or process.poll() is not None)  # noqa: B023
        process.send_signal(number)
        stderr = process.communicate()[1]
        assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
        assert "run the same command again" in stderr or number == signal.SIGKILL
    before = {path: path.stat().st_mtime_ns for path in parts(folder)}
    assert len(before) >= 3 and not (folder / "sample/in_x2.mkv").exists()
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True)
    until(lambda: len(parts(folder)) > len(before) or process.poll() is not None)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    stdout = process.communicate()[0]
    done = int(re.search(r"continuing from frame (\d+)", stdout)[1])
    assert 0 < done < 150 and process.returncode == 0
    assert hashes("sample/in_x2.mkv", "video") == hashes("whole.mkv", "video")
    assert decode("sample/in_x2.mkv")[1] == decode("whole.mkv")[1] == decode("in.mp4")[1]
    assert not list(folder.glob("sample/.in*"))


def test_an_interrupted_film_has_every_frame_once(folder, monkeypatch):
    """With B-frames over the ends of parts; it is decoded without a complaint."""
    monkeypatch.setattr(film_job, "SECONDS", 0.05)
    make("in.mp4", 60)
    assert run("--input", "in.mp4") == 0
    frames_, times = decode("sample/in_x2.mp4")
    assert times == decode("in.mp4")[1]
    with av.open("sample/in_x2.mp4") as film:
        packets = [p for p in film.demux(video=0) if p.size]
    assert all(a.dts < b.dts for a, b in itertools.pairwise(packets))
    assert all(p.dts <= p.pts for p in packets)
    assert sum(p.is_keyframe for p in packets) > 2
    original = decode("in.mp4")[0]
    for large, small in zip(frames_, original, strict=True):  # each is that frame, enlarged
        shrunk = resize.imresize(large[0].astype(np.float32)[..., np.newaxis], 2, shrink=True)[..., 0]
        assert np.abs(shrunk - small[0]).mean() < 4


def test_a_full_disk_keeps_what_was_done(folder):
    """A limit on the size of files stands for it: writing fails in the middle of a part."""
    slow_film(folder)
    words = [sys.executable, "-c", PART_BY_PART, ROOT, *WORDS, "--input", "in.mp4", "--lossless"]
    limit = 2**22

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, preexec_fn=limited)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "cannot be written" in done.stderr
    kept = {path: path.stat().st_mtime_ns for path in parts(folder)}
    assert kept and not (folder / "sample/in_x2.mkv").exists()
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True)
    done = sum(len(json.loads(path.read_text())["stamps"]) for path in kept)
    stdout = process.communicate()[0]
    assert process.returncode == 0 and f"continuing from frame {done}" in stdout
    assert len(decode("sample/in_x2.mkv")[0]) == 150


@pytest.mark.parametrize("name", ["in.mkv", "in.mp4"])
def test_a_film_cut_short_is_done_as_far_as_it_goes(folder, capfd, name):
    options = {"movflags": "faststart"} if name == "in.mp4" else {}
    with (
        av.open("whole" + name, "w", container_options=options) as output,
        av.open(str(make("long.mkv", 200))) as film,
    ):
        copy = output.add_stream_from_template(film.streams.video[0], opaque=True)
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream = copy
                output.mux_one(packet)
    whole = (folder / ("whole" + name)).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    assert run("--input", name) == 2
    assert "in." in (stderr := capfd.readouterr().err) and "is cut short and ends at" in stderr
    before = decode("whole" + name)[1]
    after = decode(f"sample/{name.replace('in', 'in_x2')}")[1]
    assert 50 < len(after) < 150 and after == before[: len(after)]


def test_broken_frames_are_counted_once_and_the_rest_is_done(folder, monkeypatch, capfd):
    """However often the work is interrupted, and wherever."""
    make("in.mkv", 30, codec="ffv1", g=1, slicecrc=1)
    file = bytearray((folder / "in.mkv").read_bytes())
    for place in (len(file) // 3, len(file) // 2):
        file[place : place + 100] = b"\xaa" * 100
    (folder / "in.mkv").write_bytes(file)
    assert run("--input", "in.mkv", "--output", "whole.mkv") == 2
    (said,) = re.findall(r"in.mkv: [1-9]\d* of its frames are damaged", capfd.readouterr().err)
    count = len(decode("whole.mkv")[0])
    assert 25 < count <= 30
    with monkeypatch.context() as stopped:
        stopped.setattr(film_job, "SECONDS", 0)
        stopped.setattr(muxing, "join", killed)
        with pytest.raises(Killed):
            run("--input", "in.mkv")
    for kept in (count, 20, 12, 5):
        for path in parts(folder)[kept:]:
            path.unlink()
        there = encoded_parts.finished(parts(folder)[0].parent)
        reader = frame_reader.Reader(probe("in.mkv"), max(there[-1].stamps), there[-1].broken)
        assert len(list(reader)) == count - kept and said.startswith(f"in.mkv: {reader.broken()} ")
    assert run("--input", "in.mkv") == 2 and said in capfd.readouterr().err
    assert len(decode("sample/in_x2.mkv")[0]) == count


def test_a_disk_that_fails_is_no_end_of_the_film(folder, monkeypatch, capfd):
    """An error of reading, while frames are made and while they are joined, keeps the parts."""
    make("in.mp4", 30, change=lambda output, _: sound(output, 50))
    monkeypatch.setattr(film_job, "SECONDS", 0)

    class Failing:
        """A container of which 20 packets can be read."""

        name = "in.mp4"

        def __init__(self, container):
            self.container = container

        def demux(self, *streams):
            yield from itertools.islice(self.container.demux(*streams), 20)
            raise av.error.OSError(5, "Input/output error")

    film = scanned(probe(folder / "in.mp4"))
    for room in (frame_reader, muxing):
        with monkeypatch.context() as failing:
            failing.setattr(film_job, "scanned", lambda _: film)  # which reads all frames, too
            failing.setattr(room, "packets_of", lambda c, *s: decoding.packets_of(Failing(c), *s))
            assert run("--input", "in.mp4") == 2
        assert "in.mp4: can no longer be read (Input/output error" in capfd.readouterr().err
        assert parts(folder) and not (folder / "sample/in_x2.mp4").exists()
    assert run("--input", "in.mp4") == 0 and not parts(folder)
    assert len(decode("sample/in_x2.mp4")[0]) == 30


def test_a_film_that_came_meanwhile_stays(folder, monkeypatch, capfd):
    """One that the user put there in the hours of the work; the work is kept."""
    make("in.mp4", 3)
    join = muxing.join

    def joining(*words):
        (folder / "sample/in_x2.mp4").write_text("mine")
        return join(*words)

    with monkeypatch.context() as patched:
        patched.setattr(muxing, "join", joining)
        assert run("--input", "in.mp4") == 2
    assert "in_x2.mp4: already exists" in capfd.readouterr().err
    assert (folder / "sample/in_x2.mp4").read_text() == "mine" and parts(folder)
    assert run("--input", "in.mp4", "--output", "sample/in_x2.mkv") == 0
    assert "continuing from frame 3" in capfd.readouterr().out and not parts(folder)


def test_what_an_encoder_refuses_is_one_line_before_the_work(monkeypatch, fails, folder):
    monkeypatch.setattr(film_job, "encode", killed)
    make("in.mkv", 2, (2, 2), codec="ffv1", format_="yuv420p10le")
    assert "in.mkv: cannot be written as out.mkv (" in fails(
        *WORDS, "--input", "in.mkv", "--output", "out.mkv"
    )


def test_a_long_name_that_takes_several_bytes_a_letter(folder):
    make("in.mp4", 2)
    name = "漢" * 82 + ".mp4"  # 250 bytes
    assert run("--input", "in.mp4", "--output", name) == 0
    assert len(decode(name)[0]) == 2


def test_what_a_kill_and_other_settings_left_is_cleared_or_named(folder, monkeypatch, capfd):
    make("in.mp4", 2)
    with monkeypatch.context() as patched:
        patched.setattr(muxing, "join", killed)
        with pytest.raises(Killed):
            run("--input", "in.mp4", "--crf", 20)
    (others,) = folder.glob("sample/.in_x2.*.parts")
    ended = subprocess.Popen(["true"])
    ended.wait()
    (folder / f"sample/.in_x2.140001.{MACHINE}-{ended.pid}.mp4").write_bytes(b"half of a film")
    kept = [f".in_x2.140001.{MACHINE}-{os.getpid()}.mp4", f".in_x2.140001.0123abcd-{ended.pid}.mp4"]
    for name in kept:
        (folder / "sample" / name).write_bytes(b"another command's, of this machine and of another one")
    (folder / "sample/.in_x2.mine.parts").mkdir()
    (folder / "sample/.in_x2.0123456789ab.parts").mkdir()
    capfd.readouterr()
    with locked(folder / "sample/.in_x2.0123456789ab.parts"):  # by another command, in work
        assert run("--input", "in.mp4", "--crf", 21) == 0
    named = [line for line in capfd.readouterr().out.splitlines() if "holds parts of this film" in line]
    assert len(named) == 1 and named[0].startswith(str(Path("sample") / others.name))
    assert others.is_dir()
    assert sorted(path.name for path in folder.glob("sample/.in_x2.*.mp4")) == sorted(kept)


def test_parts_of_a_film_that_is_done_are_named(folder, monkeypatch, capfd):
    """Left by a kill between the film's coming into its place and their going."""
    make("in.mp4", 2)
    with monkeypatch.context() as patched:
        patched.setattr(encoded_parts, "remove", killed)
        with pytest.raises(Killed):
            run("--input", "in.mp4")
    (parts,) = folder.glob("sample/.in_x2.*.parts")
    capfd.readouterr()
    assert run("--input", "in.mp4") == 0
    assert f"sample/{parts.name}: holds parts of this film" in capfd.readouterr().out


def test_leftovers_are_found_whatever_the_name(folder):
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name in ("clip[1]", "a_film_with_a_name_of_more_than_forty_letters"):
        left = folder / f".{name[:40]}.140001.{MACHINE}-{ended.pid}.mp4"
        left.write_bytes(b"half of a film")
        remove_leftovers(folder / f"{name}.mp4")
        assert not left.exists()


PEAKS = """
import resource
import main
for name in ("short", "long"):
    words = ["--is_train", "False", "--scale", "2", "--input", f"{name}.mkv", "--output", f"{name}_x2.mkv"]
    assert main.main(words) == 0
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_length(folder):
    """By far less than the frames that the longer one has more would take: 74 kB each, enlarged."""
    for name, count in (("short", 100), ("long", 1000)):
        make(f"{name}.mkv", count, (128, 96))
    words, env = [sys.executable, "-c", PEAKS], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    short, long = (int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("peak"))
    unit = 1 if sys.platform == "darwin" else 1024
    assert (long - short) * unit < 900 * 74e3 / 2


def test_files_of_the_user_among_the_parts_stay(tmp_path):
    own = "000000000.nut", "000000000.json", ".000000012.140.0a1b2c3d-77.nut"
    mine = "mine.nut", "mine.json", "00000000.nut", "000000000.txt"
    for name in own + mine:
        (tmp_path / name).write_text("content")
    encoded_parts.remove(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(mine)


def test_a_film_that_another_run_made_meanwhile_is_on_the_page(folder, monkeypatch, capfd):
    """Here that run ends while this one enlarges the next file."""
    (folder / "in").mkdir()
    make("in/a.mp4", 2)
    Image.new("RGB", (20, 30)).save(folder / "in/b.png")
    other = []

    def in_work(*words):
        other.append(partial(upscale_film, *words))
        with locked(folder / "parts"):  # as if by the other run
            upscale_film(*words)

    def slowly(path):
        other.pop()()
        return read(path)

    upscale_film, read = film_job.upscale_film, image_io.read
    monkeypatch.setattr(encoded_parts, "folder_of", lambda *_: folder / "parts")
    monkeypatch.setattr(film_job, "upscale_film", in_work)
    monkeypatch.setattr(image_io, "read", slowly)
    assert run("--input", "in") == 2
    busy = f"sample/a_x2.mp4: process {os.getpid()} is making it already; wait for it"
    assert busy in capfd.readouterr().err
    made = json.loads((folder / "sample/upscaled.json").read_text())["images"]
    assert [image["output"] for image in made] == ["sample/a_x2.mp4", "sample/b_x2.png"]
