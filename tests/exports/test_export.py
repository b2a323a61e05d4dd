"""Exported weights compute what the project does, where others run them."""

import json

import numpy as np
import pytest
import safetensors
import scipy.io
from scipy.ndimage import correlate

import main
from main import trained
from model import SRCNN
from srcnn import tf1
from srcnn.exports.export import write_weights
from srcnn.networks.network import Network
from srcnn.networks.trained import find_weights
from srcnn.networks.weight_files import read_weights
from srcnn.pixels.tiles import TILE, super_resolve
from srcnn.settings import Source
from srcnn.system.errors import InputError
from srcnn.tf1 import tf
from tests.conftest import network_of, on_posix

FILTERS = ["9-1-5", "9-5-5"]


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """Exports the shipped weights; returns the path, an image, and what the project makes of it."""
    monkeypatch.chdir(tmp_path)

    def export(name, filters):
        words = ["--is_train", "False", "--filters", filters]
        assert main.main([*words, "--export", name]) == 0
        image = np.random.default_rng(0).random((37, 45, 1)).astype(np.float32)
        with tf1.session() as session:
            srcnn = trained(session, network_of(filters))
            return tmp_path / name, image, super_resolve(srcnn, image)

    return export


@pytest.fixture
def untrained(tmp_path, monkeypatch):
    """Exports a network with drawn weights; returns the path, an image, and what it makes of it."""
    monkeypatch.chdir(tmp_path)

    def export(name, network, label_size=TILE):
        image = np.random.default_rng(0).random((37, 45, network.c_dim)).astype(np.float32)
        with tf1.session() as session:
            srcnn = SRCNN(session, network, "normal", label_size=label_size)
            session.run(tf.global_variables_initializer())
            srcnn.set({k: v * 100 for k, v in session.run(srcnn.variables).items()})  # init is of 0.001
            write_weights(srcnn, tmp_path / name, network.settings)
            return tmp_path / name, image, super_resolve(srcnn, image)

    return export


SHAPES = [
    Network((9, 5), (8,)),
    Network((5, 3, 1, 3), (8, 6, 4)),
    Network((5, 3, 1, 3, 3), (8, 6, 4, 4), "ycbcr"),
    Network((9, 1, 5), (8, 4), "rgb"),
]


@pytest.mark.parametrize("network", SHAPES, ids=lambda network: network.name)
def test_networks_of_any_shape(untrained, network):
    runtime = pytest.importorskip("onnxruntime")
    path, image, expected = untrained("any.onnx", network)
    assert np.ptp(expected) > 0.01
    (pred,) = runtime.InferenceSession(path).run(None, {"images": image.transpose(2, 0, 1)[np.newaxis]})
    np.testing.assert_allclose(pred[0].transpose(1, 2, 0), expected, atol=1e-5)
    path, image, expected = untrained("any", network)
    np.testing.assert_allclose(served(path, [image])[0], expected, atol=1e-5)


@pytest.mark.parametrize("filters", FILTERS)
def test_onnx_in_onnx_runtime(exported, filters):
    runtime = pytest.importorskip("onnxruntime")
    path, image, expected = exported("x3.onnx", filters)
    session = runtime.InferenceSession(path)
    for batch in (1, 2):
        (pred,) = session.run(None, {"images": np.stack([image.transpose(2, 0, 1)] * batch)})
        assert pred.shape == (batch, 1, 37, 45)
        np.testing.assert_allclose(pred[-1].transpose(1, 2, 0), expected, atol=1e-5)


@pytest.mark.parametrize("filters", FILTERS)
def test_saved_model_in_tensorflow(exported, filters):
    path, image, expected = exported("model", filters)
    np.testing.assert_allclose(served(path, [image, image])[1], expected, atol=1e-5)


def served(path, images):
    """What a SavedModel makes of images."""
    with tf.Graph().as_default(), tf.Session() as session:
        loaded = tf.saved_model.load(session, ["serve"], str(path))
        signature = loaded.signature_def["serving_default"]
        return session.run(signature.outputs["pred"].name, {signature.inputs["images"].name: images})


@pytest.mark.parametrize("block", [1, 2, 3])
def test_saved_model_of_networks_for_tiles_of_any_size(untrained, block):
    path, image, expected = untrained("any", SHAPES[0], label_size=7 * block)
    np.testing.assert_allclose(served(path, [image])[0], expected, atol=1e-5)


