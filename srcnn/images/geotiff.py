"""GeoTIFF: where on earth a picture lies (OGC GeoTIFF 1.1). An enlargement lies at the same place."""

import struct
from typing import NamedTuple

SCALE, TIE_POINTS, TRANSFORMATION = 33550, 33922, 34264
KEYS, DOUBLES, WORDS = 34735, 34736, 34737
OF_GDAL = 42112, 42113  # about bands, and which number means that there is nothing
PLACING = SCALE, TIE_POINTS, TRANSFORMATION
TAGS = {*PLACING, KEYS, DOUBLES, WORDS, *OF_GDAL}
RASTER_TYPE, IS_POINT = 1025, 2  # a key, and that coordinates are of the middles of pixels
FORMS = {3: "H", 12: "d"}  # of types of a TIFF that are numbers here


class Geo(NamedTuple):
    """Tags of a GeoTIFF: (tag, type, count, numbers or bytes) of each."""

    tags: tuple = ()

    def of_size(self, before: tuple[int, int], after: tuple[int, int]) -> "Geo":
        """The same for an enlargement. before, after: (height, width)."""
        factors = after[1] / before[1], after[0] / before[0]
        shift = 0.5 if self._is_point() else 0.0  # of the raster's origin into the first pixel
        return Geo(tuple(_scaled(tag, factors, shift) for tag in self.tags))

    def _is_point(self):
        keys = next((value for tag, *_, value in self.tags if tag == KEYS), ())
        return any(keys[at] == RASTER_TYPE and keys[at + 3] == IS_POINT for at in range(4, len(keys) - 3, 4))


def of_tags(order: str, tags: dict) -> Geo:
    """Of a directory as `exif.directory` gives it. Raises ValueError if they are not as they should be."""
    found = []
    for tag in sorted(TAGS & set(tags)):
        kind, count, body = tags[tag]
        if tag in (KEYS, *PLACING, DOUBLES) and FORMS.get(kind) != ("H" if tag == KEYS else "d"):
            raise ValueError
        value = struct.unpack(f"{order}{count}{FORMS[kind]}", body) if kind in FORMS else body
        least = {SCALE: 2, TIE_POINTS: 6, TRANSFORMATION: 16}.get(tag, 0)
        if count < least or (tag == TIE_POINTS and count % 6) or kind not in (1, 2, 3, 7, 12):
            raise ValueError
        found.append((tag, kind, count, value))
    return Geo(tuple(found))


def _scaled(tag, factors, shift):
    number, kind, count, value = tag
    across, down = factors
    if number == SCALE:
        value = (value[0] / across, value[1] / down, *value[2:])
    elif number == TIE_POINTS:
        value = list(value)
        for at in range(0, count, 6):
            value[at] = (value[at] + shift) * across - shift
            value[at + 1] = (value[at + 1] + shift) * down - shift
        value = tuple(value)
    elif number == TRANSFORMATION:  # four rows of a matrix that takes (column, row, height, 1) to a place
        value = list(value)
        for row in range(0, 12, 4):
            a, b = value[row] / across, value[row + 1] / down
            value[row + 3] += shift * (a - value[row] + b - value[row + 1])
            value[row], value[row + 1] = a, b
        value = tuple(value)
    return number, kind, count, value


def words(geo: Geo) -> list[str]:
    """What is lost without these tags."""
    has_place = any(tag[0] not in OF_GDAL for tag in geo.tags)
    return ["place of a GeoTIFF"] * has_place + ["notes of GDAL"] * any(t[0] in OF_GDAL for t in geo.tags)


def extra(geo: Geo) -> list[tuple]:
    """As tifffile takes them."""
    return [(*tag, True) for tag in geo.tags]
