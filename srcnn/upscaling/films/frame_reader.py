"""Reading the frames of a film, from the first or from where earlier work ended."""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import av

from srcnn.upscaling.films.decoding import decoded, opened, packets_of
from srcnn.upscaling.films.deinterlacing import LOST, fields
from srcnn.upscaling.films.film import Film
from srcnn.upscaling.films.timestamps import going_on

BACK = 3  # seconds before the place to go on from at which decoding begins


class Reader:
    """The frames of a film, all or those after one, with time stamps that increase.

    after: time stamp of that frame. broken: how many frames could not be decoded so far. For a film that is
    taken apart by fields, the frames are those of its fields.
    """

    def __init__(self, film: Film, after: int | None = None, broken: int = 0):
        self.film, self.after, self.earlier = film, after, broken
        self.ticks = 2 if film.is_by_fields else 1  # of the film in one of its file
        self.shape: Any = None  # of a pixel of the newest frame, by its packets
        self.newest: int | None = None  # time stamp of that frame, in ticks of the file
        self.before_broken: list[int | None] = []  # time stamps of the frames before broken ones

    def broken(self, stamp: int | None = None) -> int:
        """How many frames before that of a time stamp could not be decoded; None: in all.

        Frames are read ahead of those that are asked for.
        """
        return self.earlier + sum(
            stamp is None or before is None or before < stamp for before in self.before_broken
        )

    def __iter__(self) -> Iterator[Any]:
        if self.after is None:
            yield from self._from(None)
            return
        # Where the clock starts over, a time stamp names several places.
        start = None if self.film.restarts else self.after - round(BACK / self.film.time_base)
        frames = self._from(start)
        first = next(frames, None)
        if first is None or first.pts > self.after:  # the file led elsewhere
            frames = self._from(None)
        yield from (frame for frame in frames if frame.pts > self.after)

    def _from(self, start):
        """The frames from some place before a time stamp on, if it can be found; None: from the first on."""
        if not self.film.is_by_fields:
            return self._decoded(start)
        frames = self._decoded(None if start is None else start // self.ticks)
        found = fields(frames, self.film.step, self.film.parity)
        return found if start is None else itertools.islice(found, self.ticks * LOST, None)

    def _decoded(self, stamp):
        """The same, as they are in the file, and in its ticks."""
        self.newest, step = None, self.film.step
        with opened(self.film.path, self.film.thoroughly) as container:
            stream: Any = container.streams[self.film.stream_index]
            stream.thread_type = "AUTO"
            if stamp is not None:
                with suppress(av.error.FFmpegError):
                    container.seek(stamp, stream=stream)
            packets = going_on(self.film, packets_of(container, stream))
            for frame in decoded(stream, packets, self._note_broken):
                self.shape = stream.codec_context.sample_aspect_ratio
                if self.film.reorder_delay is not None:
                    frame.pts = None if frame.dts is None else frame.dts + self.film.reorder_delay
                    if frame.pts is not None and self.newest is not None:
                        step = frame.pts - self.newest
                if frame.pts is None:
                    if stamp is not None and self.newest is None:  # the place is not known
                        return
                    frame.pts = 0 if self.newest is None else self.newest + step
                elif self.newest is not None and frame.pts <= self.newest:
                    frame.pts = self.newest + 1
                self.newest, frame.time_base = frame.pts, self.ticks * self.film.time_base
                yield frame

    def _note_broken(self):
        newest = None if self.newest is None else self.newest * self.ticks
        if self.after is None or (newest is not None and newest >= self.after):
            self.before_broken.append(newest)
