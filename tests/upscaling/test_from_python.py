"""From Python: against the command, and what may be given."""

import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import main
from srcnn.images import image_io
from srcnn.images.jpeg import compressed
from srcnn.pixels.colour import to_pixels
from srcnn.system.errors import InputError
from srcnn.tf1 import tf
from srcnn.upscaling.from_python import Upscaler
from tests.helpers.image_files import chunk
from tests.helpers.pictures import smooth


@pytest.fixture(scope="module")
def larger():
    return main.upscaler(scale=2)


@pytest.fixture(scope="module")
def photo():
    return smooth(34, 45, 3)


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("--scale 2", {"scale": 2}),
        ("--scale 2.2 --filters 9-5-5", {"scale": 2.2, "filters": "9-5-5"}),
        ("--scale 1 --degradation jpeg --quality 40", {"scale": 1, "quality": 40}),
        ("--scale 4 --degradation jpeg --quality 40", {"scale": 4, "quality": 40}),  # by two networks
        ("--self_ensemble", {"self_ensemble": True}),
    ],
)
def test_it_gives_what_the_command_does(folder, photo, words, given):
    image_io.save(photo, folder / "photo.png")
    words = ["--is_train", "False", "--input", "photo.png", "--output", "large.png", *words.split()]
    assert main.main(words) == 0
    result = main.upscaler(**given)(photo)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, image_io.read(folder / "large.png").pixels)


@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2", np.float16, np.float32, np.float64])
def test_arrays_of_every_kind(larger, channels, dtype):
    image = smooth(20, 31, channels or 1) / 255
    image[..., 1::2] = 0.75  # alpha, or green
    expected = larger(image)
    image = image if channels else image[..., 0]
    is_float = np.dtype(dtype).kind == "f"
    image = image.astype(dtype) if is_float else to_pixels(image, np.uint16 if dtype == ">u2" else dtype)
    image = image.astype(dtype)
    before = image.copy()
    result = larger(image)
    assert result.dtype == dtype and result.shape == (40, 62, *image.shape[2:])
    np.testing.assert_array_equal(image, before)
    peak = 1 if is_float else np.iinfo(dtype).max
    depth = {1: 1 / 255, 2: 1e-3}.get(np.dtype(dtype).itemsize, 1e-5)
    np.testing.assert_allclose(result.reshape(expected.shape) / peak, expected, atol=depth)
    if channels in (2, 4):
        np.testing.assert_allclose(result[..., -1] / peak, 0.75, atol=depth)


def test_floats_of_any_scale_are_those_of_whole_numbers(photo):
    enlarge = main.upscaler(scale=2.5)
    expected = enlarge(photo)
    result = enlarge(photo.astype(np.float32) / 255)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result * 255, expected, atol=0.51)


def test_an_upscaler_works_in_any_thread(larger, photo):
    with ThreadPoolExecutor(3) as executor:
        for result in executor.map(larger, [photo] * 4):
            np.testing.assert_array_equal(result, larger(photo))


def test_subclasses_of_arrays(larger, photo):
    grey = photo[..., 0]
    np.testing.assert_array_equal(larger(np.asmatrix(grey)), larger(grey))
    with pytest.raises(InputError, match="MaskedArray"):
        larger(np.ma.masked_array(grey, grey > 9))


def test_views_of_arrays(larger, photo):
    turned = np.rot90(photo)[:, ::-1]
    np.testing.assert_array_equal(larger(turned), larger(np.ascontiguousarray(turned)))


def test_floats_stay_between_0_and_1(larger):
    edges = np.kron([[0.0, 1.0], [1.0, 0.0]], np.ones((9, 9)))
    result = larger(edges)
    assert result.min() == 0 and result.max() == 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_images_of_pillow_and_paths(larger, photo, tmp_path, mode):
    image = Image.fromarray(photo)
    image = image.convert("L").convert(mode) if mode == "I;16" else image.convert(mode)
    image.save(tmp_path / "photo.png")
    expected = larger(image_io.read(tmp_path / "photo.png").pixels)
    assert expected.dtype == (np.uint16 if mode == "I;16" else np.uint8)
    for given in (image, tmp_path / "photo.png", str(tmp_path / "photo.png")):
        np.testing.assert_array_equal(larger(given), expected)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([[0.5]], "is a list"),
        (None, "is a NoneType"),
        (np.zeros((1, 9, 9, 3)), r"shape \(1, 9, 9, 3\)"),
        (np.zeros((9, 9, 5)), "1 to 4 channels"),
        (np.zeros((0, 9, 3)), "shape"),
        (np.zeros(9), "shape"),
        (np.zeros((9, 9), int), "int64"),
        (np.zeros((9, 9), bool), "bool"),
        (np.full((9, 9), 255.0), "outside 0 to 1"),
        (np.full((9, 9), -0.1), "outside 0 to 1"),
        (np.full((9, 9), np.nan), "NaN"),
        (np.broadcast_to(np.uint8(0), (2**15, 2**14)), "1,073,741,824 pixels"),
        (Image.new("F", (9, 9)), "no defined range"),
        ("missing.png", "missing.png: no such file"),
    ],
)
def test_what_is_no_image_is_said(larger, given, said):
    with pytest.raises(InputError, match=said):
        larger(given)


