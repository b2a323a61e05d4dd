"""The job of a test."""

import json
import sys
import threading

import pytest

import main
from srcnn.networks.network import Network
from srcnn.pixels.ifc import steerable_filters
from srcnn.testing import evaluate, layout, table, testing_job


def test_an_error_while_pictures_are_written_ends_it(photographs, tmp_path, monkeypatch):
    """And nothing waits for room that nobody makes any more."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evaluate, "PIXELS", 1)  # the reader waits for room
    monkeypatch.setattr(testing_job, "save_comparison", full)
    words = ["--is_train", "False", "--test_dir", str(photographs), "--sample_dir", str(tmp_path / "s")]
    assert main.main(words) == 2
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]
    assert not (tmp_path / "s").exists() or not list((tmp_path / "s").iterdir())


@pytest.mark.parametrize("words", ["--epoch 3 --seed 1", "--learning_rate 0.1 --init normal --validation 2"])
def test_flags_of_a_training_may_stand_beside_what_is_done_with_its_network(words):
    for job in ("--test_dir a", "--input a.png", "--export a.mat"):
        main.parse(["--is_train", "False", *job.split(), *words.split()])


@pytest.mark.parametrize(
    ("words", "metrics"),
    [
        ("", "psnr ssim"),
        ("--metrics nqm", "psnr nqm"),
        ("--metrics msssim ssim psnr", "psnr ssim msssim"),
        ("--metrics all", "psnr ssim ifc nqm wpsnr msssim"),
        ("--metrics ms_ssim_wang all", "psnr ssim ifc nqm wpsnr msssim ms_ssim_wang"),
    ],
)
def test_metrics_are_those_asked_for_in_the_order_of_the_paper(words, metrics):
    assert main.parse(["--is_train", "False", *words.split()]).metrics == tuple(metrics.split())


def test_metrics_are_for_tests(fails):
    assert "--metrics is for tests" in fails("--is_train", "True", "--metrics", "all")


def test_without_pyrtools_one_line_says_what_to_install(photographs, fails, monkeypatch):
    steerable_filters.cache_clear()
    monkeypatch.setitem(sys.modules, "pyrtools.pyramids", None)
    words = "--is_train", "False", "--test_dir", photographs, "--metrics"
    assert "pip install pyrtools" in fails(*words, "all")
    assert main.main([str(word) for word in (*words, "nqm")]) == 0


def test_bsd200_has_the_papers_row_marked_as_quoted():
    """By the name of its folder, or as 200 images with numbers for names."""
    network = Network((9, 5, 5))
    numbers = {str(8023 + i): dict.fromkeys(table.METRICS, 30.0) for i in range(200)}
    named = {f"a{i}": scores for i, scores in enumerate(numbers.values())}
    for scores, name in ((numbers, "images"), (named, "BSD200"), (named, "bsd200")):
        found = table.results(network, "", scores, known_as=name)
        average = found["average"]
        assert (average["paper_bicubic_psnr"], average["paper_srcnn_psnr"]) == (25.94, 27.18)
        assert found["paper"] == "quoted, not checked"
        assert "quoted (dB)\nSRCNN" in layout.rows(network, found)[0]
    for scores, name in ((named, "images"), (dict(list(numbers.items())[1:]), "images")):
        found = table.results(network, "", scores, known_as=name)
        assert found["average"]["paper_srcnn_psnr"] is None and "paper" not in found
        assert not [title for title in layout.rows(network, found)[0] if "quoted" in title]


def test_images_that_cannot_be_used_are_left_out_when_asked(photographs, tmp_path, capfd, fails):
    """By shards, too; the averages are those of a folder without them."""
    words = ["--is_train", "False", "--test_dir", str(photographs), "--sample_dir"]
    broken = photographs / "image 2.png"  # the last one, whose picture is the example
    whole = broken.read_bytes()
    broken.unlink()
    assert main.main([*words, str(tmp_path / "without")]) == 0
    broken.write_bytes(whole[:300])
    assert "image 2.png" in (said := fails(*words, tmp_path / "s")) and "--skip_broken" in said
    assert main.main([*words, str(tmp_path / "one"), "--skip_broken"]) == 0
    parts = [*words, str(tmp_path / "parts"), "--skip_broken"]
    assert main.main([*parts, "--shard", "1/2"]) == main.main([*parts, "--shard", "2/2"]) == 0
    capfd.readouterr()
    assert main.main([*parts, "--gather"]) == 0
    printed, named = capfd.readouterr()
    assert "Without image 2.png" in printed.replace("\n", " ") and "image 2.png: " in named
    without, one, gathered = (
        json.loads((tmp_path / name / "results.json").read_text()) for name in ("without", "one", "parts")
    )
    assert one == gathered == without | {"left_out": ["image 2.png"]}
    for path in photographs.iterdir():
        path.write_bytes(whole[:300])
    assert main.main([*words, str(tmp_path / "s"), "--skip_broken"]) == 2
    assert "no usable image" in capfd.readouterr().err and not (tmp_path / "s").exists()
