"""The shipped weights against the paper, on Set5 and Set14 by the paper's protocol."""

import json
import shutil
from pathlib import Path

import pytest

import main

SHIPPED = Path(main.__file__).parent / "checkpoint/shipped"
LEAST = {  # average PSNR in dB on Set5 and Set14
    ("9-1-5", 2, "matlab"): (36.60, 32.33),
    ("9-1-5", 3, "matlab"): (32.70, 29.12),
    ("9-1-5", 4, "matlab"): (30.32, 27.34),
    ("9-5-5", 2, "matlab"): (36.80, 32.45),
    ("9-5-5", 3, "matlab"): (32.87, 29.30),
    ("9-5-5", 4, "matlab"): (30.52, 27.50),
    ("9-1-5", 3, "zoom"): (31.60, 28.00),
}


@pytest.mark.parametrize(("filters", "scale", "degradation"), LEAST)
def test_shipped_weights_beat_the_paper(data, tmp_path, filters, scale, degradation, capsys):
    for name, least in zip(("Set5", "Set14"), LEAST[filters, scale, degradation], strict=True):
        words = (
            f"--is_train False --stride 17 --filters {filters} --scale {scale} --degradation {degradation}"
        )
        words = [*words.split(), "--test_dir", data / "Test" / name]
        words += ["--sample_dir", tmp_path / "s", "--checkpoint_dir", tmp_path / "c"]
        assert main.main([str(word) for word in words]) == 0
        assert f"weights: {SHIPPED}" in capsys.readouterr().out
        results = json.loads((tmp_path / "s/results.json").read_text())
        assert results["average"]["srcnn_psnr"] >= least
        for image, scores in results["images"].items():
            assert scores["srcnn_psnr"] > scores["bicubic_psnr"], image
            if scores["paper_srcnn_psnr"] is not None:
                assert scores["srcnn_psnr"] >= scores["paper_srcnn_psnr"] - 0.01, image


def test_training_never_writes_over_the_shipped_weights(tmp_path, photographs):
    """One's own weights are preferred; the shipped ones are as they were."""
    before = {path: path.read_bytes() for path in SHIPPED.rglob("*") if path.is_file()}
    folders = ["--train_dir", photographs, "--test_dir", photographs, "--checkpoint_dir", tmp_path / "c"]
    words = [str(w) for w in (*folders, "--sample_dir", tmp_path / "s", "--batch_size", 8, "--epoch", 1)]
    assert main.main(words) == 0
    assert main.main(["--is_train", "False", *words]) == 0
    assert str(tmp_path / "c") in json.loads((tmp_path / "s/results.json").read_text())["weights"]
    shutil.rmtree(tmp_path / "c")
    assert main.main(["--is_train", "False", *words]) == 0
    assert str(SHIPPED) in json.loads((tmp_path / "s/results.json").read_text())["weights"]
    assert before == {path: path.read_bytes() for path in SHIPPED.rglob("*") if path.is_file()}
