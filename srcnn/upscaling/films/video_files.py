"""Files of films: what is in one, which encoder suits its frames, and how it is put together again."""

import itertools
import os
import re
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
from av.sidedata.sidedata import Type

from srcnn.settings import FilmCoding
from srcnn.system.errors import InputError, first_line
from srcnn.upscaling.films import frames

os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 says on stderr what it does unless told otherwise
FIRST = 10  # frames that tell whether a film is interlaced
MATROSKA_END = re.compile(r"(\d{1,9}):(\d\d):(\d\d(?:\.\d+)?)")
CENTRED = ("mjpeg", "mpeg1video")  # codecs whose chroma lies between the pixels of luminance
LONGEST_HEADER = 1000  # bytes of the first line of a .y4m
UNKNOWING = PermissionError, BlockingIOError  # by which demuxers may mean that they do not know what to do
# Tags need not be UTF-8, and are copied byte for byte; PyAV does so by itself since 19.
ANY_TAGS = {"metadata_errors": "surrogateescape"} if int(av.__version__.split(".")[0]) < 19 else {}
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}


class Film(NamedTuple):
    """What a film says of itself."""

    path: Path
    index: int  # of the stream of frames
    size: tuple  # height, width of its frames
    format: str  # of its pixels, as FFmpeg calls it
    rate: Fraction  # frames a second, on average
    time_base: Fraction  # seconds that time stamps count
    start: int  # microseconds at which its clock starts
    colours: dict  # range, primaries, transfer and matrix, by the names of PyAV
    aspect: Fraction | None  # of a pixel
    matrix: tuple | None  # how it is to be turned: 9 numbers
    hdr: str  # mastering display and light level, as x265 wants them
    centred: bool  # see `frames.enlarged`
    turned: int  # quarters, against the clock, by which a player turns it
    end: float  # seconds, of the last frame; 0 if unknown
    late: int | None = None  # ticks from decoding stamps to those of frames, where only the former are right
    alpha: bool = False  # whether it has transparency that its decoder does not give
    # What only all of its file tells, `timestamps.read`:
    joins: tuple = ()  # where its clock starts over: (place in bytes, seconds to add from there on)
    frames: int = 0  # about as many
    lasting: int = 0  # ticks that its last frame is shown; 0 if unknown

    @property
    def upright(self):
        """Height and width as a player shows it."""
        return self.turned_size(*self.size)

    def turned_size(self, height, width):
        """Height and width as they are shown, or stored, of those as they are stored, or shown."""
        return (width, height) if self.turned % 2 else (height, width)


def location(path):
    """A path as FFmpeg takes it for one: 12:30.mp4 would be by the protocol 12."""
    return os.path.abspath(path)


def opened(path):
    """The film at a path, opened for reading. Raises InputError for what cannot be read."""
    try:
        return av.open(location(path), **ANY_TAGS)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a film that can be read ({reason(error)}); replace it") from error


def exact(rational):
    """A rational number of PyAV as a Fraction, None where it is not set: products of its own are rounded."""
    return Fraction(rational.numerator, rational.denominator) if rational else None


def reason(error):
    return getattr(error, "strerror", None) or first_line(error)


def probe(path):
    """The Film at a path. Raises InputError if no frame of it can be decoded, or they are interlaced."""
    with opened(path) as container:
        stream = main_stream(container)
        if stream is None:
            raise InputError(f"{path}: has no moving pictures; name a film")
        first = list(itertools.islice(decoded(stream, packets_of(container, stream)), FIRST))
        if not first:
            raise InputError(f"{path}: has no frame that can be decoded; replace it")
        if sum(frame.interlaced_frame for frame in first) > len(first) / 2:
            raise InputError(
                f"{path}: is interlaced: its frames hold two moments, line by line; take them apart first, "
                "such as by ffmpeg -i IN -vf bwdif -c:v ffv1 -c:a copy OUT.mkv"
            )
        frame = first[0]
        rate = exact(stream.average_rate) or exact(stream.guessed_rate) or Fraction(25)
        of_system = "mpeg" in container.format.name  # their clock starts anywhere
        return Film(
            *(Path(path), stream.index, (frame.height, frame.width), frame.format.name, rate),
            time_base=exact(stream.time_base),
            start=(container.start_time or 0) if of_system else 0,
            colours=_colours(stream.codec_context, frame),
            aspect=exact(stream.sample_aspect_ratio),
            matrix=_matrix(frame),
            hdr=_hdr(frame),
            centred=_is_centred(container, stream),
            turned=round(frame.rotation / 90) % 4,
            end=_end(container, stream),
            late=_late(container, stream, first),
            alpha=stream.metadata.get("alpha_mode") == "1",
        )


def _colours(decoder, frame):
    names = "color_range", "color_primaries", "color_trc", "colorspace"
    colours = {name: int(getattr(decoder, name)) for name in names}
    if frame.format.name.startswith("yuvj"):
        colours["color_range"] = frames.FULL
    elif frame.format.is_rgb or frame.format.has_palette:  # see `frames.pixels_of`
        colours |= {"color_range": frames.LIMITED, "colorspace": frames.BT601}
    elif len(frame.format.components) < 3 and not colours["color_range"]:
        colours["color_range"] = frames.FULL  # as players take grey that does not say
    return colours


