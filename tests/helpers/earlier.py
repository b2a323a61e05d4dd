"""What commit 4a8b84f wrote, kept in tests/fixtures/4a8b84f, and how it was made.

`python tests/earlier.py CHECKOUT`, with a checkout of that commit, makes the fixtures anew: archives of small
folders, with the times of their files, and settings.json, the texts by which the program knows its files.
"""

import itertools
import json
import os
import re
import shutil
import signal
import sys
import tarfile
import tempfile
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

FIXTURES = Path(__file__).parents[1] / "fixtures" / "4a8b84f"
TIME = 1_500_000_000 * 10**9  # of all images, in nanoseconds
SMALL = "--filters 3-1-3 --channels 8-4 --image_size 17 --train_dir images --validation 1"

TRAININGS = (
    f"{SMALL} --epoch 1",
    f"{SMALL} --epoch 1 --c_dim 3 --colour ycbcr --loss_weights 1 0.5 0 --seed 3 --scale 2 --stride 7",
    "--epoch 1 --filters 3-5 --degradation jpeg --scale 1 --preconditioner none --batch_size 4 "
    "--train_dir images --image_size 15 --label_size 9",
    "--epoch 1 --filters 3-1-3-3 --degradation zoom --c_dim 3 --train_dir images --skip_broken "
    "--learning_rate 0.5",
    "--epoch 1 --weights shipped --preconditioner none --train_dir images",
)
AGREED = (
    "skip_broken filters channels c_dim colour scale degradation epoch batch_size image_size label_size "
    "stride learning_rate preconditioner init loss_weights seed validation weights"
)
TESTS = (
    "--test_dir images",
    "--test_dir images --stride 3 --image_size 33 --scale 2 --self_ensemble",
    "--test_dir images --degradation jpeg --quality 40 --scale 2",
)
UPSCALINGS = (
    "--input images --scale 2",
    "--input images/a.png --width 91 --self_ensemble --filters 9-5-5",
    "--input images/a.png --scale 2 --degradation jpeg --quality 40",
)
TRAINED = f"{SMALL} --epoch 2 --batch_size 4"
IN_PARTS = (
    "--train_dir images --filters 3-3 --degradation jpeg --preconditioner none --epoch 1 "
    "--image_size 17 --stride 17"
)
TESTED = "--is_train False --test_dir images --shard 1/2"
UPSCALED = "--is_train False --input images --scale 2"
GATHERED = "--is_train False --input images --scale 2 --sample_dir shared"
FILM = "--is_train False --input film.mp4 --scale 2"


def make_images(folder):
    """Three pictures of the program's own, and a file that is none."""
    folder.mkdir()
    y, x = np.mgrid[:34, :36] / 34
    for i, name in enumerate("abc"):
        waves = [np.sin((i + 3) * (x + y) * 2), np.cos(3 * x * (i + 1)), np.sin(9 * y * x)]
        pixels = np.uint8(np.stack(waves, 2) * 120 + 127)
        Image.fromarray(pixels if name != "c" else pixels[..., 0]).save(folder / f"{name}.png")
        os.utime(folder / f"{name}.png", ns=(TIME, TIME))


def take_images(folder):
    """The same files as when the fixtures were made: other versions of Pillow compress otherwise."""
    unpack("tested", folder)
    shutil.rmtree(folder / "sample")


def pack(name, folder):
    """Makes the archive of a folder, which keeps the times of files to the nanosecond."""

    def with_time(info):
        time = (folder / info.name).stat().st_mtime_ns
        info.pax_headers = {"mtime": f"{time // 10**9}.{time % 10**9:09}"}
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        return info

    with tarfile.open(FIXTURES / f"{name}.tar.xz", "w:xz", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name, filter=with_time)


def unpack(name, folder):
    """Puts what an archive holds into a folder, with the times of its files."""
    with tarfile.open(FIXTURES / f"{name}.tar.xz") as tar:
        tar.extractall(folder, filter="data")
        for info in tar:
            if info.isfile():
                seconds, _, rest = info.pax_headers["mtime"].partition(".")
                time = int(seconds) * 10**9 + int(rest)
                os.utime(folder / info.name, ns=(time, time))


def settings_of_data(path):
    """The text by which a file of training pairs is known again, without that of the images' times."""
    with h5py.File(path) as hf:
        text = hf.attrs["settings"]
    return re.sub(r'("sources": )"[0-9a-f]{64}"', r"\1SOURCES", text)


def settings_of_checkpoint(folder):
    """The text that a checkpoint keeps."""
    import tensorflow.compat.v1 as tf

    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(folder)))
    text = reader.get_tensor("settings").decode()
    return re.sub(r', "steps": \d+', "", text)  # which earlier versions did not say


def kept_by_training(main, words):
    """The settings of the files that a training makes in the working directory."""
    assert main.main(words.split()) == 0, words
    (folder,) = Path("checkpoint").glob("srcnn_*")
    return {
        "folder": folder.name,
        "train.h5": settings_of_data("checkpoint/train.h5"),
        "checkpoint": settings_of_checkpoint(folder),
    }


def notes(folder):
    """What the lists in a folder note of images: text by name, without scores, which are rounded."""
    found = {}
    for path in sorted(Path(folder).glob(".srcnn-written*")):
        for line in filter(None, path.read_text().split("\n")):
            entry = json.loads(line)
            if entry["name"].endswith((".png", ".mp4")) and entry["about"]:
                scores = entry["about"].pop("scores", {})
                found[entry["name"]] = json.dumps(
                    entry["about"] | ({"scores": list(scores)} if scores else {})
                )
    return found


