"""Frames of animated PNG files, put together as browsers do it (PNG, third edition, 13.16 and 11.3.6).

Pillow mixes half-transparent pixels wrongly, and lets the still picture for other programs show through.
"""

from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from srcnn.images import png_rows

REPLACES = PngImagePlugin.Blend.OP_SOURCE
NOTHING, BEFORE = PngImagePlugin.Disposal.OP_BACKGROUND, PngImagePlugin.Disposal.OP_PREVIOUS


class Canvas:
    """What the frames are drawn on. data: the file."""

    def __init__(self, image: Image.Image, data: bytes):
        self.checks = png_rows.checks(data)
        if image.info.get("default_image"):  # which is not drawn
            next(self.checks, None)
        self.pixels = np.zeros((image.height, image.width, 4), np.uint8)

    def drawn(self, image: Any) -> np.ndarray:
        """(h, w, 4) uint8 with one more frame, at which Pillow is. Raises nearly anything on damage."""
        next(self.checks, None)
        box, leaves, blend = image.dispose_extent, image.dispose_op, image.blend_op
        image.blend_op = REPLACES  # for Pillow
        left, top, right, bottom = map(int, box)
        frame = np.asarray(image.convert("RGBA"))[top:bottom, left:right]
        before = self.pixels.copy() if leaves == BEFORE else None
        place = self.pixels[top:bottom, left:right]
        place[...] = frame if blend == REPLACES else over(frame, place)
        result = self.pixels.copy()
        if leaves == NOTHING:
            place[...] = 0
        elif before is not None:
            self.pixels = before
        return result


def over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """One picture over another, both (h, w, 4) uint8 and not premultiplied."""
    alpha = above[..., 3:] / np.float32(255)
    rest = below[..., 3:] / np.float32(255) * (1 - alpha)
    total = alpha + rest
    colours = (above[..., :3] * alpha + below[..., :3] * rest) / np.maximum(total, np.float32(1e-9))
    return np.concatenate([colours + 0.5, total * 255 + 0.5], axis=2).astype(np.uint8)
