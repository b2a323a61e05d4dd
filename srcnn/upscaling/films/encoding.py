"""How the frames of an enlarged film are encoded."""

import os
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import av

from srcnn.images import animations, image_io
from srcnn.settings import FilmCoding
from srcnn.system.errors import InputError
from srcnn.upscaling.films import encoders
from srcnn.upscaling.films.containers import FILMS
from srcnn.upscaling.films.decoding import reason
from srcnn.upscaling.films.film import Film, Size
from srcnn.upscaling.films.pixel_formats import (
    FORMATS,
    FULL,
    LIMITED,
    has_alpha,
    is_high_bit_depth,
    nearest,
    plain_format,
    with_alpha,
)

os.environ.setdefault("SVT_LOG", "0")  # SVT-AV1 says on stderr what it does, unless the variable is set


class Encoder(NamedTuple):
    """How frames are to be encoded."""

    name: str
    format: str
    size: Size
    options: dict[str, str]


LARGEST_H264 = 16384  # pixels of a side
LARGE = 4096  # pixels of a side that all encoders take
SLICED = 16  # pixels from which on FFV1 can be cut into slices
FOR_PLAYERS = ".mp4", ".m4v", ".mov", ".webm"  # films of pictures are 4:2:0 there: many know nothing else
ALPHA = {
    "libvpx-vp9": (".webm", ".mkv"),
    "prores_ks": (".mov", ".mkv"),
    "ffv1": (".mkv",),
}  # who keeps it, where


def encoder(film: Film, target: Path, size: Size, coding: FilmCoding) -> Encoder:
    """The Encoder of an enlarged film. Raises InputError for frames that the container cannot have.

    size: (height, width) of its frames.
    """
    name = _name(film, target, size, coding)
    format_ = _format(film, target, name, bool(coding.codec))
    options = encoders.options(name, coding.crf, coding.preset)
    if name == "ffv1" and min(size) < SLICED:
        options = {"level": "1", "g": "1"}
    if name == "libvpx-vp9" and has_alpha(format_):
        options["auto-alt-ref"] = "0"  # for which its alpha has no place
    if name == "libx265":
        options["x265-params"] = ":".join(["log-level=error", *([film.hdr] if film.hdr else [])])
    h, w = size
    if name in ("libx264", "libx265") or encoders.is_hardware(name):  # they take no half pixels of chroma
        w += w % 2 if "444" not in format_ else 0
        h += h % 2 if "420" in format_ else 0
        if not encoders.has_crf(name):
            options["b"] = str(round(encoders.BITS * h * w * film.rate))
    found = Encoder(name, format_, (h, w), options)
    if name == "ffv1" and _refusal(film, found):  # it cuts not every odd size into as many slices
        found = found._replace(options={key: value for key, value in options.items() if key != "slices"})
    _check_opens(film, target, found)
    return found


def in_its_range(film: Film, encoder: Encoder) -> Film:
    """The film with the range of colours that its result has: for players ProRes has but the limited one."""
    if encoder.name != "prores_ks" or film.colours["color_range"] != FULL:
        return film
    return film._replace(colours=film.colours | {"color_range": LIMITED}, becomes_limited=True)


def _name(film, target, size, coding):
    """The name of the encoder: of the codec that is asked for, or by the container."""
    high_bit_depth = is_high_bit_depth(film.format)
    if coding.family:
        return coding.codec if coding.codec not in (None, coding.family) else encoders.SOFTWARE[coding.family]
    if target.suffix.lower() == ".webm":
        return "libsvtav1" if high_bit_depth else "libvpx-vp9"
    return "libx265" if high_bit_depth or max(size) > LARGEST_H264 else "libx264"


def _format(film, target, name, is_asked):
    """The format that an encoder is given, see `Encoder`.

    is_asked: whether the user has named the codec; then it may be one that keeps less.
    """
    format_, suffix = plain_format(film.format), target.suffix.lower()
    if film.of_pictures and suffix in FOR_PLAYERS and not is_asked:
        format_ = format_.replace("444", "420")
    taken = [other for other in FORMATS if encoders.stored_format(name, other)]
    if has_alpha(film.format) and _keeps_alpha(name, target):
        taken = [other for other in taken if encoders.stored_format(name, with_alpha(other))]
        # libvpx lists more, and refuses it.
        return with_alpha("yuv420p" if name == "libvpx-vp9" else nearest(format_, taken))
    found = nearest(format_, taken)
    if found != format_ and not is_asked:
        raise InputError(f"{target}: {suffix[1:]} cannot keep {format_}; name an --output that ends in .mkv")
    return found


def _keeps_alpha(name, target):
    suffix = target.suffix.lower()
    if suffix in FILMS:
        return suffix in ALPHA.get(name, ())
    return (animations.KINDS.get(suffix) or image_io.format_of(target)) in image_io.KEEP_ALPHA


def _check_opens(film, target, encoder):
    """Raises InputError if an encoder does not take frames of this size, which it says before the first."""
    h, w = encoder.size
    of_hardware = encoders.is_hardware(encoder.name)
    if (max(h, w) <= LARGE and not of_hardware) or not (error := _refusal(film, encoder)):
        return
    codec = encoders.codec_of(encoder.name)
    if of_hardware:
        why = f"cannot encode {w}x{h} pixels on this machine ({reason(error)})"
        raise InputError(f"{target}: {encoder.name} {why}; use --codec {codec}")
    webm = Encoder("libvpx-vp9", encoder.format, (h, w), encoders.QUICK["libvpx-vp9"])
    is_for_webm = not is_high_bit_depth(encoder.format) and not _refusal(film, webm)
    fits = "--output NAME.webm, or " if is_for_webm else ""
    why = f"{w}x{h} pixels is more than {encoders.NAMES[codec]} can hold"
    raise InputError(f"{target}: {why}; use {fits}--lossless for .mkv")


def _refusal(film, encoder):
    """Why an encoder takes no frames of this size, an FFmpegError; None if it does."""
    try:
        with av.open(BytesIO(), "w", format="matroska") as output:
            add_encoder(output, film, encoder)
            output.start_encoding()
    except av.error.FFmpegError as error:
        return error
    return None


def part_ending(encoder: Encoder) -> str:
    """The ending of a part: of NUT, which counts as the film does, or of Matroska for what NUT has not."""
    return ".mkv" if encoder.name == "prores_ks" or has_alpha(encoder.format) else ".nut"


def add_encoder(output: av.container.OutputContainer, film: Film, encoder: Encoder) -> Any:
    """Adds the stream of an Encoder to an output; time stamps count as the film's."""
    stream: Any = output.add_stream(encoder.name, rate=film.rate, options=encoder.options)
    stream.height, stream.width = encoder.size
    stream.pix_fmt = encoders.stored_format(encoder.name, encoder.format)
    stream.time_base = stream.codec_context.time_base = film.time_base
    if film.aspect:
        stream.codec_context.sample_aspect_ratio = film.aspect
    for name, value in film.colours.items():
        setattr(stream.codec_context, name, value)
    if encoder.name == "libvpx-vp9" and has_alpha(encoder.format):
        stream.metadata["alpha_mode"] = "1"  # by which Matroska says so
    return stream


def tag_of(encoded: Any, kind: str) -> str | None:
    """The tag of a film in a kind of container, if it is to be another than the container's own.

    encoded: the codec context of a part.
    """
    if encoded.name == "hevc" and kind in ("mp4", "mov"):
        return "hvc1"  # the one that Apple's players know
    return encoded.codec_tag if encoded.name == "prores" else None  # which tells 4:2:2 from 4:4:4
