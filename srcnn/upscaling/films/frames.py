"""Frames of films: luminance through the networks as it is stored, chroma bicubic, where it lies.

A frame is PyAV's: planes of luminance and of chroma, which may have half the width and height.
"""

from collections.abc import Callable

import av
import numpy as np

from srcnn.pixels.resize import resized
from srcnn.pixels.tiles import super_resolve
from srcnn.upscaling.films.film import Size
from srcnn.upscaling.films.pixel_formats import (
    BT601,
    FORMATS,
    FULL,
    GREY,
    LIMITED,
    has_alpha,
    plain_format,
    with_alpha,
)
from srcnn.upscaling.photographs import fill_transparent


def planes(frame: av.VideoFrame) -> tuple[list[np.ndarray], int]:
    """The planes of a frame as arrays (h, w) in its memory, and its largest level.

    frame: grey, or of `pixel_formats.FORMATS`, with alpha behind the others or without.
    """
    depth = frame.format.components[0].bits
    dtype = np.dtype(np.uint8 if depth == 8 else "<u2")
    arrays = [
        np.frombuffer(memoryview(plane), dtype).reshape(plane.height, plane.line_size // dtype.itemsize)[
            :, : plane.width
        ]
        for plane in frame.planes
    ]
    return arrays, 2**depth - 1


def is_opaque(frame: av.VideoFrame) -> bool:
    """Whether the alpha of a frame that has one hides nothing."""
    if frame.format.name in map(with_alpha, FORMATS):
        (*_, alpha), peak = planes(frame)
        return bool((alpha == peak).all())
    return bool((frame.reformat(format="rgba").to_ndarray()[..., 3] == 255).all())


def in_format(frame: av.VideoFrame, format_: str, becomes_limited: bool = False) -> av.VideoFrame:
    """The frame in a format of FORMATS, its range as it is, or grey; RGB in the limited range of BT.601.

    format_: may be with alpha, which is of full range in any. becomes_limited: see `Film`.
    """
    if becomes_limited:
        return frame.reformat(format=format_, src_color_range=FULL, dst_color_range=LIMITED)
    if frame.format.name.replace("yuvj", "yuv") == format_ or frame.format.name in GREY:
        return frame
    if frame.format.is_rgb:
        return frame.reformat(format=format_, dst_colorspace=BT601, dst_color_range=LIMITED)
    if (
        len(frame.format.components) == 1 and frame.format.components[0].bits > 10
    ):  # swscale takes all of its range
        return frame.reformat(format="gray10le", src_color_range=FULL, dst_color_range=FULL)
    same = frame.color_range
    return frame.reformat(format=format_, src_color_range=same, dst_color_range=same)


