"""Reading the frames of a film, from the first or from where earlier work ended."""

from contextlib import suppress

import av

from srcnn.upscaling.films.timestamps import going_on
from srcnn.upscaling.films.video_files import decoded, opened, packets_of

BACK = 3  # seconds before the place to go on from at which decoding begins


class Reader:
    """The frames of a film, all or those after one, with time stamps that increase.

    after: time stamp of that frame. broken: how many frames could not be decoded so far.
    """

    def __init__(self, film, after=None, broken=0):
        self.film, self.after, self.earlier = film, after, broken
        self.last, self.noted = None, []  # time stamps: of the newest frame, of those before broken ones

    def broken(self, stamp=None):
        """How many frames before that of a time stamp could not be decoded; None: in all.

        Frames are read ahead of those that are asked for.
        """
        return self.earlier + sum(stamp is None or last is None or last < stamp for last in self.noted)

    def __iter__(self):
        if self.after is None:
            yield from self._from(None)
            return
        # Where the clock starts over, a time stamp names several places.
        start = None if self.film.joins else self.after - round(BACK / self.film.time_base)
        frames = self._from(start)
        first = next(frames, None)
        if first is None or first.pts > self.after:  # the file led elsewhere
            frames = self._from(None)
        yield from (frame for frame in frames if frame.pts > self.after)

    def _from(self, stamp):
        """The frames from some place before a time stamp on, if it can be found; None: from the first on."""
        self.last, step = None, max(1, round(1 / (self.film.rate * self.film.time_base)))
        with opened(self.film.path) as container:
            stream = container.streams[self.film.index]
            stream.thread_type = "AUTO"
            if stamp is not None:
                with suppress(av.error.FFmpegError):
                    container.seek(stamp, stream=stream)
            packets = going_on(self.film, packets_of(container, stream))
            for frame in decoded(stream, packets, self._note):
                if self.film.late is not None:
                    frame.pts = None if frame.dts is None else frame.dts + self.film.late
                    if None not in (frame.pts, self.last):
                        step = frame.pts - self.last
                if frame.pts is None:
                    if stamp is not None and self.last is None:  # the place cannot be told
                        return
                    frame.pts = 0 if self.last is None else self.last + step
                elif self.last is not None and frame.pts <= self.last:
                    frame.pts = self.last + 1
                self.last, frame.time_base = frame.pts, self.film.time_base
                yield frame

    def _note(self):
        if self.after is None or (self.last is not None and self.last >= self.after):
            self.noted.append(self.last)
