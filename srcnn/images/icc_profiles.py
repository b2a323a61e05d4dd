"""Colour profiles in image files, and colour spaces that are named without one."""

import struct
from contextlib import suppress

INTEROPERABILITY = 0xA005  # of EXIF


def profile_of(image, data):
    """The colour profile of a file that Pillow opened, or None. data: the file, for those not of Pillow."""
    if image.format == "JPEG2000":  # a box: its size, its kind, method 2, two bytes more
        at = data.find(b"colr\x02", 0, 1 << 16)
        return data[at + 7 : at - 4 + struct.unpack_from(">I", data, at - 4)[0]] if at >= 4 else None
    if image.format == "BMP" and data[14:18] == b"\x7c\0\0\0" and data[70:74] == b"DEBM" and len(data) >= 134:
        start, size = struct.unpack_from("<II", data, 126)
        return data[14 + start : 14 + start + size]
    return image.info.get("icc_profile")


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
    if image.format in ("JPEG", "MPO"):  # cameras that are set to Adobe RGB
        with suppress(KeyError):  # as some versions of Pillow tell that there is none
            return image.getexif().get_ifd(INTEROPERABILITY).get(1) != "R03"
    return True


def is_srgb_by_numbers(primaries, transfer):
    """By the numbers of ITU-T H.273: those of sRGB, unstated, or those of television, which are near."""
    return primaries in (1, 2, 5, 6) and transfer in (1, 2, 6, 13, 14, 15)
