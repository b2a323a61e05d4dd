"""The clock of a film: recordings that were joined end to end start it over, and one film has one clock."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av

from srcnn.upscaling.films.film import Film

BACK = 1  # seconds back that are a clock that starts over, and not packets in disorder
AHEAD = 2**32 / 90000  # seconds ahead that are the same: FFmpeg takes a clock far back for one that wrapped


def clocked(film: Film, packets: Iterable[av.Packet], is_mp4: bool) -> Film:
    """The film with what its packets tell: `restarts`, `frame_count` and `last_duration`.

    packets: of frames and sound, in the order of the file.
    """
    restarts, count, previous = [], 0, None
    end = add = Fraction(0)  # seconds: where the clock is to go on, and what to add to it
    newest = Fraction(0), 0  # of the frame that is shown last: seconds, ticks that it lasts
    begin: Fraction | None = None  # seconds at which the first frame is shown
    total = 0  # ticks of all
    for packet in packets:
        count += packet.stream_index == film.stream_index
        if packet.dts is None or packet.pos is None:
            continue
        seconds = packet.dts * packet.time_base
        if packet.stream_index == film.stream_index:
            if previous is not None and _starts_over(previous, seconds):
                add = end - seconds
                restarts.append((packet.pos, add))
            previous = seconds
            shown = (packet.dts if packet.pts is None else packet.pts) * packet.time_base + add
            newest = max(newest, (shown, packet.duration or 0))
            begin = shown if begin is None else min(begin, shown)
            total += packet.duration or 0
        duration = packet.duration * packet.time_base if packet.duration else 1 / film.rate
        end = max(end, seconds + duration + add)
    last_duration = newest[1]
    # In MP4 a packet lasts until the next is decoded; the last frame is shown for what is left of all.
    if is_mp4 and begin is not None:
        last_duration = max(last_duration, total - round((newest[0] - begin) / film.time_base))
    told = film.end if not restarts else 0.0  # of the last clock alone
    return film._replace(restarts=tuple(restarts), frame_count=count, last_duration=last_duration, end=told)


def going_on(film: Film, packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
    """Packets in the order of the film's file, stamped by one clock that goes on where it starts over."""
    adds = [0, *(add for _, add in film.restarts)]
    previous: dict[int, Fraction] = {}  # seconds of the newest packet of each stream
    numbers: dict[int, int] = {}  # of its clock
    for packet in packets:
        stamp = packet.pts if packet.dts is None else packet.dts
        if film.restarts and stamp is not None:
            index, seconds = packet.stream_index, stamp * packet.time_base
            # Sound may come before its pictures; subtitles are too few to show where the clock starts over.
            is_over = _starts_over(previous.get(index, seconds), seconds)
            by_place = sum(place <= (packet.pos or 0) for place, _ in film.restarts)
            number = min(max(numbers.get(index, 0) + is_over, by_place), len(film.restarts))
            previous[index], numbers[index] = seconds, number
            shift(packet, round(adds[number] / packet.time_base))
        yield packet


def _starts_over(previous, seconds):
    return seconds < previous - BACK or seconds > previous + AHEAD


def shift(packet: av.Packet, ticks: int) -> None:
    """Sets a packet's stamps later by so many ticks of its own."""
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks
