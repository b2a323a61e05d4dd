"""Whether a film is encrypted: decoders take what they are given, and would make noise of it."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import av

from srcnn.system.errors import InputError
from srcnn.upscaling.films.decoding import packets_of
from srcnn.upscaling.films.mp4 import headers

LOOKED_AT = 2**22  # bytes from the beginning of a recording
FIRST = 50  # packets
TAGS = "enc_key_id", "asf_protection_type"  # by which FFmpeg tells of Matroska's and Windows' ways
DESCRIBED = re.compile(rb"stsd[\s\S]{12}(?:enc[avs]|drm[is])")  # packets of MP4
OF_TRANSPORT, SYNC = 188, 0x47  # bytes of a packet of a transport stream, and its first one
PES = re.compile(
    rb"\x00\x00\x01[\xbd\xc0-\xef]..([\x80-\xbf])", re.DOTALL
)  # packets of MPEG-2, by their flags


def check_plain(path: Path, container: av.container.InputContainer) -> None:
    """Raises InputError if the film at a path, opened and not yet read, is encrypted."""
    tagged = (container, *container.streams)
    is_said = any(key.lower() in TAGS for about in tagged for key in about.metadata)
    first = itertools.islice(packets_of(container), FIRST)
    if (
        is_said
        or _is_scrambled(path, container.format.name)
        or any(DESCRIBED.search(part) for part in headers(path, container.format.name))
        or any(p.has_sidedata("encryption_info") for p in first)
    ):
        raise InputError(f"{path}: is encrypted; use a film without copy protection")


def _is_scrambled(path, kind):
    """Whether a tenth of the packets of a broadcast or DVD say that they are scrambled."""
    flags = {"mpegts": _flags_of_transport, "mpeg": _flags_of_programs}.get(kind)
    if not flags:
        return False
    with open(path, "rb") as file:
        found = list(flags(file.read(LOOKED_AT)))
    return sum(found) > len(found) / 10


def _flags_of_transport(data: bytes) -> Iterator[bool]:
    """For each packet that begins where the first one makes one expect it, whether it is scrambled."""
    for at in range(data.find(SYNC), len(data) - OF_TRANSPORT + 1, OF_TRANSPORT):
        if data[at] == SYNC:
            yield data[at + 3] >= 0x80


def _flags_of_programs(data: bytes) -> Iterator[bool]:
    return (bool(found[1][0] & 0x30) for found in PES.finditer(data))
