"""Tests and upscalings that several machines share."""

import errno
import json
from pathlib import Path

import pytest
from PIL import Image

import main
from srcnn.images import image_io, png
from srcnn.system.errors import InputError
from srcnn.system.ledger import failures
from srcnn.upscaling import gathering
from srcnn.upscaling.work import Upscaled, Work
from tests.helpers.machines import tf_config

TEST = ["--is_train", "False"]


def test_shards_of_a_test_make_one_table(photographs, tmp_path, capfd, fails):
    words = [*TEST, "--test_dir", str(photographs), "--sample_dir"]
    assert main.main([*words, str(tmp_path / "one")]) == 0
    table = capfd.readouterr().out.splitlines()[1:-1]
    parts = [*words, str(tmp_path / "parts")]
    assert main.main([*parts, "--shard", "1/2"]) == 0
    assert "image 1.png; run the shards" in fails(*parts, "--gather", but="parts")
    assert main.main([*parts, "--shard", "2/2"]) == 0
    pictures = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").glob("*.png")}
    capfd.readouterr()
    assert main.main([*parts, "--shard", "1/2"]) == 0
    assert "2 of 2 images already tested" in capfd.readouterr().out
    assert pictures == {path: path.stat().st_mtime_ns for path in pictures}
    assert main.main([*parts, "--gather"]) == 0
    assert capfd.readouterr().out.splitlines()[1:-1] == table
    one, gathered = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("one", "parts"))
    assert gathered == one
    names = {path.name for path in (tmp_path / "one").iterdir()}
    lists = {".srcnn-written-1-of-2", ".srcnn-written-2-of-2"}
    assert {path.name for path in (tmp_path / "parts").iterdir()} == names | lists
    for name in names - {"report.html", "results.json", ".srcnn-written"}:
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_shards_have_the_metrics_that_are_asked_for(photographs, tmp_path, capfd, fails):
    words = [*TEST, "--test_dir", str(photographs), "--sample_dir", str(tmp_path / "s")]
    assert main.main([*words, "--shard", "1/1"]) == 0
    more = [*words, "--metrics", "all", "ms_ssim_wang"]
    assert "image 0.png; run the shards" in fails(*more, "--gather", but="s")
    assert main.main([*more, "--shard", "1/1"]) == 0
    assert "already tested" not in capfd.readouterr().out
    found = {}
    for asked in (words, more):
        assert main.main([*asked, "--gather"]) == 0
        table = capfd.readouterr().out
        assert ("NQM" in table.split()) == (asked is more) and max(map(len, table.splitlines()[1:-1])) <= 100
        assert ("NQM (dB)\nSRCNN" in (tmp_path / "s/report.html").read_text()) == (asked is more)
        found[len(asked)] = json.loads((tmp_path / "s/results.json").read_text())
    few, many = found.values()
    for name, entry in many["images"].items():
        assert entry.items() >= few["images"][name].items()
        assert entry["srcnn_nqm"] > 0 and entry["srcnn_wpsnr"] > entry["bicubic_wpsnr"] > 0
        assert entry["srcnn_ms_ssim_wang"] is entry["srcnn_msssim"] is None  # 60x72 pixels are too few
    kinds = {name.partition("_")[2] for name in entry} - {"srcnn_psnr", "bicubic_psnr"}
    assert kinds >= {"psnr", "ssim", "ifc", "nqm", "wpsnr", "msssim", "ms_ssim_wang"}
    assert "bicubic_nqm" not in few["average"]


def test_a_picture_replaced_while_it_is_tested_is_not_noted(photographs, tmp_path, monkeypatch, fails):
    words = [*TEST, "--test_dir", str(photographs), "--sample_dir", str(tmp_path / "s"), "--shard", "1/1"]
    read = image_io.read

    def slowly(path, *most):
        picture = read(path, *most)
        if path.name == "image 1.png":
            image_io.save(picture.pixels[::-1], path)
        return picture

    with monkeypatch.context() as context:
        context.setattr(image_io, "read", slowly)
        assert main.main(words) == 2
    assert not (tmp_path / "s/image 1.png").exists()
    assert main.main(words) == 0


def test_a_file_that_came_during_a_shard_stays(photographs, tmp_path, monkeypatch, capfd):
    arrived, encoded = tmp_path / "s/image 0.png", png.encoded

    def slowly(pixels):
        arrived.write_bytes(b"mine")
        return encoded(pixels)

    monkeypatch.setattr(png, "encoded", slowly)
    words = [*TEST, "--test_dir", str(photographs), "--sample_dir", str(tmp_path / "s"), "--shard", "1/1"]
    assert main.main(words) == 2
    assert "was not written by this program" in capfd.readouterr().err
    assert arrived.read_bytes() == b"mine"


