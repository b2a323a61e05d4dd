"""The curve of a training: saved before what it belongs to, and trusted only as a training wrote it."""

import csv

import pytest

import main
from srcnn.system.errors import InputError
from srcnn.training import checkpoints
from srcnn.training.curve import CURVE, plot_curve, read_rows
from tests.conftest import network_of
from tests.helpers.trainings import flags

SMALL = "--filters", "3-1-3"
MODEL = network_of(SMALL[1]).name
GOOD = "epoch,step,loss,psnr,validation_psnr,seconds\n1,2,1e-2,20.000,,0.5\n2,4,9e-3,20.458,19.1,1.0\n"


def test_a_kill_after_a_save_loses_no_row(photographs, tmp_path, monkeypatch):
    """Each save is the last thing that a run does."""
    save = checkpoints.Checkpoints.save

    def killed(self, *words):
        save(self, *words)
        raise KeyboardInterrupt

    monkeypatch.setattr("srcnn.training.loop.CHECKPOINT_STEPS", 1)
    words = flags(photographs, tmp_path / "c", *SMALL, "--epoch", 2)
    with monkeypatch.context() as context:
        context.setattr(checkpoints.Checkpoints, "save", killed)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                main.main(words)
    assert main.main(words) == 0
    assert [row["epoch"] for row in read_rows(tmp_path / "c" / MODEL / "training.csv")] == [1, 2]


def test_a_finished_training_without_its_curve_names_none(photographs, tmp_path, capfd):
    words = flags(photographs, tmp_path / "c", *SMALL, "--epoch", 1)
    assert main.main(words) == 0
    assert "training.png" in capfd.readouterr().out
    (tmp_path / "c" / MODEL / "training.csv").unlink()
    assert main.main(words) == 0
    assert "curve" not in capfd.readouterr().out


def test_a_good_curve_is_read(tmp_path):
    (tmp_path / "training.csv").write_text(GOOD)
    rows = read_rows(tmp_path / "training.csv")
    assert [row["epoch"] for row in rows] == [1, 2] and rows[1]["validation_psnr"] == "19.1"
    assert plot_curve(tmp_path / "training.csv") == tmp_path / "training.png"
    assert read_rows(tmp_path / "none.csv") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.replace("1,2,", "one,2,"),
        GOOD.replace("20.458", "much"),
        GOOD.replace("1.0", "1.0,extra"),
        GOOD.replace(",1.0", ""),
        GOOD.replace("1.0", "nan"),
        GOOD.replace("20.458", "1e999"),
        GOOD.replace("2,4", f"2,{10**400}"),
        GOOD.replace("2,4", "2,-4"),
        GOOD.replace("9e-3", "9" * 200_000),
        GOOD.replace("9e-3", '"'),
        GOOD.replace("9e-3", "\0"),
        GOOD.replace("seconds", "hours"),
    ],
)
def test_an_edited_curve_is_refused(tmp_path, text):
    (tmp_path / "training.csv").write_text(text)
    with pytest.raises(InputError, match=r"training\.csv: is not a curve"):
        plot_curve(tmp_path / "training.csv")


def test_the_text_of_a_curve_is_kept(tmp_path):
    (tmp_path / "training.csv").write_text(GOOD)
    rows = read_rows(tmp_path / "training.csv")
    with open(tmp_path / "again.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, CURVE, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    assert (tmp_path / "again.csv").read_text() == GOOD
