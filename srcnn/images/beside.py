"""What image files have beside their pixels that is neither EXIF nor XMP nor a colour profile, by format."""

import re
import struct
from contextlib import suppress

from srcnn.images import boxes, density, gif, photoshop, texts

# Beginnings of parts of a JPEG file that are kept in another way, that are of the pixels, or that hold
# nothing but small pictures and how it was saved.
KNOWN = (
    *(b"JFIF\0", b"JFXX\0", b"Exif\0", b"http://ns.adobe.com/x", b"ICC_PROFILE\0", b"MPF\0", b"Ducky"),
    *(b"Adobe", b"FPXR\0", b"AVI1", b"SPIFF\0"),
)
EXTENDED_XMP = b"http://ns.adobe.com/xmp/ext"
OF_WEBP = b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "  # are read
WORDS_OF_WEBP = {b"C2PA": "content credentials"}
BY_ENCODERS = b"Created by OpenJPEG", b"Kakadu"  # comments of JPEG 2000
GAIN_MAP = b"urn:iso:std:iso:ts:21496"  # ISO 21496-1, beside what XMP says
LARGEST_HEADER = 2**16
HEADER = re.compile(rb"P[1-6](?:(?:\s|#[^\r\n]*[\r\n])+\d+){2,3}")  # of PPM, with comments


def of(image, chunks, content: bytes) -> tuple[dict, list[str]]:
    """Values of Metadata by their names, and what is left out, in words.

    image: that Pillow opened. chunks: of a PNG, see `png_chunks.Mended`. content: of other files.
    """
    if image.format in ("JPEG", "MPO"):
        return of_jpeg(getattr(image, "applist", []))
    if image.format == "PNG":
        return of_png(chunks)
    if image.format == "GIF":
        return of_gif(content)
    if image.format == "JPEG2000":
        return of_jpeg2000(image, content)
    if image.format == "WEBP":
        return of_webp(content)
    if image.format == "AVIF":
        return {}, boxes.said(content)[1]
    if image.format == "PPM" and (header := HEADER.match(content, 0, LARGEST_HEADER)):
        return {"texts": _comments(re.findall(rb"#\s?([^\r\n]*)", header[0]))}, []
    if image.format == "TGA":
        return {"texts": _comments([image.info.get("id_section") or b""])}, []
    return ({"density": density.of_bmp(content)} if image.format == "BMP" else {}), []


def _comments(found):
    return tuple(text for data in found for text in texts.comment(data))


def of_jpeg(parts: list[tuple[str, bytes]]) -> tuple[dict, list[str]]:
    """parts: names, such as APP1 and COM, and contents."""
    found: dict = {}
    words, blocks = [], []
    comments: list[texts.Text] = []
    for name, data in parts:
        if name == "COM":
            comments += texts.comment(data)
        elif name == "APP0" and data[:5] == b"JFIF\0":
            found.setdefault("density", density.of_jfif(data))
        elif data.startswith(photoshop.BEGINNING):
            blocks.append(data[len(photoshop.BEGINNING) :])
        elif data.startswith(EXTENDED_XMP):
            words.append("XMP beyond 64 KB")
        elif data.startswith(GAIN_MAP):
            found["parts"] = "a gain map"
        elif name == "APP11" and b"c2pa" in data:
            words.append("content credentials")
        elif not data.startswith(KNOWN):
            words.append(_named(name, data))
    block, damaged = photoshop.kept(b"".join(blocks))
    return found | {"photoshop": block, "texts": tuple(comments)}, [*dict.fromkeys(words), *damaged]


def _named(name, data):
    """APP1 FLIR: a part of a JPEG and the name at its beginning, if it has one."""
    start = data[:16].split(b"\0")[0]
    return f"{name} {start.decode()}" if start.isalnum() and start.isascii() else name


def of_png(chunks: tuple[tuple[bytes, bytes], ...]) -> tuple[dict, list[str]]:
    found: dict = {}
    words, blocks = [], []
    kept: list[texts.Text] = []
    for name, data in chunks:
        if name == b"pHYs":
            found["density"] = density.of_phys(data)
        elif name == b"tIME":
            found.setdefault("time", data)
        else:
            try:
                text = texts.of_chunk(name, data)
            except ValueError:
                words.append("damaged text")
                continue
            if text.keyword in ("Raw profile type iptc", "Raw profile type 8bim"):
                profile = texts.raw_profile(text.text) or b""
                blocks.append(photoshop.with_iptc(b"", profile) or profile)
            else:
                kept.append(text)
    block, damaged = photoshop.kept(b"".join(blocks))
    return found | {"photoshop": block, "texts": tuple(kept)}, [*dict.fromkeys(words), *damaged]


def of_gif(content: bytes) -> tuple[dict, list[str]]:
    comments, words = gif.comments(content)
    return {"texts": _comments(comments)}, words


def of_jpeg2000(image, content: bytes) -> tuple[dict, list[str]]:
    said = image.info.get("comment") or b""
    found: dict = {} if said.startswith(BY_ENCODERS) else {"texts": _comments([said])}
    if dpi := image.info.get("dpi"):
        with suppress(OverflowError, ValueError):  # of damaged files it is no number
            x, y = (density.fraction(n) for n in dpi)
            found["density"] = density.density(x, y, density.INCH)
    values, words = boxes.said(content)
    found |= {"exif": values.get(boxes.EXIF, b""), "xmp": values.get(boxes.XMP, b"")}
    return found | {"photoshop": photoshop.with_iptc(b"", values.get(boxes.IPTC, b""))}, words


def of_webp(content: bytes) -> tuple[dict, list[str]]:
    words, at = [], 12
    while at + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, at)
        if name not in OF_WEBP:
            words.append(WORDS_OF_WEBP.get(name) or f"chunk {name.decode('latin-1')}")
        at += 8 + length + length % 2
    return {}, list(dict.fromkeys(words))
