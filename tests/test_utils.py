"""Images and arrays against slow or independent versions of the same, and the paper's numbers."""

import os
import shutil

import h5py
import numpy as np
import pytest
from PIL import Image

import utils
from srcnn.networks.network import Network
from srcnn.pixels import metrics
from srcnn.settings import Cut
from srcnn.system.atomic_write import replacing
from srcnn.system.errors import InputError
from srcnn.system.file_names import names
from srcnn.testing import paper
from srcnn.training.hdf5 import read_data


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_scores_are_the_papers(data, scale):
    for folder, ssim in (("Set5", (0.9299, 0.8682, 0.8104)), ("Set14", (0.8687, 0.7736, 0.7019))):
        pairs = [utils.preprocess(path, scale) for path in utils.prepare_data(data / "Test" / folder)]
        psnrs = [metrics.psnr(label, input_, scale) for input_, label in pairs]
        if folder == "Set5":
            np.testing.assert_allclose(psnrs, paper.PAPER_BICUBIC[scale], atol=0.0151)
        assert np.mean(psnrs) == pytest.approx(paper.PAPER_AVERAGE[folder]["bicubic"][scale], abs=0.01)
        ssims = [metrics.ssim(label, input_, scale) for input_, label in pairs]
        assert np.mean(ssims) == pytest.approx(ssim[scale - 2], abs=1e-4)


def test_reference_figures(data):
    """As MATLAB's imresize gives it, to the last rounding."""
    paths = utils.prepare_data(data / "Test/Set5")
    matlab = [metrics.psnr(label, input_, 3) for input_, label in map(utils.preprocess, paths)]
    assert [f"{value:.2f}" for value in matlab] == ["33.91", "32.57", "24.04", "32.88", "28.56"]
    assert f"{np.mean(matlab):.3f}" == "30.392"
    zoom = [metrics.psnr(label, i, 3) for i, label in (utils.preprocess(p, 3, "zoom") for p in paths)]
    assert [f"{value:.2f}" for value in zoom] == ["31.53", "29.73", "21.78", "31.54", "26.25"]
    assert f"{np.mean(zoom):.3f}" == "28.165"


def setup(tmp_path, paths, scale=3):
    """Prepares images for training with the default flags."""
    return utils.input_setup(Cut(), Network(scale=scale), paths, tmp_path / "checkpoint")


@pytest.mark.parametrize(("scale", "count"), [(2, 21910), (3, 21884), (4, 21772)])
def test_the_91_images_give_the_exact_number_of_sub_images(data, tmp_path, scale, count):
    path = setup(tmp_path, utils.prepare_data(data / "Train"), scale)
    with h5py.File(path) as hf:
        assert hf["data"].shape == (count, 33, 33, 1) and hf["label"].shape == (count, 21, 21, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_labels_are_the_centres_of_inputs(channels):
    image = np.arange(50 * 41 * channels, dtype=np.float32).reshape(50, 41, channels)
    inputs, labels = utils.sub_images(image, image, 33, 21, 7)
    expected = [image[y : y + 33, x : x + 33] for y in range(0, 18, 7) for x in range(0, 9, 7)]
    np.testing.assert_array_equal(inputs, expected)
    np.testing.assert_array_equal(labels, inputs[:, 6:-6, 6:-6])


@pytest.mark.parametrize(("size", "count"), [((33, 33), 1), ((33, 48), 2), ((32, 60), 0), ((60, 32), 0)])
def test_an_image_as_large_as_a_sub_image_is_large_enough(tmp_path, size, count):
    utils.imsave(np.random.default_rng(0).random(size), tmp_path / "image.png")
    pairs, content, is_broken = utils.pairs_of(Cut(), Network(), False, (0, tmp_path / "image.png"))
    assert (len(pairs[0]) if pairs else 0) == count and not is_broken
    assert content == (tmp_path / "image.png").read_bytes()


def test_images_that_are_all_too_small_are_said_with_their_folder(tmp_path):
    utils.imsave(np.zeros((32, 32)), tmp_path / "small" / "image.png")
    with pytest.raises(InputError, match=r"small: has no readable image .* 33x33 pixels"):
        setup(tmp_path, [tmp_path / "small" / "image.png"])
    assert not list((tmp_path / "checkpoint").glob("*.h5"))


def test_a_broken_image_is_an_error_unless_it_may_be_left_out(tmp_path, capsys):
    (tmp_path / "image.png").write_text("none")
    with pytest.raises(InputError, match=r"image\.png.*--skip_broken"):
        utils.degraded(Network(), tmp_path / "image.png", [None])
    assert utils.degraded(Network(), tmp_path / "image.png", [None], True) == []
    assert "left out" in capsys.readouterr().err
    assert utils.pairs_of(Cut(), Network(), True, (0, tmp_path / "image.png")) == (None, b"", True)


def test_sub_folders_are_for_training_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "below/b.png"):
        for folder in ("Train", "Test/Set5", "mine"):
            utils.imsave(np.zeros((9, 9)), tmp_path / folder / name)
    for folder in (None, "mine"):
        found = {kind: [p.name for p in utils.find_images(folder, kind)] for kind in ("train", "test")}
        assert found == {"train": ["a.png", "b.png"], "test": ["a.png"]}


