"""Images in tiles, so that large ones need little memory."""

import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from srcnn.system.progress import progress
from srcnn.system.threads import in_threads

BATCH_PIXELS = 2**16  # of the tiles that pass through the network in one batch
Box = tuple[int, int, int, int]  # top, left, bottom, right

TILE = 256  # side of the outputs that pass through a network at a time; see docs/speed.md


def tile_boxes(size: tuple[int, int], label_size: int, stride: int) -> list[Box]:
    """Where the outputs of tiles lie: (top, left, bottom, right), row by row.

    size: (h, w) of the image. The last tiles of a row or column end with the image.
    """
    starts = [range(0, max(0, -(-(n - label_size) // stride)) * stride + 1, stride) for n in size]
    return [
        (top, left, min(top + label_size, size[0]), min(left + label_size, size[1]))
        for top, left in itertools.product(*starts)
    ]


def extended(read: Callable, box: Box, size: tuple[int, int], padding: int) -> np.ndarray:
    """A part of an image and `padding` pixels around it; edge pixels are repeated beyond the border.

    read: gives a part (h, w, c) from top, left, bottom, right. box: those of the part. size: (h, w) of the
    image. Returns (bottom - top + 2 padding, right - left + 2 padding, c).
    """
    top, left, bottom, right = box[0] - padding, box[1] - padding, box[2] + padding, box[3] + padding
    inner = max(0, top), max(0, left), min(bottom, size[0]), min(right, size[1])
    around = (inner[0] - top, bottom - inner[2]), (inner[1] - left, right - inner[3]), (0, 0)
    part = read(*inner)
    return np.pad(part, around, mode="edge") if np.any(around) else part


def merge(
    images: Iterable[np.ndarray],
    size: tuple[int, int],
    stride: int | None = None,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:
    """Puts tiles together; where they overlap, the mean is taken.

    images: iterable of (h, w, c), row by row; the last ones of rows and columns may be smaller.
    size: (rows, columns) of tiles. stride: distance of neighbouring tiles in pixels, by default h: side by
    side, as in the reference. shape: (height, width) of the whole, by default that of tiles of one size,
    ((rows - 1) * stride + h, (columns - 1) * stride + w). Returns (height, width, c) of the tiles' type.
    """
    images = iter(images)
    first = next(images)
    h, w, c = first.shape
    stride = stride or h
    shape = shape or ((size[0] - 1) * stride + h, (size[1] - 1) * stride + w)
    overlap = stride < max(h, w)
    merged = np.zeros((*shape, c), first.dtype)
    for index, image in enumerate(itertools.chain([first], images)):
        y, x = index // size[1] * stride, index % size[1] * stride
        place = slice(y, y + image.shape[0]), slice(x, x + image.shape[1])
        if overlap:
            merged[place] += image
        else:
            merged[place] = image
    if overlap:
        covers = (_cover(*each, stride) for each in zip(size, (h, w), shape, strict=True))
        merged /= np.outer(*covers).astype(np.float32)[..., np.newaxis]
    return merged


def _cover(n, length, whole, stride):
    """How many of n intervals of this length lie over each pixel of the whole."""
    cover = np.zeros(whole, np.float32)
    for start in range(0, n * stride, stride):
        cover[start : start + length] += 1
    return cover


def tile(read: Callable, run: Callable, margin: int, size: tuple[int, int], *box) -> np.ndarray:
    """One tile of what `in_tiles` makes, (bottom - top, right - left, c'). box: top, left, bottom, right."""
    return run(extended(read, box, size, margin // 2)[np.newaxis])[0]


def in_tiles(
    read: Callable,
    run: Callable,
    margin: int,
    size: tuple[int, int],
    label_size: int | None = None,
    stride: int | None = None,
    batch_size: int = 128,
    what: str | None = None,
) -> np.ndarray:
    """What a network, or another function, makes of an image, tile by tile, several of them in threads.

    read: gives a part of the image, (h, w, c), from top, left, bottom, right. size: its (height, width); its
    edge pixels are repeated beyond, for margin / 2 pixels. run: takes a batch of tiles, (n, h + margin,
    w + margin, c), to (n, h, w, c'). label_size, stride: side and distance of what comes out, in pixels, by
    default TILE, side by side. batch_size: tiles in a batch, at most. what: names the work as it progresses.
    Returns (height, width, c') of the type that `run` gives.
    """
    label_size = label_size or TILE
    stride = stride or label_size
    boxes = tile_boxes(size, label_size, stride)
    columns = len({left for _, left, _, _ in boxes})
    area = min(label_size, size[0]) * min(label_size, size[1])
    batches = list(batched(boxes, max(1, min(batch_size, BATCH_PIXELS // area))))

    def outputs_of(batch):
        return run(np.stack([extended(read, box, size, margin // 2) for box in batch]))

    outputs = in_threads(outputs_of, batches)
    outputs = progress(outputs, what, len(batches)) if what else outputs
    return merge(itertools.chain.from_iterable(outputs), (len(boxes) // columns, columns), stride, size)


def super_resolve(
    srcnn,
    input_: np.ndarray,
    label_size: int | None = None,
    stride: int | None = None,
    batch_size: int = 128,
) -> np.ndarray:
    """Super-resolves one degraded image, (h, w, c_dim) to the same shape, by an SRCNN; see `in_tiles`."""

    def read(top, left, bottom, right):
        return input_[top:bottom, left:right]

    return in_tiles(read, srcnn.run, srcnn.network.margin, input_.shape[:2], label_size, stride, batch_size)


def batched(boxes: list[Box], most: int) -> Iterator[list[Box]]:
    """Lists of consecutive boxes of one shape, `most` of them or fewer."""
    for _, same in itertools.groupby(boxes, lambda box: (box[2] - box[0], box[3] - box[1])):
        group = list(same)
        for start in range(0, len(group), most):
            yield group[start : start + most]