def enlarged(
    frame: av.VideoFrame,
    stored: Size,
    size: Size,
    format_: str,
    luminance: Callable,
    chroma_centred: bool = False,
    becomes_limited: bool = False,
) -> av.VideoFrame:
    """A frame enlarged to a size, (height, width), with its time stamps.

    stored: (height, width) of the result; where that is a row or column more, the last is repeated.
    format_: of `pixel_formats.FORMATS`, for the result, or one with alpha. luminance: gives luminance of that
    size, float32, for (h, w) float32, 1 for level 255 of 8 bits. chroma_centred: whether the frame's chroma
    is between the pixels of luminance, not at the left one as in the result. becomes_limited: see `Film`.
    """
    result = av.VideoFrame(stored[1], stored[0], format_)
    result.pts, result.time_base = frame.pts, frame.time_base
    own = plain_format(frame.format.name)
    own = with_alpha(own) if has_alpha(format_) else own
    (y, *chroma), peak = planes(in_format(frame, own, becomes_limited))
    (to, *chroma_to), peak_to = planes(result)
    if has_alpha(format_):
        alpha = chroma.pop()
        _put(chroma_to.pop(), bicubic(alpha, size) * np.float32(peak_to / peak), peak_to)
        y, *chroma = visible(alpha, [y, *chroma])
    unit, unit_to = (
        np.float32(255 * (n + 1) // 256) for n in (peak, peak_to)
    )  # white: 10 bits have 4 times 255
    _put(to, luminance(y / unit) * unit_to, peak_to)
    ratio = [to / n for to, n in zip(size, y.shape, strict=True)]
    for plane, to in zip(chroma, chroma_to, strict=bool(chroma)):
        large = bicubic(plane, to.shape, *_grid(y, plane, result, to, ratio, chroma_centred))
        _put(to, large if peak == peak_to else large * np.float32((peak_to + 1) / (peak + 1)), peak_to)
    if not chroma:
        for to in chroma_to:
            to[:] = (peak_to + 1) // 2
    return result


def _grid(y, plane, result, to, ratio, chroma_centred):
    """The shift and the ratio, as `bicubic` takes them, from a plane of chroma to that of an enlarged frame.

    y: luminance beside the former. ratio: of heights and widths of luminance. Players look for the chroma of
    the result beside the left pixel, wherever that of the film lies.
    """
    halves = [n < m for n, m in zip(plane.shape, y.shape, strict=True)]
    halves_to = [n < m for n, m in zip(to.shape, (result.height, result.width), strict=True)]
    steps = [
        r * (1 + half) / (1 + half_to) for r, half, half_to in zip(ratio, halves, halves_to, strict=True)
    ]
    before = 1 / 4 if halves[1] and not chroma_centred else 0
    return before - (1 / (2 * ratio[1] * (1 + halves[1])) if halves_to[1] else 0), steps


def visible(alpha: np.ndarray, colours: list[np.ndarray]) -> list[np.ndarray]:
    """Planes whose pixels that are wholly transparent have the nearest visible colours; others would bleed.

    alpha: (h, w). colours: planes of luminance and of chroma, which may have half the width and height.
    """
    found = []
    for plane in colours:
        high, wide = (-(-n // m) for n, m in zip(alpha.shape, plane.shape, strict=True))
        padding = [(0, n * m - k) for n, m, k in zip(plane.shape, (high, wide), alpha.shape, strict=True)]
        blocks = np.pad(alpha, padding).reshape(plane.shape[0], high, plane.shape[1], wide)
        shown = blocks.max(axis=(1, 3))
        found.append(fill_transparent(np.stack([plane, shown], axis=2))[..., 0])
    return found


def _put(plane, values, peak):
    """Writes float32 values into a plane, rounded and clipped.

    Where the plane is larger the last row and column are repeated, where it is smaller they are left out.
    """
    values = values + np.float32(0.5)
    np.clip(values, 0, peak, out=values)  # and cut to whole numbers by the plane
    missing = [max(0, n - m) for n, m in zip(plane.shape, values.shape, strict=True)]
    if any(missing):
        values = np.pad(values, [(0, n) for n in missing], mode="edge")
    np.copyto(plane, values[: plane.shape[0], : plane.shape[1]], casting="unsafe")


def bicubic(plane, size, shift=0.0, ratio=None):
    """A plane (h, w) resized to (height, width), float32; for shift and ratio see `resize.resampled`."""
    values = plane.astype(np.float32, copy=False)[..., np.newaxis]
    return resized(values, size, (0, 0, *size), ratio, shift)[..., 0]


def through(srcnns, plane, size=None):
    """Luminance (h, w) in [0, 1] through networks in turn, tile by tile, float32.

    Larger by their scales; then by bicubic down to a size, (height, width), if it is another.
    """
    for srcnn in srcnns:
        whole = bicubic(plane, [n * srcnn.network.scale for n in plane.shape])  # faster than in tiles
        plane = super_resolve(srcnn, whole[..., np.newaxis])[..., 0]
    return plane if size in (None, plane.shape) else bicubic(plane, size)
