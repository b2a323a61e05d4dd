"""Image files of 8 bits a sample: ordinary ones through imageio, the others as it takes to lose nothing."""

import threading
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from PIL import Image, ImageCms

from srcnn.images import bmp, decoders, gif, high_bit_depth, icc_profiles, metadata, png_rows, tga
from srcnn.images.decoders import UnsupportedImage
from srcnn.system.terminal import silenced

# That imageio reads. For GIF it changes how Pillow reads all GIFs of the process; AVIF and WebP set up their
# decoders when a file is opened, which is done twice here.
FORMATS = ("BMP", "DIB", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "QOI", "TGA")
COLOUR_MAP = 320  # a tag of TIFF
SILENCE = threading.Lock()


def read(
    source: Path | bytes, image: Image.Image, icc: bytes | None
) -> tuple[np.ndarray, dict[str, Any], int]:
    """(h, w, channels) uint8, not turned, what the file says of itself, and its orientation in EXIF.

    source: the file, or what it holds. image: as Pillow opened it. icc: its colour profile. Raises nearly
    everything for damaged files.
    """
    found = None if bmp.take_alpha(image, source) else _through_imageio(source, image, icc)
    if found is None and image.format == "TGA":
        with Image.open(BytesIO(tga.unpacked(decoders.content(source)))) as other:
            found = _by_pillow(source, other, icc)
    pixels, said, orientation = found or _by_pillow(source, image, icc)
    if image.format == "PNG" and png_rows.may_lack(image, pixels):
        next(png_rows.checks(decoders.content(source)), None)
    # Many programs write 0 where no alpha is meant, and do not declare one that is.
    if image.format in ("BMP", "DIB", "TGA") and pixels.shape[2] in (2, 4) and not pixels[..., -1].any():
        pixels = pixels[..., :-1]
    return pixels, said, orientation


def _through_imageio(source, image, icc):
    """See `read`. None for what imageio would not do right, and for damaged files."""
    has_key = image.mode in ("1", "L") and "transparency" in image.info  # which Pillow does not scale
    is_converted = image.mode[0] in "IF" or (image.mode == "CMYK" and icc)
    if image.format not in FORMATS or has_key or is_converted:
        return None
    mode = _mode_of(image)
    opened: Any  # which the plugin knows more of than imageio
    try:
        # As an open file: names may be addresses, archives and cameras for imageio.
        with decoders.opened(source) as file, iio.imopen(file, "r", plugin="pillow") as opened:
            pixels = opened.read(index=0, mode=None if image.mode == mode else mode, writeable_output=False)
            said = opened.metadata(index=0, exclude_applied=False)
    except Exception as error:  # also for damaged EXIF alone, which is no harm; Pillow says what else it is
        if not decoders.raised(error):
            raise
        return None
    return pixels.reshape(*pixels.shape[:2], len(mode)), said, metadata.orientation_of(image)


def _by_pillow(source, image, icc):
    if image.format == "GIF":
        content = decoders.content(source)
        if not gif.fills_canvas(content):
            return next(gif.pictures(content)), image.info, 1
    if image.format == "TIFF":  # which Pillow turns as it loads, by XMP, too
        image.info.pop("xmp", None)
    with _quiet(image):
        bits, orientation = _bits_of_grey_png(image), metadata.orientation_of(image)  # before it is loaded
        image.load()
        if image.format == "TIFF" and image.mode == "P" and max(image.tag_v2[COLOUR_MAP]) < 256:
            image.putpalette(bytes(image.tag_v2[COLOUR_MAP]), "RGB;L")  # of 8 bits, as libtiff takes it
        return pixels_of(image, icc, bits), image.info, orientation


def pixels_of(image, icc, bits=None):
    """(h, w, channels) uint8 of an image that Pillow opened, not turned. bits: of a grey PNG, else None."""
    key = image.info.get("transparency")
    if image.mode.startswith(("I", "F")):
        raise UnsupportedImage("its pixels have no defined range; save it as 8 or 16 bits")
    if image.mode == "CMYK" and icc:
        image = ImageCms.applyTransform(image, icc_profiles.to_srgb(icc))
    if bits and key is not None:  # Pillow scales the key in some versions and depths only
        key = key * 255 // (2**bits - 1) if key < 2**bits else key
        return high_bit_depth.with_key(np.asarray(image.convert("L"))[..., np.newaxis], key)
    mode = _mode_of(image)
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    return pixels.reshape(*pixels.shape[:2], len(mode))


def _mode_of(image):
    """The mode of Pillow in which all of an 8-bit image is kept that is seen."""
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    return mode + "A" if image.has_transparency_data else mode


@contextmanager
def _quiet(image):
    """Of all decoders, libtiff as Pillow has it writes to stderr. One thread at a time can keep it silent."""
    if image.format == "TIFF":
        with SILENCE, silenced():
            yield
    else:
        yield


def _bits_of_grey_png(image):
    """1, 2, 4 or 8; None for all other images."""
    if image.format != "PNG" or image.mode not in ("1", "L") or not image.tile:
        return None
    return 1 if image.mode == "1" else {"L;2": 2, "L;4": 4}.get(image.tile[0][3], 8)


def write(pixels: np.ndarray, path: Path, format_: str, **options) -> None:
    """Writes (h, w, 1 to 4) uint8. format_, options: as Pillow has them."""
    pixels = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    how = {"extension": path.suffix.lower(), "format": format_, "is_batch": False, **options}
    with open(path, "wb") as file:
        iio.imwrite(file, pixels, plugin="pillow", **how)
