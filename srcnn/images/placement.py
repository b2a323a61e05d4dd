"""Where each format has a place for what an image says beside its pixels; what has none is named."""

from contextlib import suppress

from srcnn.images import density, exif_additions, geotiff, photoshop, texts
from srcnn.images import exif as exif_
from srcnn.images.metadata import Metadata

BY_EXIF = "AVIF", "HEIF", "JPEG2000", "WEBP"  # know dots per inch from there alone
KEEP_DENSITY = {"BMP": density.bmp, "JPEG": density.jfif, "PNG": density.phys, "TIFF": density.rationals}
KEEP_PHOTOSHOP = "JPEG", "PNG", "TIFF"
KEEP_EXIF = *BY_EXIF, "JPEG", "TIFF"  # where texts go there; PNG has them itself
# How many comments there can be, and bytes of each.
KEEP_COMMENTS = {
    "GIF": (2**20, 2**26),
    "JPEG": (2**20, 2**16 - 3),
    "JPEG2000": (1, 2**16 - 5),
    "TGA": (1, 255),
}
LARGEST_EXIF = {"JPEG": 2**16 - 64}  # bytes


def placed(name: str, info: Metadata) -> Metadata:
    """Metadata as a format holds them, named as Pillow does; `left_out` says what it cannot.

    EXIF and XMP stay, whatever the format: whoever writes it refuses them.
    """
    info = info.without_notes() if name == "TIFF" and info.exif else info
    if name == "JPEG2000":  # whose box is of IPTC alone
        others = [words for words in photoshop.words(info.photoshop) if words != photoshop.NAME]
        iptc = photoshop.with_iptc(b"", photoshop.iptc_of(info.photoshop))
        info = info.without(*others)._replace(photoshop=iptc)
    elif name not in KEEP_PHOTOSHOP:
        info = info.without(*photoshop.words(info.photoshop))._replace(photoshop=b"")
    if name != "TIFF":
        info = info.without(*geotiff.words(info.geo))._replace(geo=geotiff.Geo())
    return _with_texts(name, _with_density(name, info))


def _with_density(name, info):
    dots = info.density
    if name in BY_EXIF and dots == density.of_exif(info.exif):
        return info._replace(density=None)
    numbers = density.rationals(dots) if dots and dots.unit != density.SHAPE else None
    if numbers and name in BY_EXIF:
        if dots.is_usual and not info.exif:
            return info._replace(density=None)
        x, y = numbers
        with suppress(*exif_.DAMAGED):
            entries = {density.X: x, density.Y: y, density.UNIT: dots.unit}
            return info._replace(density=None, exif=exif_additions.with_entries(info.exif, entries))
    if not dots or (name in KEEP_DENSITY and KEEP_DENSITY[name](dots)):
        return info
    return info.without(*([] if dots.is_usual else [dots.name]))._replace(density=None)


def _with_texts(name, info):
    """The same with texts where the format has them: as they are, as comments, or as tags of EXIF."""
    if name == "PNG":
        readable = tuple(text for text in info.texts if "\0" not in text.text)
        words = ["comment that is not text"] if len(readable) < len(info.texts) else []
        return info.without(*words)._replace(texts=readable)
    comments, others = [], list(info.texts)
    if name in KEEP_COMMENTS:
        most, largest = KEEP_COMMENTS[name]
        comments = [t for t in others if t.keyword == texts.COMMENT and len(t.bytes) <= largest][:most]
        if name == "JPEG2000":  # whose comments end at a NUL for OpenJPEG
            comments = [text for text in comments if "\0" not in text.text]
        kept = set(comments)
        others = [text for text in others if text not in kept]
    if name in KEEP_EXIF:
        info, others = _in_exif(name, info, others)
    return info.without(*texts.named(others))._replace(texts=tuple(comments), time=b"")


def _in_exif(name, info, others):
    """Metadata with texts, and the time of the last change, as tags of EXIF where these are free.

    Returns the texts that remain, too.
    """
    moved = set()
    try:
        outer, inner = exif_additions.tags_of(info.exif)
        room = LARGEST_EXIF.get(name, 2**31) - len(info.exif) - 12 * (len(outer | inner) + 16)
        first: dict = (
            {} if exif_.CHANGED in outer or not info.time else {exif_.CHANGED: texts.exif_time(info.time)}
        )
        below: dict = {}
        # How a picture was generated goes before its comment.
        for text in sorted(others, key=lambda text: text.keyword == texts.COMMENT):
            tag, size = texts.tag_of(text), 2 * len(text.bytes) + 16
            entries, taken = (below, inner) if tag == texts.USER_COMMENT else (first, outer)
            if tag and tag not in taken and tag not in entries and size < room:
                entries[tag] = texts.user_comment(text) if entries is below else text.text
                moved.add(text)
                room -= size
        exif = exif_additions.with_entries(info.exif, first, below) if first or below else info.exif
    except exif_.DAMAGED:
        return info, others
    return info._replace(exif=exif), [text for text in others if text not in moved]
