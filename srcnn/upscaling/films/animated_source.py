"""Animated pictures as films that FFmpeg reads, which knows no animated WebP, and GIF in its own way."""

import functools
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np

from srcnn.images import animations, placement

TICK = Fraction(1, 90000)  # seconds: milliseconds and the usual rates are whole numbers of it
SHORTEST, USUAL = 10, 100  # milliseconds: frames of no more than the first last the second, as in browsers


@functools.lru_cache(1)
def as_film(path: Path, _changed: int) -> tuple[bytes, tuple[str, ...]]:
    """An animation as the bytes of a film in QuickTime, and what is left out of it, in words.

    Its frames are without loss, each as long as it is shown. _changed: when the file was. Raises InputError
    if it is broken, or has too many pixels.
    """
    animation, file = animations.read(path), BytesIO()
    has_alpha = animation.frames[0].shape[2] == 4
    lasting = [ms if ms > SHORTEST else USUAL for ms in animation.milliseconds]
    with av.open(file, "w", format="mov") as output:
        rate = Fraction(1000 * len(lasting)) / Fraction(sum(lasting)).limit_denominator(1000)
        stream: Any = output.add_stream("png", rate=rate.limit_denominator(1001000))
        stream.height, stream.width = animation.frames[0].shape[:2]
        stream.pix_fmt = "rgba" if has_alpha else "rgb24"
        stream.time_base = stream.codec_context.time_base = TICK
        begin = Fraction(0)  # ticks
        for pixels, ms in zip(animation.frames, lasting, strict=True):
            end = begin + Fraction(ms) / 1000 / TICK
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=stream.pix_fmt)
            frame.pts, frame.time_base = round(begin), TICK
            for packet in stream.encode(frame):  # one for each frame
                packet.duration = round(end) - round(begin)
                output.mux_one(packet)
            begin = end
        output.mux(stream.encode(None))
    info = placement.placed("MOV", animation.metadata)  # which has a place for none
    beside = {
        "the colour profile": animation.icc_profile,
        "metadata, EXIF or XMP": info.exif or info.xmp,
        animation.left_out: animation.left_out,
        info.left_out: info.left_out,
    }
    return file.getvalue(), tuple(what for what, is_there in beside.items() if is_there)
