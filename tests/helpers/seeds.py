"""A small picture in every kind of every format that is read: what the fuzzer changes."""

import io
import struct
from fractions import Fraction

import numpy as np
import tifffile
from PIL import Image

from srcnn.images import image_io, photoshop
from srcnn.images.density import Density
from srcnn.images.geotiff import Geo
from srcnn.images.texts import Text
from tests.helpers import image_files
from tests.helpers.image_files import SRGB, encoded, lzw, random, tif

EXIF = Image.Exif()
EXIF.update({0x010F: "Maker", 0x0112: 6})
EXIF.get_ifd(0x8769).update({0x9003: "2020:01:01 00:00:00", 0xA405: 50, 0xA005: {1: "R98"}})
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6" exif:PixelXDimension="33"/>'


IPTC = b"\x1c\x02\x19\0\x07holiday"
SAID = image_io.Metadata(
    EXIF.tobytes()[6:],
    XMP,
    density=Density(Fraction(300), Fraction(200)),
    photoshop=photoshop.with_iptc(b"8BIM\x04\x0a\0\0\0\0\0\1\1\0", IPTC),
    texts=(Text("Comment", "a\x1b[31m"), Text("Author", "日本", "ja", "作者"), Text("parameters", "b" * 99)),
    time=bytes([7, 228, 1, 2, 3, 4, 5]),
    geo=Geo(
        (
            (33550, 12, 3, (2.0, 3.0, 0.0)),
            (33922, 12, 6, (0.0, 0.0, 0.0, 5e5, 4.6e6, 0.0)),
            (34264, 12, 16, (2.0, 0.5, 0.0, 5e5, 0.25, -3.0, 0.0, 4.6e6, *[0.0] * 7, 1.0)),
            (34735, 3, 8, (1, 1, 0, 1, 1025, 0, 1, 2)),
            (42113, 2, 2, b"0\0"),
        )
    ),
)


def pictures() -> dict[str, bytes]:
    """Files by a name with their ending."""
    return {**written(), **of_pillow(), **of_rules()}


def written() -> dict[str, bytes]:
    """What the program writes, with all that the format keeps."""
    found = {}
    for suffix, name in image_io.WRITABLE.items():
        for channels, top in ((1, 255), (3, 255), (4, 255), (4, 65535), (2, 65535)):
            alpha = channels in (2, 4)
            if (alpha and name not in image_io.KEEP_ALPHA) or (
                top > 255 and name not in image_io.KEEP_16_BITS
            ):
                continue
            if suffix == ".pgm" and channels > 1:
                continue
            known = {} if name in image_io.KEEP_METADATA else {"exif": b"", "xmp": b""}
            more = {"info": image_io.fitting_metadata(image_io.Path(f"a{suffix}"), SAID._replace(**known))}
            if name in image_io.KEEP_PROFILE and channels > 2:
                more["icc_profile"] = SRGB
            found[f"{channels}_{top}{suffix}"] = saved(random(channels, top), suffix, **more)
    return found


def saved(pixels, suffix, **more):
    with image_files.tempfile.TemporaryDirectory() as folder:
        path = image_files.Path(folder) / f"a{suffix}"
        image_io.save(pixels, path, **more)
        return path.read_bytes()


