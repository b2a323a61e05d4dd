"""BMP files with an alpha that Pillow leaves out: in 32 bits it need not be declared, as in TGA."""

import struct
from pathlib import Path
from typing import Any

from srcnn.images import decoders

RGB, BITFIELDS = 0, 3  # of compressions
WITH_ALPHA = 56  # bytes of the smallest header that has a mask for alpha
ALPHA_OF_16_BITS = 0x8000


def take_alpha(image: Any, source: Path | bytes) -> bool:
    """Whether there is such an alpha; Pillow then decodes it.

    image: as Pillow opened it. source: the file, or what it holds.
    """
    if image.format not in ("BMP", "DIB"):
        return False
    with decoders.opened(source) as file:
        file.seek(14 if image.format == "BMP" else 0)
        head = file.read(WITH_ALPHA).ljust(WITH_ALPHA, b"\0")
    size, alpha = struct.unpack_from("<I48xI", head)
    (tile,) = image.tile
    raw, compression = tile.args[0], image.info.get("compression")
    if raw == "BGRX" and compression == RGB:
        found = "BGRA"
    elif raw == "BGR;15" and compression == BITFIELDS and size >= WITH_ALPHA and alpha == ALPHA_OF_16_BITS:
        found = "BGRA;15"
    else:
        return False
    image._mode, image.tile = "RGBA", [tile._replace(args=(found, *tile.args[1:]))]
    return True
