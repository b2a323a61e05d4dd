"""The frames of encoded parts as pictures: what sequences and animations are written of."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation

from srcnn.system.errors import InputError
from srcnn.upscaling.films.decoding import decoded, opened, packets_of, reason
from srcnn.upscaling.films.film import Film, Part
from srcnn.upscaling.films.frames import planes
from srcnn.upscaling.films.pixel_formats import HDR, has_alpha, plain_format

SMOOTHLY = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND


def frames_of(parts: list[Part]) -> Iterator[av.VideoFrame]:
    """The frames of parts, in the order in which they are shown."""
    for part in parts:
        with opened(part.path) as container:
            stream = container.streams.video[0]
            yield from decoded(stream, packets_of(container, stream))


def pixels_of(frame: Any, film: Film, format_: str = "rgb24", with_alpha: bool = False) -> np.ndarray:
    """A frame as (h, w, 3) RGB, upright: uint8, or uint16 of format rgb48le.

    with_alpha: (h, w, 4) where the frame has alpha.
    """
    frame.colorspace, frame.color_range = (film.colours[name] for name in ("colorspace", "color_range"))
    rgb = frame.reformat(format=format_, interpolation=SMOOTHLY).to_ndarray()
    if with_alpha and has_alpha(frame.format.name):
        (*_, alpha), peak = planes(frame)
        levels = np.arange(peak + 1) * (np.iinfo(rgb.dtype).max / peak)  # those of libswscale end below white
        rgb = np.dstack([rgb, np.rint(levels).astype(rgb.dtype)[alpha]])
    return np.ascontiguousarray(_upright(rgb, film.display_matrix))


def _upright(pixels, matrix):
    """Pixels turned by right angles and mirrored as FFmpeg's display matrix says; None: as they are."""
    if not matrix:
        return pixels
    to_right, to_bottom, _, down_to_right, down_to_bottom = matrix[:5]  # where these directions of pixels go
    if abs(to_bottom) > abs(to_right):
        pixels, to_right, down_to_bottom = pixels.swapaxes(0, 1), down_to_right, to_bottom
    return pixels[:: -1 if down_to_bottom < 0 else 1, :: -1 if to_right < 0 else 1]


def check_shown(film: Film) -> None:
    """Raises InputError, before the work, if colours of the film's kind cannot become RGB."""
    try:
        pixels_of(av.VideoFrame(16, 16, plain_format(film.format)), film)
    except av.error.FFmpegError as error:
        why = f"has colours of a kind that cannot become RGB ({reason(error)})"
        raise InputError(f"{film.path}: {why}; name an --output for a film, such as .mkv") from error


def not_kept(film: Film) -> list[str]:
    """What of a film's frames pictures do not show, but for bits and transparency, in words."""
    found = {
        "the shape of pixels": film.aspect not in (None, 1),
        "the brightness of HDR": film.colours["color_trc"] in HDR,
        "how the frames hold several views": bool(film.stereo or film.sphere),
    }
    return [what for what, is_so in found.items() if is_so]
