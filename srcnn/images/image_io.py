"""Image files as people have them, with transparency, 16 bits, colour profiles: read right or refused."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from srcnn.images import (
    boxes,
    decoders,
    density,
    exif,
    foreign,
    heif,
    high_bit_depth,
    icc_profiles,
    image_coding,
    metadata,
    ordinary,
    photoshop,
    placement,
    png,
    png_chunks,
    texts,
    tiff,
)
from srcnn.images.decoders import UnsupportedImage
from srcnn.images.metadata import Metadata
from srcnn.images.refusals import refusing
from srcnn.settings import ImageCoding
from srcnn.system.atomic_write import replacing
from srcnn.system.errors import InputError, first_line

SUFFIXES = (
    *heif.SUFFIXES,
    *(".apng", ".avif", ".bmp", ".dib", ".gif", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg"),
    *(".jpf", ".jpg", ".jpx", ".mpo", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif"),
    *(".tiff", ".webp"),
)
# Those whose every kind is known to come out right, see tests/images/test_image_io.py.
READABLE = (
    *("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "MPO"),
    *("PNG", "PPM", "QOI", "TGA", "TIFF", "WEBP"),
)
# Some of them, or their profile, by high_bit_depth.py, or what they have beside by beside.py.
NOT_ALL_BY_PILLOW = ("AVIF", "BMP", "GIF", "JPEG2000", "PNG", "PPM", "WEBP")
LARGEST = 2**28  # pixels that are decoded, in at most 6 GB: a quarter of the largest result
WRITABLE = {
    **{".avif": "AVIF", ".bmp": "BMP", ".jfif": "JPEG", ".jp2": "JPEG2000", ".jpeg": "JPEG", ".jpg": "JPEG"},
    **{".pgm": "PPM", ".png": "PNG", ".pnm": "PPM", ".ppm": "PPM", ".qoi": "QOI", ".tga": "TGA"},
    **{".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"},
    **dict.fromkeys(heif.SUFFIXES, "HEIF"),
}
KEEP_ALPHA = ("AVIF", "HEIF", "JPEG2000", "PNG", "QOI", "TGA", "TIFF", "WEBP")
KEEP_16_BITS = ("PNG", "TIFF")
KEEP_PROFILE = ("AVIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP")
KEEP_METADATA = (*KEEP_PROFILE, "JPEG2000")
COLOURED = ("AVIF", "QOI", "WEBP")  # have no grey, and so no place for a profile of grey
LARGEST_SIDE = {
    "AVIF": 32768,
    "GIF": 65535,
    "HEIF": heif.LARGEST_SIDE,
    "JPEG": 65500,
    "TGA": 65535,
    "WEBP": 16383,
}
OTHER_PROFILE = "has a colour profile that does not fit its pixels, grey or RGB; the result has none"
ADOBE_RGB = "comes from a camera set to Adobe RGB and has no profile; the result has one"
LARGEST_IN_ALL = {"AVIF": 2**28, "QOI": 400_000_000}  # pixels that common decoders read
LARGEST_IN_JPEG = 2**16 - 64  # bytes of metadata and what says of which kind they are
LARGEST_PROFILE_IN_JPEG = 255 * (2**16 - 17)  # bytes, in 255 parts
UPRIGHT: dict[
    int, Callable[[np.ndarray], np.ndarray]
] = {  # what turns an array that a camera noted as lying on its side, by the number it noted
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, 3),
    7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2),
    8: np.rot90,
}

Image.MAX_IMAGE_PIXELS = LARGEST // 2  # Pillow warns of more, and raises from twice as many on
warnings.filterwarnings("ignore", module="PIL")
logging.getLogger("PIL").setLevel(logging.CRITICAL + 1)


class Picture(NamedTuple):
    """A decoded image file."""

    pixels: np.ndarray  # (h, w, channels) uint8 or uint16: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
    icc_profile: bytes | None = None  # of grey or of RGB, as the pixels are
    frames: int = 1  # in the file; only the first is decoded
    metadata: Metadata = Metadata()
    notice: str = ""  # what there is to say of how it was read


def has_alpha(pixels: np.ndarray) -> bool:
    return pixels.shape[2] in (2, 4)


def colours(pixels: np.ndarray) -> np.ndarray:
    """Pixels without their alpha."""
    return pixels[..., :-1] if has_alpha(pixels) else pixels


def read(path: str | Path) -> Picture:
    """Decodes an image file, upright whatever its EXIF orientation. Threads may call it at a time.

    Palettes become RGB, bilevel images grey, 8-bit CMYK and Lab RGB by their profile; 16 bits stay.
    Raises InputError, naming the file, for anything that is not a whole image, or would not come out right.
    """
    with refusing(path, LARGEST):
        return _decode(Path(path))


def size(path: str | Path) -> tuple[int, int]:
    """(height, width) of an image file, upright, without decoding it. Raises InputError if it has none."""
    with refusing(path, LARGEST):
        start = _start(path)
        foreign.check(path, start)
        if start[:4] in tiff.MAGIC:
            return tiff.size(path)
        if heif.is_heif(start):
            return heif.size(path, LARGEST)
        Image.init()
        names = [name for name in READABLE if name in Image.OPEN]
        with (
            decoders.opened(png_chunks.mended(Path(path)).source) as file,
            Image.open(file, formats=names) as image,
        ):
            width, height = image.size
            is_turned = metadata.orientation_of(image) in tiff.TURNED
            return (width, height) if is_turned else (height, width)


def _start(path):
    with open(path, "rb") as file:
        return file.read(64)


def _decode(path):
    start, info, frames = _start(path), None, None
    foreign.check(path, start)
    is_tiff = start[:4] in tiff.MAGIC
    if heif.is_heif(start):
        pixels, icc, frames, info = heif.read(path, LARGEST)
        return _picture(pixels, icc, frames, info)
    if is_tiff:
        pixels, icc, frames, orientation, xmp = tiff.read(path, LARGEST)
        info = metadata.of_tiff(path, xmp, orientation)
        if pixels is not None:
            return _picture(pixels, icc, frames, info, orientation)
    Image.init()
    names = [name for name in READABLE if name in Image.OPEN and (name != "TIFF" or is_tiff)]
    source, left_out, chunks = png_chunks.mended(path)
    with decoders.opened(source) as file, Image.open(file, formats=names) as image:
        data = decoders.content(source) if image.format in NOT_ALL_BY_PILLOW else b""
        icc = icc_profiles.profile_of(image, data)
        if image.info.get("icc_profile", b"") is None or icc_profiles.is_damaged(icc, image.mode):
            icc, left_out = None, (*left_out, icc_profiles.DAMAGED)
        frames = frames or getattr(image, "n_frames", 1)  # for which Pillow must know the kind of all pages
        if image.format == "WEBP" and max(image.size) > LARGEST_SIDE["WEBP"]:  # of nothing but canvas
            raise UnsupportedImage(
                f"a canvas of more than {LARGEST_SIDE['WEBP']:,} pixels a side; crop it first"
            )
        if not icc and not icc_profiles.is_srgb(image, data):
            raise UnsupportedImage("its colours are not sRGB, and it has no profile; convert it to sRGB")
        depth = high_bit_depth.depth_of(image, data)
        if depth > 8:
            pixels = high_bit_depth.read(image, data, depth)
            image.load()  # a PNG may tell of itself after its pixels
            info = metadata.of_image(image, None, chunks, data).without(*left_out)
            return _picture(pixels, icc, frames, info, metadata.orientation_of(image))
        pixels, said, orientation = ordinary.read(source, image, icc)
        info = (metadata.of_image(image, said, chunks, data) if info is None else info).without(*left_out)
        converted = image.mode in ("CMYK", "LAB")
    return _picture(pixels, None if converted else icc, frames, info, orientation)


def _picture(pixels, icc, frames, info, orientation=1):
    """A Picture, turned upright, and with the profile only if it is one of such colours."""
    said = ADOBE_RGB if icc is icc_profiles.ADOBE_RGB else ""
    if icc_profiles.is_damaged(icc):
        icc, info = None, info.without(icc_profiles.DAMAGED)
    if icc and not icc_profiles.belongs(icc, colours(pixels).shape[2]):
        icc, said = None, "" if said else OTHER_PROFILE
    parts = f"has {info.parts}, which the result does not have" if info.parts else ""
    notice = "; ".join(filter(None, (parts, said)))
    info = info.turned() if orientation in tiff.TURNED else info
    return Picture(UPRIGHT.get(orientation, np.asarray)(pixels), icc, frames, info, notice)


def pixels_of(image):
    """(h, w, channels) of an image that Pillow has, as `Picture` has them; it is not turned.

    Raises InputError where its pixels have no defined range.
    """
    with refusing("the image", LARGEST):
        if image.mode.startswith("I;16"):
            return np.asarray(image).astype(np.uint16)[..., np.newaxis]
        icc = image.info.get("icc_profile")
        return ordinary.pixels_of(image, None if icc_profiles.is_damaged(icc, image.mode) else icc)


def fitting(path: Path, pixels: np.ndarray) -> np.ndarray:
    """Pixels without an alpha that is opaque everywhere, if a file of this name has no place for one."""
    if not has_alpha(pixels) or format_of(path) in KEEP_ALPHA:
        return pixels
    is_opaque = (pixels[..., -1] == np.iinfo(pixels.dtype).max).all()
    return colours(pixels) if is_opaque else pixels


def fitting_metadata(path: Path, info: Metadata) -> Metadata:
    """Metadata as a file of this name has a place for them; what has none is said then."""
    return placement.placed(format_of(path), info)


def format_of(path: Path) -> str:
    """The format in which a name's ending asks to be written, as Pillow calls it.

    Raises InputError if there is none that keeps photographs.
    """
    Image.init()
    name = WRITABLE.get(path.suffix.lower())
    if name == "HEIF":
        heif.library(path)
    elif name not in Image.SAVE:
        raise InputError(
            f"{path}: {path.suffix!r} is not a format for photographs; "
            "use .png, .jpg, .webp or .tif, or end the name of a folder with /"
        )
    return name


def check_fits(
    path: Path,
    height: int,
    width: int,
    pixels: np.ndarray,
    icc_profile: bytes | None = None,
    info: Metadata | None = None,
) -> None:
    """Raises InputError if a file of this name cannot keep all there is to an image of this size.

    pixels: as in `Picture`, of any size. info: Metadata.
    """
    name = format_of(path)
    high_bit_depth, channels = pixels.dtype == np.uint16, pixels.shape[2]
    largest = LARGEST_SIDE.get(name, 2**31 - 1)
    if max(height, width) > largest or height * width > LARGEST_IN_ALL.get(name, largest**2):
        raise InputError(f"{path}: {width}x{height} pixels is more than {name} can hold; use .png or .tif")
    if has_alpha(pixels) and name not in KEEP_ALPHA:
        raise InputError(f"{path}: {name} cannot keep the image's transparency; use .png, .webp or .tif")
    if high_bit_depth and name not in KEEP_16_BITS:
        raise InputError(f"{path}: {name} cannot keep the image's 16 bits; use .png or .tif")
    if path.suffix.lower() == ".pgm" and channels > 1:
        raise InputError(f"{path}: .pgm holds grey images only; use .ppm or .png")
    if name == "JPEG" and icc_profile and len(icc_profile) > LARGEST_PROFILE_IN_JPEG:
        raise InputError(f"{path}: JPEG cannot keep a colour profile of this size; use .png or .tif")
    if icc_profile and (name not in KEEP_PROFILE or _becomes_coloured(name, pixels)):
        better = ".tif" if channels < 3 else ".png, .jpg, .webp, .tif or .avif"
        raise InputError(f"{path}: {name} cannot keep the image's colour profile; use {better}")
    if info and (info.exif or info.xmp) and not _keeps(name, info):
        raise InputError(f"{path}: {name} cannot keep the image's metadata, EXIF or XMP; use .png")


def _keeps(name, info):
    """Whether a format has a place for Metadata as large and as damaged as these."""
    if name == "JPEG" and (len(info.exif) > LARGEST_IN_JPEG or len(info.xmp) > LARGEST_IN_JPEG):
        return False
    if name == "TIFF" and info.exif and not exif.is_whole(info.exif):
        return False
    return name in KEEP_METADATA


def _becomes_coloured(name, pixels):
    """Whether grey is written as RGB of the same pixels."""
    return pixels.shape[2] < 3 and (name in COLOURED or (name == "HEIF" and has_alpha(pixels)))


def save(
    pixels: np.ndarray,
    path: str | Path,
    icc_profile: bytes | None = None,
    about: dict | None = None,
    info: Metadata | None = None,
    overwrite: bool = True,
    hidden_colours: bool = False,
    coding: ImageCoding = image_coding.DEFAULT,
) -> None:
    """Writes pixels, as in `Picture`, in the format of the path's ending, whole or not at all.

    about, overwrite: see `atomic_write.replacing`. info: Metadata of this size. hidden_colours: whether those
    of transparent pixels are kept where that takes more bytes. coding: of what quality, or without loss.
    Raises InputError, see `check_fits`, too.
    """
    path = Path(path)
    height, width = pixels.shape[:2]
    check_fits(path, height, width, pixels, icc_profile, info)
    name = format_of(path)
    with replacing(path, about, overwrite) as temporary:
        if name == "TIFF":
            return tiff.write(pixels, temporary, icc_profile, info)
        if _becomes_coloured(name, pixels):
            pixels = pixels[..., [0, 0, 0, 1][: pixels.shape[2] + 2]]
        if name == "PNG":
            return png.write(pixels, temporary, icc_profile, info)
        beside = {"icc_profile": icc_profile, **in_pillow(name, info)}
        options = beside | image_coding.options(name, coding)
        if name == "WEBP" and hidden_colours:
            options["exact"] = True
        if name == "HEIF":
            return heif.write(pixels, temporary, **options)
        try:
            if name == "AVIF" and coding.lossless:
                image_coding.write_lossless_avif(pixels, temporary, **beside)
            else:
                ordinary.write(pixels, temporary, name, **options)
            density.put(temporary, name, info and info.density)
            if name == "JPEG2000":
                boxes.put(temporary, info or Metadata())
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise InputError(f"{path}: cannot be encoded ({first_line(error)}); use .png or .tif") from error


def in_pillow(name, info):
    """Metadata, or none, as what Pillow takes to save in a format."""
    if not info:
        return {}
    begin = b"Exif\0\0" if info.exif and name in ("HEIF", "JPEG") else b""
    more = {"exif": begin + info.exif, "xmp": info.xmp}
    if name == "AVIF" and info.exif:  # or Pillow would put it together anew
        more["exif"] = exif.without_orientation(info.exif)
    if name in ("JPEG2000", "TGA"):
        more["comment" if name == "JPEG2000" else "id_section"] = b"".join(text.bytes for text in info.texts)
    if name == "JPEG":
        more["extra"] = photoshop.segments(info.photoshop) + texts.segments(info.texts)
    return {key: value for key, value in more.items() if value}
