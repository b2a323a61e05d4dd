"""Image files as people have them: any that Pillow opens, with transparency, 16 bits, colour profiles."""

import warnings
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms, ImageOps

from errors import InputError
from terminal import silenced
from writing import replacing

SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png"),
    *(".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
)
KEEP_ALPHA = ("AVIF", "JPEG2000", "PNG", "TGA", "TIFF", "WEBP")
KEEP_16_BITS = ("PNG", "TIFF")
LARGEST_SIDE = {"AVIF": 65536, "GIF": 65535, "JPEG": 65500, "TGA": 65535, "WEBP": 16383}
ORIENTATION = 0x0112  # of EXIF
UPRIGHT = {  # what turns an array that a camera noted as lying on its side, by the number it noted
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, 3),
    7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2),
    8: np.rot90,
}


class Picture(NamedTuple):
    """A decoded image file."""

    pixels: np.ndarray  # (h, w, channels) uint8 or uint16: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
    icc_profile: bytes | None = None
    frames: int = 1  # in the file; only the first is decoded


def has_alpha(pixels):
    return pixels.shape[2] in (2, 4)


def colours(pixels):
    """Pixels without their alpha."""
    return pixels[..., :-1] if has_alpha(pixels) else pixels


def read(path):
    """Decodes an image file, upright whatever its EXIF orientation.

    Palettes become RGB, bilevel images grey, CMYK RGB by its profile.
    Raises InputError, naming the file, for anything that is not a whole image.
    """
    try:
        with silenced(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return _decode(path, image)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path}: more than {Image.MAX_IMAGE_PIXELS:,} pixels; scale or cut it first"
        ) from error
    except Exception as error:  # decoders raise nearly everything on damaged files
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not an image that can be read ({reason}); replace or remove it") from error


def _decode(path, image):
    icc, frames = image.info.get("icc_profile"), getattr(image, "n_frames", 1)
    if image.mode in ("RGB", "RGBA", "LA") and any(";16" in str(tile) for tile in image.tile):
        turn = UPRIGHT.get(image.getexif().get(ORIENTATION), np.asarray)
        return Picture(turn(_read_deep(path)), icc, frames)
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no defined range")
    if image.mode.startswith("I"):  # 16-bit grey
        pixels = np.clip(np.asarray(image), 0, 65535).astype(np.uint16)
        return Picture(pixels[..., np.newaxis], icc, frames)
    if image.mode == "CMYK" and icc:
        srgb = ImageCms.createProfile("sRGB")
        profile = ImageCms.getOpenProfile(BytesIO(icc))
        image, icc = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB"), None
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    if image.has_transparency_data:
        mode += "A"
    pixels = np.asarray(image.convert(mode))
    return Picture(pixels.reshape(*pixels.shape[:2], len(mode)), icc, frames)


def _read_deep(path):
    """16-bit colour, which Pillow would cut down to 8 bits: (h, w, 3) or (h, w, 4) uint16."""
    import cv2

    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError("its 16-bit pixels cannot be decoded")
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def format_of(path):
    """The format in which a name's ending asks to be written, as Pillow calls it.

    Raises InputError if there is none.
    """
    Image.init()
    name = Image.registered_extensions().get(path.suffix.lower())
    if name not in Image.SAVE:
        raise InputError(f"{path}: no format has the ending {path.suffix!r}; take .png, .jpg, .webp or .tif")
    return name


def check_fits(path, height, width, pixels, icc_profile=None):
    """Raises InputError if a file of this name cannot keep all there is to an image of this size."""
    name = format_of(path)
    largest = LARGEST_SIDE.get(name, 2**31 - 1)
    if max(height, width) > largest:
        raise InputError(f"{path}: {width}x{height} pixels is more than {name} can hold; take .png or .tif")
    if has_alpha(pixels) and name not in KEEP_ALPHA:
        raise InputError(f"{path}: {name} cannot keep the image's transparency; take .png, .webp or .tif")
    if pixels.dtype == np.uint16 and name not in KEEP_16_BITS:
        raise InputError(f"{path}: {name} cannot keep the image's 16 bits; take .png or .tif")


def save(pixels, path, icc_profile=None, about=None):
    """Writes pixels, as in `Picture`, in the format of the path's ending, whole or not at all."""
    with replacing(path, about) as temporary:
        if pixels.dtype == np.uint16 and pixels.shape[2] > 1:
            _save_deep(pixels, temporary, icc_profile)
        else:
            image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
            image.save(temporary, quality=95, icc_profile=icc_profile)


def _save_deep(pixels, path, icc_profile):
    if pixels.shape[2] == 2:  # neither library writes grey with alpha
        pixels = pixels[..., [0, 0, 0, 1]]
    if format_of(path) == "TIFF":
        import imageio.v3 as iio

        extra = {"extrasamples": ["unassalpha"]} if pixels.shape[2] == 4 else {}
        extra |= {"photometric": "rgb", "compression": "zlib", "iccprofile": icc_profile}
        iio.imwrite(path, pixels, plugin="tifffile", extension=".tiff", **extra)
    else:
        import cv2

        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR)
        profile = [np.frombuffer(icc_profile, np.uint8)] if icc_profile else []
        kinds = [cv2.IMAGE_METADATA_ICCP] * len(profile)
        encoded = cv2.imencodeWithMetadata(".png", pixels, kinds, profile)[1]
        path.write_bytes(encoded)
