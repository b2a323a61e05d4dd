"""The graph, its weights and its training, each against a second way of computing."""

import signal

import h5py
import numpy as np
import pytest
from scipy.ndimage import correlate

import main
import utils
from model import SRCNN, conv2d, in_blocks, initial_weights
from srcnn.networks.trained import restore
from srcnn.networks.weight_files import read_weights
from srcnn.pixels.tiles import super_resolve
from srcnn.settings import Cut, Recipe, Source, Training
from srcnn.system.errors import InputError
from srcnn.system.signals import Stop
from srcnn.tf1 import tf
from srcnn.training import loop
from srcnn.training.batches import Batches
from tests.conftest import network_of
from tests.helpers.training_data import stored
from tests.helpers.weight_files import COLOUR, random_weights, write_checkpoint, write_mat

FILTERS = ("9-1-5", "9-3-5", "9-5-5")  # the paper's networks, by their kernel sizes


@pytest.fixture
def network():
    """Builds a network of random weights in a session of its own."""
    sessions = []

    def build(filters="9-1-5", c_dim=1, label_size=21):
        session = tf.Session(graph=tf.Graph())
        sessions.append(session)
        with session.graph.as_default():
            srcnn = SRCNN(session, network_of(filters, colour=COLOUR[c_dim]), label_size=label_size)
            session.run(tf.global_variables_initializer())
            srcnn.set(random_weights(filters, c_dim))
        return srcnn

    yield build
    for session in sessions:
        session.close()


