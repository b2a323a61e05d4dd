"""Colour profiles in image files, and colour spaces that are named without one."""

import struct
from io import BytesIO

from PIL import ImageCms

from srcnn.images import decoders, exif

COLOUR_SPACE, SRGB, ADOBE = 0xA001, 1, 2  # of EXIF, and what it may be


def profile_of(image, data):
    """The colour profile of a file that Pillow opened, or None. data: the file, for those not of Pillow."""
    if image.format == "JPEG2000":  # a box: its size, its kind, method 2, two bytes more
        at = data.find(b"colr\x02", 0, 1 << 16)
        return data[at + 7 : at - 4 + struct.unpack_from(">I", data, at - 4)[0]] if at >= 4 else None
    if image.format == "BMP" and data[14:18] == b"\x7c\0\0\0" and data[70:74] == b"DEBM" and len(data) >= 134:
        start, size = struct.unpack_from("<II", data, 126)
        return data[14 + start : 14 + start + size]
    return image.info.get("icc_profile")


def of_camera(image):
    """The profile of a file that has none, by what EXIF says of a camera; or None."""
    return ADOBE_RGB if _is_adobe_rgb(image) else None


def _is_adobe_rgb(image):
    """Whether EXIF says that a camera was set to Adobe RGB: by file R03 of DCF, or by 2 as some do."""
    if image.format not in ("JPEG", "MPO") or image.mode != "RGB":
        return False
    try:
        space = image.getexif().get_ifd(exif.EXIF).get(COLOUR_SPACE)
        if space in (SRGB, ADOBE):
            return space == ADOBE
        index = image.getexif().get_ifd(exif.INTEROPERABILITY).get(1)
        return (index.decode("latin-1") if isinstance(index, bytes) else str(index)).rstrip("\0") == "R03"
    except Exception as error:
        if not decoders.raised(error):
            raise
        return False


def _profile(name, primaries, gamma):
    """A colour profile of version 2.1 of the ICC. primaries: XYZ of red, green, blue, adapted to D50."""
    about = b"desc" + struct.pack(">II", 0, len(name) + 1) + name + bytes(1 + 8 + 3 + 67)
    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256))
    xyz = [
        struct.pack(">4sI3i", b"XYZ ", 0, *(round(n * 2**16) for n in colour)) for colour in (D65, *primaries)
    ]
    tags = {
        b"desc": about,
        b"cprt": b"text" + bytes(4) + b"CC0\0",
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    tags |= dict(zip((b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True))
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, value in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">II4s4s4s4s12x4s28x", start + len(body), 0, *(V2, b"mntr", b"RGB ", b"XYZ ", b"acsp"))
    return head + struct.pack(">3i48x", *(round(n * 2**16) for n in D50)) + table + body


V2 = b"\x02\x10\0\0"
D50, D65 = (0.9642, 1.0, 0.8249), (0.95045, 1.0, 1.08905)  # XYZ
ADOBE_RGB = _profile(  # by Adobe RGB (1998) Color Image Encoding, 4.3.4 and Annex A
    b"compatible with Adobe RGB (1998)",
    ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
    2 + 51 / 256,
)


DAMAGED = "damaged colour profile"
SMALLEST = 132  # bytes: the header, and the number of tags


def is_damaged(profile, mode="RGB"):
    """Whether there is a profile of which nothing can be made, for pixels of a mode of Pillow."""
    if not profile:
        return False
    if len(profile) < SMALLEST or profile[36:40] != b"acsp" or int.from_bytes(profile[:4]) > len(profile):
        return True
    if mode == "CMYK":
        try:
            to_srgb(profile)
        except (OSError, ImageCms.PyCMSError):
            return True
    return False


def to_srgb(profile):
    """What `ImageCms` applies to CMYK pixels. Raises OSError or PyCMSError if the profile is damaged."""
    opened, srgb = ImageCms.getOpenProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(opened, srgb, "CMYK", "RGB")


def belongs(profile, channels):
    """Whether a profile is one of grey, 1 channel, or of RGB, 3."""
    space = b"GRAY" if channels == 1 else b"RGB "
    return bool(profile) and profile[16:20] == space and profile[36:40] == b"acsp"


SRGB_PRIMARIES = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)  # white, red, green, blue: x, y


def is_srgb(image, data):
    """False if a file without a profile says in another way that its colours are not those of the web.

    image: as Pillow opened it. data: the file.
    """
    if image.format == "PNG":
        at = data.find(b"cICP", 0, data.find(b"IDAT"))
        if at >= 0:
            return is_srgb_by_numbers(*data[at + 4 : at + 6])
        gamma = image.info.get("gamma", 0.45455)
        primaries = image.info.get("chromaticity", SRGB_PRIMARIES)
        near = max(abs(a - b) for a, b in zip(primaries, SRGB_PRIMARIES, strict=True)) < 0.01
        return "srgb" in image.info or (0.4 < gamma < 0.5 and near)
    if image.format == "AVIF":
        at = data.find(b"colrnclx")
        return at < 0 or len(data) < at + 12 or is_srgb_by_numbers(data[at + 9], data[at + 11])
    return True


def is_srgb_by_numbers(primaries, transfer):
    """By the numbers of ITU-T H.273: those of sRGB, unstated, or those of television, which are near."""
    return primaries in (1, 2, 5, 6) and transfer in (1, 2, 6, 13, 14, 15)
