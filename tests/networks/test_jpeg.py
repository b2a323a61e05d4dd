"""Networks for JPEG: what a picture goes through, what a file says of its quality, and conditioning on it."""

import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main
import utils
from main import trained
from model import SRCNN
from srcnn import tf1
from srcnn.images import jpeg
from srcnn.networks import conditioning
from srcnn.networks.network import Network
from srcnn.networks.trained import SHIPPED
from srcnn.networks.weight_files import read_weights
from srcnn.pixels import colour, resize
from srcnn.pixels.metrics import psnr

CONDITIONED = Network(kernels=(5, 1, 3), channels=(4, 3), scale=1, degradation="jpeg")
SHAPE = "--filters", "5-1-3", "--channels", "4-3", "--degradation", "jpeg"


def run(*words):
    return main.main([str(word) for word in words])


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """A folder of two photographs of scikit-image, the working directory beside it."""
    from skimage import data as pictures

    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photographs"
    folder.mkdir()
    Image.fromarray(pictures.astronaut()[:100, 150:280]).save(folder / "a.png")
    Image.fromarray(pictures.coffee()[50:150, 100:231]).save(folder / "b.png")
    return folder


def test_inputs_are_those_of_jpeg_files_of_low_resolution(photographs):
    """The steps by Pillow alone, over files, beside `preprocess`."""
    original = Image.open(photographs / "b.png").crop((0, 0, 130, 100))
    wide = Image.fromarray(np.pad(np.asarray(original), ((8, 8), (8, 8), (0, 0)), mode="symmetric"))
    low = wide.resize((73, 58), Image.Resampling.BICUBIC).crop((4, 4, 69, 54))
    low.save("low.jpg", quality=40)  # 4:2:0 is Pillow's choice, too
    assert Image.open("low.jpg").layer[0][1:3] == (2, 2)
    expected = resize.imresize(colour.luminance(np.asarray(Image.open("low.jpg"))), 2)
    input_, label = utils.preprocess(photographs / "b.png", 2, "jpeg", quality=40)
    assert input_.shape == (100, 130, 2) and label.shape == (100, 130, 1)
    # A pixel that is rounded the other way on its way to the encoder changes little.
    assert psnr(expected, input_[..., :1], 2) > 44
    assert psnr(label, input_[..., :1], 2) < 35
    assert (input_[..., 1] == conditioning.strength(40)).all()
    assert (
        conditioning.strength(10) == conditioning.strength(30) == 1
        and conditioning.strength(95) == conditioning.strength(99) == -1
    )


