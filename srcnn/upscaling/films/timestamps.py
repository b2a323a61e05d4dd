"""The clock of a film: recordings that were joined end to end start it over, and one film has one clock."""

import math

from srcnn.system.progress import progress
from srcnn.upscaling.films.video_files import opened, packets_of

BACK = 1  # seconds back that are a clock that starts over, and not packets in disorder


def read(film):
    """The film with what only all of its file tells: `joins`, `frames` and `lasting`.

    That is little beside the work. Raises InputError if the file cannot be read.
    """
    joins, count, last, end, add, newest = [], 0, None, 0, 0, (0, 0)
    begin, total = math.inf, 0  # seconds at which the first frame is shown, ticks of all
    with opened(film.path) as container:
        streams = [container.streams[film.index], *container.streams.audio]
        for packet in progress(packets_of(container, *streams), f"{film.path.name}, looking through packets"):
            count += packet.stream_index == film.index
            if packet.dts is None or packet.pos is None:
                continue
            seconds = packet.dts * packet.time_base
            if packet.stream_index == film.index:
                if last is not None and seconds < last - BACK:
                    add = end - seconds
                    joins.append((packet.pos, add))
                last = seconds
                shown = packet.dts if packet.pts is None else packet.pts
                shown = shown * packet.time_base + add
                newest = max(newest, (shown, packet.duration or 0))
                begin, total = min(begin, shown), total + (packet.duration or 0)
            lasting = packet.duration * packet.time_base if packet.duration else 1 / film.rate
            end = max(end, seconds + lasting + add)
        is_mp4 = "mp4" in container.format.name
    lasting = newest[1]
    # In MP4 a packet lasts until the next is decoded; the last frame is shown for what is left of all.
    if is_mp4 and total:
        lasting = max(lasting, total - round((newest[0] - begin) / film.time_base))
    return film._replace(joins=tuple(joins), frames=count, lasting=lasting)


def going_on(film, packets):
    """Packets in the order of the film's file, stamped by one clock that goes on where it starts over."""
    adds, last, numbers = [0, *(add for _, add in film.joins)], {}, {}
    for packet in packets:
        stamp = packet.pts if packet.dts is None else packet.dts
        if film.joins and stamp is not None:
            index, seconds = packet.stream_index, stamp * packet.time_base
            # Sound may come before its pictures; subtitles are too few to show where the clock starts over.
            is_back = seconds < last.get(index, seconds) - BACK
            by_place = sum(place <= (packet.pos or 0) for place, _ in film.joins)
            number = min(max(numbers.get(index, 0) + is_back, by_place), len(film.joins))
            last[index], numbers[index] = seconds, number
            shift(packet, round(adds[number] / packet.time_base))
        yield packet


def shift(packet, ticks):
    """Sets a packet's stamps later by so many ticks of its own."""
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks
