"""What a PNG has beside its picture: damage is left out, as libpng does, where Pillow refuses the file.

Texts that are not read are left out, too: Pillow mixes them, by whatever name, with what it found itself.
"""

import re
import struct
import zlib
from pathlib import Path

from PIL import PngImagePlugin

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST = 2**26  # bytes of all profiles and texts that are read, decompressed
LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"pHYs": 9, b"tIME": 7}
OF_TRANSPARENCY = {0: (2,), 2: (6,), 3: range(1, 257)}  # lengths by the kind of colours
BEFORE_PICTURE = {*LENGTHS, b"iCCP", b"tRNS"} - {b"tIME"}  # once, and before the first IDAT
OF_COLOURS = b"gAMA", b"cHRM", b"sRGB", b"iCCP"  # before a palette
TEXTS = b"tEXt", b"zTXt", b"iTXt"
KEYWORD = rb"[^\0]{1,79}\0"
FORMS = dict.fromkeys(
    (b"iCCP", b"zTXt"), re.compile(KEYWORD + rb"\0(?P<compressed>.*)(?P<plain>)", re.DOTALL)
)
FORMS[b"iTXt"] = re.compile(
    KEYWORD + rb"(?:\x01\0[^\0]*\0[^\0]*\0(?P<compressed>.*)|(?P<plain>\0.[^\0]*\0[^\0]*\0.*))", re.DOTALL
)
READ = b"XML:com.adobe.xmp", b"Raw profile type exif", b"Raw profile type APP1", b"Raw profile type xmp"
OF_ANIMATION = b"acTL", b"fcTL", b"fdAT"  # of the picture, whatever their names say
WORDS = {b"iCCP": "colour profile", b"eXIf": "EXIF", b"tRNS": "transparency", b"pHYs": "dots per inch"}
WORDS |= {b"tIME": "time", **dict.fromkeys(TEXTS, "text")}

PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = LARGEST  # from 1 MB on it refused the file


class _LeftOut(Exception):
    """Why a chunk is left out; {} is what it has."""


def mended(path: Path) -> tuple[Path | bytes, list[str]]:
    """An image file as Pillow reads it: its path, or bytes if it is a PNG of which something is left out.

    Returns what was damaged, in words, too.
    """
    with open(path, "rb") as file:
        if file.read(8) != SIGNATURE:
            return path, []
        cuts, words = _cuts(file)
    if not cuts:
        return path, words
    data = memoryview(path.read_bytes())
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(data)]
    return b"".join(data[start:end] for start, end in zip(starts, ends, strict=True)), words


def _cuts(file):
    """Where in a PNG, an open file, lies what is left out, (start, end) of each; and what was damaged."""
    cuts, words, seen, kind, left = [], [], set(), None, LARGEST
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        start, is_beside = file.tell() - 8, bool(name[0] & 32) and name not in OF_ANIMATION
        if name == b"IEND":
            break
        if not is_beside and name != b"IHDR":
            seen.add(name)
            file.seek(length + 4, 1)
            continue
        data, checksum = file.read(length), file.read(4)
        if len(checksum) < 4:
            break
        if name == b"IHDR":
            kind = data[9] if length > 9 else None
            continue
        try:
            if zlib.crc32(name + data) != int.from_bytes(checksum):
                raise _LeftOut("damaged {}")
            left -= _check(name, data, kind, seen, left)
            is_read = name not in TEXTS or data.split(b"\0")[0] in READ
        except _LeftOut as why:
            is_read = False
            words.append(str(why).format(WORDS.get(name) or f"chunk {name.decode('latin-1')}"))
        if not is_read:
            cuts.append((start, file.tell()))
        seen.add(name)
    return cuts, list(dict.fromkeys(words))


def _check(name, data, kind, seen, left):
    """How many bytes a chunk takes decompressed. Raises _LeftOut if it is not what its name says.

    kind: of the colours. seen: names before. left: bytes that it may take.
    """
    wrong = name in BEFORE_PICTURE and (name in seen or b"IDAT" in seen)
    wrong |= len(data) != LENGTHS.get(name, len(data))
    wrong |= name == b"tRNS" and kind in OF_TRANSPARENCY and len(data) not in OF_TRANSPARENCY[kind]
    wrong |= (name == b"tRNS" and kind == 3 and b"PLTE" not in seen) or (
        name in OF_COLOURS and b"PLTE" in seen
    )
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
