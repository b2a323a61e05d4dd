"""Frames of films: luminance through the networks as it is stored, chroma bicubic, where it lies.

A frame is PyAV's: planes of luminance and of chroma, which may have half the width and height.
"""

import av
import numpy as np
from PIL import Image

import utils
from network import TILE

EDGE = 4  # pixels that a plane is extended by: more than the bicubic kernel reaches
FORMATS = {f"yuv{kind}p{depth}" for kind in (420, 422, 444) for depth in ("", "10le")}


def plain_format(name):
    """The format of FORMATS that keeps the pixels of a decoder, but for what is deeper than 10 bits."""
    same = name.replace("yuvj", "yuv")  # the j says full range, which is said elsewhere
    if same in FORMATS:
        return same
    pixels = av.VideoFormat(name)
    wide, high = pixels.chroma_width(16) == 16, pixels.chroma_height(16) == 16
    grey = len(pixels.components) < 3
    kind = 444 if pixels.is_rgb or pixels.has_palette or wide else 422 if high and not grey else 420
    return f"yuv{420 if grey else kind}p" + ("10le" if max(c.bits for c in pixels.components) > 8 else "")


def planes(frame):
    """The planes of a frame of FORMATS as arrays (h, w) that share its memory, and its levels but one."""
    depth = frame.format.components[0].bits
    dtype = np.dtype(np.uint8 if depth == 8 else "<u2")
    arrays = [
        np.frombuffer(plane, dtype).reshape(plane.height, plane.line_size // dtype.itemsize)[:, : plane.width]
        for plane in frame.planes
    ]
    return arrays, 2**depth - 1


def pixels_of(frame, format_):
    """The frame in a format of FORMATS, its range as it is."""
    if frame.format.name.replace("yuvj", "yuv") == format_:
        return frame
    return frame.reformat(
        format=format_, src_color_range=frame.color_range, dst_color_range=frame.color_range
    )


def enlarged(frame, size, format_, luminance, scale, centred=False):
    """A frame `scale` times as large, with its time stamps.

    size: (height, width) of the result; where it has a row or column more than that, the last is repeated.
    format_: of FORMATS, for the result. luminance: gives (h * scale, w * scale) float32 for (h, w) float32, 1
    for level 255 of 8 bits. centred: whether chroma lies between the pixels of luminance, as in JPEG, and not
    beside the left one, as in MPEG-2 and later.
    """
    result = av.VideoFrame(size[1], size[0], format_)
    result.pts, result.time_base = frame.pts, frame.time_base
    (y, *chroma), peak = planes(pixels_of(frame, format_))
    (to, *chroma_to), _ = planes(result)
    unit = np.float32(255 * (peak + 1) // 256)  # white of 8 bits is 255, of 10 bits 4 times as much
    _put(to, luminance(y / unit) * unit, peak)
    beside = chroma_to[0].shape[1] < size[1] and not centred
    shift = (1 - 1 / scale) / 4 if beside else 0
    for plane, to in zip(chroma, chroma_to, strict=True):
        _put(to, bicubic(plane, scale, shift), peak)
    return result


def _put(plane, values, peak):
    """Writes values, rounded and clipped, into a plane; the last row and column are repeated or left out."""
    values = np.clip(np.floor(values + np.float32(0.5)), 0, peak)
    missing = [max(0, n - m) for n, m in zip(plane.shape, values.shape, strict=True)]
    if any(missing):
        values = np.pad(values, [(0, n) for n in missing], mode="edge")
    plane[:] = values[: plane.shape[0], : plane.shape[1]]


def bicubic(plane, scale, shift=0.0):
    """MATLAB's bicubic, as `utils.imresize`, of a plane (h, w) whose pixels lie `shift` to the left."""
    h, w = plane.shape
    image = Image.fromarray(np.pad(plane.astype(np.float32), EDGE, mode="symmetric"))
    box = EDGE + shift, EDGE, EDGE + shift + w, EDGE + h
    return np.asarray(image.resize((w * scale, h * scale), Image.Resampling.BICUBIC, box))


def through(srcnns, plane):
    """Luminance (h, w) in [0, 1] through networks in turn, tile by tile: larger by their scales, float32."""
    image = plane[..., np.newaxis]
    for srcnn in srcnns:
        image = utils.imresize(image, srcnn.network.scale)
        margin = srcnn.network.margin
        padded = np.pad(image, [(margin // 2, margin // 2)] * 2 + [(0, 0)], mode="edge")
        for top, left, bottom, right in utils.tile_boxes(image.shape[:2], TILE, TILE):
            tile = padded[np.newaxis, top : bottom + margin, left : right + margin]
            image[top:bottom, left:right] = srcnn.run(tile)[0]
    return image[..., 0]