@pytest.mark.parametrize("filters", FILTERS)
def test_mat_is_the_authors_layout(exported, filters):
    """As their SRCNN.m reads it: columns of pixels, column-major, applied as correlations."""
    path, image, expected = exported("x3.mat", filters)
    mat = scipy.io.loadmat(path)
    f1, f2, f3 = map(int, filters.split("-"))
    assert mat["weights_conv1"].shape == (f1 * f1, 64) and mat["weights_conv3"].shape == (32, f3 * f3)
    assert mat["weights_conv2"].shape == (64, f2 * f2, 32) and mat["biases_conv2"].shape == (32, 1)
    margin = (f1 + f2 + f3 - 3) // 2
    x = np.pad(image[..., 0], margin, mode="edge")
    one = [
        np.maximum(correlate(x, mat["weights_conv1"][:, i].reshape(f1, f1, order="F")) + b, 0)
        for i, b in enumerate(mat["biases_conv1"][:, 0])
    ]
    two = []
    for o, b in enumerate(mat["biases_conv2"][:, 0]):
        kernels = mat["weights_conv2"][:, :, o]
        total = sum(correlate(one[i], kernels[i].reshape(f2, f2, order="F")) for i in range(64))
        two.append(np.maximum(total + b, 0))
    three = sum(correlate(two[i], mat["weights_conv3"][i].reshape(f3, f3, order="F")) for i in range(32))
    pred = (three + mat["biases_conv3"][0, 0])[margin:-margin, margin:-margin]
    np.testing.assert_allclose(pred, expected[..., 0], atol=1e-5)


def test_mat_comes_back(exported):
    path, _, _ = exported("x3.mat", "9-5-5")
    values, settings = read_weights(path)
    shipped, _ = read_weights(find_weights(network_of("9-5-5"), Source()))
    assert network_of("9-5-5").settings.items() <= settings.items()
    for name in network_of("9-5-5").shapes:
        np.testing.assert_array_equal(values[name], shipped[name])


def test_safetensors_come_back(exported):
    path, _, _ = exported("x3.safetensors", "9-5-5")
    values, settings = read_weights(path)
    shipped, said = read_weights(find_weights(network_of("9-5-5"), Source()))
    assert network_of("9-5-5").settings.items() <= settings.items() and said["step"] == settings["step"]
    for name in network_of("9-5-5").shapes:
        np.testing.assert_array_equal(values[name], shipped[name])
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        read_weights(path)


def test_convolutions_in_onnx_say_the_size_of_their_kernels(exported):
    """OpenCV 4.8 does not load others."""
    onnx = pytest.importorskip("onnx")
    nodes = [node for node in onnx.load(exported("x3.onnx", "9-5-5")[0]).graph.node if node.op_type == "Conv"]
    sizes = [[list(a.ints) for a in node.attribute if a.name == "kernel_shape"] for node in nodes]
    assert sizes == [[[9, 9]], [[5, 5]], [[5, 5]]]


def test_exports_are_not_read_back(exported, capsys):
    for name in ("x3.model", "folder"):
        exported(name, "9-1-5")
        assert main.main(["--is_train", "False", "--test_dir", ".", "--weights", name]) == 2
    assert main.main(["--is_train", "False", "--c_dim", "3", "--export", "rgb.model"]) == 2
    assert "luminance" in capsys.readouterr().err


def test_an_export_is_not_overwritten_unless_asked(exported, capsys):
    path, _, _ = exported("x3.mat", "9-1-5")
    before = path.stat().st_mtime_ns
    words = ["--is_train", "False", "--export", "x3.mat"]
    assert main.main(words) == 2
    assert "--overwrite" in capsys.readouterr().err and path.stat().st_mtime_ns == before
    assert main.main([*words, "--overwrite"]) == 0
    assert path.stat().st_mtime_ns > before


@on_posix
@pytest.mark.parametrize("name", ["a.onnx", "a.mat", "a.html", "a", "new/a", "new/er/a.onnx"])
def test_a_full_disk_is_said_of_what_was_named(tmp_path, monkeypatch, capfd, name):
    """Here a file may have 8 kB: no more than that is written of it. No new folder is left."""
    resource = pytest.importorskip("resource")
    monkeypatch.chdir(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        assert main.main(["--export", name]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert capfd.readouterr().err == f"main.py: error: {name}: cannot be written: File too large\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "scale"),
    [
        ("--export srcnn_x2.safetensors", 2),
        ("--export x4.safetensors", 4),
        ("--export max2.safetensors", 3),
        ("--export srcnn_x2.safetensors --scale 4", 4),
    ],
)
def test_the_name_of_an_export_selects_the_scale(tmp_path, monkeypatch, words, scale):
    monkeypatch.chdir(tmp_path)
    assert main.main(words.split()) == 0
    with safetensors.safe_open(words.split()[1], "np") as file:
        assert json.loads(file.metadata()["srcnn_settings"])["scale"] == scale


def test_an_ending_is_no_name(fails):
    assert "--export .onnx: is an extension without a name" in fails("--export", ".onnx")