def _is_centred(container, stream):
    """See `Film`. PyAV does not tell what a stream says of it before 19, and that needs Python 3.12."""
    if container.format.name != "yuv4mpegpipe":
        return stream.codec_context.name in CENTRED
    with open(container.name, "rb") as file:
        return not re.search(rb" C420(mpeg2|paldv)", file.readline(LONGEST_HEADER))


def _late(container, stream, frames):
    """See `Film`: AVI has stamps in the order of decoding, which matters where there may be B-frames."""
    is_so = container.format.name == "avi" and stream.codec_context.has_b_frames
    return frames[0].pts - frames[0].dts if is_so and None not in (frames[0].pts, frames[0].dts) else None


def _end(container, stream):
    """When a stream ends by what its file says, in seconds; 0 if it does not say."""
    if stream.duration:
        return float((stream.duration + (stream.start_time or 0)) * stream.time_base)
    if found := MATROSKA_END.fullmatch(stream.metadata.get("DURATION", "")):
        hours, minutes, seconds = map(float, found.groups())
        return 3600 * hours + 60 * minutes + seconds
    timed = [s for s in container.streams if s.type in ("video", "audio", "subtitle")]
    return (container.duration or 0) / av.time_base if len(timed) == 1 else 0.0  # or sound may be longer


def is_cover(stream):
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def main_stream(container):
    """The stream of frames; covers of albums are none."""
    moving = [stream for stream in container.streams.video if not is_cover(stream)]
    return moving[0] if moving else None


def decoded(stream, packets, broken=lambda: None):
    """The frames of a stream's packets; broken() is called for each that cannot be decoded."""
    for packet in itertools.chain(packets, [None]):
        try:
            for frame in stream.decode(packet):
                if frame.is_corrupt:
                    broken()
                yield frame
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            broken()


def packets_of(container, *streams):
    """The packets of streams, up to the end of what can be read; not the empty ones that end them.

    Raises InputError where a disk or a network, and not the film, is at fault: it does not end there.
    """
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError as error:
            if isinstance(error, OSError) and not isinstance(error, UNKNOWING):
                why = f"cannot be read on: {reason(error)}; try again"
                raise InputError(f"{container.name}: {why}") from error
            return
        if packet.size or packet.pts is not None:
            yield packet


def _matrix(frame):
    data = frame.side_data.get(Type.DISPLAYMATRIX)
    return tuple(memoryview(bytes(data)).cast("i")) if data else None


def _hdr(frame):
    """The mastering display and light level of a frame, laid out by libavutil, as x265 writes them."""
    parts = []
    if display := frame.side_data.get(Type.MASTERING_DISPLAY_METADATA):
        numbers = memoryview(bytes(display)).cast("i")
        values = [numbers[i] / (numbers[i + 1] or 1) for i in range(0, 20, 2)]
        if numbers[20] and numbers[21]:
            xy = [round(v * 50000) for v in values[:8]]
            light = [round(v * 10000) for v in values[8:]]
            (rx, ry), (gx, gy), (bx, by), (wx, wy) = (xy[i : i + 2] for i in range(0, 8, 2))
            text = f"G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy})L({light[1]},{light[0]})"
            parts.append(f"master-display={text}")
    if level := frame.side_data.get(Type.CONTENT_LIGHT_LEVEL):
        most, average = memoryview(bytes(level)).cast("I")[:2]
        parts.append(f"max-cll={most},{average}")
    return ":".join(parts)


class Encoder(NamedTuple):
    """How frames are to be encoded."""

    name: str
    format: str
    size: tuple  # height, width
    options: dict


# Presets are the best that leave the network most of the machine. Largest CRF, visually lossless one.
CRF = {"libx264": (51, 17), "libx265": (51, 16), "libvpx-vp9": (63, 20), "libsvtav1": (63, 18)}
SLICED = 16  # pixels from which on FFV1 can be cut into slices
PRESETS = {
    "libx264": {"preset": "superfast"},
    "libx265": {"preset": "ultrafast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "7", "row-mt": "1", "b": "0", "lag-in-frames": "0"},
    "libsvtav1": {"preset": "11"},
    "ffv1": {"level": "3", "g": "1", "slices": "16", "slicecrc": "1"},
}


def encoder(film: Film, target: Path, size: tuple, coding: FilmCoding) -> Encoder:
    """The Encoder of an enlarged film. Raises InputError for frames that the container cannot have.

    size: (height, width) of its frames.
    """
    format_ = frames.plain_format(film.format)
    deep = format_.endswith("10le")
    if coding.lossless:
        name = "ffv1"
    elif target.suffix.lower() == ".webm":
        name = "libsvtav1" if deep else "libvpx-vp9"
        if deep and format_ != "yuv420p10le":
            raise InputError(f"{target}: webm cannot keep {format_}; name an --output ending in .mkv")
    else:
        name = "libx265" if deep else "libx264"
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
    return Encoder(name, format_, (h, w), options)


def add_encoder(output, film, encoder):
    """Adds the stream of an Encoder to an output; time stamps count as the film's."""
    stream = output.add_stream(encoder.name, rate=film.rate, options=encoder.options)
    stream.height, stream.width = encoder.size
    stream.pix_fmt = encoder.format
    stream.time_base = stream.codec_context.time_base = film.time_base
    if film.aspect:
        stream.codec_context.sample_aspect_ratio = film.aspect
    for name, value in film.colours.items():
        setattr(stream.codec_context, name, value)
    return stream
