"""How decoders are handed files, and which exceptions are theirs: on damaged files, nearly any."""

import traceback
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

PACKAGES = {"PIL", "imageio", "tifffile", "imagecodecs", "pillow_heif", "cv2"}


class DamagedImage(ValueError):
    """What our own lines say of a damaged file; the text says what is wrong with it."""


class UnsupportedImage(ValueError):
    """A picture of a kind that would not come out right; the text says what to do about it."""


def raised(error: BaseException) -> bool:
    """Whether an exception passed through the lines of a decoder, or is of its kind, or says DamagedImage."""
    if isinstance(error, DamagedImage):
        return True
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return any(name.partition(".")[0] in PACKAGES for name in (type(error).__module__, *modules))


def content(source: Path | bytes) -> bytes:
    """What a file, or what takes its place, holds."""
    return source if isinstance(source, bytes) else source.read_bytes()


def opened(source: Path | bytes) -> BinaryIO:
    """A file, or what takes its place, to be read."""
    return BytesIO(source) if isinstance(source, bytes) else open(source, "rb")
