"""Pictures of more than 8 bits a sample, which Pillow would cut down to 8 without a word."""

import struct
from io import BytesIO

import numpy as np
from PIL import Image

from srcnn.images import png_rows
from srcnn.images.decoders import DamagedImage, UnsupportedImage


def depth_of(image, data):
    """Bits of a sample in an image file that Pillow opened, 8 for fewer, too. data: the file.

    Raises UnsupportedImage if not all the samples can be read as they are.
    """
    kind = str(image.tile[0][3]) if image.tile else ""
    if image.format == "PNG":
        return 16 if ";16" in kind else 8
    if image.format == "PPM":
        args = image.tile[0][3]
        top = args[1] if isinstance(args, tuple) and isinstance(args[1], int) else 255
        return 16 if ";16" in kind or top > 255 else 8
    if image.format == "JPEG2000":
        return _depth_of_jpeg2000(data)
    at = data.find(b"av1C") if image.format == "AVIF" else -1
    return (
        8 if at < 0 or len(data) < at + 7 else 8 + 2 * (data[at + 6] >> 6 & 1) + 2 * (data[at + 6] >> 5 & 1)
    )


def _depth_of_jpeg2000(data):
    at = data.find(b"\xff\x4f\xff\x51")  # the start of the code stream and its marker of sizes
    if at < 0 or len(data) < at + 42:
        raise DamagedImage("it has no code stream")
    (channels,) = struct.unpack_from(">H", data, at + 40)
    depths = set(data[at + 42 : at + 42 + 3 * channels : 3])
    # Signed ones have the highest bit. Pillow leaves fewer than 8 bits short of white.
    if len(depths) != 1 or not 8 <= (depth := depths.pop() + 1) <= 16:
        raise UnsupportedImage(
            "its channels are signed, differ in depth or have too few bits; save it as PNG"
        )
    return depth


def read(image, data, depth):
    """Decodes more than 8 bits a sample.

    image: as Pillow opened it. data: the file. depth: see `depth_of`. Returns (h, w, channels) uint16, over
    the whole range, not turned. Raises UnsupportedImage, and nearly anything for damaged files.
    """
    if image.format == "PPM":
        return _read_ppm(image, data)
    if image.format == "PNG":
        return _read_png(image, data)
    if b"colr\x01\0\0\0\x12" in data[:4096]:
        raise UnsupportedImage("sYCC of more than 8 bits; save it as RGB")
    return stretched(decode(data), 2**depth - 1)


def decode(data):
    """A file of more than 8 bits a sample as OpenCV reads it: (h, w, 1, 3 or 4) uint16, not turned."""
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None or pixels.dtype != np.uint16:
        raise UnsupportedImage(
            "its 16 bits cannot be decoded; save it as PNG, or TIFF with ZIP or no compression"
        )
    if pixels.ndim == 2:
        return pixels[..., np.newaxis]
    order = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(pixels, order, dst=pixels)


def _read_png(image, data):
    """Pillow takes one of the two bytes of a sample: the first, or the second for the other byte order."""
    raw, key = image.tile[0][3], image.info.get("transparency")

    def bytes_of(mode, raw):
        """What Pillow makes of the file when told that its pixels are laid out like this."""
        with Image.open(BytesIO(data), formats=["PNG"]) as other:
            other.tile = [other.tile[0]._replace(args=raw)]
            other._mode = mode
            return np.asarray(other)

    if raw.startswith("RGB"):
        mode = raw.split(";")[0]
        pixels = bytes_of(mode, f"{mode};16B").astype(np.uint16)
        pixels <<= 8
        pixels |= bytes_of(mode, f"{mode};16L")
    else:  # as many bytes as RGBA of 8 bits has, or grey
        pixels = bytes_of("RGBA", "RGBA").view(">u2") if raw.startswith("LA") else np.asarray(image)
        pixels = pixels.reshape(*pixels.shape[:2], -1).astype(np.uint16)
    if png_rows.may_lack(image, pixels):
        next(png_rows.checks(data), None)
    return pixels if key is None else with_key(pixels, key)


def _read_ppm(image, data):
    """Samples of two bytes; they end at any number up to 65535."""
    codec, _, offset, args = image.tile[0]
    channels = {"L": 1, "I": 1, "RGB": 3}.get(image.mode)
    if codec not in ("ppm", "raw") or channels is None:
        raise UnsupportedImage("a variant of PPM with 16 bits that is not supported; save it as P5 or P6")
    top = args[1] if codec == "ppm" else 65535
    width, height = image.size
    if len(data) < offset + 2 * height * width * channels:
        raise DamagedImage("it ends too early")
    samples = np.frombuffer(data, ">u2", height * width * channels, offset).astype(np.uint16)
    return stretched(samples.reshape(height, width, channels), top)


def stretched(pixels, top):
    """Samples that end at `top` over the whole range of 16 bits, rounded."""
    if top == 65535:
        return pixels
    table = np.minimum(np.arange(65536) * 65535.0 / top + 0.5, 65535).astype(np.uint16)
    return table[pixels]


def with_key(pixels, key):
    """Adds an alpha to (h, w, c) pixels: pixels of the colour `key`, a number for each channel, vanish."""
    opaque = (pixels != np.asarray(key).reshape(-1)).any(axis=2, keepdims=True)
    alpha = opaque * pixels.dtype.type(np.iinfo(pixels.dtype).max)
    return np.concatenate([pixels, alpha], axis=2)
