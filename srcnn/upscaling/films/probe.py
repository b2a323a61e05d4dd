"""What is in the file of a film."""

import itertools
import re
from fractions import Fraction
from pathlib import Path

import av
from av.sidedata.sidedata import Type

from srcnn.images import animations
from srcnn.system.errors import InputError
from srcnn.system.progress import progress
from srcnn.system.sequences import is_sequence
from srcnn.upscaling.films.animated_source import as_film
from srcnn.upscaling.films.changes import Seen, beside, check_alike
from srcnn.upscaling.films.decoding import (
    decoded,
    exact,
    is_cover,
    listed,
    main_stream,
    opened,
    packets_of,
    says_alpha,
    side_data,
)
from srcnn.upscaling.films.encryption import check_plain
from srcnn.upscaling.films.film import Film
from srcnn.upscaling.films.frame_reader import Reader
from srcnn.upscaling.films.marks import sphere_of, stereo_of
from srcnn.upscaling.films.mp4 import headers
from srcnn.upscaling.films.pixel_formats import (
    BT601,
    BT2020,
    FULL,
    LIMITED,
    SMPTE170M,
    UNSAID,
    has_alpha,
)
from srcnn.upscaling.films.timestamps import clocked

FIRST = 10  # frames that tell what a film is
MATROSKA_END = re.compile(r"(\d{1,9}):(\d\d):(\d\d(?:\.\d+)?)")
CENTRED = ("mjpeg", "mpeg1video")  # codecs whose chroma lies between the pixels of luminance
MARKING = (  # codecs whose frames say themselves whether they are interlaced, or never are
    *("cavs", "dnxhd", "dvvideo", "ffv1", "h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "prores"),
    *("rawvideo", "v210", "vc1", "vvc", "wmv3"),
)
PARITIES = {2: "tff", 3: "bff", 4: "bff", 5: "tff"}  # of the orders of fields, as FFmpeg numbers them
BT709, BT470BG = 1, 5  # kinds of colours as ITU-T H.273 numbers them
OF_BT2020 = 9, 10, 14  # matrices: two of BT.2020, and ICtCp
OF_STREAMS = (  # side data of streams, in FFmpeg's words, that is kept or named by what frames have of it
    *("Display Matrix", "Mastering display metadata", "Content light level metadata", "CPB properties"),
    *("Spherical Mapping", "Stereo 3D", "DOVI configuration record"),
)
DOLBY_VISION = re.compile(rb"dv[cvw]C[\s\S]{0,8}?(\x01[\x00-\x09][\s\S]{22})")  # its record has 24 bytes
LONGEST_HEADER = 1000  # bytes of the first line of a .y4m


def probe(path: Path, rate: Fraction | None = None) -> Film:
    """The Film at a path. Raises InputError if no frame of it can be decoded.

    rate: frames a second of a sequence of images, which does not say it itself.
    """
    film = _probed(Path(path))
    return film._replace(rate=rate, time_base=1 / rate, end=0.0) if rate else film


def _probed(path):
    with opened(path) as container:
        thoroughly = main_stream(container) is None  # which may begin late
        check_plain(path, container)
        described = [*_dolby_vision(path, container), *_of_stream(container), *_of_animation(path)]
    with opened(path, thoroughly) as container:
        stream = main_stream(container)
        if stream is None:
            raise InputError(f"{path}: contains no video; name a film")
        first = list(itertools.islice(decoded(stream, packets_of(container, stream)), FIRST))
        if not first:
            raise _undecodable(path, stream)
        interlaced_after, parity = check_alike(path, first, exact(stream.time_base)), _parity(stream)
        frame = first[0]
        return Film(
            path=path,
            stream_index=stream.index,
            size=(frame.height, frame.width),
            format=frame.format.name,
            rate=exact(stream.average_rate or stream.guessed_rate or Fraction(25)),
            time_base=exact(stream.time_base),
            start=_start(container),
            colours=shown_colours(_colours(stream.codec_context, frame), frame),
            aspect=exact(stream.sample_aspect_ratio) if stream.sample_aspect_ratio else None,
            display_matrix=_display_matrix(frame),
            hdr=_hdr(frame),
            chroma_centred=_is_chroma_centred(container, stream),
            quarter_turns=round(frame.rotation / 90) % 4,
            end=_end(container, stream),
            reorder_delay=_reorder_delay(container, stream, first),
            has_alpha=says_alpha(stream) and not has_alpha(frame.format.name),
            stereo=stereo_of(frame),
            sphere=sphere_of(frame),
            interlaced_after=interlaced_after if parity == "auto" else 0.0,
            parity=parity,
            others=sum(not is_cover(other) for other in container.streams.video) - 1,
            thoroughly=thoroughly,
            of_pictures=is_sequence(path) or animations.count(path) > 1,
            beside=tuple(dict.fromkeys([*beside(first), *described])),
        )


def _start(container):
    """Microseconds at which a film's clock starts, as far as the result's is not to start there, too."""
    begin = container.start_time or 0
    starts_anywhere = re.search("mpeg|hls", container.format.name)
    return begin if starts_anywhere else min(begin, 0)


def _undecodable(path, stream):
    """An InputError for a film without a frame that can be decoded."""
    if is_sequence(path):
        return InputError(f"{path}: frames of this format cannot become a film; convert them to PNG first")
    if stream.codec_context is None:
        return InputError(f"{path}: is of a codec that FFmpeg does not know; convert it to another one first")
    return InputError(f"{path}: has no frame that can be decoded; replace it")


def scanned(film: Film) -> Film:
    """The film with what only all of its file tells, see `timestamps.clocked` and `changes.Seen`.

    That is little beside the work. Raises InputError if the file cannot be read, and for frames that
    `changes.check_alike` refuses.
    """
    film, late, is_clear = _clocked(film)
    if (late or not is_clear) and not film.thoroughly:
        film, late, _ = _clocked(film._replace(thoroughly=True))
    reader, seen = Reader(film), Seen()
    frames = progress(reader, f"{film.path.name}, looking at frames", film.frame_count)
    interlaced_after = check_alike(film.path, seen.noted(frames, reader), film.time_base)
    beside = [*film.beside, *seen.beside, *(f"{kind} that begins late" for kind in late)]
    return film._replace(
        beside=tuple(dict.fromkeys(beside)),
        interlaced_after=interlaced_after if film.parity == "auto" else film.interlaced_after,
        formats=tuple(seen.formats),
        is_opaque=not seen.hides,
    )


def _clocked(film):
    """The film as `timestamps.clocked` has it, kinds of unknown streams, and whether the others are known."""
    with opened(film.path, film.thoroughly) as container:
        streams = [container.streams[film.stream_index], *container.streams.audio]
        packets = progress(packets_of(container, *streams), f"{film.path.name}, looking through packets")
        film = clocked(film, packets, "mp4" in container.format.name)
        rates = [s.codec_context.sample_rate for s in container.streams.audio if s.codec_context]
        late = [kind for index, (kind, _) in listed(container).items() if index >= len(container.streams)]
        return film, late, all(rates)


def shown_colours(colours: dict[str, int], frame: av.VideoFrame) -> dict[str, int]:
    """The colours of a film with what players guess where it does not say, by the size of its frames.

    The result is larger, so they would guess otherwise. The rule is that of mpv, libplacebo and others.
    """
    if frame.format.is_rgb:
        return colours
    is_hd = frame.width >= 1280 or frame.height > 576
    matrix = colours["colorspace"]
    if matrix in UNSAID:
        matrix = BT709 if is_hd else SMPTE170M
    primaries = BT2020 if matrix in OF_BT2020 else BT709
    if matrix in (BT470BG, SMPTE170M):
        primaries = {576: BT470BG, 480: SMPTE170M, 486: SMPTE170M}.get(frame.height, BT709)
    guesses = {"colorspace": matrix, "color_primaries": primaries, "color_trc": BT709}
    return {name: guesses.get(name, value) if value in UNSAID else value for name, value in colours.items()}


def _colours(decoder, frame):
    names = "color_range", "color_primaries", "color_trc", "colorspace"
    colours = {name: int(getattr(decoder, name)) for name in names}
    if frame.format.name.startswith("yuvj"):
        colours["color_range"] = FULL
    elif frame.format.is_rgb:  # see `frames.in_format`
        colours |= {"color_range": LIMITED, "colorspace": BT601}
    elif len(frame.format.components) < 3 and not colours["color_range"]:
        colours["color_range"] = FULL  # as players take grey that does not say
    return colours


def _parity(stream):
    """See `Film`."""
    of_container = stream.codec_context.name not in MARKING
    return PARITIES.get(stream.codec_context.field_order, "auto") if of_container else "auto"


def _is_chroma_centred(container, stream):
    """See `Film`. PyAV does not tell what a stream says of it before 19, and that needs Python 3.12."""
    if container.format.name != "yuv4mpegpipe":
        return stream.codec_context.name in CENTRED
    with open(container.name, "rb") as file:
        return not re.search(rb" C420(mpeg2|paldv)", file.readline(LONGEST_HEADER))


def _reorder_delay(container, stream, frames):
    """See `Film`: AVI has stamps in the order of decoding, which matters where there may be B-frames.

    So have films of other kinds that were made of encoded frames without stamps.
    """
    stamps = [frame.pts for frame in frames if frame.pts is not None]
    is_so = container.format.name == "avi" and stream.codec_context.has_b_frames
    is_so |= any(later < earlier for earlier, later in itertools.pairwise(stamps))
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


def _of_stream(container):
    """What the stream of frames has beside them, and its frames have not, that is not kept, in words."""
    stream = main_stream(container)
    found = side_data(container, stream.index) if stream else []
    return [name.lower() for name in found if name not in OF_STREAMS]


def _of_animation(path):
    """What an animated picture has beside its frames, in words."""
    return as_film(path, path.stat().st_mtime_ns)[1] if animations.count(path) > 1 else ()


def _dolby_vision(path, container):
    """Dolby Vision by the box that describes it, in MP4 and Matroska, which PyAV does not tell of.

    Raises InputError where its frames can be shown by nothing else, since the result could not be either.
    """
    for part in headers(path, container.format.name):
        if found := DOLBY_VISION.search(part):
            compatible = found[1][4] >> 4  # with which other kind of colours its base layer is
            if not compatible:
                profile = int.from_bytes(found[1][2:4], "big") >> 9
                raise InputError(
                    f"{path}: is Dolby Vision of profile {profile}, whose colours no other player knows; "
                    "convert it to HDR10 or SDR first"
                )
            return ["Dolby Vision"]
    return []


def _display_matrix(frame):
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
