"""Tiles against the whole image at once."""

import itertools
from types import MethodType

import numpy as np
import pytest
from scipy import ndimage

from srcnn.networks.network import Network
from srcnn.pixels import tiles

SIZES = [(1, 1), (5, 3), (20, 20), (20, 21), (33, 47), (19, 64)]
TILINGS = [(20, 20), (20, 7), (20, 1), (6, 4)]


def image_of(size, channels=2):
    return np.random.default_rng(0).random((*size, channels)).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("label_size", "stride"), TILINGS)
def test_boxes_cover_the_image_with_as_few_as_will_do(size, label_size, stride):
    def intervals(n):
        """From each multiple of the stride on, until one reaches the end."""
        for start in itertools.count(0, stride):
            yield start, min(start + label_size, n)
            if start + label_size >= n:
                return

    expected = [
        (top, left, bottom, right) for top, bottom in intervals(size[0]) for left, right in intervals(size[1])
    ]
    assert tiles.tile_boxes(size, label_size, stride) == expected


@pytest.mark.parametrize("box", [(0, 0, 9, 12), (0, 0, 2, 3), (3, 4, 6, 6), (7, 9, 9, 12), (2, 0, 9, 5)])
@pytest.mark.parametrize("padding", [0, 1, 4, 15])
def test_a_part_is_extended_as_the_whole_is(box, padding):
    image, asked = image_of((9, 12)), []

    def read(top, left, bottom, right):
        asked.append((top, left, bottom, right))
        return image[top:bottom, left:right]

    whole = np.pad(image, ((padding, padding), (padding, padding), (0, 0)), mode="edge")
    top, left, bottom, right = box
    expected = whole[top : bottom + 2 * padding, left : right + 2 * padding]
    np.testing.assert_array_equal(tiles.extended(read, box, (9, 12), padding), expected)
    near = max(0, top - padding), max(0, left - padding), min(9, bottom + padding), min(12, right + padding)
    assert asked == [near]


class Blur:
    """Stands in for a network: means of 5x5 pixels, whose margin is 4; `shapes` are those of its batches."""

    network = Network((3, 3))  # of margin 4

    def __init__(self):
        self.shapes = []

    def run(self, batch):
        self.shapes.append(batch.shape)
        return ndimage.uniform_filter(batch, (1, 5, 5, 1), mode="nearest")[:, 2:-2, 2:-2]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("label_size", "stride"), TILINGS)
@pytest.mark.parametrize("batch_size", [1, 3, 128])
def test_what_is_made_in_tiles_is_what_is_made_at_once(size, label_size, stride, batch_size):
    image, blur = image_of(size), Blur()
    result = tiles.super_resolve(blur, image, label_size, stride, batch_size)
    expected = ndimage.uniform_filter(image, (5, 5, 1), mode="nearest")
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=1e-5)
    assert max(shape[0] for shape in blur.shapes) <= batch_size
    assert sum(shape[0] for shape in blur.shapes) == len(tiles.tile_boxes(size, label_size, stride))


def test_one_tile_alone():
    image, blur = image_of((33, 47)), Blur()
    expected = ndimage.uniform_filter(image, (5, 5, 1), mode="nearest")

    def read(top, left, bottom, right):
        return image[top:bottom, left:right]

    for box in tiles.tile_boxes((33, 47), 20, 20):
        part = expected[box[0] : box[2], box[1] : box[3]]
        np.testing.assert_allclose(tiles.tile(read, blur.run, 4, (33, 47), *box), part, atol=1e-5)


def test_tiles_are_of_the_usual_size_side_by_side(monkeypatch):
    monkeypatch.setattr(tiles, "TILE", 10)
    blur = Blur()
    tiles.super_resolve(blur, image_of((20, 30)))
    assert blur.shapes == [(6, 14, 14, 2)]


def test_a_batch_holds_so_many_pixels_and_no_more(monkeypatch):
    monkeypatch.setattr(tiles, "BATCH_PIXELS", 350)
    blur = Blur()
    tiles.super_resolve(blur, image_of((20, 40)), 10)
    assert sorted(shape[0] for shape in blur.shapes) == [2, 3, 3]
    blur = Blur()
    tiles.super_resolve(blur, image_of((7, 40)), 10)  # lower than its tiles are
    assert [shape[0] for shape in blur.shapes] == [4]
    blur = Blur()
    tiles.super_resolve(blur, image_of((40, 7)), 10)
    assert [shape[0] for shape in blur.shapes] == [4]
    blur = Blur()
    tiles.super_resolve(blur, image_of((20, 20)), 19)  # one tile is more than that
    assert {shape[0] for shape in blur.shapes} == {1}


def test_those_of_one_shape_go_together():
    boxes = [(0, 0, 4, 4), (0, 4, 4, 8), (4, 0, 8, 4), (0, 8, 4, 9), (4, 8, 6, 9), (6, 8, 8, 9)]
    assert list(tiles.batched(boxes, 2)) == [boxes[:2], boxes[2:3], boxes[3:4], boxes[4:6]]
    assert list(tiles.batched(boxes, 9)) == [boxes[:3], boxes[3:4], boxes[4:]]


def test_it_is_said_how_far_the_work_is(monkeypatch):
    said = []

    def progress(items, what, total):
        said.append((what, total))
        return items

    monkeypatch.setattr(tiles, "progress", progress)
    blur = Blur()
    read = MethodType(lambda image, *box: image[box[0] : box[2], box[1] : box[3]], image_of((20, 40)))
    tiles.in_tiles(read, blur.run, 4, (20, 40), 10, batch_size=3, what="blurring")
    assert said == [("blurring", 3)]
    tiles.in_tiles(read, blur.run, 4, (20, 40), 10, batch_size=3)
    assert said == [("blurring", 3)]


@pytest.mark.parametrize("stride", [3, 5])
def test_tiles_that_end_with_the_image_are_merged(stride):
    image = image_of((11, 14))
    boxes = tiles.tile_boxes((11, 14), 5, stride)
    columns = sum(box[0] == 0 for box in boxes)
    cut = [image[top:bottom, left:right] for top, left, bottom, right in boxes]
    merged = tiles.merge(cut, (len(boxes) // columns, columns), stride, (11, 14))
    np.testing.assert_allclose(merged, image, atol=1e-6)
    if stride == 5:
        pixels = [(part * 255).astype(np.uint8) for part in cut]
        merged = tiles.merge(pixels, (len(boxes) // columns, columns), None, (11, 14))
        assert merged.dtype == np.uint8
        np.testing.assert_array_equal(merged, (image * 255).astype(np.uint8))


@pytest.mark.parametrize("stride", [1, 4, 5])
def test_merge_is_the_slow_mean_of_overlaps(stride):
    parts = np.random.default_rng(0).random((4 * 3, 5, 5, 2)).astype(np.float32)
    total = np.zeros((3 * stride + 5, 2 * stride + 5, 2))
    count = np.zeros_like(total)
    for row in range(4):
        for column in range(3):
            for y in range(5):
                for x in range(5):
                    total[row * stride + y, column * stride + x] += parts[row * 3 + column, y, x]
                    count[row * stride + y, column * stride + x] += 1
    np.testing.assert_allclose(tiles.merge(parts, (4, 3), stride), total / count, atol=1e-6)


def test_merge_puts_tiles_side_by_side_by_default():
    parts = np.random.default_rng(0).random((6, 4, 4, 1)).astype(np.float32)
    expected = np.vstack([np.hstack(parts[:3]), np.hstack(parts[3:])])
    np.testing.assert_array_equal(tiles.merge(parts, (2, 3)), expected)
