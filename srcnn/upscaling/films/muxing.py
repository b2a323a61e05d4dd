"""One film of encoded parts and of all that the original has beside its frames."""

import heapq
import itertools
import operator
from collections import Counter
from collections.abc import Collection
from functools import partial
from io import BytesIO
from pathlib import Path

import av

from srcnn.system.errors import counted
from srcnn.system.progress import progress
from srcnn.upscaling.films import marks
from srcnn.upscaling.films.decoding import ANY_TAGS, is_cover, listed, location, opened, packets_of
from srcnn.upscaling.films.encoding import Encoder, add_encoder, tag_of
from srcnn.upscaling.films.film import Film, Part, stamps_shown
from srcnn.upscaling.films.other_streams import add_copy, add_instead, copied, moved, recodings_of

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
TAGS_OF_FILES = {"major_brand", "minor_version", "compatible_brands", "encoder"}  # those that are not copied
TAGS_OF_STREAMS = {
    *("encoder", "vendor_id", "duration", "bps", "number_of_bytes", "number_of_frames", "alpha_mode")
}
TAGS_OF_COVERS = TAGS_OF_STREAMS | {"filename", "mimetype"}  # Matroska has them, and is given them as such
TRIED = 200  # packets that show whether a container takes them
NAMELESS = "none", "bin_data"  # codecs of streams such as those of sensors
DISCARDED = 48  # as FFmpeg numbers it
SAYING_NOTHING = "", "und", "1970-01-01T00:00:00.000000Z"


def join(
    path: Path, film: Film, parts: list[Part], suffix: str, refused: Collection[int] = ()
) -> tuple[list[str], list[str]]:
    """Writes the film of these Parts; returns what it could not keep of the original, and what is damaged.

    Both are lists of text. path: to be written. suffix: such as .mp4. Sound, subtitles, attachments, chapters
    and tags are copied. refused: see `refused`.
    """
    kind = CONTAINERS[suffix]
    with (
        opened(film.path, film.thoroughly) as source,
        opened(parts[0].path) as encoded,
        _opened_to_write(location(path), kind, source) as output,
    ):
        add_frames = partial(_add_frames, output, film, encoded.streams.video[0], kind)
        streams, tags = _begin(output, film, source, add_frames, refused)
        about = marks.place_of(streams, film.stream_index)
        frames = _frames(film, parts, streams[film.stream_index], kind)
        frames = progress(frames, f"{film.path.name}, joining", sum(len(part.stamps) for part in parts))
        damaged: Counter[int] = Counter()
        recodings = recodings_of(source, streams)
        others = copied(source, film, streams, recodings, kind, damaged)
        packets = heapq.merge(frames, others, key=_seconds)
        _write(output, packets, streams[film.stream_index], damaged)
        left_out = [
            _name(stream)
            for stream in source.streams
            if stream.index not in streams and not _is_written_otherwise(stream)
        ]
        restyled = [index for index, made in recodings.items() if getattr(made, "loses_style", False)]
        left_out += [f"styling of {_name(source.streams[index])}" for index in restyled]
        names = {copy.index: _name(source.streams[index]) for index, copy in streams.items()}
    left_out += marks.put(path, film, kind, **about)
    lost = [f"{counted(n, 'packet')} of {names[index]}" for index, n in damaged.items()]
    return left_out + _missing(tags, path), lost


def refused(film: Film, encoder: Encoder, suffix: str) -> set[int]:
    """The numbers of the streams that a container refuses once it is written, found before the work.

    Raises FFmpegError if it takes not even the frames.
    """
    with opened(film.path, film.thoroughly) as source:
        others = {stream.index for stream in source.streams} - {film.stream_index}
    refusal = partial(_refusal, film, encoder, CONTAINERS[suffix])
    if not refusal(set()):
        return set()
    found = {index for index in others if refusal(others - {index})}
    if error := refusal(found):
        raise error
    return found


def beside_frames(film: Film) -> list[str]:
    """What a film has beside its frames, in words: what is lost where there is place for them alone."""
    with opened(film.path, film.thoroughly) as source:
        others = [stream for stream in source.streams if stream.index != film.stream_index]
        found = [_name(stream) for stream in others if not _is_written_otherwise(stream)]
        tags = [
            key for key, value in _tags(source.metadata, TAGS_OF_FILES).items() if value not in SAYING_NOTHING
        ]
        found += ["chapters"] if source.chapters() else []
        return [*found, *([_shown(f"tags {' '.join(tags)}")] if tags else [])]


def _refusal(film, encoder, kind, without):
    """Why a container refuses the streams of a film but those of some numbers; None if it does not.

    Some do at the first packet or at the end only. They are given no frames, whose encoder is known to suit.
    """
    with opened(film.path, film.thoroughly) as source:
        try:
            with _opened_to_write(BytesIO(), kind, source) as output:
                add_frames = partial(add_encoder, output, film, encoder)
                streams, _ = _begin(output, film, source, add_frames, without)
                recodings = recodings_of(source, streams)
                others = copied(source, film, streams, recodings, kind, Counter())
                _write(output, itertools.islice(others, TRIED), streams[film.stream_index], Counter())
        except av.error.FFmpegError as error:
            return error
    return None


def _opened_to_write(file, kind, source):
    """An output of a kind of container, with the options of a muxer that copies from a source."""
    return av.open(file, "w", format=kind, container_options=_options(kind, source), **ANY_TAGS)


