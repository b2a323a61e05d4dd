"""Image files made by the rules of their formats, for tests."""

import io
import struct
import tempfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import ImageCms

from srcnn.images import image_io

SIZE = (20, 33)
RNG = np.random.default_rng(0)


def random(channels, top=255):
    pixels = RNG.integers(0, top + 1, (*SIZE, channels))
    pixels[0, 0], pixels[0, 1] = 0, top
    return pixels.astype(np.uint8 if top == 255 else np.uint16)


def profile(space):
    """A small profile: header and a table of no tags. space: 4 bytes, b"GRAY" or b"RGB "."""
    return struct.pack(
        ">I4sI4s4s4s12s4s", 132, b"test", 0x04000000, b"mntr", space, b"XYZ ", b"", b"acsp"
    ).ljust(132, b"\0")


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def equals(picture, expected, tolerance=0):
    assert picture.pixels.dtype == expected.dtype and picture.pixels.shape == expected.shape
    difference = np.abs(picture.pixels.astype(int) - expected)
    assert difference.max() <= tolerance
    return True


def read(content, name):
    """Reads bytes as a file of that name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return image_io.read(path)


def tif(samples, planar=False, **tags):
    if planar:
        samples, tags["planarconfig"] = np.moveaxis(samples, 2, 0).copy(), "separate"
    elif samples.shape[2] == 1:
        samples = samples[..., 0]
    else:
        tags["planarconfig"] = "contig"
    file = io.BytesIO()
    tifffile.imwrite(file, samples, metadata=None, **tags)
    return file.getvalue()


def lzw(content):
    """A TIFF of a strip a plane, without compression, with that of LZW: nothing but single bytes."""
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first
        tags = page.tags["Compression"], page.tags["StripOffsets"], page.tags["StripByteCounts"]
        places, order = list(zip(page.dataoffsets, page.databytecounts, strict=True)), file.byteorder
    offsets, lengths = [], []
    for start, length in places:
        codes = []
        for at in range(start, start + length, 200):  # before codes become longer than 9 bits
            codes += [256, *content[at : min(at + 200, start + length)]]
        bits = (np.array([*codes, 257])[:, None] >> np.arange(8, -1, -1)) & 1
        strip = np.packbits(bits.astype(np.uint8)).tobytes()
        offsets.append(len(content))
        lengths.append(len(strip))
        content += strip
    content = bytearray(content)
    for tag, numbers in zip(tags, ([5], offsets, lengths), strict=True):
        kind = {3: "H", 4: "I", 16: "Q"}[tag.dtype]
        struct.pack_into(f"{order}{len(numbers)}{kind}", content, tag.valueoffset, *numbers)
    return bytes(content)


ADAM7 = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))


def chunk(name, data, checksum=None):
    """A chunk of a PNG."""
    checksum = zlib.crc32(name + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def png(samples, bits, kind, *chunks, interlaced=False):
    rows = b""
    for top, down, left, across in ADAM7 if interlaced else ((0, 1, 0, 1),):
        part = samples[top::down, left::across]
        for row in part.reshape(len(part), -1).astype(">u2") if part.size else ():
            digits = np.unpackbits(row.view(np.uint8)).reshape(-1, 16)[:, 16 - bits :]
            rows += b"\0" + np.packbits(digits).tobytes()
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], bits, kind, 0, 0, interlaced)
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        content += chunk(name, data)
    return content


def encoded(suffix, pixels, *options):
    swapped = pixels if pixels.shape[2] == 1 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    done, content = cv2.imencode(suffix, swapped, list(options))
    assert done
    return content.tobytes()