def kept_by_test(main, words, jpeg):
    """What a test and a shard of it keep in the working directory, and what its page says of settings."""
    words = ["--is_train", "False", *words.split()]
    assert main.main([*words, "--sample_dir", "whole"]) == 0
    assert main.main([*words, "--sample_dir", "shard", "--shard", "2/2"]) == 0
    results = json.loads(Path("whole/results.json").read_text(encoding="utf-8"))
    results["images"] = {name: list(entry) for name, entry in results["images"].items()}
    results["average"] = list(results["average"])
    return {
        "results.json": without_root(json.dumps(results)),
        "page": page_settings("whole/report.html"),
        "notes": {name: masked(text, jpeg) for name, text in notes("shard").items()},
    }


def kept_by_upscaling(main, words, jpeg):
    """The same of an upscaling."""
    assert main.main(["--is_train", "False", *words.split()]) == 0
    listed = json.loads(Path("sample/upscaled.json").read_text(encoding="utf-8"))
    for image in listed["images"]:
        image["seconds"] = None
        image.pop("jpeg_quality", None)  # which earlier versions did not list
    return {
        "upscaled.json": without_root(json.dumps(listed)),
        "page": page_settings("sample/upscaled.html"),
        "notes": {name: masked(text, jpeg) for name, text in notes("sample").items()},
    }


def page_settings(path):
    """The names and values under "How this was made" on a page."""
    return without_root(re.search("<dl>.*?</dl>", Path(path).read_text(encoding="utf-8"))[0])


def without_root(text):
    """Text without the place of the shipped weights."""
    return re.sub(r"[^\"> ]*/checkpoint/shipped/", "shipped/", text)


def masked(text, jpeg):
    """A note; the weights of a network for JPEG at one quality are computed, and so rounded."""
    return re.sub(r'"[0-9a-f]{16}"', "WEIGHTS", text) if jpeg else text


def agreement(main, words):
    """What machines that train together must have in common, as a worker says it of itself."""
    from srcnn.cluster import workers

    said, before = [], workers.work
    workers.work = lambda cluster, about: said.append(about) or 0
    try:
        assert main.main([*words.split(), "--worker_hosts", "a:1,b:2", "--task_index", "1"]) == 0
    finally:
        workers.work = before
    return {name: said[0][name] for name in ("program", *(f"--{name}" for name in AGREED.split()))}


def in_folder(function, *arguments):
    """Calls a function in a new folder that has the images, and no other."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            make_images(Path("images"))
            return function(*arguments)
        finally:
            os.chdir(before)


def make_settings(main):
    kinds = (("trainings", kept_by_training, TRAININGS), ("agreements", agreement, TRAININGS))
    found = {kind: {words: in_folder(kept, main, words) for words in all_} for kind, kept, all_ in kinds}
    for kind, kept, all_ in (("tests", kept_by_test, TESTS), ("upscalings", kept_by_upscaling, UPSCALINGS)):
        found[kind] = {words: in_folder(kept, main, words, "jpeg" in words) for words in all_}
    (FIXTURES / "settings.json").write_text(json.dumps(found, indent=1) + "\n")


def make_folders(main):
    """Makes the archives: each of a folder in which the program was at work."""

    def trained():
        assert main.main(TRAINED.split()) == 0
        pack("trained", Path())

    def in_parts():
        from srcnn.training import training_data

        training_data.PART_BYTES = 2**15
        assert main.main(IN_PARTS.split()) == 0
        training_data.PART_BYTES = 2**30
        next(Path("checkpoint").glob("*/training.png")).unlink()  # large, and drawn anew
        pack("in_parts", Path())

    def tested():
        assert main.main(TESTED.split()) == 0
        pack("tested", Path())

    def upscaled():
        assert main.main(UPSCALED.split()) == 0
        Path("images/broken.png").write_bytes(Path("images/a.png").read_bytes()[:300])
        os.utime("images/broken.png", ns=(TIME, TIME))
        assert main.main([*GATHERED.split(), "--shard", "1/1"]) == 2
        pack("upscaled", Path())

    def film():
        shutil.rmtree("images")
        make_film(Path("film.mp4"))
        stop_after(3, main)
        pack("film", Path())

    for make in (trained, in_parts, tested, upscaled, film):
        in_folder(make)


def make_film(path):
    import av

    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        y, x = np.mgrid[:32, :48]
        for number in range(8):
            pixels = np.stack([np.sin((x + k * number) / 5) * np.cos((y - number) / 7) for k in (1, 2, 3)], 2)
            frame = av.VideoFrame.from_ndarray(np.uint8(pixels * 100 + 127), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    os.utime(path, ns=(TIME, TIME))


def stop_after(count, main):
    """Upscales the film, frame by frame a part, and tells the program to stop after so many of them."""
    from srcnn.upscaling.films import encoded_parts, film_job

    write, numbers = encoded_parts.write, itertools.count(1)

    def counted(*arguments, **more):
        part = write(*arguments, **more)
        if next(numbers) == count:
            os.kill(os.getpid(), signal.SIGTERM)
        return part

    encoded_parts.write, film_job.SECONDS = counted, -1
    try:
        main.main(FILM.split())
    except SystemExit as stopped:
        assert stopped.code == 128 + signal.SIGTERM


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    import main

    make_settings(main)
    make_folders(main)
