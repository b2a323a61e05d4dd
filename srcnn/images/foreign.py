"""Kinds of pictures that are not read: above all camera raw, whose small pictures are a trap."""

import itertools
import struct
from pathlib import Path

from srcnn.images import decoders
from srcnn.images.decoders import UnsupportedImage
from srcnn.system.folders import FOREIGN

RAW = "camera raw; develop it to TIFF, PNG or JPEG first"
BEGINNINGS = (  # bytes, where they stand, and what they mean
    (b"FUJIFILMCCD-RAW", 0, RAW),
    (b"FOVb", 0, RAW),
    (b"\0MRM", 0, RAW),
    (b"HEAPCCDR", 6, RAW),
    (b"ftypcrx ", 4, RAW),
    (b"IIU\0", 0, RAW),
    *((start, 0, RAW) for start in (b"IIRO", b"IIRS", b"MMOR")),
    (b"CR\2", 8, RAW),
    (b"IIII", 8, RAW),
    (b"MMMM", 8, RAW),
    (b"DDS ", 0, "a DirectDraw texture; convert it to PNG or TGA first"),
    *((start, 0, "JPEG XL; convert it to PNG first") for start in (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")),
    (b"v/1\1", 0, "OpenEXR, whose colours have no upper limit; convert it to PNG or TIFF first"),
    *((start, 0, "Radiance HDR; convert it to PNG or TIFF first") for start in (b"#?RADIANCE", b"#?RGBE")),
    (b"8BPS", 0, "a Photoshop document; save it as TIFF or PNG first"),
    (b"%PDF-", 0, "a PDF document; export its pictures first"),
)
CAMERA_PAGES = 8  # more than cameras write; a scanned book has thousands, each of which takes time
MOSAICS = 32803, 34892  # photometric interpretations: a colour filter array, linear raw
REDUCED, OLD_KIND, PHOTOMETRIC, BELOW = 254, 255, 262, 330  # tags of a TIFF
OF_RAW = {33421, 33422, 50706, 50740}  # others: of a colour filter array, and of DNG and its kin
SMALLER, MASK = 1, 4  # of what a page is to others


def check(path: str | Path, start: bytes) -> None:
    """Raises UnsupportedImage, which names the kind, for a file that is none of those that are read.

    start: the first 512 bytes of the file, or more.
    """
    for beginning, at, said in BEGINNINGS:
        if start[at : at + len(beginning)] == beginning:
            raise UnsupportedImage(said)
    is_named_so = FOREIGN.get(Path(path).suffix.lower()) == "SVG"
    if b"<svg" in start or (is_named_so and start[:2] in (b"<?", b"<!", b"\x1f\x8b")):
        raise UnsupportedImage("SVG, which has no pixels; export it as PNG at the size that you need")


def check_tiff(page) -> None:
    """The same for a TIFF. page: its first one, a tifffile.TiffPage."""
    is_raw = any(_number(part, PHOTOMETRIC) in MOSAICS or OF_RAW & _tags(part) for part in _parts(page))
    if is_raw or FOREIGN.get(Path(page.parent.filename).suffix.lower()) == "camera raw":
        raise UnsupportedImage(RAW)
    kind = _number(page, REDUCED) or 0
    if kind & MASK:
        raise UnsupportedImage("its first picture is the mask of another one; save that one alone")
    if kind & SMALLER or _number(page, OLD_KIND) == 2:
        raise UnsupportedImage("its first picture is the thumbnail of another one; save the large one alone")


def _parts(first):
    """The first pages of a TIFF, and those below them, as cameras order them; damaged ones are left out."""
    pages = first.parent.pages
    for number in range(min(len(pages), CAMERA_PAGES)):
        try:
            page = pages[number] if number else first
            yield page
            if _number(page, BELOW):
                yield from itertools.islice(page.pages or (), CAMERA_PAGES)
        except Exception as error:
            if not decoders.raised(error):
                raise


def _tags(page):
    return {tag.code for tag in page.tags}


def _number(page, tag):
    """The first number that a page says by a tag; None without."""
    try:
        value = page.tags.valueof(tag)
    except struct.error:
        return None
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else None
