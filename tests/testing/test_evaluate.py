"""One image of a test."""

import numpy as np

import utils
from srcnn.networks.network import Network
from srcnn.pixels import resize
from srcnn.pixels.colour import to_pixels
from srcnn.system.threads import Budget
from srcnn.testing.evaluate import Restored


def test_the_picture_has_the_new_luminance_and_the_degraded_chroma(tmp_path):
    """To the roundings: of luminance and chroma before the degradation, of the picture's pixels."""
    rgb = 0.25 + 0.5 * np.random.default_rng(0).random((24, 24, 3))
    utils.imsave(rgb, tmp_path / "image.png")
    restored = Restored(Network(), Budget(24**2), tmp_path / "image.png")
    change = 0.02 * np.random.default_rng(1).random((24, 24, 1)).astype(np.float32)
    restored.output = restored.input_ + change
    pictures = restored.pictures()
    assert pictures["low resolution"].shape == (8, 8, 3)
    np.testing.assert_array_equal(pictures["original"], to_pixels(rgb))
    picture = pictures["SRCNN"] / 255
    small = resize.degrade(utils.imread(tmp_path / "image.png", is_grayscale=False), 3)
    # Half a level before the degradation, whose weights have absolute values of at most 1.54 in sum.
    before = 0.5 * 1.54
    for chroma in (
        [-37.797, -74.203, 112.0],
        [112.0, -93.786, -18.214],
    ):  # Cb and Cr of rgb2ycbcr, 255 levels
        rounding = 0.5 * np.abs(chroma).sum() / 255  # of red, green and blue by half a level each
        np.testing.assert_allclose(picture @ chroma, small @ chroma, atol=rounding + before)
        assert np.abs(picture @ chroma - small @ chroma).mean() < 0.5
    luma = np.array([65.481, 128.553, 24.966])
    difference = picture @ luma - small @ luma
    np.testing.assert_allclose(difference, 255 * change[..., 0], atol=0.5 * luma.sum() / 255 + before)
    assert np.abs(difference - 255 * change[..., 0]).mean() < 0.5
