"""Dots per inch, as each format notes them. They are kept as they are: an enlargement prints larger."""

import struct
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from srcnn.images import exif as exif_

(X, Y), UNIT = exif_.DENSITIES, 0x0128  # tags of a TIFF, and of EXIF
INCH, CM, SHAPE = 2, 3, 1  # their units; 1 if only the shape of pixels is known
USUAL = 72, 96  # per inch: what programs write that were not told
BMP_HEADER = 40  # bytes from which on a header has a density
BMP_PLACE = 38  # of it in the file


class Density(NamedTuple):
    """How many pixels lie on an inch or a centimetre, across and down, or only in which proportion."""

    x: Fraction
    y: Fraction
    unit: int = INCH

    @property
    def name(self) -> str:
        return "shape of pixels" if self.unit == SHAPE else "dots per inch"

    @property
    def is_usual(self) -> bool:
        per_inch = self.per(INCH)
        return per_inch.unit == INCH and per_inch.x == per_inch.y and round(per_inch.x) in USUAL

    def per(self, unit: int) -> "Density":
        """The same for another unit of length; a shape of pixels stays one."""
        if SHAPE in (unit, self.unit) or unit == self.unit:
            return self
        factor = Fraction(254, 100) if unit == INCH else Fraction(100, 254)
        return Density(self.x * factor, self.y * factor, unit)


def density(x: Fraction, y: Fraction, unit: int) -> Density | None:
    """A Density, per inch where that is a whole number; None where nothing is said."""
    if x <= 0 or y <= 0 or (unit == SHAPE and x == y):
        return None
    found = Density(x, y, unit)
    inch = found.per(INCH)
    whole = Density(Fraction(round(inch.x)), Fraction(round(inch.y)), INCH)
    is_same = inch.unit == INCH and min(whole[:2]) > 0 and phys(whole) == phys(inch)
    return whole if is_same and unit != INCH else found


def fraction(number: float) -> Fraction:
    """A number that a decoder has as a binary fraction. Raises ValueError or OverflowError if it is none."""
    return Fraction(number).limit_denominator(2**16)


def of_jfif(data: bytes) -> Density | None:
    """Of the first part of a JPEG file."""
    if data[:5] != b"JFIF\0" or len(data) < 12:
        return None
    unit, x, y = struct.unpack_from(">BHH", data, 7)
    units = {0: SHAPE, 1: INCH, 2: CM}
    if unit == 2:
        return Density(Fraction(x), Fraction(y), CM) if x and y else None
    return density(Fraction(x), Fraction(y), units[unit]) if unit in units else None


def of_phys(data: bytes) -> Density | None:
    """Of the chunk of a PNG, checked."""
    x, y, unit = struct.unpack(">IIB", data)
    return density(Fraction(x, 100), Fraction(y, 100), CM if unit == 1 else SHAPE)


def of_bmp(data: bytes) -> Density | None:
    """Of a BMP file."""
    if len(data) < BMP_PLACE + 8 or struct.unpack_from("<I", data, 14)[0] < BMP_HEADER:
        return None
    x, y = struct.unpack_from("<ii", data, BMP_PLACE)
    return density(Fraction(x, 100), Fraction(y, 100), CM)


def of_tags(order: str, tags: dict) -> Density | None:
    """Of a directory as `exif.directory` gives it; None, too, if it is damaged."""
    numbers = []
    with suppress(*exif_.DAMAGED, ZeroDivisionError):
        for tag in (X, Y):
            kind, _, body = tags[tag]
            if kind != exif_.RATIONAL:
                return None
            numbers.append(Fraction(*struct.unpack_from(order + "II", body)))
        unit = struct.unpack_from(order + "H", tags[UNIT][2])[0] if UNIT in tags else INCH
        return density(numbers[0], numbers[1], unit) if unit in (INCH, CM, SHAPE) else None
    return None


def of_exif(exif: bytes) -> Density | None:
    with suppress(*exif_.DAMAGED):
        return of_tags(*exif_.tree(exif))
    return None


def jfif(found: Density) -> bytes | None:
    """Unit and numbers as a JPEG has them; None if they are too large."""
    if found.unit == SHAPE:
        top, bottom = _proportion(found, 2**16)
        return struct.pack(">BHH", 0, top, bottom) if top else None
    is_cm = found.unit == CM and all(n.denominator == 1 for n in found[:2])
    found = found if is_cm else found.per(INCH)
    x, y = round(found.x), round(found.y)
    return struct.pack(">BHH", 2 if is_cm else 1, x, y) if 0 < x < 2**16 and 0 < y < 2**16 else None


def phys(found: Density) -> bytes | None:
    """A chunk of a PNG; None if the numbers are too large."""
    if found.unit == SHAPE:
        top, bottom = _proportion(found, 2**31)
        return struct.pack(">IIB", top, bottom, 0) if top else None
    x, y = (round(100 * n) for n in found.per(CM)[:2])
    return struct.pack(">IIB", x, y, 1) if 0 < x < 2**31 and 0 < y < 2**31 else None


def bmp(found: Density) -> bytes | None:
    """As a BMP has it, pixels on a metre; None if it has no place for them."""
    metre = phys(found) if found.unit != SHAPE else None
    return metre and struct.pack("<II", *struct.unpack_from(">II", metre))


def put(path: Path, name: str, found: Density | None) -> None:
    """Notes it in a file of a format, if that has a place that whoever wrote it does not fill."""
    at, write = PLACES.get(name, (0, phys))
    if found and at and (numbers := write(found)):
        with open(path, "r+b") as file:
            file.seek(at)
            file.write(numbers)


def rationals(found: Density) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Two numbers of a TIFF; None if they are too large."""
    x, y = (n.limit_denominator(2**20).as_integer_ratio() for n in (found.x, found.y))
    return (x, y) if all(0 < n < 2**32 for n in (*x, *y)) else None


def _proportion(found, end):
    ratio = (found.x / found.y).limit_denominator(2**15)
    return (ratio.numerator, ratio.denominator) if 0 < ratio.numerator < end else (0, 0)


PLACES = {"JPEG": (13, jfif), "BMP": (BMP_PLACE, bmp)}  # in files, and what is there
