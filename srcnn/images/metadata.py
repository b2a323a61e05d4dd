"""What a photograph says of itself, but for what is untrue of an enlargement set upright."""

import re
import struct
from contextlib import suppress
from typing import NamedTuple

from PIL import Image

from srcnn.images import beside, decoders, density, geotiff, photoshop
from srcnn.images import exif as exif_
from srcnn.images.density import Density
from srcnn.images.geotiff import Geo
from srcnn.images.texts import Text, raw_profile
from srcnn.system.errors import counted

XMP = 0x02BC  # tag of a TIFF
NOTES = "notes of the camera's maker"
PHOTOSHOP, IPTC, LAYERS, EXTRA = 34377, 33723, 37724, 338  # tags of a TIFF, too
OF_TIFF = {*geotiff.TAGS, PHOTOSHOP, IPTC, EXTRA, density.X, density.Y, density.UNIT}
# Tags beyond those of TIFF 6.0 that say how pixels are stored, or are read elsewhere.
LAST_OF_TIFF = 32767
KNOWN = {32781, *range(32995, 32999), 34675, LAYERS, exif_.INTEROPERABILITY, *exif_.OF_TIFF}
MOST = 10  # tags that are named
# In XMP, as attributes and as elements; and what belongs to parts of a file that are not kept.
VALUE = rb"((?:%s)(?:\s*=\s*[\"']|>)\s*)\d+"
TURNED = re.compile(VALUE % rb"tiff:Orientation")
WIDE = re.compile(VALUE % rb"tiff:ImageWidth|exif:PixelXDimension")
HIGH = re.compile(VALUE % rb"tiff:ImageLength|exif:PixelYDimension")
SIGNS = (  # in XMP, of the parts that the file has
    (re.compile(rb"hdrgm:Version"), "a gain map"),
    (
        re.compile(rb"G?Camera:(?:MicroVideo|MotionPhoto)\s*(?:=\s*[\"']|>)\s*1"),
        "the film of a live photograph",
    ),
)
PARTS = re.compile(
    rb"\s(?:hdrgm:\w+|xmpNote:HasExtendedXMP|G?Camera:(?:Micro|Motion)\w+)\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    rb"|<(?P<name>(?:xmp|xap):Thumbnails|G?Container:Directory)\b.*?</(?P=name)>",
    re.DOTALL,
)


class Metadata(NamedTuple):
    """What an image file has beside its pixels and its colour profile."""

    exif: bytes = b""  # as it is in files, a TIFF without pixels
    xmp: bytes = b""  # UTF-8
    left_out: str = ""  # what there is but cannot be kept, in words
    density: Density | None = None
    photoshop: bytes = b""  # its resources, with IPTC
    texts: tuple[Text, ...] = ()
    time: bytes = b""  # of the last change, as PNG has it
    geo: Geo = Geo()
    parts: str = ""  # pictures and films in the file beside the one that is taken, in words

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

    def turned(self):
        """The same where across and down change places."""
        dots = self.density
        exif = exif_.turned(self.exif) if self.exif else b""
        return self._replace(exif=exif, density=dots and dots._replace(x=dots.y, y=dots.x))

    def of_size(self, before, after):
        """The same for an enlargement. before, after: (height, width), upright."""
        return self._replace(
            exif=exif_.of_size(self.exif, before, after) if self.exif else b"",
            xmp=_xmp_of_size(self.xmp, after),
            geo=self.geo.of_size(before, after),
        )


def of_image(image, info=None, chunks=(), content=b""):
    """The Metadata of an image that Pillow opened.

    info: what it says of itself. chunks, content: see `beside.of`.
    """
    info = image.info if info is None else info
    exif = info.get("exif") or _raw_profile(info, "exif") or _raw_profile(info, "APP1") or b""
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or _raw_profile(info, "xmp") or b""
    found, words = beside.of(image, chunks, content)
    exif, xmp = exif or found.pop("exif", b""), xmp or found.pop("xmp", b"")
    result = checked(exif, xmp, words)
    found["density"] = found.get("density") or result.density
    found["parts"] = found.get("parts") or result.parts
    return result._replace(**found)


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
    return raw_profile(str(info.get(f"Raw profile type {name}", "")))


def of_tiff(path, xmp, orientation=1):
    """The Metadata of a TIFF. xmp: the bytes of its tag, or None. orientation: in EXIF; it is set upright."""
    exif, words = b"", []
    with open(path, "rb") as file:
        try:
            exif, had_notes = exif_.of_tiff(*exif_.first_directory(file, exif_.OF_TIFF)[:2])
            words = [NOTES] if had_notes else []
        except exif_.DAMAGED:
            words = ["damaged EXIF"]
        try:
            order, tags, others = exif_.first_directory(file, OF_TIFF)
            geo = geotiff.of_tags(order, tags)
            if orientation != 1:  # tie points would have to be turned, and few programs agree on that
                geo, words = Geo(), [*words, *geotiff.words(geo)]
        except exif_.DAMAGED:
            return checked(exif, xmp or b"", [*words, "damaged tags of a GeoTIFF, IPTC or dots per inch"])
    block, damaged = photoshop.kept(tags[PHOTOSHOP][2] if PHOTOSHOP in tags else b"")
    if IPTC in tags:
        block = photoshop.with_iptc(block, tags[IPTC][2])
    words += _channels(order, tags[EXTRA][2]) if EXTRA in tags else []
    found = checked(exif, xmp or b"", [*words, *damaged, *_named(others)])
    return found._replace(density=density.of_tags(order, tags), photoshop=block, geo=geo)


def _channels(order, extra):
    """How many channels beyond the colours are left out, in words. extra: bytes of a tag, what each is."""
    kinds = struct.unpack(f"{order}{len(extra) // 2}H", extra[: len(extra) // 2 * 2])
    left = len(kinds) - (kinds[:1] in ((1,), (2,)))  # alpha
    return [counted(left, "extra channel")] if left else []


def _named(tags):
    """What is left out of a TIFF, in words. tags: those that were not read."""
    unknown = sorted(tag for tag in tags if tag > LAST_OF_TIFF and tag not in KNOWN)
    layers = ["layers of Photoshop"] if LAYERS in tags else []
    return layers + ([f"TIFF tags {', '.join(map(str, unknown[:MOST]))}"] if unknown else [])


def checked(exif, xmp, left_out):
    """Metadata of what can be used. left_out: list of words for what cannot."""
    while exif[:6] == b"Exif\0\0":
        exif = exif[6:]
    dots = density.of_exif(exif)
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
    parts = next((words for sign, words in SIGNS if sign.search(xmp)), "")
    return Metadata(bytes(exif), xmp, ", ".join(left_out), dots, parts=parts)


def _xmp_of_size(xmp, size):
    height, width = (b"\\g<1>%d" % n for n in size)
    for pattern, text in ((TURNED, b"\\g<1>1"), (WIDE, width), (HIGH, height), (PARTS, b"")):
        xmp = pattern.sub(text, xmp)
    return xmp
