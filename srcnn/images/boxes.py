"""Boxes of JPEG 2000, AVIF and HEIC files, in which they keep metadata (ISO 15444-1, ISO 14496-12)."""

import struct
from collections.abc import Iterator
from pathlib import Path

from srcnn.images import photoshop

XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # names of boxes of the kind uuid
IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
EXIF = b"JpgTiffExif->JP2"
WORDS = {
    bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03"): "place of a GeoTIFF",
    bytes.fromhex("d8fec3d61b0e483c92975828877ec481"): "content credentials",
}
OTHERS = {b"jumb": "content credentials", b"xml ": "XML", b"mpvd": "the film of a live photograph"}
PICTURE = b"jp2c"  # the pixels of a JPEG 2000 file


def boxes(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yields (place, kind, content) of each box that lies in no other, up to where a file is damaged."""
    at = 0
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        start = at + 8
        if length == 1 and at + 16 <= len(content):
            (length,) = struct.unpack_from(">Q", content, start)
            start += 8
        end = at + length if length else len(content)
        if end < start or end > len(content):
            return
        yield at, kind, b"" if kind in (PICTURE, b"mdat") else content[start:end]
        at = end


def said(content: bytes) -> tuple[dict[bytes, bytes], list[str]]:
    """EXIF, XMP and IPTC of a file, by their names, and what else it has, in words."""
    found: dict[bytes, bytes] = {}
    words = []
    for _, kind, data in boxes(content):
        name = data[:16]
        if kind == b"uuid" and name in (XMP, IPTC, EXIF):
            found.setdefault(name, data[16:])
        elif kind == b"uuid":
            words.append(WORDS.get(name, "a uuid box"))
        elif kind in OTHERS:
            words.append(OTHERS[kind])
    return found, list(dict.fromkeys(words))


def put(path: Path, info) -> None:
    """Adds Metadata to a JPEG 2000 file: at its end, since Pillow finds comments only before."""
    values = {EXIF: info.exif, XMP: info.xmp, IPTC: photoshop.iptc_of(info.photoshop)}
    added = b"".join(
        struct.pack(">I4s", 24 + len(data), b"uuid") + name + data for name, data in values.items() if data
    )
    with open(path, "ab") as file:
        file.write(added)
