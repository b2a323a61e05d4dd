"""What is in a folder, and what of it is not taken."""

import shutil
from pathlib import Path

import pytest

import main
from tests.helpers.trainings import flags


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def closed(photographs, monkeypatch):
    """Photographs with a sub-folder that may not be read, as nobody but root sees it, and one that may."""
    for name in ("closed", "open"):
        (photographs / name).mkdir()
        for number in range(3):
            shutil.copy(photographs / f"image {number}.png", photographs / name)
    iterdir = Path.iterdir

    def refused(folder):
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return iterdir(folder)

    monkeypatch.setattr("pathlib.Path.iterdir", refused)
    return photographs


def test_a_sub_folder_that_may_not_be_read_stops_nothing(closed, tmp_path, capfd):
    words = (
        "--is_train",
        "False",
        "--input",
        closed,
        "--recursive",
        "--scale",
        2,
        "--output",
        tmp_path / "out",
    )
    said = f"{closed}: left out what is not an image: 1 unreadable sub-folders"
    assert main.main([*map(str, words)]) == 0
    assert said in capfd.readouterr().out and len(list((tmp_path / "out").rglob("*.png"))) == 6
    assert main.main(flags(closed, tmp_path / "c", "--filters", "3-1-3", "--epoch", 1)) == 0
    assert said in capfd.readouterr().out


def test_odd_endings_of_names_are_one_line(photographs, capfd, tmp_path):
    (photographs / "a.\x1b[31m\n").touch()
    words = "--is_train", "False", "--input", photographs, "--scale", 2, "--output", tmp_path / "out"
    assert main.main([*map(str, words)]) == 0
    out = capfd.readouterr().out
    assert "\x1b" not in out and r"1 .\x1b[31m\n" in out