def test_the_training_file_is_reused_only_when_it_matches(photographs, tmp_path):
    paths = utils.prepare_data(photographs)
    path = setup(tmp_path, paths)
    first = path.stat().st_mtime_ns
    assert setup(tmp_path, paths).stat().st_mtime_ns == first
    with h5py.File(path) as hf:
        assert len(hf.attrs["settings"]) < 1000 and hf["data"].chunks is not None
    before = data_of(path)
    setup(tmp_path, paths, scale=2)
    assert not np.array_equal(before, data_of(path))
    np.testing.assert_array_equal(data_of(setup(tmp_path, paths)), before)


@pytest.mark.parametrize("kind", ["cut short", "of the user's", "text"])
def test_a_training_file_of_unknown_making_is_left_alone(photographs, tmp_path, kind):
    paths = utils.prepare_data(photographs)
    path = setup(tmp_path, paths)
    if kind == "cut short":
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "text":
        path.write_text("my own")
    else:
        with h5py.File(path, "w") as hf:
            hf["data"] = np.zeros(3)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"train\.h5") as error:
        setup(tmp_path, paths)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == before


def data_of(path):
    with read_data(path) as hf:
        return hf["data"][:]


def save(path, mode):
    pixels = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    image = Image.fromarray(pixels)
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    elif mode == "P":
        image = image.quantize(256)
    elif mode == "RGBA":
        image.putalpha(128)
    else:
        image = image.convert(mode)
    image.save(path)
    return image


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("L", ".png"),
        ("I;16", ".png"),
        ("RGB", ".bmp"),
        ("RGBA", ".png"),
        ("P", ".png"),
        ("P", ".gif"),
        ("CMYK", ".tif"),
        ("1", ".png"),
        ("LA", ".png"),
    ],
)
def test_every_kind_of_image_is_read(tmp_path, mode, suffix):
    image = save(tmp_path / f"image{suffix}", mode)
    grey = utils.imread(tmp_path / f"image{suffix}")
    colour = utils.imread(tmp_path / f"image{suffix}", is_grayscale=False)
    assert grey.shape == (20, 30, 1) and colour.shape == (20, 30, 3)
    if mode == "I;16":
        np.testing.assert_allclose(grey[..., 0], np.asarray(image) / 65535, atol=1e-6)
    elif mode in ("L", "1", "LA"):
        np.testing.assert_allclose(grey[..., 0], np.asarray(image.convert("L")) / 255, atol=1e-6)
    else:
        rgb = np.asarray(image.convert("RGB")) / 255
        np.testing.assert_allclose(colour, rgb, atol=1e-6)
        y = np.floor(16.5 + rgb @ [65.481, 128.553, 24.966])
        np.testing.assert_allclose(grey[..., 0] * 255, y, atol=1e-3)


def test_sixteen_bit_colour_keeps_its_bits(tmp_path):
    import imageio.v3 as iio

    pixels = np.random.default_rng(1).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    iio.imwrite(tmp_path / "image.tif", pixels)
    colour = utils.imread(tmp_path / "image.tif", is_grayscale=False)
    np.testing.assert_allclose(colour, pixels / 65535, atol=1e-6)


def test_camera_orientation_is_applied(tmp_path):
    image = Image.fromarray(np.zeros((20, 30), np.uint8))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "image.jpg", exif=exif)
    assert utils.imread(tmp_path / "image.jpg").shape == (30, 20, 1)


def test_saved_images_come_back_rounded(tmp_path):
    image = np.random.default_rng(0).normal(0.5, 0.5, (9, 8, 3))
    utils.imsave(image, tmp_path / "new folder" / "image.png")
    expected = np.clip(np.floor(image * 255 + 0.5), 0, 255)
    back = utils.imread(tmp_path / "new folder" / "image.png", is_grayscale=False)
    np.testing.assert_allclose(back * 255, expected, atol=1e-3)


@pytest.mark.parametrize("name", ["text.bmp", "cut.jpg", "empty.png", "missing.png"])
def test_what_is_not_an_image_is_named(tmp_path, name):
    path = tmp_path / name
    if name == "text.bmp":
        path.write_text("not an image\nat all")
    elif name == "cut.jpg":
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    elif name == "empty.png":
        path.touch()
    with pytest.raises(InputError, match=name) as error:
        utils.imread(path)
    assert "\n" not in str(error.value)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_the_order_of_the_listing_does_not_matter(photographs, tmp_path, monkeypatch):
    first = utils.prepare_data(photographs)
    for i, path in enumerate(reversed(first)):  # made in another order
        (tmp_path / "again").mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "again" / path.name)
        os.utime(tmp_path / "again" / path.name, (i, i))
    assert [p.name for p in utils.prepare_data(tmp_path / "again")] == [p.name for p in first]
    assert names(first, [".png"]) == ["image 0", "image 1", "image 2"]
