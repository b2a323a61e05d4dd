"""HEIC and HEIF, as phones write them: read and written by pillow-heif, where it is installed."""

from pathlib import Path

import numpy as np
from PIL import Image

from srcnn.images import boxes, high_bit_depth, icc_profiles, metadata
from srcnn.images.decoders import UnsupportedImage
from srcnn.system.errors import InputError, first_line, needing

SUFFIXES = ".heic", ".heif", ".hif"
LARGEST_SIDE = 4096  # pixels; encoders of phones and of pillow-heif refuse from twice as many on
BRANDS = b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"
ANY = b"mif1", b"msf1"  # whatever their compatible brands say


def is_heif(start):
    """Whether a file that starts with these 64 bytes, or more, is one."""
    if start[4:8] != b"ftyp":
        return False
    return start[8:12] in BRANDS or (start[8:12] in ANY and b"avif" not in start[:64])


def library(path):
    """pillow-heif. Raises InputError, which names the file that needs it, where it is not installed."""
    with needing("pillow-heif", path):
        import pillow_heif
    return pillow_heif


def _opened(path, largest):
    """The image of a file that is not decoded yet, and how many there are."""
    file = library(path).open_heif(path, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    image = file[file.primary_index]
    if image.size[0] * image.size[1] > largest:
        raise MemoryError
    return image, len(file)


def size(path, largest):
    """(height, width), upright."""
    image, _ = _opened(path, largest)
    return image.size[::-1]


def read(path, largest):
    """Decodes a file: (pixels, icc_profile, frames, Metadata), upright, see image_io.Picture.

    largest: pixels. What lies in the file is turned by libheif; the orientation of EXIF is not used.
    Raises UnsupportedImage for kinds that would come out wrong, and nearly everything for damaged files.
    """
    image, frames = _opened(path, largest)
    mode, _, depth = image.mode.partition(";")
    if mode not in ("L", "LA", "RGB", "RGBA"):
        raise UnsupportedImage(f"HEIF of the kind {image.mode}; save it as PNG")
    icc = image.info.get("icc_profile")
    named = image.info.get("nclx_profile")
    numbers = (named["color_primaries"], named["transfer_characteristics"]) if named else (2, 2)
    if not icc and not icc_profiles.is_srgb_by_numbers(*numbers):
        raise UnsupportedImage("its colours are not sRGB, and it has no profile; convert it to sRGB")
    pixels = np.array(image)
    pixels = pixels.reshape(*pixels.shape[:2], len(mode))
    if depth:
        pixels = high_bit_depth.stretched(pixels, 2 ** int(depth) - 1)
    others = boxes.said(Path(path).read_bytes())[1]
    others += [f"metadata of the type {item['type']}" for item in image.info.get("metadata") or ()]
    info = metadata.checked(image.info.get("exif") or b"", image.info.get("xmp") or b"", others)
    return pixels, icc, frames, info._replace(parts=_parts(image.info) or info.parts)


def _parts(info):
    """Pictures beside the one of a file, in words."""
    kinds = list(info.get("aux") or ())
    found = ["a gain map"] if any("gainmap" in kind.lower() for kind in kinds) else []
    found += ["a map of depth"] if info.get("depth_images") else []
    return " and ".join(found or (["other pictures"] if kinds else []))


def write(pixels, path, **options):
    """Writes (h, w, 1 to 4) uint8. options: quality, icc_profile, exif, xmp. Raises InputError."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    try:
        library(path).from_pillow(image).save(path, **options)
    except RuntimeError as error:
        raise InputError(f"{path}: cannot be encoded ({first_line(error)}); use .png") from error
