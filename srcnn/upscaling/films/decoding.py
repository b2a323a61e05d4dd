"""Reading files of films: their packets and frames, as far as they can be read."""

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import av.logging
from av.sidedata.sidedata import Type

from srcnn.images import animations
from srcnn.system.errors import InputError, first_line
from srcnn.system.sequences import is_sequence, members
from srcnn.upscaling.films.animated_source import as_film

THOROUGHLY = 2**28  # bytes, which are kept in memory
STREAM = re.compile(r"^ *Stream #0:(\d+)[^:\n]*: (\w+): (\w+)", re.MULTILINE)  # as FFmpeg lists them
UNKNOWING = PermissionError, BlockingIOError  # by which demuxers may mean that they do not know what to do
# Tags need not be UTF-8, and are copied byte for byte; PyAV does so by itself since 19.
ANY_TAGS: dict[str, Any] = (
    {"metadata_errors": "surrogateescape"} if int(av.__version__.split(".")[0]) < 19 else {}
)


ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # decoders that know the transparency of codecs


def _named(kinds, number):
    """A kind of side data that FFmpeg has and PyAV does not know; it looks at all there are."""
    kind = object.__new__(kinds)
    kind._name_, kind._value_ = f"UNKNOWN_{number}", number
    return kinds._value2member_map_.setdefault(number, kind)


Type._missing_ = classmethod(_named)  # type: ignore[method-assign, assignment]


def location(path: Path) -> str:
    """A path as FFmpeg takes it for one: 12:30.mp4 would be by the protocol 12."""
    return os.path.abspath(path)


def opened(path: Path, thoroughly: bool = False) -> av.container.InputContainer:
    """The film at a path, opened for reading. Raises InputError for what cannot be read.

    path: of an animated picture, or of a sequence of images, too.

    thoroughly: its streams are looked for in its first THOROUGHLY bytes, not only in its first seconds.
    """
    options = {"probesize": str(THOROUGHLY), "analyzeduration": str(2**62)} if thoroughly else {}
    file: Any = location(path)
    kind = None
    if is_sequence(path):
        file = os.path.join(location(path.parent).replace("%", "%%"), path.name)
        kind, options = "image2", options | {"start_number": str(next(iter(members(path)), 0))}
    elif animations.count(path) > 1:
        file = BytesIO(as_film(path, path.stat().st_mtime_ns)[0])
    try:
        return av.open(file, format=kind, options=options, **ANY_TAGS)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a film ({reason(error)}); replace it") from error


def listed(container: av.container.InputContainer) -> dict[int, tuple[str, str]]:
    """The kind and codec, "none" if unknown, of each stream of a film, as FFmpeg tells them in words.

    PyAV knows no codecs without a decoder, nor the streams that have begun since the film was opened.
    """
    found = STREAM.findall(_told(container))
    return {int(index): (kind.lower(), codec) for index, kind, codec in sorted(found)}


def side_data(container: av.container.InputContainer, index: int) -> list[str]:
    """What FFmpeg tells, in its words, of what a film has beside the packets of a stream."""
    of_streams = re.split(r"^ *Stream #0:", _told(container), flags=re.MULTILINE)
    about = next((text for text in of_streams if re.match(rf"{index}\b", text)), "")
    return re.findall(
        r"^      ([^\s:(][^:(\n]*?) *[:(\n]", about.partition("    Side data:\n")[2], re.MULTILINE
    )


def _told(container):
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        return container.dumps_format()
    finally:
        av.logging.set_level(level)


def reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or first_line(error)


def exact(rational: Any) -> Fraction:
    """A rational number of PyAV as a Fraction: products of its own are rounded."""
    return Fraction(rational.numerator, rational.denominator)


def is_cover(stream: av.stream.Stream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def main_stream(container: av.container.InputContainer) -> av.video.stream.VideoStream | None:
    """The stream of frames; covers of albums are none."""
    return next((stream for stream in container.streams.video if not is_cover(stream)), None)


def decoded(stream: Any, packets: Iterable, broken: Callable[[], None] = lambda: None) -> Iterator[Any]:
    """The frames of a stream's packets; broken() is called for each that cannot be decoded."""
    decoder = _decoder(stream)
    for packet in itertools.chain(packets, [None]):
        try:
            for frame in decoder.decode(packet):
                if frame.is_corrupt:
                    broken()
                yield _without_palette(frame)
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            broken()


def _without_palette(frame):
    """The frame, or that with a palette as RGB, with alpha if some colour of it hides something."""
    if not frame.format.has_palette:
        return frame
    found = frame.reformat(format="rgba")
    return found if (found.to_ndarray()[..., 3] < 255).any() else frame.reformat(format="rgb24")


def says_alpha(stream: av.stream.Stream) -> bool:
    """Whether Matroska says that packets of a stream have transparency beside the pictures."""
    return any(key.lower() == "alpha_mode" and value == "1" for key, value in stream.metadata.items())


def _decoder(stream):
    """What decodes a stream: its own decoder, or another one that knows its transparency."""
    name = ALPHA.get(stream.codec_context.name) if says_alpha(stream) else None
    if name not in av.codecs_available:
        return stream
    decoder = av.CodecContext.create(name, "r")
    decoder.thread_type = stream.thread_type
    return decoder


def packets_of(container: av.container.InputContainer, *streams: av.stream.Stream) -> Iterator[av.Packet]:
    """The packets of streams, up to the end of what can be read; not the empty ones that end them.

    Raises InputError where a disk or a network, and not the film, is at fault: it does not end there.
    """
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, IndexError):  # PyAV 18 stumbles at the end over streams that begin late
            return
        except av.error.FFmpegError as error:
            if isinstance(error, OSError) and not isinstance(error, UNKNOWING):
                why = f"can no longer be read ({reason(error)}); try again"
                raise InputError(f"{container.name}: {why}") from error
            return
        if packet.size or packet.pts is not None:
            yield packet
