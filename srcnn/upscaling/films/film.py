"""A film, and what of it is encoded, as values."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

Size = tuple[int, int]  # height, width in pixels


class Sphere(NamedTuple):
    """Which directions a frame shows, as FFmpeg has it: fields of AVSphericalMapping."""

    projection: int
    yaw: int  # of degrees, by 2^16, as the two after it
    pitch: int
    roll: int
    left: int  # what lies outside of the frame, in parts of 2^32, as the three after it
    top: int
    right: int
    bottom: int
    padding: int  # pixels around the sides of a cube


class Film(NamedTuple):
    """What a film says of itself."""

    path: Path
    stream_index: int  # of the stream of frames
    size: Size  # of its frames
    format: str  # of its pixels, as FFmpeg calls it
    rate: Fraction  # frames a second, on average
    time_base: Fraction  # seconds that time stamps count
    start: int  # microseconds at which its clock starts
    colours: dict[str, int]  # range, primaries, transfer and matrix, by the names of PyAV
    aspect: Fraction | None  # of a pixel
    display_matrix: tuple[int, ...] | None  # how it is to be turned: 9 numbers
    hdr: str  # mastering display and light level, as x265 wants them
    chroma_centred: bool  # see `frames.enlarged`
    quarter_turns: int  # against the clock, by which a player turns it
    end: float  # seconds, of the last frame; 0 if unknown
    reorder_delay: int | None  # ticks from decoding stamps to those of frames, where the latter are wrong
    has_alpha: bool  # whether it has transparency that its decoder does not give
    stereo: tuple[int, bool] | None  # see `marks.stereo_of`
    sphere: Sphere | None
    interlaced_after: float | None  # seconds from which on its frames hold two moments; None if they do not
    of_pictures: bool  # whether it is a sequence of images or an animation
    beside: tuple[str, ...]  # what its frames have beside their pixels and the result does not, in words
    becomes_limited: bool = False  # whether its full range of colours becomes the limited one
    others: int = 0  # streams of frames that it has besides
    is_by_fields: bool = False  # whether the two moments are separate frames: `rate`, `time_base` are theirs
    parity: str = "auto"  # "tff" or "bff", its upper or lower field first, if only its container tells that
    # What only all of its file tells, `probe.scanned`:
    thoroughly: bool = False  # how its file is to be opened
    restarts: tuple = ()  # where its clock starts over: (place in bytes, seconds to add from there on)
    frame_count: int = 0  # about
    formats: tuple[str, ...] = ()  # of the pixels of all frames
    is_opaque: bool = False  # whether no alpha of it hides anything
    last_duration: int = 0  # ticks that its last frame is shown; 0 if unknown

    @property
    def upright(self) -> Size:
        """Height and width as a player shows it."""
        return self.turned_size(*self.size)

    @property
    def step(self) -> int:
        """Ticks from a frame to the next, on average, one at least."""
        return max(1, round(1 / (self.rate * self.time_base)))

    def turned_size(self, height: int, width: int) -> Size:
        """Height and width as they are shown, or stored, of those as they are stored, or shown."""
        return (width, height) if self.quarter_turns % 2 else (height, width)


class Part(NamedTuple):
    """A part of an enlarged film, in a file of its own."""

    path: Path
    stamps: list[int]  # time stamps of its frames, in the order of its packets
    broken: int  # frames that could not be decoded before its last


def stamps_shown(parts: list[Part]) -> list[int]:
    """The time stamps of all frames of parts, in the order in which they are shown."""
    return sorted(stamp for part in parts for stamp in part.stamps)
