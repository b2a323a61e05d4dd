"""What --input and --output may name, and how large results are to be."""

import json
import os
import sys
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main
from model import SRCNN
from srcnn import tf1
from srcnn.images import image_io
from srcnn.images.exif import ORIENTATION
from srcnn.networks import trained
from srcnn.pixels import colour, resize, tiles
from srcnn.upscaling import inputs, photographs
from tests.conftest import ROOT, network_of, on_posix

WORDS = ["--is_train", "False", "--checkpoint_dir", str(ROOT / "checkpoint")]


def run(*words):
    return main.main([*WORDS, *map(str, words)])


def write(*names, shape=(12, 16, 3)):
    for name in names:
        path = np.random.default_rng(len(name)).integers(0, 256, shape, np.uint8)
        image_io.save(path, name)


def results(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*.png"))


def test_files_folders_and_patterns_at_once(folder, capsys):
    """A file is taken once, also one whose name looks like a pattern; what is matched by the program, too."""
    write("a.png", "b [1].png", "shots/c.png", "shots/d.png", "more/e.jpg", "more/.f.png")
    words = (
        "--input",
        "a.png",
        "./a.png",
        "b [1].png",
        "shots",
        "mo*/*.jp[g]",
        "--output",
        "out",
        "--scale",
        2,
    )
    assert run(*words) == 0
    expected = ["a_x2.png", "b [1]_x2.png", "c_x2.png", "d_x2.png", "e_x2.png"]
    assert results(folder / "out") == expected
    assert run(*words) == 0
    assert "5 of 5 already upscaled" in capsys.readouterr().out


def test_a_self_ensemble_is_another_result(folder, capsys):
    """Of a turned image it is the turned one; a test has it, too."""
    write("a.png")
    image_io.save(np.rot90(image_io.read("a.png").pixels), "b.png")
    words = "--input", "a.png", "b.png", "--scale", 2
    assert run(*words) == 0
    plain = image_io.read("sample/a_x2.png").pixels
    assert run(*words, "--self_ensemble") == 2  # a result of one pass stays
    for _ in range(2):
        assert run(*words, "--self_ensemble", "--sample_dir", "mean") == 0
    assert capsys.readouterr().out.count("2 of 2 already upscaled") == 1
    mean, turned = (image_io.read(f"mean/{name}_x2.png").pixels.astype(int) for name in "ab")
    assert np.abs(mean - plain).max() > 0 and np.abs(mean - np.rot90(turned, -1)).max() <= 1
    assert json.loads(Path("mean/upscaled.json").read_text(encoding="utf-8"))["self_ensemble"]
    assert "8 flips and rotations" in Path("mean/upscaled.html").read_text(encoding="utf-8")
    (folder / "test").mkdir()
    write("test/c.png", shape=(40, 40, 3))
    scores = []
    for more in ([], ["--self_ensemble"]):
        assert run("--test_dir", "test", "--sample_dir", "tested", *more) == 0
        found = json.loads(Path("tested/results.json").read_text(encoding="utf-8"))
        assert found["self_ensemble"] == bool(more)
        scores.append(found["average"])
    assert scores[0]["srcnn_psnr"] != scores[1]["srcnn_psnr"]
    assert scores[0]["bicubic_psnr"] == scores[1]["bicubic_psnr"]


def test_a_pattern_takes_no_results(folder):
    """Whether the shell or the program expands it."""
    write("a.png", "b.png")
    for words in (["*.png"], ["*.png"], ["a.png", "a_x2.png", "b.png", "b_x2.png"]):
        assert run("--input", *words, "--output", ".", "--scale", 2) == 0
        assert results(folder) == ["a.png", "a_x2.png", "b.png", "b_x2.png"]


def test_sub_folders_keep_their_structure(folder, capsys):
    write("in/a.png", "in/deep/a.png", "in/deep/er/b.png", "in/.hidden/c.png")
    os.symlink(folder / "in", folder / "in/deep/loop")
    for _ in range(2):  # the results lie below what is taken, and are not taken again
        assert run("--input", "in", "--recursive", "--output", "in/out", "--scale", 2) == 0
        assert results(folder / "in/out") == ["a_x2.png", "deep/a_x2.png", "deep/er/b_x2.png"]
    assert "1 hidden, 1 links to folders" in capsys.readouterr().out


BAD = {
    "--input a.png other/a.png": "a.png and other/a.png: would have the same result",
    "--input *.tif": "*.tif: matches no file",
    "--input a.png gone.png": "gone.png: no such file",
    "--input a.png b.png --output out.png": "name a folder",
    "--input a.png --width 16": "a.png: already has 16x12 pixels, so width 16 does not",
    "--input a.png --width 2000000000": "pixels; crop it first",
    "--input a.png --scale 2 --width 90": "leave one out",
    "--input a.png --scale 0.5": "--scale",
    "--input a.png --scale 1e9": "--scale",
    "--input a.png --scale 5 --filters 9-7-5": "9-7-5",
    "--input - a.png": "cannot be combined",
    "--input other --output -": "name a folder",
    "--input a.png --output .png": "is an extension without a name",
    "--input a.png --output v1.2": "end the name of a folder with /",
    "--input a.png --crf 5": "--crf is for films",
    "--input a.png --lossless": "--lossless is for films",
    "--is_train True --overwrite": "--overwrite is for --input and --export",
    "--width 3": "add --input",
    "--self_ensemble --export a.mat": "--self_ensemble is for tests and upscaling",
    "--scale 2.5": "whole",
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(folder, fails, words):
    write("a.png", "b.png", "other/a.png")
    assert BAD[words] in fails(*WORDS, *words.split())


def test_names_with_line_breaks_are_one_line(folder, capsys):
    write("in/a\nb.png")
    (folder / "in/c\n\033[2Jd.png").write_text("no image")
    assert run("--input", "in", "--scale", 2) == 2
    out, err = capsys.readouterr()
    assert err.startswith(r"main.py: error: in/c\n\x1b[2Jd.png: ") and err.count("\n") == 1
    assert "sample/a\\nb_x2.png: 32x24 pixels" in out


@pytest.mark.parametrize(
    ("ratio", "factors"),
    [(Fraction(5, 2), [3]), (Fraction(37, 10), [2, 2]), (5, [2, 3]), (7, [2, 2, 2]), (10, [2, 2, 3])],
)
def test_networks_reach_the_next_larger_product(ratio, factors):
    assert trained.factors_for(ratio) == factors


def test_any_factor_is_that_of_the_network_made_smaller(folder, capsys):
    pixels = np.random.default_rng(0).integers(100, 156, (12, 16, 3), np.uint8)  # far from what is clipped
    image_io.save(pixels, "a.png")
    assert run("--input", "a.png", "--scale", 2.5) == 0 and run("--input", "a.png", "--scale", 3) == 0
    assert "weights for x3" in capsys.readouterr().out
    large, small = (image_io.read(f"sample/a_x{n}.png").pixels for n in (3, 2.5))
    assert small.shape == (30, 40, 3)
    expected = colour.to_pixels(resize.resized(colour.to_float(large), (30, 40), (0, 0, 30, 40)))
    assert np.abs(small.astype(int) - expected).max() <= 2  # that of whole numbers


def test_what_is_made_smaller_is_never_there_as_a_whole(monkeypatch):
    """Of two networks the second; made in tiles as in one, within what arrays of the result take."""
    pixels = np.random.default_rng(0).integers(100, 156, (300, 400, 3), np.uint8)
    networks = [network_of("3-1-3", scale=scale) for scale in (2, 3)]
    with tf1.session() as sess:
        srcnns = [SRCNN(sess, network, "identity") for network in networks]
        sess.run(tf1.tf.global_variables_initializer())
        large = photographs.upscale(pixels, srcnns)
        expected = resize.resized(colour.to_float(large), (1500, 2000), (700, 0, 800, 2000))
        monkeypatch.setattr(tiles, "TILE", 256)
        tracemalloc.start()
        small = photographs.upscale(pixels, srcnns, size=(1500, 2000))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert np.abs(small[700:800].astype(int) - colour.to_pixels(expected)).max() <= 2
    assert most < 0.7 * large.size * 4  # float32


def test_widths_and_heights(folder, capsys):
    """Each file by the networks that it needs; the one that is large already is named."""
    write("wide.png"), write("high.png", shape=(30, 10, 1)), write("large.png", shape=(60, 90, 3))
    names = ["high.png", "large.png", "wide.png"]
    assert run("--input", *names, "--width", 40) == 2
    assert "large.png: already has 90x60 pixels" in capsys.readouterr().err
    assert run("--input", "wide.png", "high.png", "--height", 50, "--width", 60) == 0
    shapes = {
        name: image_io.read(folder / "sample" / name).pixels.shape for name in results(folder / "sample")
    }
    assert shapes == {
        "high_40x120.png": (120, 40, 1),
        "wide_40x30.png": (30, 40, 3),
        "high_17x50.png": (50, 17, 1),
        "wide_60x45.png": (45, 60, 3),
    }
    assert json.loads((folder / "sample/upscaled.json").read_text())["width"] == 60
    capsys.readouterr()
    assert run("--input", "wide.png", "--width", 60) == 0
    assert "1 of 1 already upscaled" in capsys.readouterr().out


def test_what_is_in_between_may_not_be_too_large(folder, monkeypatch, capsys):
    monkeypatch.setattr(photographs, "LARGEST", 12 * 16 * 8)
    write("a.png")
    assert run("--input", "a.png", "--scale", 2.5) == 2
    assert "1,536 pixels" in capsys.readouterr().err


def test_results_that_are_too_large_to_be_read_are_in_the_list(folder, monkeypatch):
    """Results may have four times as many pixels as what is read."""
    write("big.png", shape=(40, 30, 3))
    assert run("--input", "big.png", "--scale", 2) == 0
    write("p.png")
    monkeypatch.setattr(image_io, "LARGEST", 2 * 40 * 30)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40 * 30)
    assert run("--input", "big.png", "p.png", "--scale", 2) == 0
    listed = json.loads((folder / "sample/upscaled.json").read_text())["images"]
    assert [(image["width"], image["height"]) for image in listed] == [(60, 80), (32, 24)]


def test_the_shipped_weights_alone_lead_to_a_scale(folder):
    """One's own for the whole way are passed over when the shipped ones are asked for."""
    write("a.png")
    network = network_of("9-1-5", scale=5)
    with tf1.session() as sess:
        SRCNN(sess, network)
        sess.run(tf1.tf.global_variables_initializer())
        Path("own", network.name).mkdir(parents=True)
        tf1.tf.train.Saver().save(sess, f"own/{network.name}/SRCNN.model", 1)
    words = "--checkpoint_dir", "own", "--weights", "shipped", "--input", "a.png", "--scale", 5
    assert run(*words) == 0
    assert results(folder) == ["a.png", "sample/a_x5.png"]


def test_a_size_is_known_without_decoding(folder):
    for name in ("a.png", "a.jpg", "a.tif", "a.webp", "a.avif", "a.heic"):
        for orientation in (1, 6):
            exif = Image.Exif()
            exif[ORIENTATION] = orientation
            image = Image.new("RGB", (30, 20))
            if name == "a.heic":
                pytest.importorskip("pillow_heif").from_pillow(image).save(name, exif=exif.tobytes())
            else:
                image.save(name, exif=exif)
            assert image_io.size(name) == image_io.read(name).pixels.shape[:2]


def test_a_closed_input_is_an_empty_one(fails, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input is empty" in fails("--is_train", "False", "--input", "-")


def test_only_texts_with_the_ending_of_transport_streams_are_left_out(folder, capsys):
    (folder / "mixed").mkdir()
    write("mixed/a.png")
    (folder / "mixed/program.ts").write_text("export const a = 1\n")
    (folder / "mixed/cut.ts").write_bytes(bytes(77) + b"G" + bytes(187))  # in the middle of a packet
    (folder / "mixed/empty.ts").touch()
    assert run("--input", "mixed", "--scale", 2) == 2
    out, err = capsys.readouterr()
    assert "1 .ts of TypeScript" in out
    assert "cut.ts" in err and "empty.ts" in err and "program.ts" not in err


@on_posix
def test_a_named_pipe_is_not_said_to_be_missing(folder, fails):
    os.mkfifo(folder / "pipe")
    assert "neither a file nor a folder" in fails("--is_train", "False", "--input", str(folder / "pipe"))


def test_a_ledger_is_read_once_for_all_that_a_pattern_matches(folder, monkeypatch):
    """As often as there are folders: with as many reads as files, ten thousand would take hours."""
    write(*(f"shots/{number}.png" for number in range(9)), "more/a.png")
    read = []
    monkeypatch.setattr(inputs, "written", lambda folder: read.append(folder) or {"3.png": {}})
    found = inputs.sources(["*/*.png"], recursive=False)
    assert [path.name for path, _ in found] == ["a.png", *(f"{n}.png" for n in range(9) if n != 3)]
    assert sorted(read) == [Path("more"), Path("shots")]