def _begin(output, film, source, add_frames, without):
    """Begins an output like the source; returns its streams, by the source's numbers, and all tags in it.

    add_frames: adds the stream of frames. without: numbers of streams that cannot be copied as they are.
    """
    streams, tags = {}, _tags(source.metadata, TAGS_OF_FILES)
    output.metadata.update(tags)
    for stream in source.streams:
        if stream.index == film.stream_index:
            copy = add_frames()
        else:
            copy = add_instead(output, stream) if stream.index in without else add_copy(output, stream, film)
        if copy is not None:
            streams[stream.index] = copy
            of_stream = _tags(stream.metadata, TAGS_OF_COVERS if is_cover(stream) else TAGS_OF_STREAMS)
            if "name" in of_stream:  # as MP4 calls it
                of_stream.setdefault("title", of_stream.pop("name"))
            if of_stream.get("stereo_mode") in marks.STEREO_TAGS:
                del of_stream["stereo_mode"]
            copy.metadata.update(of_stream)
            if stream.index == film.stream_index:
                copy.metadata.update(marks.tags_of(film, output.format.name, of_stream.get("title", "")))
            tags |= of_stream
            copy.disposition = int(stream.disposition.value)
    output.set_chapters(source.chapters())
    output.start_encoding()  # from here on the streams tell what their time stamps count
    return streams, tags


def _write(output, packets, frames, damaged):
    """Writes packets.

    frames: the stream of frames, of which none may be missing. damaged: counts those of other streams, by
    their number, that are left out.
    """
    for packet in packets:
        index = packet.stream_index  # which a packet that is written has no more
        try:
            output.mux_one(packet)
        except av.error.InvalidDataError:
            if index == frames.index:
                raise
            damaged[index] += 1


def _name(stream):
    """What a stream of a film is called in messages."""
    name = getattr(stream, "name", None) or listed(stream.container)[stream.index][1]
    name = stream.metadata.get("handler_name", "") if name in NAMELESS else name
    return _shown(f"{stream.type} {name}".strip())


def _shown(tag):
    """A tag as it can be printed, whatever its bytes."""
    return tag.encode(errors="surrogateescape").decode(errors="replace")


def _options(kind, source):
    """The options of a muxer that copies from a source."""
    if kind in ("matroska", "webm"):
        return {"avoid_negative_ts": "disabled"}
    # Telephones name their tags like this, and keep all of them in the place that FFmpeg then takes. For
    # others that place is not taken: some players know a title only where it is by default.
    by_telephone = any(key.lower().startswith(("com.apple.", "com.android.")) for key in source.metadata)
    # A track of time codes fails, since PyAV cannot tell it the rate of frames.
    return {"write_tmcd": "0"} | ({"movflags": "use_metadata_tags"} if by_telephone else {})


def _is_written_otherwise(stream):
    """Whether a stream is the list of chapters, which FFmpeg passes over, or a time code, which is a tag."""
    is_chapters = stream.discard == DISCARDED and stream.container.chapters()
    return stream.type == "data" and (is_chapters or "timecode" in stream.metadata)


def _missing(tags, path):
    """Those of the tags given to the film at a path that it has not, as text."""
    with opened(path) as film:
        there = {key.lower() for found in (film, *film.streams) for key in found.metadata}
    if "name" in there:  # as a stream's title is called in MP4
        there.add("title")
    missing = [key for key, value in tags.items() if value not in SAYING_NOTHING and key.lower() not in there]
    return [_shown(f"tags {' '.join(missing)}")] if missing else []


def _tags(metadata, dropped):
    return {
        key: value
        for key, value in metadata.items()
        if key.lower().split("-")[0] not in dropped and not key.startswith("_STATISTICS")
    }


def _add_frames(output, film, encoded, kind):
    """Adds the stream of the film's frames, encoded like the stream of a part."""
    stream = output.add_stream_from_template(encoded, opaque=True)
    stream.time_base = film.time_base
    stream.codec_context.framerate = film.rate
    for name, value in film.colours.items():
        setattr(stream.codec_context, name, value)
    if film.aspect:
        stream.codec_context.sample_aspect_ratio = film.aspect
    if tag := tag_of(encoded.codec_context, kind):
        stream.codec_context.codec_tag = tag
    stream.metadata.update(marks.tags_of_part(encoded))
    if film.display_matrix:
        stream.set_display_matrix(film.display_matrix)
    return stream


def _seconds(packet):
    stamp = packet.dts if packet.dts is not None else packet.pts
    return stamp * packet.time_base


def decoding_stamps(parts: list[Part]) -> list[int]:
    """Decoding stamps of all packets of the parts, in order: increasing, and none after that of its frame."""
    shown, delay = stamps_shown(parts), 0
    for part in parts:
        places = {stamp: place for place, stamp in enumerate(sorted(part.stamps))}
        delay = max([delay, *(number - places[stamp] for number, stamp in enumerate(part.stamps))])
    before = [stamp - (shown[delay] - shown[0]) for stamp in shown[:delay]]
    return before + shown[: len(shown) - delay]


def _frames(film, parts, stream, kind):
    """The packets of the parts, with stamps as of one film, for a kind of container."""
    shown = stamps_shown(parts)
    lasting = dict(zip(shown, map(operator.sub, shown[1:], shown), strict=False))
    usual = film.last_duration or film.step
    stamps = decoding_stamps(parts)
    decoding, latest, span = iter(stamps), stamps[-1], stamps[-1] - stamps[0]
    for part in parts:
        with opened(part.path) as container:
            packets = packets_of(container, container.streams.video[0])
            for packet, stamp in zip(packets, part.stamps, strict=True):
                packet.stream, packet.time_base = stream, film.time_base
                packet.pts, packet.dts = stamp, next(decoding)
                packet.duration = lasting.get(stamp, usual)
                if kind in ("mp4", "mov") and packet.dts == latest:  # films last as all their packets do
                    packet.duration = max(packet.duration, shown[-1] + usual - shown[0] - span)
                yield moved(packet, film)
