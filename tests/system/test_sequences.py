"""Names of sequences of images, a file for each frame."""

from pathlib import Path

import pytest

from srcnn.system import ledger
from srcnn.system.sequences import files_of, is_sequence, member, members, missing


@pytest.mark.parametrize("name", ["a_%04d.png", "%d.png", "100%%_%02d.tif", "%09d"])
def test_names_of_sequences(folder, name):
    assert is_sequence(Path(name))
    (folder / name).touch()
    assert not is_sequence(Path(name))  # but of a file


@pytest.mark.parametrize("name", ["a.png", "50%d_%d.png", "a_%s.png", "%%d.png", "%0d.png", "100%.png"])
def test_other_names(folder, name):
    assert not is_sequence(Path(name))


def test_frames_are_those_that_the_pattern_makes(folder):
    for name in (
        "a_0007.png",
        "a_0010.png",
        "a_12345.png",
        "a_9.png",
        "a_00011.png",
        "a_0012.jpg",
        "b_0001.png",
    ):
        (folder / name).touch()
    found = members(Path("a_%04d.png"))
    assert {number: path.name for number, path in found.items()} == {
        7: "a_0007.png",
        10: "a_0010.png",
        12345: "a_12345.png",
    }
    assert all(member(Path("a_%04d.png"), number) == path for number, path in found.items())
    assert files_of([Path("a_%04d.png"), Path("b_0001.png")]) == [*found.values(), Path("b_0001.png")]
    assert members(Path("nowhere/a_%04d.png")) == {}


def test_missing_numbers():
    assert missing([3, 4, 6, 9, 10]) == "5, 7-8"
    assert missing([5, 6]) == missing([5]) == missing([]) == ""


def test_a_sequence_is_another_one_when_a_frame_is_changed(folder):
    for number in (1, 2):
        (folder / f"a_{number}.png").write_bytes(bytes(number))
    before = ledger.identity(Path("a_%d.png"))
    assert before[:2] == ["a_%d.png", 3] and before == ledger.identity(Path("a_%d.png"))
    (folder / "a_2.png").write_bytes(b"ab")
    assert ledger.identity(Path("a_%d.png")) != before
    assert ledger.identity_if_there(Path("b_%d.png")) is None
