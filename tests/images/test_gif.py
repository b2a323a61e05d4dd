"""GIF frames as browsers put them together."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from srcnn.images import animations, image_io
from srcnn.images.gif import pictures
from srcnn.system.errors import InputError

WHITE, RED, BLUE, GREEN = range(4)
COLOURS = np.array([[255, 255, 255], [255, 0, 0], [0, 0, 255], [0, 255, 0]], np.uint8)


def gif(canvas, *frames):
    """A file of frames: (left, top, numbers (h, w)), and what is left behind and the transparent number."""
    out = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0, 0, 0)
    for left, top, numbers, leaves, key in frames:
        file = BytesIO()
        image = Image.fromarray(np.array(numbers, np.uint8), "P")
        image.putpalette(COLOURS.tobytes())
        image.save(file, "GIF", optimize=False)
        data = file.getvalue()
        size = 3 * 2 ** ((data[10] & 7) + 1)
        at = data.index(b"\x2c", 13 + size)
        said = leaves << 2 | (key is not None)
        out += b"\x21\xf9\x04" + struct.pack("<BHBB", said, 10, key or 0, 0)
        out += b"\x2c" + struct.pack("<HHHHB", left, top, *np.shape(numbers)[::-1], 0x80 | (data[10] & 7))
        out += data[13 : 13 + size] + data[at + 10 : -1]
    return out + b";"


def full(colour, h=4, w=6):
    return np.full((h, w), colour)


def rgba(numbers):
    """(h, w, 4) of numbers; -1 is transparent."""
    numbers = np.asarray(numbers)
    alpha = np.where(numbers < 0, 0, 255).astype(np.uint8)[..., np.newaxis]
    return np.concatenate([np.where(alpha > 0, COLOURS[numbers], 0), alpha], axis=2)


def canvas_of(*boxes, h=4, w=6):
    """What boxes (top, left, bottom, right, colour) leave on a canvas of nothing."""
    numbers = np.full((h, w), -1)
    for top, left, bottom, right, colour in boxes:
        numbers[top:bottom, left:right] = colour
    return rgba(numbers)


def test_a_frame_beyond_the_canvas_is_cut_off():
    content = gif((6, 4), (0, 0, full(RED), 1, None), (4, 2, full(BLUE), 1, None))
    first, second = pictures(content)
    np.testing.assert_array_equal(first, rgba(full(RED)))
    np.testing.assert_array_equal(second, canvas_of((0, 0, 4, 6, RED), (2, 4, 4, 6, BLUE)))


def test_the_canvas_holds_the_first_frame():
    (first,) = pictures(gif((2, 2), (1, 0, full(RED), 0, None)))
    np.testing.assert_array_equal(first, canvas_of((0, 1, 4, 7, RED), w=7))


def test_what_no_frame_has_drawn_is_transparent():
    content = gif((6, 4), (1, 1, full(RED, 2, 2), 1, None), (3, 1, full(BLUE, 2, 2), 1, None))
    first, second = pictures(content)
    np.testing.assert_array_equal(first, canvas_of((1, 1, 3, 3, RED)))
    np.testing.assert_array_equal(second, canvas_of((1, 1, 3, 3, RED), (1, 3, 3, 5, BLUE)))


@pytest.mark.parametrize("leaves", [0, 1, 2, 3])
def test_what_a_frame_leaves_behind(leaves):
    keyed = full(GREEN, 2, 4)
    keyed[:, 2:] = WHITE
    content = gif(
        (6, 4), (0, 0, full(RED), 1, None), (1, 1, full(BLUE, 2, 2), leaves, None), (0, 0, keyed, 1, WHITE)
    )
    last = list(pictures(content))[2]
    behind = {2: (1, 1, 3, 3, -1), 3: (1, 1, 3, 3, RED)}.get(leaves, (1, 1, 3, 3, BLUE))
    np.testing.assert_array_equal(last, canvas_of((0, 0, 4, 6, RED), behind, (0, 0, 2, 2, GREEN)))


def test_animations_and_single_pictures_agree(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(gif((6, 4), (1, 1, full(RED, 2, 2), 1, None), (4, 2, full(BLUE), 1, None)))
    frames = animations.read(path).frames
    assert [frame.shape for frame in frames] == [(4, 6, 4)] * 2
    np.testing.assert_array_equal(image_io.read(path).pixels, frames[0])
    assert image_io.size(path) == (4, 6)


def test_a_gif_as_pillow_writes_it_is_read_as_pillow_reads_it(tmp_path):
    """Where the two agree: frames that fill the canvas, with a palette of 256."""
    rng = np.random.default_rng(0)
    images = [Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).quantize(200) for _ in range(3)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=50)
    with Image.open(tmp_path / "a.gif") as image:
        for number, pixels in enumerate(pictures((tmp_path / "a.gif").read_bytes())):
            image.seek(number)
            np.testing.assert_array_equal(pixels, np.asarray(image.convert("RGBA")))


def test_a_file_cut_short_is_damaged(tmp_path):
    content = gif((6, 4), (1, 1, full(RED, 2, 2), 1, None), (0, 0, full(BLUE), 1, None))
    for length in range(14, len(content), 7):
        (tmp_path / "a.gif").write_bytes(content[:length])
        with pytest.raises(InputError):
            animations.read(tmp_path / "a.gif")
