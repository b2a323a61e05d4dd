"""What a newcomer types first, and what the program answers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import main
from srcnn import settings
from srcnn.images import image_io
from srcnn.system.version import PROGRAM
from tests.conftest import ROOT
from tests.helpers.pictures import smooth


@pytest.fixture(autouse=True)
def photo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image_io.save(smooth(24, 30, 3), Path("photo.png"))


def answer(capfd, *words):
    """The exit status, and what was printed."""
    try:
        status = main.main(list(words) or None)
    except SystemExit as error:
        status = error.code or 0
    found = capfd.readouterr()
    return status, found.out, found.err


@pytest.mark.parametrize(
    "words",
    [
        ("photo.png", "--scale", "2"),
        ("--scale", "2", "photo.png"),
        ("--input", "photo.png", "--scale", "2"),
        ("--is_train", "False", "--input", "photo.png", "--scale", "2"),
    ],
)
def test_a_file_is_enlarged(capfd, words):
    assert answer(capfd, *words)[0] == 0
    assert image_io.read("sample/photo_x2.png").pixels.shape == (48, 60, 3)


def test_files_with_and_without_a_flag_go_together(capfd):
    image_io.save(smooth(24, 30, 3), Path("b.png"))
    image_io.save(smooth(24, 30, 3), Path("c.png"))
    assert answer(capfd, "photo.png", "--scale", "2", "b.png", "--input", "c.png")[0] == 0
    assert {path.name for path in Path("sample").glob("*.png")} == {
        f"{n}_x2.png" for n in ("photo", "b", "c")
    }


def test_after_two_dashes_all_words_are_files(capfd):
    for name in ("-a.png", "--scale"):
        image_io.save(smooth(24, 30, 3), Path("photo.png"))
        Path("photo.png").rename(name)
    assert answer(capfd, "--scale", "2", "--", "-a.png", "--scale")[0] == 0
    assert {path.name for path in Path("sample").glob("*.png")} == {"-a_x2.png", "--scale_x2.png"}
    assert answer(capfd, "--", "")[2] == "main.py: error: a FILE is empty; name a file or folder\n"


def test_a_bare_command_says_what_there_is_and_trains_nothing(capfd, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["main.py"])
    status, out, _ = answer(capfd)
    assert status == 0 and "python main.py photo.jpg --scale 2" in out and "--is_train True" in out
    assert [path.name for path in Path().iterdir()] == ["photo.png"]


def test_training_and_enlarging_together_are_refused(capfd):
    status, _, err = answer(capfd, "--is_train", "True", "photo.png")
    assert status == 2 and "a FILE cannot be combined with training; leave out --is_train True" in err


def test_the_version(capfd):
    assert answer(capfd, "--version")[:2] == (0, f"SRCNN {PROGRAM}\n")


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--epochs", "did you mean --epoch?"),
        ("--sacle=3", "did you mean --scale?"),
        ("--qqqqqq", "see --help"),
        ("--a\x1b[31m\nb", "--a\\x1b[31m"),
    ],
)
def test_an_unknown_flag_gets_the_nearest_in_one_line(capfd, flag, said):
    status, _, err = answer(capfd, flag)
    assert status == 2 and said in err and err.count("\n") == 1 and "\x1b" not in err


def test_one_file_that_is_named_comes_alone(capfd):
    assert answer(capfd, "photo.png", "--scale", "2", "--output", "b.png")[0] == 0
    assert sorted(path.name for path in Path().iterdir()) == ["b.png", "photo.png"]
    assert answer(capfd, "photo.png", "--scale", "2", "--output", "c.png", "--sample_dir", "page")[0] == 0
    assert json.loads(Path("page/upscaled.json").read_text("utf-8"))["images"][0]["output"] == "c.png"


def test_a_test_does_not_score_its_own_results(capfd):
    Path("photos").mkdir()
    image_io.save(smooth(40, 40, 3), Path("photos/a.png"))
    assert answer(capfd, "photos", "--scale", "2", "--output", "photos")[0] == 0
    status, out, _ = answer(capfd, "--is_train", "False", "--test_dir", "photos", "--scale", "2")
    assert status == 0 and "1 files that this program wrote" in out and "a_x2" not in out


def test_a_folder_of_folders_names_them(capfd):
    for name in ("Set5", "Set14"):
        Path("Test", name).mkdir(parents=True)
    status, _, err = answer(capfd, "--is_train", "False", "--test_dir", "Test")
    assert status == 2 and "name one of its sub-folders: Set14, Set5" in err


def test_weights_that_are_missing_name_those_that_are_there(capfd):
    status, _, err = answer(capfd, "--is_train", "False", "--filters", "9-7-5")
    assert status == 2 and "no weights, in checkpoint or shipped, for --filters 9-7-5 --scale 3;" in err
    assert "--filters 9-1-5, 9-3-5, 9-5-5" in err


def test_a_stride_that_is_not_needed_says_what_is_done(capfd):
    words = "--is_train", "False", "--test_dir", ".", "--scale", "2", "--stride"
    assert "--stride 21: using tiles of 504 pixels" in answer(capfd, *words, "21")[1]
    results = image_io.read("sample/photo.png").pixels
    assert "using tiles" not in answer(capfd, *words, "21", "--image_size", "33", "--sample_dir", "b")[1]
    np.testing.assert_array_equal(image_io.read("b/photo.png").pixels, results)


def test_a_missing_package_is_named():
    run = "import sys; sys.modules['tqdm'] = None; import main; sys.exit(main.main(['photo.png']))"
    found = subprocess.run(
        [sys.executable, "-c", run],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert found.returncode == 2 and "activate the environment" in found.stderr, found.stderr
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "job"),
    [
        ("--test_dir a", settings.Testing),
        ("--metrics all", settings.Testing),
        ("--train_dir a --test_dir b", settings.Training),
        ("--is_train True --test_dir a", settings.Training),
        ("--epoch 1", settings.Training),
    ],
)
def test_a_folder_of_test_images_asks_for_a_test(words, job):
    assert type(main.parse(words.split())) is job
