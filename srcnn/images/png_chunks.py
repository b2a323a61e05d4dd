"""What a PNG has beside its picture: damage is left out, as libpng does, where Pillow refuses the file.

Texts are cut out, too, and read apart: Pillow mixes them, by whatever name, with what it found itself.
"""

import re
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from PIL import PngImagePlugin

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST = 2**26  # bytes of all profiles and texts that are read, decompressed
LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"pHYs": 9, b"tIME": 7}
OF_TRANSPARENCY = {0: (2,), 2: (6,)}  # lengths by the kind of colours; PALETTE: one for each colour at most
PALETTE = 3
BEFORE_PICTURE = {*LENGTHS, b"iCCP", b"tRNS"} - {b"tIME"}  # before the first IDAT
ONCE = {*BEFORE_PICTURE, b"eXIf"}
OF_COLOURS = b"gAMA", b"cHRM", b"sRGB", b"iCCP"  # before a palette
TEXTS = b"tEXt", b"zTXt", b"iTXt"
KEYWORD = rb"[^\0]{1,79}\0"
FORMS = dict.fromkeys(
    (b"iCCP", b"zTXt"), re.compile(KEYWORD + rb"\0(?P<compressed>.*)(?P<plain>)", re.DOTALL)
)
FORMS[b"tEXt"] = re.compile(KEYWORD + rb"(?P<compressed>)(?P<plain>[^\0]*)", re.DOTALL)
FORMS[b"iTXt"] = re.compile(
    KEYWORD + rb"(?:\x01\0[^\0]*\0[^\0]*\0(?P<compressed>.*)|(?P<plain>\0.[^\0]*\0[^\0]*\0.*))", re.DOTALL
)
READ = b"XML:com.adobe.xmp", b"Raw profile type exif", b"Raw profile type APP1", b"Raw profile type xmp"
OF_ANIMATION = b"acTL", b"fcTL", b"fdAT"  # of the picture, whatever their names say
WORDS = {b"iCCP": "colour profile", b"eXIf": "EXIF", b"tRNS": "transparency", b"pHYs": "dots per inch"}
WORDS |= {b"tIME": "time", b"caBX": "content credentials", **dict.fromkeys(TEXTS, "text")}
# What is part of the colours, or is kept in another way, or says nothing without the pixels of this file.
OF_PIXELS = {*LENGTHS, *TEXTS, b"iCCP", b"tRNS", b"eXIf", b"bKGD", b"hIST", b"sBIT", b"sPLT", b"iDOT"}
OF_PIXELS |= {b"vpAg", b"caNv", b"mDCV", b"mDCv", b"cLLI", b"cLLi"}

PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = LARGEST  # from 1 MB on it refused the file


class _LeftOut(Exception):
    """Why a chunk is left out; {} is what it has."""


class Mended(NamedTuple):
    """An image file as Pillow reads it, and what it was freed of if it is a PNG."""

    source: Path | bytes  # its path, or bytes if something is cut out
    left_out: tuple[str, ...] = ()  # what is damaged, or is not kept, in words
    beside: tuple[
        tuple[bytes, bytes], ...
    ] = ()  # names and contents of chunks that the result is to have, too


def mended(path: Path) -> Mended:
    """What there is for Pillow to read of an image file."""
    with open(path, "rb") as file:
        if file.read(8) != SIGNATURE:
            return Mended(path)
        cuts, words, beside = _cuts(file)
    if not cuts:
        return Mended(path, words, beside)
    data = memoryview(path.read_bytes())
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(data)]
    whole = b"".join(data[start:end] for start, end in zip(starts, ends, strict=True))
    return Mended(whole, words, beside)


def _cuts(file):
    """Where in a PNG, an open file, lies what Pillow is not to read, (start, end) of each; see Mended."""
    cuts, words, beside, seen, kind, left = [], [], [], {}, None, LARGEST
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        start, is_beside = file.tell() - 8, bool(name[0] & 32) and name not in OF_ANIMATION
        if name == b"IEND":
            break
        if not is_beside and name != b"IHDR":
            seen[name] = length
            file.seek(length + 4, 1)
            continue
        data, checksum = file.read(length), file.read(4)
        if len(checksum) < 4:
            break
        if name == b"IHDR":
            kind = tuple(data[8:10]) if length > 9 else None
            continue
        try:
            if zlib.crc32(name + data) != int.from_bytes(checksum):
                raise _LeftOut("damaged {}")
            left -= _check(name, data, kind, seen, left)
            is_read = name not in TEXTS or data.partition(b"\0")[0] in READ
            if not is_read or name in (b"pHYs", b"tIME"):
                beside.append((name, data))
            elif name not in OF_PIXELS:
                words.append(_named(name))
        except _LeftOut as why:
            is_read = False
            words.append(str(why).format(_named(name)))
        if not is_read:
            cuts.append((start, file.tell()))
        seen[name] = length
    return cuts, tuple(dict.fromkeys(words)), tuple(beside)


def _named(name):
    return WORDS.get(name) or f"chunk {name.decode('latin-1')}"


def _check(name, data, kind, seen, left):
    """How many bytes a chunk takes decompressed. Raises _LeftOut if it is not what its name says.

    kind: bits and kind of the colours. seen: lengths by names before. left: bytes that it may take.
    """
    wrong = (name in ONCE and name in seen) or (name in BEFORE_PICTURE and b"IDAT" in seen)
    wrong |= len(data) != LENGTHS.get(name, len(data))
    wrong |= name == b"tRNS" and _is_wrong_transparency(len(data), kind, seen.get(b"PLTE", 0) // 3)
    wrong |= name in OF_COLOURS and b"PLTE" in seen
    wrong |= (name == b"gAMA" and not any(data)) or (name == b"sRGB" and data > b"\3")
    if name == b"cHRM" and not wrong:
        numbers = struct.unpack(">8I", data)  # x and y in units of 1/100,000, of white first
        wrong = (
            any(x + y > 100_000 for x, y in zip(numbers[::2], numbers[1::2], strict=True)) or numbers[1] < 5
        )
    parts = FORMS[name].fullmatch(data) if name in FORMS else None
    if wrong or (name in FORMS and not parts):
        raise _LeftOut("damaged {}")
    size = _decompressed(parts["compressed"], left) if parts and parts["compressed"] else len(data)
    if size > left:
        raise _LeftOut(f"{{}} of more than {LARGEST:,} bytes")
    return size if name in FORMS else 0


def _is_wrong_transparency(length, kind, colours):
    """Whether a tRNS of this length is of no kind, or has more alphas than the palette has colours."""
    bits, colour = kind or (0, 0)
    if colour == PALETTE:
        return not 0 < length <= min(colours, 2**bits)
    return length not in OF_TRANSPARENCY.get(colour, (length,))


def _decompressed(data, most):
    """How many bytes a stream has, up to one more than `most`."""
    stream = zlib.decompressobj()
    try:
        size = len(stream.decompress(data, most + 1))
    except zlib.error:
        raise _LeftOut("damaged {}") from None
    if size <= most and not stream.eof:
        raise _LeftOut("damaged {}")
    return size
