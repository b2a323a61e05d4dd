"""What frames tell one by one: whether all can be of one film, and what some have that others have not."""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from srcnn.images import exif
from srcnn.system.errors import InputError
from srcnn.system.sequences import is_sequence
from srcnn.upscaling.films.frames import is_opaque
from srcnn.upscaling.films.pixel_formats import (
    BT601,
    BT2020,
    FULL,
    HDR,
    SMPTE170M,
    UNSAID,
    fits_after,
    has_alpha,
)

RECENT = 10  # frames that tell whether a film is interlaced
STRAY = 3  # interlaced ones among as many in a row are no mistake of an encoder
KEPT = (  # side data of frames; or it is named by `marks`
    *("DISPLAYMATRIX", "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL", "SPHERICAL", "STEREO3D"),
)
OF_DECODING = (  # what tells of the encoding, or is of the program that encoded
    *("SEI_UNREGISTERED", "MOTION_VECTORS", "VIDEO_ENC_PARAMS", "VIDEO_HINT", "REGIONS_OF_INTEREST"),
    *("GOP_TIMECODE", "DETECTION_BBOXES", "FILM_GRAIN_PARAMS", "PANSCAN"),
)
EXIF = "EXIF", "UNKNOWN_31"  # as versions of PyAV call it
BESIDE = {
    "A53_CC": "closed captions within the pictures",
    "AFD": "the active part of the frames (AFD)",
    "S12M_TIMECODE": "time codes within the pictures",
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
    "DOVI_RPU_BUFFER": "Dolby Vision",
    "DOVI_METADATA": "Dolby Vision",
    **dict.fromkeys(EXIF, "EXIF of frames"),
}


class Seen:
    """What is noted of frames.

    formats: of their pixels. beside: what else they have that is not kept, in words. hides: whether alpha of
    them hides anything.
    """

    def __init__(self) -> None:
        self.formats: dict[str, None] = {}
        self.beside: dict[str, None] = {}
        self.hides = False
        self.shape = None  # of the pixels of the first frame

    def noted(self, frames: Iterable[Any], reader: Any) -> Iterator[Any]:
        """The frames of a `Reader`."""
        for frame in frames:
            self.formats[frame.format.name] = None
            self.beside |= dict.fromkeys(beside([frame]))
            self.hides = self.hides or (has_alpha(frame.format.name) and not is_opaque(frame))
            self.shape = self.shape or reader.shape
            if reader.shape not in (None, self.shape):
                self.beside["another shape of pixels within the film"] = None
            yield frame


def beside(frames: Iterable[Any]) -> list[str]:
    """What frames have beside their pixels that is not kept, in words."""
    all_of = (frame.side_data[n] for frame in frames for n in range(len(frame.side_data)))  # in any PyAV
    found = {int(data.type.value): data.type.name for data in all_of if _says_something(data)}
    names = {number: name for number, name in found.items() if name not in (*KEPT, *OF_DECODING)}
    return [BESIDE.get(name, name.lower().replace("_", " ")) for _, name in sorted(names.items())]


def _says_something(data):
    """Whether there is more in side data than in any of its kind: TIFF always comes with some EXIF."""
    if data.type.name not in EXIF:
        return True
    try:
        found, _ = exif.of_tiff(*exif.tree(bytes(data)))
        return bool(found) and exif.says_something(found)
    except exif.DAMAGED:
        return True


def check_alike(path: Path, frames: Iterable[Any], time_base: Fraction) -> float | None:
    """The seconds after which frames are interlaced; None if they are not.

    time_base: what the frames' time stamps count, in seconds. Raises InputError if they are not of one size
    or not of one kind of colours, or those of a sequence of images not of one kind.
    """
    size, kind, begin, found = None, "", None, None
    colours: dict[str, Any] = {}
    recent = deque[tuple[bool, float]](maxlen=RECENT)  # whether a frame is interlaced, and when it is shown
    for frame in frames:
        stamp = frame.pts or 0
        begin = stamp if begin is None else begin
        seconds = float((stamp - begin) * time_base)
        recent.append((bool(frame.interlaced_frame), seconds))
        since = [when for is_interlaced, when in recent if is_interlaced]
        if len(since) >= STRAY and found is None:
            found = since[0]
        if frame.is_corrupt:
            continue
        if size not in (None, (frame.width, frame.height)):
            change = f"from {size[0]}x{size[1]} to {frame.width}x{frame.height} pixels"
            raise _refusal(path, change, seconds, "a film needs frames of one size")
        size = frame.width, frame.height
        kind = kind or (frame.format.name if is_sequence(path) else "")
        if kind and not fits_after(frame.format.name, kind):
            change = f"from {kind} to {frame.format.name} pixels (FFmpeg's names)"
            raise _refusal(path, change, seconds, "save all of them in one pixel format")
        for name, value in _colours(frame).items():
            if colours.setdefault(name, value) != value:
                raise _refusal(path, f"the {name} of their colours", seconds, "save all of them alike")
    is_short = found is None and recent and all(is_interlaced for is_interlaced, _ in recent)
    return 0.0 if is_short else found


def _refusal(path, change, seconds, advice):
    """An InputError for a change. advice: for a sequence of images."""
    if not is_sequence(path):
        advice = f"cut it there first, as with ffmpeg -ss {seconds:.1f} -i IN -c copy OUT.mkv"
    return InputError(f"{path}: its frames change {change} after {seconds:.1f} s; {advice}")


def _colours(frame):
    """What a frame says of its colours, as far as one film cannot have two of it."""
    is_rgb, is_grey = frame.format.is_rgb, len(frame.format.components) < 3
    found: dict[str, Any] = {"model": is_rgb}
    if not is_rgb:
        found["range"] = frame.color_range == FULL or frame.format.name.startswith("yuvj")
    if not is_rgb and not is_grey and frame.colorspace not in UNSAID:
        found["matrix"] = SMPTE170M if frame.colorspace == BT601 else frame.colorspace
    if frame.color_trc not in UNSAID:
        found["transfer"] = frame.color_trc if frame.color_trc in HDR else None
    if frame.color_primaries not in UNSAID:
        found["primaries"] = frame.color_primaries == BT2020
    return found