def test_a_file_that_becomes_too_large_is_refused_by_its_header(larger, tmp_path):
    """Nothing is decoded: there are no pixels in it."""
    path = tmp_path / "a.png"
    header = struct.pack(">IIBBBBB", 2**15, 2**14, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
    with pytest.raises(InputError, match=r"a\.png: would become more than 1,073,741,824 pixels"):
        larger(path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scale": 0.9}, "scale 0.9"),
        ({"scale": "large"}, "scale 'large'"),
        ({"scale": float("nan")}, "scale nan"),
        ({"scale": 1}, "give the quality"),
        ({"scale": 1, "quality": 97}, "next to nothing to clean"),
        ({"quality": 0}, "quality 0"),
        ({"quality": 101}, "quality 101"),
        ({"quality": 40.5}, "quality 40.5"),
        ({"filters": (9, 1, 5)}, "joined by dashes"),
        ({"filters": "9-x-5"}, "joined by dashes"),
        ({"filters": "9-2-5"}, "odd"),
        ({"filters": "9"}, "odd"),
        ({"filters": "9-7-5"}, "no shipped weights for --filters 9-7-5"),
        ({"channels": "0-0"}, "channels"),
        ({"channels": "64"}, "channels"),
        ({"scale": "1/0"}, "scale"),
        ({"quality": True}, "quality"),
        ({"channels": "8-8"}, "no shipped weights"),
        ({"weights": "missing"}, "missing: is not a checkpoint"),
    ],
)
def test_wrong_arguments_are_said(folder, given, said):
    with pytest.raises(InputError, match=said):
        main.upscaler(**given)


def test_weights_of_ones_own(folder, photo, larger):
    words = ["--is_train", "False", "--scale", "2", "--weights", "shipped", "--export", "mine.mat"]
    assert main.main(words) == 0
    np.testing.assert_array_equal(main.upscaler(scale=2, weights=folder / "mine.mat")(photo), larger(photo))
    with pytest.raises(InputError, match=r"mine\.mat: was trained with scale 2 \(now 3\)"):
        main.upscaler(scale=3, weights="mine.mat")


def test_weights_are_loaded_once(photo):
    loaded = []

    def counted(sess, network, weights):
        loaded.append(network.scale)
        return main.trained(sess, network, weights)

    one = Upscaler(counted, scale=5)
    for _ in range(2):
        assert one(photo).shape == (170, 225, 3)
    assert loaded == [2, 3]


def test_several_do_not_disturb_each_other(larger, photo):
    """Nor do they disturb a graph of the user's, or threads each other."""
    with tf.Graph().as_default() as graph:
        before = larger(photo)
        other = main.upscaler(scale=3, filters="9-3-5")
        expected = other(photo)
        assert tf.get_default_graph() is graph and not graph.get_operations()
        assert tf.get_default_session() is None
    photos = [photo[: 20 + n] for n in range(6)]
    with ThreadPoolExecutor(3) as threads:
        results = list(threads.map(lambda n: (larger, other)[n % 2](photos[n]), range(6)))
    for n, result in enumerate(results):
        np.testing.assert_array_equal(result, (larger, other)[n % 2](photos[n]))
    np.testing.assert_array_equal(larger(photo), before)
    np.testing.assert_array_equal(other(photo), expected)


def test_jpeg_is_cleaned():
    photo = smooth(34, 45, 3, noise=2)
    blocked = compressed(photo, 30)
    cleaned = main.upscaler(scale=1, quality=30)(blocked)
    errors = [np.mean((image.astype(float) - photo) ** 2) for image in (blocked, cleaned)]
    assert errors[1] < errors[0]
