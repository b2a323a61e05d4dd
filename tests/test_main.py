"""The commands as they are typed, and what they say to bad input."""

import json

import numpy as np
import pytest
import scipy.io
from PIL import Image

import main
import utils
from srcnn import settings
from srcnn.testing import table
from tests.helpers.weight_files import random_weights, write_mat


def test_the_two_commands(tmp_path, photographs, command):
    """Word for word; `--is_train False` must not train."""
    for folder in ("Train", "Test/Set5"):
        (tmp_path / folder).parent.mkdir(exist_ok=True)
        (tmp_path / folder).symlink_to(photographs)
    trained = command("--is_train", "True", "--epoch", "1", "--batch_size", "4", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert trained.stderr == ""
    assert (tmp_path / "checkpoint/train.h5").is_file()
    (tmp_path / "checkpoint/train.h5").unlink()
    tested = command("--is_train", "False", "--stride", "21", cwd=tmp_path)
    assert tested.returncode == 0, tested.stderr
    assert tested.stderr == ""
    assert not list((tmp_path / "checkpoint").glob("*.h5"))
    assert "checkpoint/srcnn_9-1-5_x3_matlab/SRCNN.model-" in tested.stdout
    results = json.loads((tmp_path / "sample/results.json").read_text())
    assert list(results["images"]) == ["image 0", "image 1", "image 2"]
    for name in results["images"]:
        assert Image.open(tmp_path / f"sample/{name}.png").size == (72, 60)
    assert Image.open(tmp_path / "sample/test_image.png").size == (72, 60)


def test_help_is_complete(tmp_path, command):
    shown = command("--help", cwd=tmp_path)
    assert shown.returncode == 0
    names = (
        "epoch batch_size image_size label_size learning_rate c_dim scale stride checkpoint_dir sample_dir"
    )
    names += " is_train train_dir test_dir degradation filters weights seed"
    for name in names.split():
        assert f"--{name} " in shown.stdout


def test_help_is_quick(tmp_path, command, monkeypatch):
    """What takes seconds is not imported for the flags; a time would be one machine's."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    lines = command("--help", cwd=tmp_path).stderr.splitlines()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert {"argparse", "srcnn"} <= imported  # the list is there
    slow = {"tensorflow", "keras", "matplotlib", "skimage", "cv2", "imageio", "jinja2", "onnx"}
    assert not imported & slow


@pytest.mark.parametrize("word", ["True", "true", "1", "False", "false", "0"])
def test_booleans(word):
    kind = settings.Training if word in ("True", "true", "1") else settings.Testing
    assert isinstance(main.parse(["--is_train", word]), kind)


@pytest.mark.parametrize("filters", ["9-5", "9-1-5", "9-5-5", "9-3-1-5"])
@pytest.mark.parametrize("stride", [1, 17, 21, 22, 600])
def test_tiles_grow_with_the_stride(filters, stride):
    """Without --image_size no stride leaves gaps, and what a tile yields is a whole number of strides."""
    tiling = main.parse(["--is_train", "False", "--filters", filters, "--stride", str(stride)]).tiling
    assert tiling.label_size == tiling.stride >= stride and tiling.label_size % stride == 0


@pytest.mark.parametrize("words", ["--filters 9-5-5 --stride 21", "--stride 22", "--image_size 50"])
def test_known_strides_work_with_every_network(tmp_path, photographs, words):
    """And give what a whole image in one tile does."""
    found = [
        results(tmp_path, "--test_dir", photographs, *some) for some in (words.split(), words.split()[:2])
    ]
    for name, scores in found[0]["images"].items():
        assert scores["srcnn_psnr"] == pytest.approx(found[1]["images"][name]["srcnn_psnr"], abs=1e-3)


def results(tmp_path, *flags):
    flags = [
        "--is_train",
        "False",
        *flags,
        "--sample_dir",
        tmp_path / "s",
        "--checkpoint_dir",
        tmp_path / "c",
    ]
    assert main.main([str(flag) for flag in flags]) == 0
    return json.loads((tmp_path / "s/results.json").read_text())


def test_weights_from_a_mat_file_give_scores_beside_the_papers(data, tmp_path, capsys):
    weights = tmp_path / "x3.mat"
    write_mat(weights, random_weights("9-1-5"))
    found = results(tmp_path, "--weights", weights, "--test_dir", data / "Test/Set5", "--stride", 21)
    assert {key: found[key] for key in ("scale", "degradation", "filters", "weights")} == {
        "scale": 3,
        "degradation": "matlab",
        "filters": "9-1-5",
        "weights": str(weights),
    }
    baby = found["images"]["baby_GT"]
    assert list(baby) == [*table.METRICS, "paper_bicubic_psnr", "paper_srcnn_psnr"] == list(found["average"])
    assert (baby["paper_bicubic_psnr"], baby["paper_srcnn_psnr"]) == (33.91, 35.01)
    assert found["average"]["paper_srcnn_psnr"] == 32.39
    assert found["average"]["bicubic_psnr"] == pytest.approx(30.392, abs=5e-4)
    for metric in table.METRICS:
        values = [image[metric] for image in found["images"].values()]
        assert found["average"][metric] == pytest.approx(np.mean(values))
    printed = capsys.readouterr().out
    assert "32.39" in printed and "30.39" in printed and "butterfly_GT" in printed


def test_the_paper_is_quoted_only_where_it_can_be_compared(tmp_path, photographs):
    weights = tmp_path / "x3.mat"
    write_mat(weights, random_weights("9-5-5"))
    flags = "--weights", weights, "--test_dir", photographs, "--filters", "9-5-5", "--degradation", "zoom"
    found = results(tmp_path, *flags)
    for entry in (*found["images"].values(), found["average"]):
        assert entry["paper_bicubic_psnr"] is None and entry["paper_srcnn_psnr"] is None


def test_colour_pictures_are_colour_and_grey_ones_grey(tmp_path, photographs):
    weights = tmp_path / "x3.mat"
    write_mat(weights, random_weights("9-1-5"))
    utils.imsave(np.random.default_rng(0).random((40, 40)), photographs / "grey.png")
    found = results(tmp_path, "--weights", weights, "--test_dir", photographs)
    modes = [Image.open(tmp_path / f"s/{name}.png").mode for name in found["images"]]
    assert sorted(modes) == ["L", "RGB", "RGB", "RGB"]


BAD_FLAGS = {
    "--is_train maybe": "maybe",
    "--is_train": "is_train",
    "--unknown 1": "--unknown",
    "--strid 3": "--strid",
    "--scale 0": "--scale",
    "--scale 1": "--scale",
    "--scale 2.5": "--scale",
    "--is_train False --stride 0": "--stride",
    "--is_train False --image_size 33 --stride 22": "gaps",
    "--is_train False --image_size 33 --stride 21 --filters 9-5-5": "17",
    "--image_size 12": "at least 13",
    "--image_size 33 --label_size 33": "use 21",
    "--filters 9-5-5 --label_size 21": "use 17",
    "--filters 9-8-5": "even",
    "--filters 9": "2 to 5",
    "--filters 9-1-1-1-1-5": "2 to 5",
    "--filters 9-0-5": "--filters",
    "--channels 64-32-16": "give 2, one for each layer",
    "--channels 64-0": "--channels",
    "--channels 2-2 --c_dim 3": "identity needs 3",
    "--is_train False --image_size 16 --filters 9-5-5": "at least 17",
    "--learning_rate 0": "--learning_rate",
    "--learning_rate -1": "--learning_rate",
    "--learning_rate nan": "--learning_rate",
    "--learning_rate 1e-4 1e-5": "--learning_rate has 2 numbers, but --filters has 3",
    "--epoch 0": "--epoch",
    "--batch_size 0": "--batch_size",
    "--c_dim 2": "--c_dim",
    "--preconditioner adam": "--preconditioner",
    "--is_train True --train_dir nowhere": "nowhere",
    "--is_train False --test_dir nowhere": "nowhere",
    "--is_train True --init normal --weights x.mat": "--init cannot be combined with --weights",
    "--is_train True --input x.png": "--is_train False",
    "leftover": "leftover",
}


@pytest.mark.parametrize("words", BAD_FLAGS)
def test_bad_flags_are_one_line(fails, words):
    assert BAD_FLAGS[words] in fails(*words.split())


def test_flags_of_odd_letters_are_one_line(fails):
    """What is typed may have line breaks and what terminals obey."""
    for words in (["--scale", "3\n\x1b[31m"], ["\x1b]0;title\x07"], ["--filters=9-1-5\r\n"], ["--x\n", "1"]):
        error = fails("--is_train", "False", *words)
        assert not set(error[:-1]) & {"\n", "\r", "\x1b", "\x07"}


def test_bad_folders_and_images_are_one_line(fails, photographs, tmp_path):
    weights = tmp_path / "x3.mat"
    write_mat(weights, random_weights("9-1-5"))
    (tmp_path / "empty").mkdir()
    assert "empty" in fails("--train_dir", "empty")
    assert "empty" in fails("--is_train", "False", "--test_dir", "empty")
    tests = "--is_train", "False", "--weights", weights, "--test_dir", photographs
    (photographs / "zzz.bmp").write_text("text")
    assert "zzz.bmp" in fails(*tests, but="sample")
    assert "zzz.bmp" in fails("--train_dir", photographs)
    (photographs / "zzz.bmp").unlink()
    (photographs / "zzz.jpg").write_bytes(jpeg(tmp_path)[:1500])
    assert "zzz.jpg" in fails(*tests, but="sample")
    (photographs / "zzz.jpg").unlink()
    assert "--image_size" in fails("--train_dir", photographs, "--image_size", 99)
    utils.imsave(np.zeros((8, 40)), photographs / "small.png")
    for words in (tests, ("--train_dir", photographs)):
        assert "40x8 pixels is too small for --scale 3" in fails(*words, but="sample")
    assert "--scale 7" in fails(*tests, "--scale", 7)
    (tmp_path / "file").touch()
    assert "--sample_dir" in fails(*tests, "--sample_dir", "file")
    assert "--validation" in fails("--train_dir", photographs, "--validation", 4)


def jpeg(tmp_path):
    path = tmp_path / "whole.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    return path.read_bytes()


def test_bad_weights_are_one_line(fails, photographs, tmp_path):
    tests = "--is_train", "False", "--test_dir", photographs
    assert "no weights, in " in fails(*tests, "--scale", 5)
    assert "gone.mat" in fails(*tests, "--weights", "gone.mat")
    assert "gone" in fails(*tests, "--weights", "gone")
    assert "gone.mat" in fails("--train_dir", photographs, "--weights", "gone.mat")
    write_mat(tmp_path / "other.mat", random_weights("9-5-5"))
    said = fails(*tests, "--weights", "other.mat")
    assert "(5, 5, 64, 32)" in said and "(1, 1, 64, 32)" in said
    scipy.io.savemat(tmp_path / "odd.mat", {"weights_conv1": np.zeros((81, 64))})
    assert "weights_conv2" in fails(*tests, "--weights", "odd.mat")
    values = random_weights("9-1-5")
    values["w1"][0, 0, 0, 0] = np.nan
    write_mat(tmp_path / "nan.mat", values)
    assert "finite" in fails(*tests, "--weights", "nan.mat")
