"""Photoshop's image resources, with IPTC, in JPEG and TIFF files (Adobe Photoshop File Formats)."""

import struct
from collections.abc import Iterator

BEGINNING = b"Photoshop 3.0\0"  # of a part of a JPEG file
SIGNATURES = b"8BIM", b"PHUT", b"DCSR", b"AgHg", b"MeSa"
IPTC, PATHS = 0x0404, range(2000, 2999)
# What would be untrue of an enlargement, or is kept elsewhere: guides, small pictures, the profile, slices,
# EXIF and XMP.
UNTRUE = {0x0408, 0x0409, 0x040C, 0x040F, 0x041A, 0x0422, 0x0423, 0x0424}
NAME = "IPTC"
DAMAGED = "damaged data of Photoshop"


def resources(block: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yields (number, content, all of it as it is in files) of each. Raises ValueError for damaged ones."""
    at, end = 0, len(block.rstrip(b"\0"))
    while at < end:
        if block[at : at + 4] not in SIGNATURES or at + 12 > len(block):
            raise ValueError
        (number,) = struct.unpack_from(">H", block, at + 4)
        start = at + 6 + (block[at + 6] + 2) // 2 * 2 + 4  # after the name, even with its length
        if start > len(block):
            raise ValueError
        (length,) = struct.unpack_from(">I", block, start - 4)
        content = block[start : start + length]
        if len(content) < length:
            raise ValueError
        yield number, content, block[at : start + length] + bytes(length % 2)
        at = start + length + length % 2


def kept(block: bytes) -> tuple[bytes, list[str]]:
    """The resources that are true of an enlargement, and what was damaged, in words."""
    parts = []
    try:
        for number, content, whole in resources(block):
            if number not in UNTRUE and (number != IPTC or content):
                parts.append(whole)
    except ValueError:
        return b"".join(parts), [DAMAGED]
    return b"".join(parts), []


def with_iptc(block: bytes, iptc: bytes) -> bytes:
    """Resources, with IPTC as TIFF has it where there is none yet."""
    if iptc[:1] != b"\x1c" and iptc[3:4] == b"\x1c":  # bytes of whole numbers in the other order
        iptc = b"".join(iptc[at : at + 4][::-1] for at in range(0, len(iptc), 4))
    iptc = iptc.rstrip(b"\0") if iptc[:1] == b"\x1c" else b""
    if not iptc or iptc_of(block):
        return block
    return block + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + bytes(len(iptc) % 2)


def iptc_of(block: bytes) -> bytes:
    """IPTC of resources that were checked; empty without."""
    return next((content for number, content, _ in resources(block) if number == IPTC), b"")


def words(block: bytes) -> list[str]:
    """What is lost without these resources; most hold how a window looked, or how to print."""
    numbers = {number for number, _, _ in resources(block)}
    found = [NAME] if IPTC in numbers else []
    return [*found, "paths of Photoshop"] if numbers & set(PATHS) else found


def segments(block: bytes) -> bytes:
    """Parts of a JPEG file: of 64 KB at most, over whose ends a resource may go."""
    size = 2**16 - 3 - len(BEGINNING)
    parts = [BEGINNING + block[at : at + size] for at in range(0, len(block), size)]
    return b"".join(b"\xff\xed" + struct.pack(">H", len(part) + 2) + part for part in parts)
