"""What a film has beside its frames, copied: streams, and packets as the container takes them."""

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.bitstream import BitStreamFilterContext

from srcnn.upscaling.films.decoding import exact, is_cover, listed, opened, packets_of
from srcnn.upscaling.films.film import Film
from srcnn.upscaling.films.pcm_sound import Recoding, add_pcm
from srcnn.upscaling.films.subtitles import Conversion, add_text
from srcnn.upscaling.films.timestamps import going_on, shift

COVERS = {"png": "png", "bmp": "bmp", "gif": "gif"}  # kinds of covers by their codecs, but for JPEG
PRIMING = Fraction(1, 10)  # seconds before the beginning that decoders of sound need at most


def add_copy(output: av.container.OutputContainer, stream: Any, film: Film) -> Any:
    """Adds a stream like another one of the film; None where the container cannot hold it."""
    if stream.type not in ("video", "audio", "subtitle", "attachment"):
        return None
    if stream.type == "attachment" and output.format.name != "matroska":
        return None
    if is_cover(stream) and output.format.name == "mov":  # whose muxer takes it, and writes none
        return None
    if is_cover(stream) and output.format.name == "matroska":  # which has covers as attachments
        kind = COVERS.get(stream.codec_context.name, "jpeg")
        earlier = [
            other for other in stream.container.streams if is_cover(other) and other.index < stream.index
        ]
        name = (
            f"cover{len(earlier) + 1 if earlier else ''}.{kind.replace('jpeg', 'jpg')}"  # as players look for
        )
        tags = {"filename": name, "mimetype": f"image/{kind}"} | stream.metadata
        with opened(film.path, film.thoroughly) as source:
            content = next((bytes(p) for p in packets_of(source, source.streams[stream.index])), b"")
        return output.add_attachment(tags["filename"], tags["mimetype"], content)
    try:
        if stream.codec_context is None and stream.type != "attachment":
            return _add_unknown(output, stream)
        return output.add_stream_from_template(stream, opaque=True)
    except ValueError:
        return add_instead(output, stream)


def add_instead(output: av.container.OutputContainer, stream: Any) -> Any:
    """Adds a stream of another kind for what another one says; None where there can be none."""
    kinds = {"audio": add_pcm, "subtitle": add_text}
    return kinds[stream.type](output, stream) if stream.type in kinds else None


def _add_unknown(output, stream):
    """Adds a stream like one of a codec that has no decoder here. Raises ValueError where it cannot be."""
    copy = output.add_mux_stream(listed(stream.container)[stream.index][1])
    BitStreamFilterContext("null", stream, copy)  # which copies all that describes it
    copy.time_base = stream.time_base
    return copy


def recodings_of(source: av.container.InputContainer, streams: dict[int, Any]) -> dict[int, Any]:
    """What makes the packets of streams that are not copied as they are, by the numbers of the source's."""
    kinds: dict[str, Any] = {"audio": Recoding, "subtitle": Conversion}
    return {
        index: kinds[copy.type](source.streams[index], copy)
        for index, copy in streams.items()
        if copy.type in kinds and _has_other_codec(source.streams[index], copy)
    }


def _has_other_codec(stream, copy):
    is_known = stream.codec_context and copy.codec_context
    return is_known and stream.codec_context.name != copy.codec_context.name


def _others(source, film, streams, recodings, damaged):
    """The packets of all streams but the film's frames, for the streams of the output.

    damaged: see `copied`.
    """
    no_packets = {
        index for index, copy in streams.items() if index == film.stream_index or copy.type == "attachment"
    }
    wanted = [source.streams[index] for index in streams if index not in no_packets]
    packets = going_on(film, packets_of(source, *wanted)) if wanted else ()
    indexed = ((packet.stream_index, packet) for packet in packets)
    ends: list[tuple[int, Any]] = [(index, None) for index in recodings]
    for index, packet in itertools.chain(indexed, ends):
        if packet is not None and _is_cut_off(packet):
            continue
        if is_cover(source.streams[index]):
            packet.pts = packet.dts = 0  # of no time
        found = [packet]
        if index in recodings:
            try:
                found = recodings[index].packets(packet)
            except av.error.FFmpegError:
                damaged[streams[index].index] += 1
                continue
        for copy in found:
            if copy.pts is not None or copy.dts is not None:
                copy.stream = streams[index]
                yield moved(copy, film)


def _is_cut_off(packet):
    """Whether an edit list leaves out a packet, and not only what decoders of sound need to begin."""
    return packet.is_discard and packet.pts is not None and packet.pts * packet.time_base < -PRIMING


def copied(
    source: av.container.InputContainer,
    film: Film,
    streams: dict[int, Any],
    recodings: dict[int, Any],
    kind: str,
    damaged: Counter[int],
) -> Iterator[av.Packet]:
    """The packets of all streams but the film's frames, for a kind of container.

    streams: of the output, by the numbers of the source's. recodings: see `recodings_of`. damaged: counts
    the packets, by the number of the stream in the output, that cannot be decoded.
    """
    least = 1 if kind in ("mp4", "mov") else 0
    return _increasing(_others(source, film, streams, recodings, damaged), least)


def _increasing(packets, least):
    """The packets, in ticks of their new streams, with decoding stamps that the container takes.

    least: ticks between two of a stream; Matroska takes several packets of one millisecond.
    """
    last: dict[int, int] = {}  # decoding stamp of each stream
    for packet in packets:
        ratio = exact(packet.time_base) / exact(packet.stream.time_base)
        packet.time_base, packet.duration = packet.stream.time_base, round((packet.duration or 0) * ratio)
        if packet.pts is not None:
            packet.pts = round(packet.pts * ratio)
        if packet.dts is not None:
            packet.dts = max(round(packet.dts * ratio), last.get(packet.stream_index, -math.inf) + least)
            last[packet.stream_index] = packet.dts
            if packet.pts is not None:
                packet.pts = max(packet.pts, packet.dts)
        yield packet


def moved(packet: av.Packet, film: Film) -> av.Packet:
    """The packet, its stamps counted from the start of the film."""
    shift(packet, -round(Fraction(film.start, av.time_base) / packet.time_base))
    return packet
