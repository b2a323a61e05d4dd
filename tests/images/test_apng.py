"""Frames of animated PNG files, against the rules of the format worked out here with fractions."""

import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest

from srcnn.images import animations, apng
from tests.helpers.image_files import chunk, random

NOTHING, BACKGROUND, BEFORE = range(3)  # what a frame leaves behind
REPLACES, OVER = range(2)
SIZE = (20, 33)  # of all canvases


def written(path, frames, still=None):
    """frames: (pixels, left, top, what is left, how it is drawn). still: a picture that is not of them."""
    kind = {3: 2, 4: 6}[frames[0][0].shape[2]]
    head = struct.pack(">IIBBBBB", *SIZE[::-1], 8, kind, 0, 0, 0)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"acTL", struct.pack(">II", len(frames), 0))
    out += chunk(b"IDAT", rows(still)) if still is not None else b""
    number = 0
    for index, (pixels, left, top, leaves, blend) in enumerate(frames):
        about = number, *pixels.shape[1::-1], left, top, 1, 10, leaves, blend
        out += chunk(b"fcTL", struct.pack(">IIIIIHHBB", *about))
        number += 1
        if index or still is not None:
            out += chunk(b"fdAT", struct.pack(">I", number) + rows(pixels))
            number += 1
        else:
            out += chunk(b"IDAT", rows(pixels))
    path.write_bytes(out + chunk(b"IEND", b""))


def rows(pixels):
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in pixels))


def mixed(above, below):
    """One RGBA pixel over another, by the formula of the PNG specification."""
    alpha, under = Fraction(int(above[3]), 255), Fraction(int(below[3]), 255)
    total = alpha + under * (1 - alpha)
    colours = [
        a * alpha + b * under * (1 - alpha)
        for a, b in zip(above[:3].tolist(), below[:3].tolist(), strict=True)
    ]
    return [*(float(c / total) if total else 0 for c in colours), float(total * 255)]


def test_half_transparent_frames_are_drawn_over_what_is_there():
    above, below = random(4), random(4)
    above[0, :9, 3] = below[0, :9, 3] = 0
    expected = [[mixed(a, b) for a, b in zip(*pair, strict=True)] for pair in zip(above, below, strict=True)]
    assert np.abs(apng.over(above, below) - expected).max() <= 0.501


def test_what_is_opaque_stays_opaque(tmp_path):
    first, second = random(4), random(4)[:9, :12]
    first[..., 3] = 255
    written(tmp_path / "a.png", [(first, 0, 0, NOTHING, REPLACES), (second, 5, 3, NOTHING, OVER)])
    found = animations.read(tmp_path / "a.png").frames
    assert [frame.shape for frame in found] == [(*SIZE, 3)] * 2
    expected = first.copy()
    expected[3:12, 5:17] = apng.over(second, first[3:12, 5:17])
    np.testing.assert_array_equal(found, [first[..., :3], expected[..., :3]])


def test_the_still_picture_does_not_show_through(tmp_path):
    part = random(4)[:9, :12]
    written(tmp_path / "a.png", [(part, 5, 3, NOTHING, REPLACES)] * 2, still=random(4))
    expected = np.zeros((*SIZE, 4), np.uint8)
    expected[3:12, 5:17] = part
    np.testing.assert_array_equal(animations.read(tmp_path / "a.png").frames, [expected] * 2)


@pytest.mark.parametrize("leaves", [NOTHING, BACKGROUND, BEFORE])
@pytest.mark.parametrize("channels", [3, 4])
def test_what_frames_leave_behind(tmp_path, channels, leaves):
    """Background is transparent, of RGB as well."""
    whole, part, dot = random(channels), random(channels)[:9, :12], random(channels)[:1, :1]
    drawn = [(part, 5, 3, leaves, REPLACES), (dot, 0, 0, NOTHING, REPLACES)]
    written(tmp_path / "a.png", [(whole, 0, 0, NOTHING, REPLACES), *drawn])
    opaque = np.full((*SIZE, 1), 255, np.uint8)
    last = np.concatenate([whole, opaque], 2)[..., :4]
    last[3:12, 5:17, :channels] = {NOTHING: part, BACKGROUND: 0, BEFORE: whole[3:12, 5:17]}[leaves]
    last[3:12, 5:17, 3:] *= leaves != BACKGROUND or channels == 4
    last[0, 0, :channels] = dot
    found = animations.read(tmp_path / "a.png").frames[2]
    np.testing.assert_array_equal(found, last[..., : found.shape[2]])
