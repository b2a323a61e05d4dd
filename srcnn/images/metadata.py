"""EXIF and XMP: what a photograph says of itself, but for what is untrue of an enlargement set upright."""

import re
from contextlib import suppress
from typing import NamedTuple

from PIL import Image

from srcnn.images import decoders
from srcnn.images import exif as exif_

XMP = 0x02BC  # tag of a TIFF
NOTES = "notes of the camera's maker"
# In XMP, as attributes and as elements; and what belongs to parts of a file that are not kept.
VALUE = rb"((?:%s)(?:\s*=\s*[\"']|>)\s*)\d+"
TURNED = re.compile(VALUE % rb"tiff:Orientation")
WIDE = re.compile(VALUE % rb"tiff:ImageWidth|exif:PixelXDimension")
HIGH = re.compile(VALUE % rb"tiff:ImageLength|exif:PixelYDimension")
PARTS = re.compile(
    rb"\s(?:hdrgm:\w+|xmpNote:HasExtendedXMP|G?Camera:(?:Micro|Motion)\w+)\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    rb"|<(?P<name>(?:xmp|xap):Thumbnails|G?Container:Directory)\b.*?</(?P=name)>",
    re.DOTALL,
)


class Metadata(NamedTuple):
    """EXIF and XMP of an image file."""

    exif: bytes = b""  # as it is in files, a TIFF without pixels
    xmp: bytes = b""  # UTF-8
    left_out: str = ""  # what there is but cannot be kept, in words

    def __bool__(self):
        return bool(self.exif or self.xmp)

    def without(self, *words):
        """The same, which says of more that it is left out. words: for each."""
        return self._replace(left_out=", ".join(filter(None, (self.left_out, *words))))

    def without_notes(self):
        """The same for a TIFF: a camera's maker counted the places of its notes from another beginning."""
        with suppress(*exif_.DAMAGED):
            exif, had_notes = exif_.without_notes(self.exif)
            if had_notes:
                return self._replace(exif=exif).without(NOTES)
        return self

    def of_size(self, before, after):
        """The same for an enlargement. before, after: (height, width), upright."""
        return self._replace(
            exif=exif_.of_size(self.exif, before, after) if self.exif else b"",
            xmp=_xmp_of_size(self.xmp, after),
        )


def of_image(image, info=None):
    """The Metadata of an image that Pillow opened. info: what it says of itself."""
    info = image.info if info is None else info
    exif = info.get("exif") or _raw_profile(info, "exif") or _raw_profile(info, "APP1") or b""
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or _raw_profile(info, "xmp") or b""
    extended = any(
        data.startswith(b"http://ns.adobe.com/xmp/ext") for _, data in getattr(image, "applist", [])
    )
    return checked(exif, xmp, ["XMP beyond 64 KB"] if extended else [])


def orientation_of(image):
    """What EXIF of an image that Pillow loaded says of how it lies; 1 without, or if it is damaged.

    Not XMP, which Pillow takes for it where there is none: no browser does, nor libvips or ImageMagick.
    """
    try:
        exif = Image.Exif()
        exif.load(image.info.get("exif") or _raw_profile(image.info, "exif") or b"")
        return exif.get(exif_.ORIENTATION, 1)
    except Exception as error:
        if not decoders.raised(error):
            raise
        return 1


def _raw_profile(info, name):
    """What ImageMagick writes into a PNG as a text of hexadecimal digits."""
    lines = str(info.get(f"Raw profile type {name}", "")).split("\n")
    with suppress(ValueError):
        return bytes.fromhex("".join(lines[3:]))


def of_tiff(path, xmp):
    """The Metadata of a TIFF. xmp: the bytes of its tag, or None."""
    with open(path, "rb") as file:
        try:
            exif, had_notes = exif_.of_tiff(file)
            return checked(exif, xmp or b"", [NOTES] if had_notes else [])
        except exif_.DAMAGED:
            return checked(b"", xmp or b"", ["damaged EXIF"])


def checked(exif, xmp, left_out):
    """Metadata of what can be used. left_out: list of words for what cannot."""
    while exif[:6] == b"Exif\0\0":
        exif = exif[6:]
    try:
        if exif and not exif_.says_something(exif):
            exif = b""
    except exif_.DAMAGED:
        exif, left_out = b"", [*left_out, "damaged EXIF"]
    xmp = (xmp.encode() if isinstance(xmp, str) else bytes(xmp)).rstrip(b"\0")
    try:
        if "\0" in xmp.decode():
            raise ValueError
    except ValueError:
        xmp, left_out = b"", [*left_out, "XMP that is not UTF-8"]
    return Metadata(bytes(exif), xmp, ", ".join(left_out))


def _xmp_of_size(xmp, size):
    height, width = (b"\\g<1>%d" % n for n in size)
    for pattern, text in ((TURNED, b"\\g<1>1"), (WIDE, width), (HIGH, height), (PARTS, b"")):
        xmp = pattern.sub(text, xmp)
    return xmp
