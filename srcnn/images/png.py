"""How PNG files are compressed: quickly, and hardly larger than by zlib's whole search.

What is enlarged, and photographs, have next to nothing that repeats but runs of zeros after the filter, so
looking for more is a waste: run lengths alone give the same size in a fifth of the time. Drawings, text and
grey stored as RGB do repeat. Which is which a sample of the rows tells.
"""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

from srcnn.images import density, texts
from srcnn.images.metadata import Metadata

WAYS = ((1, zlib.Z_RLE), (3, zlib.Z_FILTERED), (5, zlib.Z_FILTERED))  # level and strategy of zlib
LARGEST = 2**31 - 2**20  # bytes of pixels: OpenCV counts those of a file in 31 bits
BLOCK = 2**20  # pixels that are filtered at a time
BANDS, LEAST, PART = 8, 4, 256  # of a sample: so many bands of so many rows, or of that part of all


def write(pixels, path, icc_profile=None, info=None):
    """Writes (h, w, channels) uint8 or uint16, and what there is beside them. info: Metadata of this size.

    By OpenCV, which takes two thirds of Pillow's time but knows neither grey with alpha nor larger files.
    """
    if pixels.shape[2] == 2 and pixels.dtype == np.uint16:
        content = _grey_with_alpha_of_16_bits(pixels)
    elif pixels.shape[2] == 2 or (pixels.dtype == np.uint8 and pixels.nbytes > LARGEST):
        content = _by_pillow(pixels, settings(pixels))
    else:
        content = encoded(pixels)
    with open(path, "wb") as file:
        file.write(content[:33])  # the signature and the header
        if icc_profile:
            file.write(_chunk(b"iCCP", b"profile\0\0" + zlib.compress(icc_profile)))
        file.write(beside(info or Metadata()))
        file.write(memoryview(content)[33:])


def beside(info):
    """The chunks of Metadata, as they lie before the picture."""
    chunks = [(b"pHYs", density.phys(info.density) if info.density else None), (b"eXIf", info.exif)]
    chunks.append((b"iTXt", info.xmp and b"XML:com.adobe.xmp\0\0\0\0\0" + info.xmp))
    if info.photoshop:
        chunks.append(texts.chunk_of(texts.as_raw_profile("iptc", info.photoshop)))
    chunks += [*map(texts.chunk_of, info.texts), (b"tIME", info.time)]
    return b"".join(_chunk(name, data) for name, data in chunks if data)


def put(path, info):
    """Adds Metadata to a PNG file that has none."""
    content = path.read_bytes()
    with open(path, "wb") as file:
        file.write(content[:33] + beside(info))
        file.write(memoryview(content)[33:])


def _grey_with_alpha_of_16_bits(pixels):
    """The bytes of a PNG file of (h, w, 2) uint16, which neither OpenCV nor Pillow writes: filter 1, Sub."""
    height, width = pixels.shape[:2]
    content = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 4, 0, 0, 0))]
    level, strategy = WAYS[0]
    stream, step = zlib.compressobj(level, strategy=strategy), max(1, BLOCK // width)
    for top in range(0, height, step):
        samples = pixels[top : top + step].astype(">u2").view(np.uint8).reshape(-1, 4 * width)
        rows = np.ones((len(samples), 1 + 4 * width), np.uint8)
        rows[:, 1:5] = samples[:, :4]
        np.subtract(samples[:, 4:], samples[:, :-4], out=rows[:, 5:])
        content.append(_chunk(b"IDAT", stream.compress(rows.tobytes())))
    content += [_chunk(b"IDAT", stream.flush()), _chunk(b"IEND", b"")]
    return b"".join(content)


def _chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def settings(pixels):
    """What Pillow takes to save pixels, (h, w, channels) or (h, w), as PNG."""
    rows = _sample(pixels)
    return min(map(_in_pillow, WAYS), key=lambda way: len(_by_pillow(rows, way)))


def _in_pillow(way):
    return dict(zip(("compress_level", "compress_type"), way, strict=True))


def _by_pillow(pixels, way):
    buffer = BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels).save(buffer, "PNG", **way)
    return buffer.getvalue()


def encoded(pixels):
    """The bytes of a PNG file of (h, w, 1, 3 or 4) uint8 or uint16, by OpenCV."""
    rows = _sample(pixels)
    return _by_opencv(pixels, min(WAYS[:2], key=lambda way: len(_by_opencv(rows, way))))


def _by_opencv(pixels, way):
    import cv2

    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(pixels.shape[2])
    pixels = pixels if order is None else cv2.cvtColor(pixels, order)
    # Filters weigh the neighbours best by Paeth's, but that takes long for 16 bits.
    best = cv2.IMWRITE_PNG_FILTER_AVG if pixels.dtype == np.uint16 else cv2.IMWRITE_PNG_FILTER_PAETH
    names = cv2.IMWRITE_PNG_COMPRESSION, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_FILTER
    pairs = zip(names, (*way, best), strict=True)
    return cv2.imencode(".png", pixels, [number for pair in pairs for number in pair])[1].data


def _sample(pixels):
    """Bands of the rows of pixels, one below another; all of them if they are few."""
    height = len(pixels)
    rows, step = max(LEAST, height // PART), -(-height // BANDS)
    return np.concatenate([pixels[top : top + rows] for top in range(0, height, max(rows, step))])
