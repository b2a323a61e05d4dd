"""Networks of colour, training that starts from weights, and weights of channels in the loss."""

import json
import shutil

import numpy as np
import pytest

import main
import utils
from model import SRCNN
from srcnn.networks.network import Network
from srcnn.networks.weight_files import read_weights
from srcnn.pixels import resize
from srcnn.pixels.colour import as_label, to_pixels, ycbcr2rgb
from srcnn.pixels.metrics import colour_psnr, psnr
from srcnn.tf1 import tf

COLOURS = "rgb", "ycbcr"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words):
    return main.main([str(word) for word in words])


def average(folder="sample"):
    with open(f"{folder}/results.json", encoding="utf-8") as file:
        return json.load(file)["average"]


def test_bicubic_is_the_papers_in_every_channel(data):
    """Table 5 of the journal paper; its 45.44 of Cb is 45.45 when it is computed again."""
    assert run("--is_train", "False", "--test_dir", data / "Test/Set5") == 0
    found = average()
    expected = {"psnr": 30.39, "psnr_cb": 45.45, "psnr_cr": 45.42, "psnr_ycbcr": 34.57}
    for metric, value in expected.items():
        assert found[f"bicubic_{metric}"] == pytest.approx(value, abs=0.0051)
    for metric in ("psnr_cb", "psnr_cr"):  # the network of luminance leaves chroma as it is
        assert found[f"srcnn_{metric}"] == found[f"bicubic_{metric}"]
    assert found["srcnn_psnr_ycbcr"] > 36.37  # the paper's


def test_the_psnr_of_channels_is_that_of_a_plain_sum():
    rng = np.random.default_rng(0)
    label, output = rng.random((2, 40, 50, 3)).astype(np.float32)
    a, b = (np.floor(x.astype(np.float64) * 255 + 0.5)[3:-3, 3:-3] for x in (label, output))
    errors = np.mean((a - b) ** 2, axis=(0, 1))
    found = colour_psnr([label], [output], "ycbcr", 3)
    expected = 10 * np.log10(255**2 / np.array([errors[1], errors[2], errors.mean()]))
    np.testing.assert_allclose([*found.values()], expected, rtol=1e-9)
    planes = [[image[..., c : c + 1] for c in range(3)] for image in (label, output)]
    assert colour_psnr(*planes, "y", 3) == found
    eight = [[to_pixels(plane) for plane in image] for image in planes]
    assert colour_psnr(*eight, "y", 3) == found


def test_ycbcr_and_back(photographs):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    label = as_label(pixels, "ycbcr")
    y = 16 + pixels / 255 @ [65.481, 128.553, 24.966]
    np.testing.assert_allclose(label[..., 0] * 255, np.floor(y + 0.5), atol=1e-4)
    back = ycbcr2rgb(*np.split(label, 3, axis=2))
    assert np.abs(back.astype(int) - pixels).max() <= 2  # rounding of the three


@pytest.mark.parametrize("colour", COLOURS)
def test_a_network_of_colour_trains_and_tests(photographs, here, colour, capsys):
    words = "--c_dim", 3, "--colour", colour, "--batch_size", 8
    assert run("--train_dir", photographs, "--epoch", 6, *words) == 0
    assert (here / f"checkpoint/srcnn_9-1-5_x3_matlab_{colour}").is_dir()
    utils.imsave(np.random.default_rng(0).random((40, 40)), photographs / "grey.png")
    assert run("--is_train", "False", "--test_dir", photographs, *words) == 0
    found, entries = average(), json.loads((here / "sample/results.json").read_text())["images"]
    coloured = [entry for name, entry in entries.items() if name != "grey"]
    for kind in ("bicubic", "srcnn"):
        assert entries["grey"][f"{kind}_psnr_ycbcr"] is None
        for more in ("_cb", "_cr", "_ycbcr"):
            scores = [entry[f"{kind}_psnr{more}"] for entry in coloured]
            assert found[f"{kind}_psnr{more}"] == pytest.approx(np.mean(scores))
    pair = utils.preprocess(photographs / "grey.png")  # as the network of luminance takes it
    assert entries["grey"]["bicubic_psnr"] == pytest.approx(psnr(*pair[::-1], 3), abs=0.05)
    assert "YCbCr" in capsys.readouterr().out
    restored = utils.imread(here / "sample/image 0.png", is_grayscale=False)
    original = resize.modcrop(utils.imread(photographs / "image 0.png", is_grayscale=False))
    assert np.abs(restored - original).mean() < 0.1  # the picture, in its colours
    other = COLOURS[colour == "rgb"]
    checkpoint = here / f"checkpoint/srcnn_9-1-5_x3_matlab_{colour}"
    shutil.copytree(checkpoint, here / "other")
    test = "--is_train", "False", "--test_dir", photographs, "--weights", here / "other"
    assert run(*test, "--c_dim", 3, "--colour", other) == 2


def test_a_network_with_fewer_channels_than_colours_is_tested_and_tuned(photographs, here):
    words = "--c_dim", 3, "--channels", "2-2"
    train = "--train_dir", photographs, "--preconditioner", "none", "--epoch", 1, *words
    assert run(*train) == 0
    assert run("--is_train", "False", "--test_dir", photographs, *words) == 0
    own = "checkpoint/srcnn_9-1-5_2-2_x3_matlab_rgb"
    assert run(*train, "--weights", own, "--checkpoint_dir", "tuned") == 0


@pytest.mark.parametrize("preconditioner", ["kfac", "none"])
def test_a_channel_without_weight_does_not_train(preconditioner):
    """Nothing of its error reaches the weights, but the other channels' does."""
    network = Network((3, 1), (6,), colour="ycbcr")
    rng = np.random.default_rng(0)
    images = rng.random((4, 9, 9, 3)).astype(np.float32)
    labels = images[:, 1:-1, 1:-1] + rng.normal(0, 0.1, (4, 7, 7, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as sess:
        srcnn = SRCNN(sess, network, "identity", 0, 7, loss_weights=[2.0, 0.0, 0.0])
        srcnn.build_descent(preconditioner)
        sess.run(tf.global_variables_initializer())
        before = sess.run(srcnn.variables)
        feed = {srcnn.images: images, srcnn.labels: labels}
        loss, pred = sess.run([srcnn.loss, srcnn.pred], feed)
        assert loss == pytest.approx(np.mean((pred - labels)[..., 0] ** 2), rel=1e-4)  # Y's alone, times 3/3
        if srcnn.refresh is not None:
            sess.run(srcnn.refresh, feed)
        sess.run(srcnn.train_op, feed | {srcnn.learning_rate: 1.0})
        after = sess.run(srcnn.variables)
    assert np.abs(after["b2"] - before["b2"])[0] > 1e-6
    np.testing.assert_array_equal(after["b2"][1:], before["b2"][1:])
    np.testing.assert_array_equal(after["w2"][..., 1:], before["w2"][..., 1:])


def test_training_starts_from_weights_and_says_so(photographs, here, capsys):
    words = "--train_dir", photographs, "--batch_size", 8
    assert run(*words, "--epoch", 1, "--weights", "shipped", "--learning_rate", 1e-9) == 0
    assert "starting from" in capsys.readouterr().out
    assert run(*words, "--epoch", 2, "--weights", "shipped", "--learning_rate", 1e-9) == 0
    out = capsys.readouterr().out
    assert "continuing from" in out and "starting from" not in out
    own = "checkpoint/srcnn_9-1-5_x3_matlab"
    assert run(*words, "--epoch", 3, "--weights", own, "--learning_rate", 1e-9) == 2
    assert "--checkpoint_dir" in capsys.readouterr().err
    values, settings = read_weights("checkpoint/srcnn_9-1-5_x3_matlab")
    shipped, _ = read_weights(main.__file__.replace("main.py", "checkpoint/shipped/srcnn_9-1-5_x3_matlab"))
    for name in ("w1", "b1", "w2", "b2", "w3", "b3"):
        np.testing.assert_allclose(values[name], shipped[name], atol=1e-5)
    assert len(settings["weights"]) == 16
    assert run(*words, "--epoch", 3, "--learning_rate", 1e-9) == 2  # without them it is another training
    assert "weights" in capsys.readouterr().err
    assert main.parse(["--weights", "shipped"]).recipe.learning_rate < main.parse([]).recipe.learning_rate


BAD = {
    "--colour ycbcr": "--c_dim 3",
    "--loss_weights 1 0 0": "--c_dim 3",
    "--c_dim 3 --loss_weights 0 0 0": "--loss_weights",
    "--c_dim 3 --loss_weights 1 -1 0": "--loss_weights",
    "--c_dim 3 --colour lab": "--colour",
    "--weights shipped --init identity": "--init",
    "--weights shipped --filters 11-1-7": "11-1-7",
    "--weights nowhere.mat": "nowhere.mat",
}


@pytest.mark.parametrize("words", BAD)
def test_bad_flags_are_one_line(fails, photographs, words):
    assert BAD[words] in fails("--train_dir", photographs, *words.split())