def test_machines_of_a_cluster_upscale_a_part_each(photographs, tmp_path, monkeypatch, capfd, fails):
    words = [*TEST, "--input", str(photographs), "--scale", "2", "--sample_dir"]
    assert main.main([*words, str(tmp_path / "one")]) == 0
    parts = [*words, str(tmp_path / "parts")]
    for index, written in ((0, 2), (1, 1), (1, 0)):
        monkeypatch.setenv("TF_CONFIG", tf_config({"worker": ["a:1", "b:1"]}, "worker", index))
        assert main.parse(parts).shard == (index + 1, 2)
        capfd.readouterr()
        assert main.main(parts) == 0
        assert capfd.readouterr().out.count("pixels") == written
        if index == 0:
            assert "image 1.png; run the shards" in fails(*parts, "--gather", but="parts")
    assert main.main([*parts, "--gather"]) == 0
    one, gathered = (json.loads((tmp_path / name / "upscaled.json").read_text()) for name in ("one", "parts"))
    for found in (one, gathered):
        found["images"] = [(entry["input"], entry["width"], entry["height"]) for entry in found["images"]]
    assert gathered == one
    assert (tmp_path / "parts/upscaled.html").stat().st_size > 1000
    for path in (tmp_path / "one").glob("*.png"):
        assert (tmp_path / "parts" / path.name).read_bytes() == path.read_bytes()


def test_files_that_cannot_be_used_are_left_out_of_what_is_gathered(photographs, tmp_path, capfd, fails):
    """As without shards. One that is mended since is not done yet."""
    broken = photographs / "image 1.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:300])
    Image.new("L", (500, 20)).save(photographs / "wide.png")
    words = [*TEST, "--input", str(photographs), "--width", "146", "--sample_dir", str(tmp_path / "s")]
    assert main.main([*words, "--shard", "1/2"]) == 0
    assert "1 of 4 images" in fails(*words, "--gather", but="s")
    assert main.main([*words, "--shard", "2/2"]) == 2
    capfd.readouterr()
    assert main.main([*words, "--gather"]) == 2
    errors = capfd.readouterr().err.splitlines()
    assert len(errors) == 2 and "image 1.png: " in errors[0] and "wide.png: already has 500x20" in errors[1]
    entries = json.loads((tmp_path / "s/upscaled.json").read_text())["images"]
    assert [Path(entry["input"]).name for entry in entries] == ["image 0.png", "image 2.png"]
    broken.write_bytes(whole)
    (tmp_path / "s/upscaled.html").unlink()
    (tmp_path / "s/upscaled.json").unlink()
    assert "image 1.png; run the shards" in fails(*words, "--gather", but="s")


@pytest.mark.parametrize(
    ("named", "cause"),
    [
        ("image 0.png", None),
        ("image 0.png", OSError("image file is truncated")),
        ("image 0.png", OSError(errno.EIO, "Input/output error")),
        ("image 0.png", MemoryError()),
        ("s/image 0_x2.png", None),  # exists already
        ("s/image 0_x2.png", OSError(errno.ENOSPC, "No space left on device")),
    ],
)
def test_only_what_a_file_is_itself_is_a_reason_to_leave_it_out(photographs, named, cause):
    error = InputError(f"{photographs / named}: a reason")
    item = Upscaled(photographs / "image 0.png", photographs / "s/image 0_x2.png", error=error)
    item.error.__cause__ = cause
    assert list(gathering.noting([item], [Work(item.source, item.target)])) == [item]
    is_noted = named == "image 0.png" and (cause is None or "truncated" in str(cause))
    known = gathering.why_not(Work(item.source, item.target), failures(item.target.parent))
    assert known == (str(error) if is_noted else None)


def test_a_target_in_the_way_is_not_gathered(photographs, tmp_path, fails):
    words = [*TEST, "--input", str(photographs), "--sample_dir", str(tmp_path / "s")]
    assert main.main([*words, "--shard", "1/1", "--filters", "9-5-5"]) == 0
    assert main.main([*words, "--shard", "1/1"]) == 2
    assert "3 of 3 images are not done yet" in fails(*words, "--gather", but="s")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("--is_train False --shard 0/4", "1/16 to 16/16"),
        ("--is_train False --shard 5/4", "1/16 to 16/16"),
        ("--is_train False --shard 3", "1/16 to 16/16"),
        ("--shard 1/4", "--is_train False"),
        ("--is_train False --shard 1/4 --gather", "leave out"),
        ("--is_train False --shard 1/4 --export x.mat", "is for tests and upscaling"),
        ("--is_train False --shard 1/1 --input {0} --output s/a.png", "a single result cannot be divided"),
    ],
)
def test_shards_that_make_no_sense_are_said(photographs, fails, words, what):
    photograph = photographs / "image 0.png"
    assert what in fails(*(word.format(photograph) for word in words.split()))


def test_more_shards_than_files(photographs, tmp_path):
    words = [*TEST, "--input", str(photographs), "--sample_dir", str(tmp_path / "s"), "--shard", "9/9"]
    assert main.main(words) == 0
    assert not (tmp_path / "s").exists()
