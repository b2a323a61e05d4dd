"""Textures: edges that go on into the opposite ones, and colours under an alpha that is a mask."""

import numpy as np
import pytest
from PIL import Image

import main
from main import upscaler
from srcnn.images import animations, image_io
from srcnn.pixels import resize
from srcnn.pixels.colour import to_float, to_pixels
from srcnn.system.errors import InputError


def run(*words):
    return main.main([str(word) for word in words])


def texture(*shape, seed=0):
    """Random pixels, whose edges fit nothing; most of an alpha is 0."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, shape, np.uint8)
    if shape[2] in (2, 4):
        pixels[..., -1] *= rng.random(shape[:2]) < 0.3
    return pixels


CASES = [  # shape, scale, more of an Upscaler
    ((13, 17, 4), 2, {}),
    ((20, 16, 3), 3, {"filters": "9-5-5"}),
    ((9, 20, 3), 6, {}),  # two networks in turn
    ((24, 30, 3), 2.5, {}),  # and made smaller
    ((20, 14, 3), 2, {"quality": 30}),
    ((12, 14, 4), 2, {"self_ensemble": True}),
    ((12, 14, 2), 2, {"keep_hidden_colours": True}),
]


@pytest.mark.parametrize(("shape", "scale", "more"), CASES)
def test_wrapped_edges_are_the_middle_of_a_tiling(shape, scale, more):
    pixels = texture(*shape)
    found = upscaler(scale, edges="wrap", **more)(pixels)
    h, w = found.shape[:2]
    tiling = upscaler(scale, **more)(np.tile(pixels, (3, 3, 1)))
    assert tiling.shape[:2] == (3 * h, 3 * w)
    difference = np.abs(found.astype(int) - tiling[h : 2 * h, w : 2 * w])
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 3, 1), (1, 5, 4)])
def test_textures_smaller_than_what_the_network_sees(shape):
    """x5 is x2, x3 and smaller again: about 10 pixels have a part in one."""
    pixels = texture(*shape)
    found = upscaler(5, edges="wrap")(pixels)
    h, w = found.shape[:2]
    tiling = upscaler(5)(np.tile(pixels, (31, 31, 1)))[15 * h : 16 * h, 15 * w : 16 * w]
    assert np.abs(found.astype(int) - tiling).max() <= 1


def test_a_texture_may_begin_anywhere():
    """Without a seam: what is moved round before is as what is moved round after."""
    pixels, enlarge = texture(21, 16, 3), upscaler(2, edges="wrap")
    moved = enlarge(np.roll(pixels, (5, 7), (0, 1)))
    expected = np.roll(enlarge(pixels), (10, 14), (0, 1))
    assert np.abs(moved.astype(int) - expected).max() <= 1
    seam = upscaler(2)(np.roll(pixels, (5, 7), (0, 1)))
    assert np.abs(seam.astype(int) - expected).max() > 20


def test_results_say_how_their_edges_are(folder, capsys):
    Image.fromarray(texture(12, 10, 3)).save("a.png")
    words = "a.png", "--scale", 2, "--output", "out/"
    assert run(*words) == 0
    plain = image_io.read(folder / "out/a_x2.png").pixels
    for _ in range(2):
        assert run(*words, "--edges", "wrap") == 2  # it would replace the other
    assert "--overwrite" in capsys.readouterr().err
    assert run(*words, "--edges", "wrap", "--overwrite") == 0
    np.testing.assert_array_equal(
        image_io.read(folder / "out/a_x2.png").pixels, upscaler(2, edges="wrap")(texture(12, 10, 3))
    )
    assert (image_io.read(folder / "out/a_x2.png").pixels != plain).any()
    capsys.readouterr()
    assert run(*words, "--edges", "wrap") == 0
    assert "1 of 1 already upscaled" in capsys.readouterr().out
    assert run(*words) == 2


def test_animations_wrap(folder):
    frames = [Image.fromarray(texture(12, 10, 3, seed=seed)) for seed in range(3)]
    frames[0].save("a.png", save_all=True, append_images=frames[1:], duration=100)
    assert run("a.png", "--scale", 2, "--edges", "wrap", "--output", "b.png") == 0
    enlarge = upscaler(2, edges="wrap")
    for seed, frame in enumerate(animations.read(folder / "b.png").frames):
        np.testing.assert_array_equal(frame, enlarge(texture(12, 10, 3, seed=seed)))


def packed():
    """Colours everywhere, and an alpha that is 0 in the left half: a mask of gloss."""
    y, x = np.mgrid[:24, :24]
    waves = [128 + 90 * np.sin(x / 3), 128 + 90 * np.sin(y / 4), 128 + 90 * np.sin((x + y) / 5)]
    return np.stack([*waves, np.where(x < 12, 0, 255)], 2).astype(np.uint8)


def test_hidden_colours_are_enlarged_like_others():
    pixels = packed()
    found = upscaler(3, keep_hidden_colours=True)(pixels)
    np.testing.assert_array_equal(found[..., :3], upscaler(3)(pixels[..., :3]))
    np.testing.assert_array_equal(found[..., 3:], to_pixels(resize.imresize(to_float(pixels[..., 3:]), 3)))
    filled = upscaler(3)(pixels)
    assert np.abs(filled[:, :20, :3].astype(int) - found[:, :20, :3]).max() > 90


@pytest.mark.parametrize("ending", ["png", "tif", "tga", "qoi", "jp2", "webp", "avif", "heic"])
def test_formats_keep_hidden_colours(folder, ending):
    if ending == "heic":
        pytest.importorskip("pillow_heif")
    elif f".{ending}" not in Image.registered_extensions():
        pytest.skip("this Pillow cannot write it")
    Image.fromarray(packed()).save("a.png")
    words = "--scale", 2, "--keep_hidden_colours", "--output", f"b.{ending}"
    assert run("a.png", *words) == 0
    found = image_io.read(folder / f"b.{ending}").pixels.astype(int)
    difference = np.abs(found - upscaler(2, keep_hidden_colours=True)(packed()))[:, :20, :3]
    assert difference.mean() < (4 if ending in ("webp", "avif", "heic") else 1e-9)


def test_animations_keep_hidden_colours_where_they_can(folder, fails):
    frames = [Image.fromarray(np.roll(packed(), n, 0)) for n in range(3)]
    frames[0].save("a.png", save_all=True, append_images=frames[1:], duration=100, disposal=1, blend=0)
    words = "a.png", "--scale", 2, "--keep_hidden_colours", "--output"
    for kind in ("gif", "webp"):
        assert f"{kind.upper()} cannot keep the colours of transparent" in fails(*words, f"b.{kind}")
    enlarge = upscaler(2, keep_hidden_colours=True)
    expected = [enlarge(np.roll(packed(), n, 0)) for n in range(3)]
    assert run(*words, "b.png") == 0
    for frame, pixels in zip(animations.read(folder / "b.png").frames, expected, strict=True):
        np.testing.assert_array_equal(frame, pixels)


@pytest.mark.parametrize("words", [["--edges", "wrap"], ["--keep_hidden_colours"]])
def test_films_are_no_textures(folder, fails, words):
    (folder / "a.mp4").write_bytes(b"")
    assert f"a.mp4: {words[0]} is for images, not films" in fails("a.mp4", "--scale", 2, *words)
    frames = [Image.fromarray(texture(12, 10, 3, seed=seed)) for seed in range(2)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    said = fails("a.gif", "--scale", 2, *words, "--output", "b.mp4")
    assert f"a.gif: {words[0]} is for images, not films" in said


def test_other_edges_are_refused():
    with pytest.raises(InputError, match="edges 'mirror'"):
        upscaler(2, edges="mirror")
