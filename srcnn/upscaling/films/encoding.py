"""How the frames of an enlarged film are encoded."""

import os
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import av

from srcnn.settings import FilmCoding
from srcnn.system.errors import InputError
from srcnn.upscaling.films.film import Film, Size
from srcnn.upscaling.films.pixel_formats import plain_format

os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 says on stderr what it does, unless the variable is set


class Encoder(NamedTuple):
    """How frames are to be encoded."""

    name: str
    format: str
    size: Size
    options: dict[str, str]


# Presets are the best that leave the network most of the machine. Largest CRF, visually lossless one.
CRF = {"libx264": (51, 17), "libx265": (51, 16), "libvpx-vp9": (63, 20), "libsvtav1": (63, 18)}
CODECS = {"libx264": "H.264", "libx265": "HEVC", "libvpx-vp9": "VP9", "libsvtav1": "AV1", "ffv1": "FFV1"}
LARGEST_H264 = 16384  # pixels of a side
LARGE = 4096  # pixels of a side that all encoders take
SLICED = 16  # pixels from which on FFV1 can be cut into slices
PRESETS = {
    "libx264": {"preset": "superfast"},
    "libx265": {"preset": "ultrafast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "7", "row-mt": "1", "b": "0", "lag-in-frames": "0"},
    "libsvtav1": {"preset": "11"},
    "ffv1": {"level": "3", "g": "1", "slices": "16", "slicecrc": "1"},
}


def encoder(film: Film, target: Path, size: Size, coding: FilmCoding) -> Encoder:
    """The Encoder of an enlarged film. Raises InputError for frames that the container cannot have.

    size: (height, width) of its frames.
    """
    format_ = plain_format(film.format)
    high_bit_depth = format_.endswith("10le")
    if coding.lossless:
        name = "ffv1"
    elif target.suffix.lower() == ".webm":
        name = "libsvtav1" if high_bit_depth else "libvpx-vp9"
        if high_bit_depth and format_ != "yuv420p10le":
            raise InputError(f"{target}: webm cannot keep {format_}; name an --output ending in .mkv")
    else:
        name = "libx265" if high_bit_depth or max(size) > LARGEST_H264 else "libx264"
    options = dict(PRESETS[name])
    if not coding.lossless:
        largest, best = CRF[name]
        crf = best if coding.crf is None else coding.crf
        if crf > largest:
            raise InputError(f"--crf {crf}: {name} takes 0 to {largest}")
        options["crf"] = str(crf)
    elif min(size) < SLICED:
        options = {"level": "1", "g": "1"}
    if name == "libx265":
        options["x265-params"] = ":".join(["log-level=error", *([film.hdr] if film.hdr else [])])
    h, w = size
    if name in ("libx264", "libx265"):  # they take no half pixels of chroma
        w += w % 2 if "444" not in format_ else 0
        h += h % 2 if "420" in format_ else 0
    found = Encoder(name, format_, (h, w), options)
    if max(h, w) > LARGE and not _opens(film, found):
        webm = Encoder("libvpx-vp9", format_, (h, w), PRESETS["libvpx-vp9"])
        fits = "--output NAME.webm, or " if not high_bit_depth and _opens(film, webm) else ""
        raise InputError(
            f"{target}: {w}x{h} pixels is more than {CODECS[name]} can hold; take {fits}--lossless for .mkv"
        )
    return found


def _opens(film, encoder):
    """Whether an encoder takes frames of this size, which it says before the first."""
    try:
        with av.open(BytesIO(), "w", format="nut") as output:
            add_encoder(output, film, encoder)
            output.start_encoding()
    except av.error.FFmpegError:
        return False
    return True


def add_encoder(output: av.container.OutputContainer, film: Film, encoder: Encoder) -> Any:
    """Adds the stream of an Encoder to an output; time stamps count as the film's."""
    stream: Any = output.add_stream(encoder.name, rate=film.rate, options=encoder.options)
    stream.height, stream.width = encoder.size
    stream.pix_fmt = encoder.format
    stream.time_base = stream.codec_context.time_base = film.time_base
    if film.aspect:
        stream.codec_context.sample_aspect_ratio = film.aspect
    for name, value in film.colours.items():
        setattr(stream.codec_context, name, value)
    return stream
