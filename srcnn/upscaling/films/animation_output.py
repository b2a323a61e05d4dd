"""A short film as an animated picture, which is shown over and over."""

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.filter import Graph

from srcnn.images import animations
from srcnn.system.atomic_write import replacing
from srcnn.system.errors import InputError, counted
from srcnn.system.progress import progress
from srcnn.upscaling.films.decoding import location
from srcnn.upscaling.films.film import Film, Part, Size, stamps_shown
from srcnn.upscaling.films.pictures import frames_of, pixels_of
from srcnn.upscaling.work import Work

QUALITY = 90  # of WebP
LEAST = {"GIF": 20}  # milliseconds: what is less is a tenth of a second in browsers
HUNDREDTH = Fraction(1, 100)  # second


def check(film: Film, target: Path, size: Size) -> None:
    """Raises InputError, before the work, for too many pixels. size: (height, width) of frames."""
    height, width = size
    if film.frame_count * height * width > animations.LARGEST:
        raise InputError(
            f"{target}: {film.frame_count} frames of {width}x{height} pixels are more than the "
            f"{animations.LARGEST:,} in all of an animation; cut the film, or take .mp4 or .webm"
        )
    animations.check_size(target, 1, height, width)


def write(film: Film, parts: list[Part], item: Work, about: dict | None, overwrite: bool) -> list[str]:
    """Writes the frames of parts; returns what could not be kept of them, in words.

    about, overwrite: see `atomic_write.replacing`.
    """
    target, kind = item.target, animations.KINDS[item.target.suffix.lower()]
    stamps = stamps_shown(parts)
    last = film.last_duration or film.step
    begins = [1000 * (stamp - stamps[0]) * film.time_base for stamp in [*stamps, stamps[-1] + last]]
    shown, lasting = timed(begins, animations.STEPS.get(kind), LEAST.get(kind, 0))
    animations.check_times(target, lasting)
    wanted = set(shown)
    frames = (frame for number, frame in enumerate(frames_of(parts)) if number in wanted)
    frames = progress(frames, f"{target.name}, writing", len(shown))
    if kind == "GIF":
        with replacing(target, about, overwrite) as temporary:
            _write_gif(temporary, film, parts, frames, lasting)
    else:
        pixels = [pixels_of(frame, film, with_alpha=True) for frame in frames]
        animation = animations.Animation(pixels, list(map(float, lasting)), plays=0)
        quality = None if item.coding.lossless else item.coding.quality or QUALITY
        animations.save(animation, target, about, overwrite, quality)
    dropped = len(stamps) - len(shown)
    if not dropped:
        return []
    most = 1000 // (LEAST.get(kind) or animations.STEPS.get(kind) or 1)
    return [f"{counted(dropped, 'frame')}, since {kind} shows {most} a second"]


def timed(begins: list, step: int | None, least: int) -> tuple[list[int], list]:
    """The numbers of the frames that are shown, and for how many milliseconds each.

    begins: milliseconds at which each is to be, and at which the last one ends. step: of which the times are
    multiples, each as near to the exact one as can be; None for any. least: of a frame; shorter ones go.
    """
    shown: list[int] = []
    times: list = []
    for number, begin in enumerate(begins[:-1]):
        at = step * round(begin / step) if step else begin
        if not times or at - times[-1] >= max(least, step or 0):
            shown.append(number)
            times.append(at)
    end = step * round(begins[-1] / step) if step else begins[-1]
    times.append(max(end, times[-1] + max(least, step or 0)))
    return shown, [after - before for before, after in itertools.pairwise(times)]


def _write_gif(path, film, parts, frames, lasting):
    """Writes a GIF with one palette, which FFmpeg's filters make of all frames and dither to."""
    first = next(_pictures(film, frames_of(parts)))
    size = {"width": first.width, "height": first.height, "format": first.format.name}
    palette = _palette(size, _pictures(film, frames_of(parts)))
    graph = Graph()
    colours = {"width": palette.width, "height": palette.height, "format": palette.format.name}
    sources = [graph.add_buffer(**about, time_base=HUNDREDTH) for about in (size, colours)]
    using, sink = graph.add("paletteuse", "diff_mode=rectangle"), graph.add("buffersink")
    for number, source in enumerate(sources):
        source.link_to(using, 0, number)
    using.link_to(sink)
    graph.configure()
    sources[1].push(palette)
    sources[1].push(None)
    stamps = [0, *itertools.accumulate(round(ms / 10) for ms in lasting)]
    options = {"loop": "0", "final_delay": str(stamps[-1] - stamps[-2])}
    with av.open(location(path), "w", format="gif", options=options) as output:
        stream: Any = output.add_stream("gif", rate=100)
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "pal8"
        stream.time_base = stream.codec_context.time_base = HUNDREDTH
        for frame in _pictures(film, frames, stamps):
            sources[0].push(frame)
            _encode(output, stream, sink)
        sources[0].push(None)
        _encode(output, stream, sink)
        output.mux(stream.encode(None))


def _pictures(film, frames, stamps=None) -> Iterator[Any]:
    """The frames as RGB, upright, at these hundredths of a second, or one each."""
    for frame, stamp in zip(frames, stamps or itertools.count()):  # noqa: B905
        picture = av.VideoFrame.from_ndarray(pixels_of(frame, film), format="rgb24")
        picture.pts, picture.time_base = stamp, HUNDREDTH
        yield picture


def _palette(size, pictures):
    """The frame with the 256 colours that suit all pictures best."""
    graph = Graph()
    source, sink = graph.add_buffer(**size, time_base=HUNDREDTH), graph.add("buffersink")
    making = graph.add("palettegen", "reserve_transparent=0")
    source.link_to(making)
    making.link_to(sink)
    graph.configure()
    for picture in pictures:
        source.push(picture)
    source.push(None)
    palette: Any = sink.pull()
    palette.pts, palette.time_base = 0, HUNDREDTH
    return palette


def _encode(output, stream, sink):
    """Encodes what has come out of a graph."""
    while True:
        try:
            frame = sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        for packet in stream.encode(frame):
            output.mux_one(packet)
