"""Interlaced films: the two moments of a frame taken apart, each as a frame of its own."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import av

from srcnn.system.errors import InputError
from srcnn.upscaling.films.film import Film

# FFmpeg's defaults: all frames, though some may not be marked as interlaced, so that all last equally long.
BWDIF = "mode=send_field:deint=all:parity="
LOST = 2  # frames at a beginning in the middle of a film, which miss those before them


def taken_apart(film: Film, is_asked: bool) -> Film:
    """The film with a frame for each field, if it is interlaced: twice the rate, and ticks half as long.

    Its last frame is shown half as long, too, which is the same number of ticks. Raises InputError for an
    interlaced film where --deinterlace is not asked for.
    """
    if film.interlaced_after is None:
        return film
    if not is_asked:
        when = f"after {film.interlaced_after:.1f} s" if film.interlaced_after else "from its beginning"
        why = "its frames hold two moments, line by line"
        raise InputError(f"{film.path}: is interlaced {when}: {why}; add --deinterlace to separate these")
    apart = film._replace(is_by_fields=True, rate=2 * film.rate, time_base=film.time_base / 2)
    return apart._replace(frame_count=2 * film.frame_count)


def whole(film: Film) -> str:
    """What there is to say of a film of which there was nothing to take apart; empty for others."""
    if film.is_by_fields:
        return ""
    return f"{film.path}: no frame is marked as interlaced; leaving all as they are"


def fields(frames: Iterable[Any], step: int, parity: str = "auto") -> Iterator[Any]:
    """Two frames for each interlaced one, by FFmpeg's bwdif, which looks at the frames before and after, too.

    frames: with a time base; that of the result counts half as much. step: ticks of the result that a field
    lasts if there is but one frame, which shows nothing of that. parity: see `Film`.
    """
    graph, newest = None, None
    for frame in itertools.chain(frames, [None]):
        if frame is None and graph is None:
            return
        graph = graph or _graph(frame, parity)
        graph.vpush(frame)
        for field in _ready(graph):
            if newest is not None and field.pts <= newest:
                field.pts = newest + step
            newest = field.pts
            yield field


def _graph(frame, parity):
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    filter_, sink = graph.add("bwdif", BWDIF + parity), graph.add("buffersink")
    source.link_to(filter_)
    filter_.link_to(sink)
    graph.configure()
    return graph


def _ready(graph):
    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
