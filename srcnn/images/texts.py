"""Texts and comments beside a picture: chunks of PNG, comments of JPEG and GIF, tags of EXIF."""

import struct
import zlib
from contextlib import suppress
from typing import NamedTuple

COMMENT = "Comment"
# Keywords of PNG that mean what a tag of EXIF does.
TAGS = {"Title": 0x010D, "Description": 0x010E, "Software": 0x0131, "Author": 0x013B, "Copyright": 0x8298}
USER_COMMENT = 0x9286
OF_USER = "parameters", COMMENT  # the first says how a picture was generated; programs look for it there
# What programs write unasked: it is kept, but nobody misses it.
FORMAL = {"Software", "date:create", "date:modify", "date:timestamp"}
BY_PROGRAMS = "Created by ", "Created with ", "CREATOR: "  # comments
MOST_NAMED = 5  # texts that are left out by their names


class Text(NamedTuple):
    """A text by its keyword, see the PNG specification, 11.3.3; bytes that are no UTF-8 are surrogates."""

    keyword: str
    text: str
    language: str = ""
    translated: str = ""  # the keyword

    @property
    def bytes(self) -> bytes:
        return self.text.encode("utf-8", "surrogateescape")


def comment(data: bytes) -> list[Text]:
    """Of a JPEG, GIF or JPEG 2000 file, which are said to have no encoding; none if it is empty."""
    text = data.rstrip(b"\0").decode("utf-8", "surrogateescape")
    return [Text(COMMENT, text)] if text.strip() else []


def of_chunk(name: bytes, data: bytes) -> Text:
    """A Text of a chunk of PNG, checked but for its encoding. Raises ValueError if that is wrong."""
    keyword, _, rest = data.partition(b"\0")
    language = translated = ""
    if name == b"iTXt":
        of_text, of_keyword, body = rest[2:].split(b"\0", 2)
        text = (zlib.decompress(body) if rest[0] else body).decode()
        language, translated = of_text.decode("latin-1"), of_keyword.decode()
    else:
        text = (zlib.decompress(rest[1:]) if name == b"zTXt" else rest).decode("latin-1")
    if "\0" in text:
        raise ValueError
    return Text(keyword.decode("latin-1"), text, language, translated)


def raw_profile(text: str) -> bytes | None:
    """What ImageMagick writes into a PNG as a text of hexadecimal digits; None if that is damaged."""
    with suppress(ValueError):
        return bytes.fromhex("".join(text.split("\n")[3:]))
    return None


def as_raw_profile(kind: str, data: bytes) -> Text:
    """The same the other way: kind is iptc."""
    digits = data.hex()
    lines = [digits[at : at + 72] for at in range(0, len(digits), 72)]
    return Text(f"Raw profile type {kind}", "\n".join(["", kind, f"{len(data):8}", *lines, ""]))


def chunk_of(text: Text) -> tuple[bytes, bytes]:
    """The name and the content of a chunk of PNG.

    Nothing is compressed: many readers refuse a file of which a text becomes large.
    """
    keyword, is_plain = text.keyword.encode("latin-1") + b"\0", not (text.language or text.translated)
    if is_plain:
        try:
            return b"tEXt", keyword + text.text.encode("latin-1")
        except UnicodeEncodeError:
            pass
    try:
        translated, body = text.translated.encode(), text.text.encode()
    except UnicodeEncodeError:  # surrogates: bytes whose encoding nobody knows
        return b"tEXt", keyword + text.bytes
    return b"iTXt", keyword + b"\0\0" + text.language.encode("latin-1") + b"\0" + translated + b"\0" + body


def segments(texts: tuple[Text, ...]) -> bytes:
    """Comments of a JPEG file."""
    return b"".join(b"\xff\xfe" + struct.pack(">H", len(t.bytes) + 2) + t.bytes for t in texts)


def tag_of(text: Text) -> int | None:
    """The tag of EXIF that has a place for a text."""
    if text.keyword in OF_USER:
        return USER_COMMENT
    return None if "\0" in text.text else TAGS.get(text.keyword)


def user_comment(text: Text) -> bytes:
    """The value of a tag of EXIF, in the order of bytes of "MM"."""
    if text.text.isascii():
        return b"ASCII\0\0\0" + text.text.encode()
    try:
        return b"UNICODE\0" + text.text.encode("utf-16-be")
    except UnicodeEncodeError:
        return bytes(8) + text.bytes


def exif_time(time: bytes) -> str:
    """A time as PNG has it, in UTC, as EXIF does."""
    year, *others = struct.unpack(">H5B", time)
    return "{:04}:{:02}:{:02} {:02}:{:02}:{:02}".format(year, *others)


def named(texts: list[Text]) -> list[str]:
    """That texts are left out, in words, by their keywords."""
    missed = [t for t in texts if t.keyword not in FORMAL and not t.text.startswith(BY_PROGRAMS)]
    names = list(dict.fromkeys(t.keyword for t in missed))
    shown = [name if name.isprintable() else ascii(name)[1:-1] for name in names[:MOST_NAMED]]
    if not names:
        return []
    if names == [COMMENT]:
        return ["comment"]
    others = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return [f"{'text' if len(names) == 1 else 'texts'} {', '.join(shown)}{others}"]
