"""Subtitles of text that a container cannot have as they are: as those that it has."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import av
from av.subtitles.subtitle import SubtitleSet

TEXT = "ass", "mov_text", "srt", "ssa", "subrip", "text", "webvtt"  # codecs of them, as PyAV calls them
CODECS = {"matroska": "srt", "mov": "mov_text", "mp4": "mov_text", "webm": "webvtt"}  # by container
ALONE = "mov_text"  # of which one is shown at a time
UNSAID = 5  # seconds that a text is shown at most of which the film does not say it
LONGEST = 2**31  # milliseconds, from which on FFmpeg means that it does not know
TAG = re.compile(r"\\1?([234]?(?:fn|[a-z]+))")  # of ASS, in braces: its name
RESET = "r"  # the tag that ends all others
FIELDS = 9  # of an event of ASS: its number, layer, style, name, three margins, effect and text


def add_text(output: av.container.OutputContainer, stream: Any) -> Any:
    """Adds a stream for the text of a stream of subtitles; None where there can be none."""
    context = stream.codec_context
    if context is None or context.name not in TEXT:
        return None
    context.open(strict=False)  # from here on it knows its header
    text: Any = output.add_stream(CODECS[output.format.name])
    text.codec_context.subtitle_header = context.subtitle_header
    text.time_base = text.codec_context.time_base = stream.time_base
    return text


class Shown(NamedTuple):
    """A text that is shown: an event of ASS."""

    end: int  # ticks
    event: bytes
    is_said: bool  # whether the film says when it ends; else it is over when the next one comes


class Conversion:
    """Makes packets of one kind of text of a stream's packets. text: see `add_text`.

    loses_style: whether something that was said of how they look, or where, is not in them.
    """

    def __init__(self, stream: Any, text: Any):
        self.stream, self.encoder, self.loses_style = stream, text.codec_context, False
        self.decoder: Any = av.CodecContext.create(self.encoder.name, "r")
        self.decoder.extradata = self.encoder.extradata
        self.shown: list[Shown] = []
        self.now = 0  # ticks up to which packets are made

    def packets(self, packet: av.Packet | None) -> list[av.Packet]:
        """Those of a packet, or, of None, what is left. Raises FFmpegError if it is damaged."""
        if packet is None:
            return list(self._up_to(None))
        found = self.stream.codec_context.decode2(packet)
        events = [rect.ass for rect in found.rects if rect.type == b"ass"] if found else []
        if not events or packet.pts is None:
            return []
        self.time_base = packet.time_base
        duration = packet.duration or self._duration(found)
        end = packet.pts + (duration or round(UNSAID / self.time_base))
        if self.encoder.name != ALONE:
            return [self._packet(packet.pts, end, event) for event in events]
        self.shown = [t if t.is_said else t._replace(end=min(t.end, packet.pts)) for t in self.shown]
        made = list(self._up_to(packet.pts))
        self.now = max(self.now, packet.pts)
        self.shown += [Shown(end, event, bool(duration)) for event in events]
        return made

    def _duration(self, found):
        """Ticks that a text is shown, by what its decoder says; 0 if it does not know."""
        milliseconds = found.end_display_time - found.start_display_time
        return round(milliseconds / 1000 / self.time_base) if 0 < milliseconds < LONGEST else 0

    def _up_to(self, end) -> Iterator[av.Packet]:
        """Packets, one after the other, of the texts that are shown up to some ticks; None: of all."""
        while self.shown and (end is None or self.now < end):
            until = min(text.end for text in self.shown)
            until = until if end is None else min(until, end)
            if until > self.now:
                yield self._packet(self.now, until, _together([text.event for text in self.shown]))
                self.now = until
            self.shown = [text for text in self.shown if text.end > self.now]

    def _packet(self, start, end, event):
        packet = self.encoder.encode_subtitle(SubtitleSet.create(event, 0, 0))
        again = self.decoder.decode2(packet)
        kept = {name for rect in (again.rects if again else ()) for name in _style(rect.ass)}
        self.loses_style |= bool(_style(event) - kept - {RESET})
        packet.pts = packet.dts = start
        packet.duration, packet.time_base = end - start, self.time_base
        return packet


def _together(events):
    """One event of ASS with the texts of several below each other."""
    first, *others = events
    texts = [event.split(b",", FIELDS - 1)[-1] for event in others]
    return b"{\\r}\\N".join([first, *texts])


def _style(event):
    """What an event of ASS says of how it looks, and where: names of tags, and values of its fields."""
    _, layer, style, _, *margins, effect, text = event.decode(errors="replace").split(",", FIELDS - 1)
    found = {layer, *margins, effect} - {"0", ""} | {style} - {"Default"}
    return found | {name for braces in re.findall(r"\{([^}]*)\}", text) for name in TAG.findall(braces)}
