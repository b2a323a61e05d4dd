"""The shipped weights against the paper, on Set5 and Set14 by the paper's protocol."""

import json
import re
import shutil

import numpy as np
import pytest

import main
import utils
from main import trained
from srcnn import tf1
from srcnn.networks.trained import SHIPPED
from srcnn.pixels.metrics import psnr
from srcnn.pixels.tiles import super_resolve
from srcnn.testing.paper import paper_numbers
from tests.conftest import ROOT, network_of

LEAST = {  # average PSNR in dB on Set5 and Set14
    ("9-1-5", 2, "matlab"): (36.75, 32.41),
    ("9-1-5", 3, "matlab"): (32.71, 29.20),
    ("9-1-5", 4, "matlab"): (30.39, 27.41),
    ("9-3-5", 2, "matlab"): (36.83, 32.50),
    ("9-3-5", 3, "matlab"): (32.82, 29.29),
    ("9-3-5", 4, "matlab"): (30.48, 27.47),
    ("9-5-5", 2, "matlab"): (36.93, 32.55),
    ("9-5-5", 3, "matlab"): (32.94, 29.33),
    ("9-5-5", 4, "matlab"): (30.56, 27.52),
    ("9-5-5-5", 2, "matlab"): (37.05, 32.61),
    ("9-5-5-5", 3, "matlab"): (33.01, 29.39),
    ("9-5-5-5", 4, "matlab"): (30.68, 27.59),
    ("9-1-5", 3, "zoom"): (31.90, 28.25),
}


def found(folder, network):
    """PSNR in dB by image, of bicubic and SRCNN, and the path of the weights."""
    with tf1.session() as session:
        srcnn = trained(session, network, checkpoint_dir="nowhere")
        psnrs = {}
        for image in utils.prepare_data(folder):
            input_, label = utils.preprocess(image, network.scale, network.degradation)
            outputs = input_, super_resolve(srcnn, input_)
            psnrs[image.stem] = [psnr(label, output, network.scale) for output in outputs]
    return psnrs, str(srcnn.source)


def printed(network, test_set):
    """The PSNR that README.md has of a network; its columns are those of Set5, then of Set14."""
    (row,) = re.findall(rf"^\| {network} \|(.*)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    return float(row.split("|")[{"Set5": 1, "Set14": 4}[test_set]])


@pytest.mark.parametrize(("filters", "scale", "degradation"), LEAST)
def test_shipped_weights_beat_the_paper(data, filters, scale, degradation):
    network = network_of(filters, scale=scale, degradation=degradation)
    for name, least in zip(("Set5", "Set14"), LEAST[filters, scale, degradation], strict=True):
        psnrs, path = found(data / "Test" / name, network)
        assert path.startswith(str(SHIPPED))
        paper, _ = paper_numbers(network, list(psnrs))
        has_none = degradation == "zoom" or len(network.kernels) > 3
        assert (paper["average"] == (None, None)) == has_none
        mean = np.mean([srcnn for _, srcnn in psnrs.values()])
        assert mean >= least
        if degradation == "matlab":
            assert mean == pytest.approx(printed(f"{filters} x{scale}", name), abs=0.006)
        for image, (bicubic, srcnn) in psnrs.items():
            assert srcnn > bicubic, image
            if paper[image][1] is not None:
                assert srcnn >= paper[image][1] - 0.01, image


def jpeg_scores(folder, network):
    """Mean PSNR in dB: bicubic (x1: the JPEG), the clean network (but at x1), the one for JPEG.

    Beside four layers the clean network is 9-5-5.
    """
    clean = network_of("9-5-5" if len(network.kernels) > 3 else network.filters, scale=network.scale)
    kind = network.scale, network.degradation, network.colour, network.quality
    pairs = [utils.preprocess(image, *kind) for image in utils.prepare_data(folder)]
    pairs = [(input_[..., :1], label) for input_, label in pairs]
    outputs = [[input_ for input_, _ in pairs]]
    for one in [network] if network.scale == 1 else [clean, network]:
        with tf1.session() as session:
            srcnn = trained(session, one, checkpoint_dir="nowhere")
            outputs.append([super_resolve(srcnn, input_) for input_, _ in pairs])
    labels = [label for _, label in pairs]
    return [
        np.mean([psnr(*both, network.scale) for both in zip(labels, images, strict=True)])
        for images in outputs
    ]


@pytest.mark.parametrize(
    ("filters", "scale", "quality", "least"),
    [("9-5-5", 2, 50, 1.0), ("9-5-5", 1, 40, 1.2), ("9-5-5-5", 2, 50, 1.06), ("9-5-5-5", 1, 40, 1.25)],
)
def test_jpeg_is_undone(data, filters, scale, quality, least):
    """On Set14, in dB above the clean network and, at x1, above the JPEG."""
    network = network_of(filters, scale=scale, degradation="jpeg", quality=quality)
    *_, others, ours = jpeg_scores(data / "Test/Set14", network)
    assert ours >= others + least


@pytest.mark.parametrize("quality", [30, 70, 90])
@pytest.mark.parametrize(
    ("filters", "scale"),
    [
        *[("9-1-5", 1), ("9-1-5", 2), ("9-1-5", 3)],
        *[("9-5-5", 1), ("9-5-5", 2), ("9-5-5", 3), ("9-5-5-5", 1), ("9-5-5-5", 2), ("9-5-5-5", 3)],
    ],
)
def test_no_jpeg_is_made_worse(data, filters, scale, quality):
    network = network_of(filters, scale=scale, degradation="jpeg", quality=quality)
    bicubic, *clean, ours = jpeg_scores(data / "Test/Set5", network)
    assert ours > bicubic
    assert all(ours > one - 0.02 for one in clean)


@pytest.mark.parametrize(("scale", "least"), [(2, 36.58), (3, 32.54), (4, 30.19)])
def test_the_quick_network_is_near_the_usual_one(data, scale, least):
    """At x3 above the 32.26 dB of the paper (journal version, table 1), trained on ImageNet."""
    psnrs, _ = found(data / "Test/Set5", network_of("9-1-5", channels=(32, 16), scale=scale))
    assert np.mean([srcnn for _, srcnn in psnrs.values()]) >= least


def test_the_command_gives_these_scores(data, tmp_path, capsys):
    """With the tiles of the second command, to 0.001 dB."""
    words = "--is_train", "False", "--stride", 17, "--test_dir", data / "Test/Set5"
    words += "--sample_dir", tmp_path / "s", "--checkpoint_dir", tmp_path / "c"
    assert main.main([str(word) for word in words]) == 0
    assert f"weights for x3: {SHIPPED}" in capsys.readouterr().out
    psnrs, _ = found(data / "Test/Set5", network_of())
    results = json.loads((tmp_path / "s/results.json").read_text())
    assert list(results["images"]) == list(psnrs)
    for image, expected in psnrs.items():
        scores = [results["images"][image][f"{kind}_psnr"] for kind in ("bicubic", "srcnn")]
        assert scores == pytest.approx(expected, abs=1e-3)
    average = np.mean([srcnn for _, srcnn in psnrs.values()])
    assert results["average"]["srcnn_psnr"] == pytest.approx(average, abs=1e-3)


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
