"""TGA files whose packets of runs go on over the ends of rows, as TGA 1.0 lets them and Pillow does not."""

import struct

from srcnn.images.decoders import DamagedImage

PACKED = 8  # how much higher the kind of a file with run lengths is than of the same without
RUN = 128  # of a packet: one pixel, many times


def unpacked(data: bytes) -> bytes:
    """A TGA file without run lengths; the same if it has none. Raises DamagedImage if it ends too early."""
    if len(data) < 18 or data[2] <= PACKED:
        return data
    comment, has_palette, kind, colours, colour_bits = struct.unpack_from("<BBB2xHB", data)
    width, height, bits = struct.unpack_from("<HHB", data, 12)
    start = at = 18 + comment + (colours * -(-colour_bits // 8) if has_palette else 0)
    size, parts = -(-bits // 8), []
    left = width * height * size
    while left > 0:
        head = data[at] if at < len(data) else 0
        count = (head & ~RUN) + 1
        of_file = size * (1 if head & RUN else count)
        part = data[at + 1 : at + 1 + of_file]
        if not of_file or len(part) < of_file:
            raise DamagedImage("it ends too early")
        parts.append(part * count if head & RUN else part)
        at, left = at + 1 + of_file, left - size * count
    pixels = b"".join(parts)[: width * height * size]
    return data[:2] + bytes([kind - PACKED]) + data[3:start] + pixels