def of_pillow() -> dict[str, bytes]:
    colour, alpha = Image.fromarray(random(3)), Image.fromarray(random(4))
    frames = {
        "save_all": True,
        "append_images": [Image.fromarray(random(3)) for _ in range(2)],
        "duration": 50,
    }
    kinds = {
        "progressive.jpg": (colour, {"progressive": True, "icc_profile": SRGB, "exif": EXIF}),
        "cmyk.jpg": (colour.convert("CMYK"), {}),
        "said.jpg": (colour, {"extra": b"\xff\xe1\0\x08FLIR\0\1", "comment": b"a\0\xff"}),
        "a.mpo": (colour, {"save_all": True, "append_images": [colour]}),
        "animated.gif": (colour, frames | {"comment": b"a" * 300}),
        "transparent.gif": (alpha, frames | {"disposal": 2}),
        "animated.png": (alpha, frames | {"default_image": True}),
        "animated.webp": (colour, frames | {"exif": EXIF}),
        "lossless.webp": (alpha, {"lossless": True}),
        "runs.tga": (alpha, {"compression": "tga_rle"}),
        "palette.tga": (colour.quantize(16), {}),
        "palette.bmp": (colour.quantize(16), {}),
        "palette.png": (colour.quantize(16), {"transparency": 3}),
        "bilevel.png": (colour.convert("1"), {}),
        "bilevel.tif": (colour.convert("1"), {"compression": "group4"}),
        "jpeg.tif": (colour, {"compression": "jpeg"}),
        "lzw.tif": (alpha, {"compression": "tiff_lzw", "exif": EXIF}),
        "cmyk.tif": (colour.convert("CMYK"), {}),
        "pages.tif": (colour, {"save_all": True, "append_images": [colour]}),
        "stream.jp2": (colour, {"no_jp2": True}),
        "palette.gif": (colour.quantize(16), {}),
    }
    found = {}
    for name, (image, options) in kinds.items():
        file = io.BytesIO()
        suffix = name[name.rindex(".") :]
        image.save(
            file,
            {".tif": "TIFF", ".jp2": "JPEG2000", ".jpg": "JPEG"}.get(suffix, suffix[1:].upper()),
            **options,
        )
        found[name] = file.getvalue()
    return found


def scan(**more) -> bytes:
    """Pages of every kind: with small ones and masks between."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file, **more) as writer:
        writer.write(random(3), photometric="rgb", metadata=None, description="the first")
        writer.write(random(3)[::2, ::2], photometric="rgb", metadata=None, subfiletype=1)
        writer.write(random(1)[..., 0], photometric="miniswhite", metadata=None, compression="zlib")
        writer.write(random(1)[..., 0] > 99, photometric=4, metadata=None, subfiletype=4)
        writer.write(random(4, 65535), photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    return file.getvalue()


def of_rules() -> dict[str, bytes]:
    deep = random(3, 65535)
    top = b"P6\n33 20\n1023\n" + (deep % 1024).astype(">u2").tobytes()
    tiled = io.BytesIO()
    tifffile.imwrite(tiled, random(3), tile=(16, 16), bigtiff=True, photometric="rgb", metadata=None)
    boxes = b"\0\0\0\x18jp2h".ljust(24, b"\0") + b"\0\0\0\x18uuidJpgTiffExif->JP2"
    return {
        "boxes.jp2": encoded(".jp2", random(3).repeat(2, 0)) + boxes,
        "interlaced.png": image_files.png(deep, 16, 2, (b"gAMA", struct.pack(">I", 45455)), interlaced=True),
        "key.png": image_files.png(random(1) % 16, 4, 0, (b"tRNS", b"\0\3")),
        "deep.ppm": top,
        "deep.jp2": encoded(".jp2", deep.repeat(2, 0)),  # OpenCV writes no smaller ones
        "plain.tif": tif(random(3), photometric="rgb", rowsperstrip=4),
        "planes.tif": tif(deep, planar=True, photometric="rgb"),
        "deep_lzw.tif": lzw(tif(deep, photometric="rgb")),
        "tiled.tif": tiled.getvalue(),
        "scan.tif": scan(),
        "scan_big.tif": scan(bigtiff=True, byteorder=">"),
        "alpha.tif": tif(random(4), photometric="rgb", extrasamples=["assocalpha"]),
        "inverted.tif": tif(random(1), photometric="miniswhite"),
        "text.ppm": b"P3\n# a\n2 2\n#b\n255\n" + b"1 2 3 " * 4,
        "grey.ppm": b"P5\n4 4\n255\n" + np.arange(16, dtype=np.uint8).tobytes(),
    }