def test_a_file_says_its_quality(tmp_path, monkeypatch):
    picture = Image.fromarray(np.random.default_rng(0).integers(256, size=(40, 40, 3), dtype=np.uint8))
    for quality in (1, 20, 30, 49, 50, 75, 90, 95, 100):
        for mode in ("RGB", "L"):
            picture.convert(mode).save(tmp_path / "x.jpg", quality=quality)
            assert jpeg.quality_of(tmp_path / "x.jpg") == quality
    # Tables of another encoder: half as large as those of quality 50 are those of 75.
    table = [
        max(1, int(step) // 2 + (number % 3 - 1)) for number, step in enumerate(jpeg.luminance_table(50))
    ]
    picture.save(tmp_path / "x.jpg", qtables=[table, table])
    assert abs(jpeg.quality_of(tmp_path / "x.jpg") - 75) <= 2
    # The tables may have other numbers: luminance that of chroma.
    picture.save(tmp_path / "x.jpg", quality=40)
    data = bytearray((tmp_path / "x.jpg").read_bytes())
    for match in list(re.finditer(b"\xff\xdb", data)):
        data[match.end() + 2] ^= 1
    for place in (10, 13, 16):  # of the components
        data[data.index(b"\xff\xc0") + 2 + place] ^= 1
    (tmp_path / "x.jpg").write_bytes(data)
    assert jpeg.quality_of(tmp_path / "x.jpg") == 40
    picture.save(tmp_path / "x.png")
    (tmp_path / "empty.jpg").touch()
    assert jpeg.quality_of(tmp_path / "x.png") is None
    assert jpeg.quality_of(tmp_path / "empty.jpg") is None
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow's limit, at twice of which it raises
    assert jpeg.quality_of(tmp_path / "x.jpg") is None


def test_a_network_conditioned_on_a_quality_is_a_plain_one(tmp_path):
    """What training computes from images with the channel, and what a test computes with folded weights."""
    rng = np.random.default_rng(0)
    image = rng.random((1, 20, 24, 1)).astype(np.float32)
    for quality in (30, 62, 95):
        with tf1.session() as sess:
            srcnn = SRCNN(sess, CONDITIONED, "identity", label_size=1)
            sess.run(tf1.tf.global_variables_initializer())
            values = {name: rng.normal(0, 0.3, v.shape) for name, v in srcnn.variables.items()}
            srcnn.set(values)
            expected = srcnn.run(conditioning.conditioned(image[0], quality)[np.newaxis])
            values = sess.run(srcnn.variables)
        with tf1.session() as sess:
            plain = SRCNN(sess, CONDITIONED._replace(quality=quality), label_size=1)
            plain.set(conditioning.folded(values, quality))
            np.testing.assert_allclose(plain.run(image), expected, atol=1e-5)


def test_training_testing_and_exports(photographs, capfd):
    """A training gains on every quality, each is tested on its own, and exports are of one."""
    training = "--train_dir", photographs, *SHAPE, "--scale", 1, "--image_size", 24, "--batch_size", 32
    assert run(*training, "--epoch", 30, "--validation", 1) == 0
    folder = "checkpoint/srcnn_5-1-3_4-3_x1_jpeg"
    values, settings = read_weights(folder)
    shapes = [values[name].shape for name in ("w1", "w2", "w3")]
    assert shapes == [(5, 5, 3, 4), (1, 1, 5, 3), (3, 3, 7, 1)] and "quality" not in settings
    network = "--is_train", "False", *SHAPE, "--scale", 1
    testing = *network, "--test_dir", photographs
    found = {}
    for quality in (30, 90):
        assert run(*testing, "--quality", quality) == 0
        with open("sample/results.json", encoding="utf-8") as file:
            results = json.load(file)
        assert results["quality"] == quality
        found[quality] = results["average"]
        picture = np.asarray(Image.open(photographs / "a.png"))
        expected = colour.luminance(np.asarray(Image.open(compressed(picture, quality))))
        bicubic = results["images"]["a"]["bicubic_psnr"]
        assert bicubic == pytest.approx(psnr(colour.luminance(picture), expected, 1), abs=1e-9)
        assert found[quality]["srcnn_psnr"] > found[quality]["bicubic_psnr"]
    assert found[90]["bicubic_psnr"] > found[30]["bicubic_psnr"] + 3
    capfd.readouterr()
    assert run(*network, "--quality", 30, "--export", "q30.mat") == 0
    assert run(*testing, "--quality", 90, "--weights", "q30.mat") == 2
    assert "is for JPEG quality 30 only; add --quality 30" in capfd.readouterr().err
    assert run(*testing, "--quality", 30, "--weights", "q30.mat") == 0
    with open("sample/results.json", encoding="utf-8") as file:
        assert json.load(file)["average"]["srcnn_psnr"] == pytest.approx(found[30]["srcnn_psnr"], abs=1e-3)
    assert (
        run("--is_train", "False", *SHAPE, "--scale", 2, "--export", "x.mat", "--checkpoint_dir", "no") == 2
    )
    assert "quality" not in capfd.readouterr().err  # a training is for all
    # 9-1-5 is another network.
    with tf1.session() as sess, pytest.raises(main.InputError, match="filters 5-1-3"):
        trained(sess, CONDITIONED._replace(kernels=(9, 1, 5), quality=30), folder)


def compressed(pixels, quality):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return file


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--scale", "1"), "--degradation jpeg"),
        (("--is_train", "False", "--quality", "50"), "--degradation jpeg"),
        (("--degradation", "jpeg", "--quality", "50"), "--quality"),
        (("--is_train", "False", "--degradation", "jpeg", "--quality", "101"), "from 1 to 100"),
        (("--is_train", "False", "--degradation", "jpeg", "--quality", "x"), "from 1 to 100"),
    ],
)
def test_flags_that_make_no_sense(words, named, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    try:
        status = main.main(list(words))
    except SystemExit as error:
        status = error.code
    assert status == 2 and named in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


def test_files_are_upscaled_by_what_they_say_of_their_quality(photographs, capfd):
    """Each as a network that was given its quality by hand would; what has none is named."""
    from skimage import data as pictures

    shape = *SHAPE, "--image_size", 24
    words = "--train_dir", photographs, "--batch_size", 32, "--epoch", 1
    for scale in (1, 2):
        assert run(*shape, "--scale", scale, *words) == 0
    clean = *SHAPE[:4], "--image_size", 24, "--scale", 2
    assert run(*clean, *words) == 0
    folder = photographs.parent / "jpegs"
    folder.mkdir()
    for name, quality in (("a", 40), ("b", 80), ("c", 99)):
        (folder / f"{name}.jpg").write_bytes(compressed(pictures.cat()[:60, :70], quality).getvalue())
    Image.fromarray(pictures.cat()[:60, :70]).save(folder / "d.png")
    upscaling = "--is_train", "False", *SHAPE, "--input"
    capfd.readouterr()
    assert run(*upscaling, folder, "--scale", 1, "--output", "cleaned") == 2
    said = capfd.readouterr().err
    assert "c.jpg: has quality 99" in said and "d.png: is not a JPEG file" in said
    assert sorted(p.name for p in (photographs.parent / "cleaned").glob("*.png")) == ["a_x1.png", "b_x1.png"]
    for name, quality in (("a", 40), ("b", 80)):
        words = "--scale", 1, "--quality", quality, "--overwrite"
        assert run(*upscaling, folder / f"{name}.jpg", *words, "--output", "one.png") == 0
        with Image.open("one.png") as one, Image.open(f"cleaned/{name}_x1.png") as other:
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert run(*upscaling, folder / "d.png", "--scale", 2, "--quality", 60, "--output", "d.png") == 0
    with Image.open("d.png") as image:
        assert image.size == (140, 120)


@pytest.mark.parametrize("scale", ["2", "4", "2.5"])
def test_a_jpeg_file_whose_compression_shows_gets_a_network_for_it(tmp_path, monkeypatch, capfd, scale):
    """As if its quality were asked for; others are as from the clean network, and so are all by one's own."""
    from skimage import data as pictures

    monkeypatch.chdir(tmp_path)
    for name, quality in (("a", 40), ("b", 90), ("c", 91)):
        Path(f"{name}.jpg").write_bytes(compressed(pictures.cat()[:60, :70], quality).getvalue())
    Image.fromarray(pictures.cat()[:60, :70]).save("d.png")
    words = "--is_train", "False", "--scale", scale, "--output"
    assert run(*words, "auto", "--input", "a.jpg", "b.jpg", "c.jpg", "d.png") == 0
    said = capfd.readouterr().out
    assert "quality 40" in said and "quality 90" in said and "quality 91" not in said
    assert said.count("_jpeg") == 1  # loaded once for all qualities
    listed = json.loads(Path("sample/upscaled.json").read_text("utf-8"))["images"]
    assert [image.get("jpeg_quality") for image in listed] == [40, 90, None, None]
    assert run(*words, "jpeg", "--input", "a.jpg", "b.jpg", "--degradation", "jpeg") == 0
    assert run(*words, "clean", "--input", "c.jpg", "d.png", "--degradation", "matlab") == 0
    for path in [*Path("jpeg").glob("*.png"), *Path("clean").glob("*.png")]:
        with Image.open(path) as one, Image.open(Path("auto", path.name)) as other:
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_ones_own_network_is_preferred_to_a_shipped_one_for_jpeg(tmp_path, monkeypatch, capfd):
    from skimage import data as pictures

    monkeypatch.chdir(tmp_path)
    Path("a.jpg").write_bytes(compressed(pictures.cat()[:60, :70], 40).getvalue())
    own = Path("checkpoint/srcnn_9-1-5_x2_matlab")
    shutil.copytree(SHIPPED / own.name, own)
    assert run("--is_train", "False", "--scale", 2, "--input", "a.jpg") == 0
    said = capfd.readouterr().out
    assert "quality" not in said and "checkpoint/srcnn_9-1-5_x2_matlab" in said.replace("\\", "/")
    assert run("--is_train", "False", "--scale", 2, "--degradation", "auto") == 2
    assert "--degradation auto is for --input" in capfd.readouterr().err
