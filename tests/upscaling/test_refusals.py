"""What an upscaling refuses: in one line, before anything is written."""

import numpy as np
import pytest

import main
from srcnn.images import image_io
from srcnn.upscaling import photographs


def run(*words):
    return main.main(["--is_train", "False", *map(str, words)])


def test_nothing_is_overwritten_unless_asked(write, folder, capsys):
    write("photo.png", (12, 15, 3))
    (folder / "out.png").write_text("precious")
    assert run("--input", "photo.png", "--output", "out.png") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (folder / "out.png").read_text() == "precious"
    assert run("--input", "photo.png", "--output", "out.png", "--overwrite") == 0
    assert image_io.read(folder / "out.png").pixels.shape == (36, 45, 3)


BAD = {
    "--input nowhere.png": "nowhere.png",
    "--input nowhere": "nowhere",
    "--input void": "void",
    "--input empty.png": "empty.png",
    "--input photo.png --output out.xyz": ".xyz",
    "--input photo.png --output out.txt": ".txt",
    "--input alpha.png --output out.jpg": "transparency",
    "--input deep.png --output out.jpg": "16 bits",
    "--input photo.png --output photo.png": "would replace photo.png",
    "--input photo.png --output alpha.png": "--overwrite",
    "--input photo.png --output file/out.png": "file",
    "--input photo.png --sample_dir file": "--sample_dir",
    "--input void --output new": "no images",
    "--input void --output file": "folder",
    "--input photos --output file": "folder",
    "--input photo.png --c_dim 3": "--c_dim",
    "--input photo.png --degradation zoom": "--degradation",
    "--output out.png": "--input",
    "--export photo.png": ".onnx",
    "--export file": "exists",
    "--export x.mat --filters 9-7-5": "9-7-5",
    "--input long.png --output out.webp": "more than WEBP can hold",
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(write, folder, fails, words):
    write("photo.png", (12, 15, 3))
    write("photos/photo.png", (12, 15, 3))
    write("alpha.png", (12, 15, 4))
    write("deep.png", (12, 15, 3), np.uint16)
    write("long.png", (5465, 1, 3))
    for path in ("empty.png", "file"):
        (folder / path).touch()
    (folder / "void").mkdir()
    assert BAD[words] in fails("--is_train", "False", *words.split())


def test_flags_for_testing_do_not_go_with_training(fails):
    for words in ("--input x.png", "--export x.mat", "--output x.png"):
        assert words.split()[0] in fails("--is_train", "True", *words.split())


def test_a_result_too_large_is_refused_before_the_work(write, monkeypatch, capsys):
    monkeypatch.setattr(photographs, "LARGEST", 1000)
    write("photo.png", (12, 15, 3))
    assert run("--input", "photo.png") == 2
    assert "1,000 pixels" in capsys.readouterr().err
