"""Images in tiles, so that large ones need little memory."""

import itertools

import numpy as np

from srcnn.pixels import colour
from srcnn.system.progress import progress
from srcnn.system.threads import in_threads

BATCH_PIXELS = 2**16  # of the tiles that pass through the network in one batch

TILE = 256  # side of the outputs that pass through a network at a time; see docs/speed.md


def tile_boxes(size, label_size, stride):
    """Where the outputs of tiles lie: (top, left, bottom, right), row by row.

    size: (h, w) of the image. The last tiles of a row or column end with the image.
    """
    starts = [range(0, max(0, -(-(n - label_size) // stride)) * stride + 1, stride) for n in size]
    return [
        (top, left, min(top + label_size, size[0]), min(left + label_size, size[1]))
        for top, left in itertools.product(*starts)
    ]


def extended(read, box, size, padding):
    """A part of an image and `padding` pixels around it; edge pixels are repeated beyond the border.

    read: gives a part (h, w, c) from top, left, bottom, right. box: those of the part. size: (h, w) of the
    image. Returns (bottom - top + 2 padding, right - left + 2 padding, c).
    """
    top, left, bottom, right = box[0] - padding, box[1] - padding, box[2] + padding, box[3] + padding
    inner = max(0, top), max(0, left), min(bottom, size[0]), min(right, size[1])
    around = (inner[0] - top, bottom - inner[2]), (inner[1] - left, right - inner[3]), (0, 0)
    return np.pad(read(*inner), around, mode="edge")


def merge(images, size, stride=None):
    """Puts tiles together; where they overlap, the mean is taken.

    images: iterable of (h, w, c), row by row; the last ones of rows and columns may be smaller.
    size: (rows, columns) of tiles. stride: distance of neighbouring tiles, by default h: side by side, as
    in the reference. Returns ((rows - 1) * stride + h, (columns - 1) * stride + w, c), h and w of the last.
    """
    merged = None
    for index, image in enumerate(images):
        h, w, c = image.shape
        if merged is None:
            first, stride = (h, w), stride or h
            merged = np.zeros(((size[0] - 1) * stride + h, (size[1] - 1) * stride + w, c), np.float32)
        y, x = index // size[1] * stride, index % size[1] * stride
        merged[y : y + h, x : x + w] += image
    if stride < max(first):
        covers = (_cover(n, length, stride) for n, length in zip(size, first, strict=True))
        merged /= np.outer(*covers).astype(np.float32)[..., np.newaxis]
    return merged[: y + h, : x + w]


def _cover(n, length, stride):
    """How many of n intervals of this length lie over each pixel."""
    cover = np.zeros((n - 1) * stride + length, np.float32)
    for start in range(0, n * stride, stride):
        cover[start : start + length] += 1
    return cover


def in_tiles(part, shape, dtype, what):
    """An image (h, w, c) of dtype, made in tiles: rounded and clipped pixels, or float32 as it comes.

    part: gives it, float32, from top, left, bottom, right.
    """
    result = np.empty(shape, dtype)

    def fill(box):
        place = slice(box[0], box[2]), slice(box[1], box[3])
        tile = part(*box)
        result[place] = tile if dtype == np.float32 else colour.to_pixels(tile, dtype)

    boxes = tile_boxes(shape[:2], TILE, TILE)
    for _ in progress(in_threads(fill, boxes), what, len(boxes)):
        pass
    return result


def super_resolve(srcnn, input_, label_size=TILE, stride=None, batch_size=128):
    """Super-resolves one degraded image, (h, w, c_dim) to the same shape.

    The image is cut into tiles whose outputs have label_size pixels a side, at this stride, by default
    side by side; they pass through the network at most batch_size at a time and are merged.
    """
    stride = stride or label_size
    size, padding = input_.shape[:2], srcnn.network.margin // 2
    boxes = tile_boxes(size, label_size, stride)
    columns = len({left for _, left, _, _ in boxes})

    def read(top, left, bottom, right):
        return input_[top:bottom, left:right]

    def run(batch):
        return srcnn.run(np.stack([extended(read, box, size, padding) for box in batch]))

    area = min(label_size, size[0]) * min(label_size, size[1])
    batches = batched(boxes, max(1, min(batch_size, BATCH_PIXELS // area)))
    outputs = itertools.chain.from_iterable(in_threads(run, batches))
    return merge(outputs, (len(boxes) // columns, columns), stride)


def batched(boxes, most):
    """Lists of consecutive boxes of one shape, `most` of them or fewer."""
    for _, same in itertools.groupby(boxes, lambda box: (box[2] - box[0], box[3] - box[1])):
        same = list(same)
        for start in range(0, len(same), most):
            yield same[start : start + most]
