"""What commit 4a8b84f wrote is resumed and used again, and settings have the text that they had."""

import csv
import hashlib
import json
import re
from pathlib import Path

import av
import h5py
import pytest

import main
from tests.helpers.earlier import (
    FILM,
    FIXTURES,
    GATHERED,
    IN_PARTS,
    TESTED,
    TESTS,
    TRAINED,
    TRAININGS,
    UPSCALED,
    UPSCALINGS,
    agreement,
    kept_by_test,
    kept_by_training,
    kept_by_upscaling,
    take_images,
    unpack,
)

# Without MS-SSIM, which a test now has where it is asked for.
SETTINGS = json.loads(re.sub(r', \\"\w+_ms_ssim\\"', "", (FIXTURES / "settings.json").read_text()))


@pytest.fixture
def images(folder):
    take_images(folder)


@pytest.mark.parametrize("words", TRAININGS)
def test_training_files_and_checkpoints_say_what_they_did(images, words):
    assert kept_by_training(main, words) == SETTINGS["trainings"][words]


@pytest.mark.parametrize("words", TRAININGS)
def test_machines_agree_on_what_they_did(images, words):
    assert agreement(main, words) == SETTINGS["agreements"][words]


@pytest.mark.parametrize("words", TESTS)
def test_results_of_tests_say_what_they_did(images, words):
    assert kept_by_test(main, words, "jpeg" in words) == SETTINGS["tests"][words]


@pytest.mark.parametrize("words", UPSCALINGS)
def test_results_of_upscaling_say_what_they_did(images, words):
    assert kept_by_upscaling(main, words, "jpeg" in words) == SETTINGS["upscalings"][words]


def times(*folders):
    """When each file of some folders was written."""
    paths = (path for folder in folders for path in Path(folder).rglob("*") if path.is_file())
    return {path: path.stat().st_mtime_ns for path in paths}


def take_over(words):
    """Lets train.h5 be of the images as they lie here: the time at which a file was made cannot be set."""
    paths = sorted(Path("images").iterdir())
    if "--validation 1" in words:
        del paths[0]
    found = [(str(path), path.stat()) for path in paths]
    sources = [[path, at.st_size, at.st_mtime_ns, at.st_ctime_ns] for path, at in found]
    digest = hashlib.sha256(json.dumps(sources).encode()).hexdigest()
    for path in Path("checkpoint").glob("train.h5*"):
        with h5py.File(path, "r+") as hf:
            hf.attrs["settings"] = json.dumps(json.loads(hf.attrs["settings"]) | {"sources": digest})


@pytest.mark.parametrize(("name", "words", "epochs"), [("trained", TRAINED, 2), ("in_parts", IN_PARTS, 1)])
def test_a_training_goes_on(folder, capfd, name, words, epochs):
    unpack(name, folder)
    take_over(words)
    data = times("checkpoint")
    data = {path: time for path, time in data.items() if path.name.startswith("train.h5")}
    assert len(data) == (1 if name == "trained" else 1 + 2)
    (curve,) = folder.glob("checkpoint/*/training.csv")
    before = list(csv.DictReader(curve.open()))
    words = words.replace(f"--epoch {epochs}", f"--epoch {epochs + 1}").split()
    assert main.main(words) == 0
    goes_on = f"continuing from checkpoint/{curve.parent.name}/SRCNN.model-{before[-1]['step']}\n"
    assert goes_on in capfd.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in data} == data
    after = list(csv.DictReader(curve.open()))
    assert after[:epochs] == before and len(after) == epochs + 1
    assert int(after[-1]["step"]) * epochs == int(before[-1]["step"]) * (epochs + 1)
    kept = {path.stem for path in curve.parent.glob("SRCNN.model-*.index")}
    assert {f"SRCNN.model-{row['step']}" for row in (before[-1], after[-1])} <= kept
    assert main.main(words) == 0
    assert "training is finished" in capfd.readouterr().out


def test_another_training_does_not_go_on(folder, capfd):
    unpack("trained", folder)
    take_over(TRAINED)
    before = times("checkpoint")
    words = TRAINED.replace("--epoch 2", "--epoch 3").split()
    assert main.main([*words, "--seed", "1"]) == 2
    assert "SRCNN.model-4: was trained with seed 0 (now 1); change the flags" in capfd.readouterr().err
    assert times("checkpoint") == before


def test_a_test_that_was_shared_out_is_gathered(folder, capfd):
    unpack("tested", folder)
    before = times("sample")
    words = TESTED.split()[:-2]
    assert main.main([*words, "--shard", "1/2"]) == 0
    assert "2 of 2 images already tested" in capfd.readouterr().out
    assert times("sample") == before
    assert main.main([*words, "--shard", "2/2"]) == 0
    assert main.main([*words, "--gather"]) == 0
    assert list(json.loads(Path("sample/results.json").read_text(encoding="utf-8"))["images"]) == [
        "a",
        "b",
        "c",
    ]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_what_was_upscaled_is_not_upscaled_again(folder, capfd):
    unpack("upscaled", folder)
    Path("images/broken.png").unlink()
    before = times("sample")
    assert main.main(UPSCALED.split()) == 0
    assert "3 of 3 already upscaled" in capfd.readouterr().out
    assert times("sample") == before


def test_what_shards_upscaled_is_gathered(folder, capfd):
    """With the reason why one of the files could not be."""
    unpack("upscaled", folder)
    before = times("shared")
    assert main.main([*GATHERED.split(), "--gather"]) == 2
    assert "broken.png: not an image that can be read" in capfd.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in before} == before
    listed = json.loads(Path("shared/upscaled.json").read_text(encoding="utf-8"))["images"]
    assert [image["output"] for image in listed] == [f"shared/{name}_x2.png" for name in "abc"]


def test_a_film_goes_on(folder, capfd):
    """Its folder is named by what the parts were made from, and by the version of PyAV."""
    unpack("film", folder)
    path = Path("film.mp4")
    at, digest = (
        path.stat(),
        json.loads(SETTINGS["upscalings"][UPSCALINGS[0]]["notes"]["a_x2.png"])["weights"],
    )
    about = {
        "input": [path.name, at.st_size, at.st_mtime_ns],
        "weights": digest,
        "crf": None,
        "lossless": False,
    }
    encoder = ["libx264", "yuv420p", [64, 96], {"preset": "superfast", "crf": "17"}]
    text = json.dumps([about, encoder, av.library_versions], sort_keys=True)
    (earlier,) = Path("sample").glob(".film_x2.*.parts")
    earlier.rename(f"sample/.film_x2.{hashlib.sha256(text.encode()).hexdigest()[:12]}.parts")
    assert main.main(FILM.split()) == 0
    assert "film.mp4: continuing from frame 3" in capfd.readouterr().out
    with av.open("sample/film_x2.mp4") as film:
        frames = list(film.decode(video=0))
    assert len(frames) == 8 and (frames[0].height, frames[0].width) == (64, 96)
    assert not list(Path("sample").glob(".film*"))
    capfd.readouterr()
    assert main.main(FILM.split()) == 0
    assert "1 of 1 already upscaled" in capfd.readouterr().out