def slow_network(image, values):
    """(h, w, c) to (h - margin, w - margin, c): correlations one channel at a time, in float64."""
    x = image.astype(np.float64)
    last = len(values) // 2
    for i in range(1, last + 1):
        kernel, bias = values[f"w{i}"].astype(np.float64), values[f"b{i}"]
        kh, kw, cin, cout = kernel.shape
        y = [sum(correlate(x[..., c], kernel[..., c, o]) for c in range(cin)) + bias[o] for o in range(cout)]
        x = np.stack(y, 2)[kh // 2 : x.shape[0] - kh // 2, kw // 2 : x.shape[1] - kw // 2]
        x = np.maximum(x, 0) if i < last else x
    return x


@pytest.mark.parametrize("filters", [*FILTERS, "9-5", "9-3-1-5", "5-3-1-3-3"])
@pytest.mark.parametrize("c_dim", [1, 3])
def test_the_graph_computes_correlations(network, filters, c_dim):
    srcnn = network(filters, c_dim)
    image = np.random.default_rng(1).random((25, 30, c_dim)).astype(np.float32)
    output = srcnn.run(image[np.newaxis])[0]
    np.testing.assert_allclose(output, slow_network(image, random_weights(filters, c_dim)), atol=2e-5)


@pytest.mark.parametrize(("filters", "c_dim"), [("9-1-5", 1), ("9-3-1-5", 3)])
def test_a_frozen_network_is_the_same_until_its_weights_change(network, filters, c_dim):
    srcnn = network(filters, c_dim, label_size=20)
    image = np.random.default_rng(1).random((1, 25, 30, c_dim)).astype(np.float32)
    before = srcnn.run(image)
    srcnn.freeze()
    assert not [op for op in srcnn.frozen[0].graph.get_operations() if op.type.startswith("Variable")]
    np.testing.assert_allclose(srcnn.run(image), before, atol=1e-5)
    srcnn.set({name: value / 2 for name, value in random_weights(filters, c_dim).items()})
    assert np.abs(srcnn.run(image) - before).max() > 0.01


@pytest.mark.parametrize("block", [1, 2, 3, 4])
def test_the_fast_last_layer_and_its_gradients_are_those_of_a_convolution(block):
    rng = np.random.default_rng(0)
    with tf.Graph().as_default(), tf.Session() as session:
        inputs = tf.constant(rng.random((2, 28, 16, 7)), tf.float32)
        kernel = tf.constant(rng.normal(size=(5, 5, 7, 3)), tf.float32)
        plain, fast = conv2d(inputs, kernel), conv2d(inputs, in_blocks(kernel, block), block)
        weight = tf.constant(rng.normal(size=(2, 24, 12, 3)), tf.float32)
        results = [[y, *tf.gradients(y * weight, [inputs, kernel])] for y in (plain, fast)]
        for expected, actual in zip(*session.run(results), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("filters", "label_size", "size"), [("9-1-5", 21, (47, 60)), ("9-5-5", 17, (35, 34))]
)
def test_tiles_at_every_stride_give_the_whole_image(network, filters, label_size, size):
    srcnn = network(filters, label_size=label_size)
    image = np.random.default_rng(1).random((*size, 1)).astype(np.float32)
    extended = np.pad(image, ((srcnn.network.margin // 2,) * 2,) * 2 + ((0, 0),), mode="edge")
    whole = srcnn.run(extended[np.newaxis])[0]
    assert whole.shape == image.shape
    np.testing.assert_allclose(super_resolve(srcnn, image), whole, atol=1e-5)  # one tile
    for stride in range(1, label_size + 1):
        result = super_resolve(srcnn, image, label_size, stride)
        np.testing.assert_allclose(result, whole, atol=1e-5, err_msg=str(stride))


@pytest.mark.parametrize("c_dim", [1, 3])
def test_a_self_ensemble_is_of_networks_with_turned_kernels(network, c_dim):
    """And tiles give what the whole image does."""
    srcnn = network("5-3-3", c_dim)
    srcnn.self_ensemble = True
    image = np.random.default_rng(1).random((25, 30, c_dim)).astype(np.float32)
    kernels, expected = random_weights("5-3-3", c_dim), []
    for axes in ((), (0,), (1,), (0, 1)):
        for order in ((0, 1, 2, 3), (1, 0, 2, 3)):
            turned = {n: np.flip(v, axes).transpose(order) if v.ndim == 4 else v for n, v in kernels.items()}
            expected.append(slow_network(image, turned))
    inner = srcnn.run(image[np.newaxis])[0]
    np.testing.assert_allclose(inner, np.mean(expected, axis=0), atol=2e-5)
    assert np.abs(inner - expected[0]).max() > 0.1
    tiled = super_resolve(srcnn, image, 6)
    np.testing.assert_allclose(tiled[4:-4, 4:-4], inner, atol=2e-5)


def test_an_image_smaller_than_a_tile_keeps_its_size(network):
    image = np.random.default_rng(1).random((5, 3, 1)).astype(np.float32)
    assert super_resolve(network(), image, 21).shape == image.shape


def test_identity_weights_let_the_image_through(network):
    for c_dim in (1, 3):
        srcnn = network(c_dim=c_dim)
        values = initial_weights(srcnn.network, "identity", 0)
        values["w3"][np.abs(values["w3"]) < 0.5] = 0  # without the small random part
        srcnn.set(values)
        image = np.random.default_rng(1).random((30, 30, c_dim)).astype(np.float32)
        np.testing.assert_allclose(super_resolve(srcnn, image, 21), image, atol=1e-6)


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("kind", ["V1", "V2", "mat"])
def test_weights_of_every_format_are_the_same(network, tmp_path, filters, kind):
    values = random_weights(filters, seed=5)
    path = tmp_path / "weights.mat"
    if kind == "mat":
        write_mat(path, values)
    else:
        path = write_checkpoint(tmp_path / "SRCNN.model", values, getattr(tf.train.SaverDef, kind))
    srcnn = network(filters)
    restore(srcnn, path)
    for name, value in srcnn.sess.run(srcnn.weights | srcnn.biases).items():
        np.testing.assert_array_equal(value, values[name])
    if kind == "V2":
        restore(srcnn, f"{path}.index")
        restore(srcnn, tmp_path)


@pytest.mark.parametrize("kind", ["V2", "mat"])
def test_weights_of_another_shape_name_both(network, tmp_path, kind):
    values = random_weights("9-5-5")
    path = tmp_path / "weights.mat"
    if kind == "mat":
        write_mat(path, values)
    else:
        path = write_checkpoint(tmp_path / "SRCNN.model", values, tf.train.SaverDef.V2)
    with pytest.raises(InputError, match=r"\(5, 5, 64, 32\).*\(1, 1, 64, 32\)"):
        restore(network(), path)


@pytest.mark.parametrize("content", [b"", b"text", b"\0" * 5000])
def test_files_that_are_no_weights_are_named(network, tmp_path, content):
    for name in ("weights.mat", "weights.ckpt", "weights.index"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="weights"):
            restore(network(), tmp_path / name)


def losses(tmp_path, photographs, *flags):
    """Trains on small photographs; returns the loss of every epoch."""
    tmp_path.mkdir(exist_ok=True)
    flags = ["--train_dir", photographs, "--checkpoint_dir", tmp_path, "--batch_size", 8, *flags]
    assert main.main([str(flag) for flag in flags]) == 0
    (curve,) = tmp_path.rglob("training.csv")
    return [float(line.split(",")[2]) for line in curve.read_text().splitlines()[1:]]


@pytest.mark.parametrize("c_dim", [1, 3])
@pytest.mark.parametrize("flags", [("--preconditioner", "none", "--learning_rate", "0.1"), ()])
def test_training_lowers_the_loss(tmp_path, photographs, flags, c_dim):
    found = losses(tmp_path / "c", photographs, "--epoch", 12, "--c_dim", c_dim, *flags)
    assert len(found) == 12 and found[-1] < 0.8 * found[0]


def test_plain_descent_is_the_references(network, photographs, tmp_path):
    """Two steps by hand: w - learning_rate * dloss/dw, the gradient by finite differences."""
    input_, label = utils.preprocess(utils.prepare_data(photographs)[0])
    data, labels = utils.sub_images(input_, label, 33, 21, 14)
    batches = Batches(stored(data, labels), len(data), 0)
    srcnn, recipe = network(), Recipe(preconditioner="none", init="normal", learning_rate=0.01)
    job = Training(srcnn.network, Cut(), recipe, Source(), epoch=2)
    start = initial_weights(srcnn.network, "normal", 0)
    with srcnn.sess.graph.as_default():
        bias = np.zeros(1)
        expected = []
        for epoch in range(2):
            inputs, outputs = batches.batch(epoch)
            values = start | {"b3": bias.astype(np.float32)}
            errors = [slow_network(x, values) - y for x, y in zip(inputs, outputs, strict=True)]
            expected.append(bias := bias - 0.01 * 2 * np.mean(errors))
        srcnn.build_descent(recipe.preconditioner)
        loop.train(srcnn, job, batches, [], tmp_path, Stop())
    # The other weights hardly move: N(0, 1e-3) weights pass on next to no gradient.
    np.testing.assert_allclose(srcnn.sess.run(srcnn.biases["b3"]), expected[-1], rtol=1e-4)


@pytest.mark.parametrize("preconditioner", ["none", "kfac"])
def test_each_layer_has_its_learning_rate(network, preconditioner):
    """A step is that of the largest rate times the layer's own, relative to it."""
    rates = [0.02, 0.005, 0.01]
    rng = np.random.default_rng(0)
    images, labels = rng.random((16, 33, 33, 1)), rng.random((16, 21, 21, 1))
    moved = []
    for recipe in (Recipe(learning_rate=0.02), Recipe(learning_rate=rates)):
        srcnn = network()
        with srcnn.sess.graph.as_default():
            srcnn.build_descent(preconditioner, relative_rates=recipe.relative_rates)
            srcnn.sess.run(tf.global_variables_initializer())
        srcnn.set(random_weights("9-1-5"))
        before = srcnn.sess.run(srcnn.variables)
        rate = loop.learning_rate(recipe, 0.0)
        loop.train_step(srcnn, 0, images, labels, rate)
        after = srcnn.sess.run(srcnn.variables)
        moved.append({name: after[name].astype(float) - before[name] for name in after})
    for name, step in moved[0].items():
        expected = step * rates[int(name[1:]) - 1] / 0.02
        assert np.abs(step).max() > 0
        np.testing.assert_allclose(moved[1][name], expected, atol=2e-7, rtol=1e-2)


def test_a_rate_for_each_layer_is_noted_and_resumed(tmp_path, photographs, capsys):
    words = "--preconditioner", "none", "--learning_rate"
    whole = losses(tmp_path / "whole", photographs, "--epoch", 4, *words, "1e-2", "1e-2", "1e-3")
    losses(tmp_path / "c", photographs, "--epoch", 2, *words, "1e-2", "1e-2", "1e-3")
    _, settings = read_weights(tmp_path / "c/srcnn_9-1-5_x3_matlab")
    assert settings["learning_rate"] == [1e-2, 1e-2, 1e-3]
    assert losses(tmp_path / "c", photographs, "--epoch", 4, *words, "1e-2", "1e-2", "1e-3") == whole
    folders = ["--train_dir", photographs, "--checkpoint_dir", tmp_path / "c", "--batch_size", 8]
    assert main.main([str(word) for word in (*folders, "--epoch", 9, *words, "1e-2")]) == 2
    assert "learning_rate [0.01, 0.01, 0.001] (now 0.01)" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [("--preconditioner", "none", "--init", "identity"), ()])
def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(tmp_path, photographs, capsys, flags):
    folders = "--train_dir", photographs, "--checkpoint_dir", tmp_path / "c", "--batch_size", 8
    words = [str(word) for word in (*folders, *flags, "--learning_rate", 0.01)]
    assert main.main([*words, "--epoch", "1"]) == 0
    (model_dir,) = (tmp_path / "c").glob("srcnn_*")
    with h5py.File(tmp_path / "c/train.h5", "r+") as hf:
        hf["label"][:] = np.inf
    before = {path: path.read_bytes() for path in model_dir.glob("SRCNN*")}
    assert main.main([*words, "--epoch", "9"]) == 2
    assert "not finite" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in model_dir.glob("SRCNN*")}


def test_an_interrupted_training_ends_with_the_weights_of_a_whole_one(
    tmp_path, photographs, network, monkeypatch, capsys
):
    """To the bit, natural gradient with its factors and inverses included."""
    losses(tmp_path / "whole", photographs, "--epoch", 16)
    whole_step = loop.train_step

    def interrupted_step(srcnn, step, *arguments):
        if step in (13, 14, 27):
            signal.raise_signal(signal.SIGTERM)
        return whole_step(srcnn, step, *arguments)

    monkeypatch.setattr(loop, "train_step", interrupted_step)
    words = ["--train_dir", photographs, "--checkpoint_dir", tmp_path / "stopped", "--batch_size", 8]
    words = [str(word) for word in (*words, "--epoch", 16)]
    assert [main.main(words) for _ in range(4)] == [143, 143, 143, 0]
    assert main.main(words) == 0  # has nothing to do
    assert "training is finished" in capsys.readouterr().out
    arrays = []
    for name in ("whole", "stopped"):
        srcnn = network()
        restore(srcnn, tmp_path / name / "srcnn_9-1-5_x3_matlab")
        arrays.append(srcnn.sess.run(srcnn.weights | srcnn.biases))
    for name, array in arrays[0].items():
        np.testing.assert_array_equal(arrays[1][name], array)


def test_another_seed_does_not_go_on_from_the_same_folder(tmp_path, photographs, capsys):
    losses(tmp_path / "c", photographs, "--epoch", 1)
    words = ["--train_dir", photographs, "--checkpoint_dir", tmp_path / "c", "--batch_size", 8, "--seed", 7]
    assert main.main([str(word) for word in words]) == 2
    assert "seed 0 (now 7)" in capsys.readouterr().err
