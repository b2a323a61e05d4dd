"""An enlarged GeoTIFF lies at the same place, by the arithmetic of OGC GeoTIFF 1.1."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from srcnn.images import image_io

SHAPE = 6, 10
KEYS = 1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1
POINTS = (0.0, 0.0, 0.0, 5e5, 4.6e6, 0.0)
AFFINE = np.array([[2.0, 0.5, 0, 5e5], [0.25, -3.0, 0, 4.6e6], [0, 0, 0, 0], [0, 0, 0, 1]])
PLACED = {
    "scale": [(33550, 12, 3, (2.0, 3.0, 0.0), True), (33922, 12, 6, POINTS, True)],
    "matrix": [(34264, 12, 16, tuple(AFFINE.ravel()), True)],
    "corners": [(33922, 12, 12, (*POINTS, 10.0, 6.0, 0.0, 5.1e5, 4.5e6, 0.0), True)],
}
GDAL = [(42112, 2, 0, "<GDALMetadata/>", True), (42113, 2, 0, "7", True)]


def tags_of(name):
    with tifffile.TiffFile(name) as file:
        return {tag.code: tag.value for tag in file.pages.first.tags}


def place(tags, column, row):
    """Where a point of the picture lies, its corner being (0, 0); columns and rows of pixels."""
    shift = 0.5 if tags[34735][11] == 2 else 0.0  # coordinates are of the middles of pixels
    column, row = column - shift, row - shift
    if 34264 in tags:
        matrix = np.reshape(tags[34264], (4, 4))
        return (matrix @ [column, row, 0, 1])[:2]
    i, j, _, x, y, _ = tags[33922][:6]
    if 33550 in tags:
        across, down = tags[33550][:2]
    else:
        i2, j2, _, x2, y2, _ = tags[33922][6:]
        across, down = (x2 - x) / (i2 - i), (y - y2) / (j2 - j)
    return np.array([x + (column - i) * across, y - (row - j) * down])


def write(name, kind, raster_type=1, **more):
    keys = [(34735, 3, 12, (*KEYS, raster_type), True), (34736, 12, 1, (1.5,), True)]
    extra = [*PLACED[kind], *keys, *GDAL, *more.pop("extra", [])]
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    tifffile.imwrite(name, pixels, photometric="rgb", metadata=None, extratags=extra, **more)


def enlarged(source, target, size):
    picture = image_io.read(source)
    info = image_io.fitting_metadata(Path(target), picture.metadata.of_size(picture.pixels.shape[:2], size))
    image_io.save(np.zeros((*size, 3), np.uint8), target, info=info)
    return info.left_out


@pytest.mark.parametrize("kind", PLACED)
@pytest.mark.parametrize("raster_type", [1, 2])
@pytest.mark.parametrize("more", [{}, {"bigtiff": True, "byteorder": ">"}])
def test_it_lies_at_the_same_place(tmp_path, kind, raster_type, more):
    """By 3 down and by 2.5 across: the corners, and a point within."""
    before, after = tmp_path / "a.tif", tmp_path / "b.tif"
    write(before, kind, raster_type, **more)
    assert enlarged(before, after, (18, 25)) == ""
    old, new = tags_of(before), tags_of(after)
    for across, down in ((0, 0), (1, 0), (0, 1), (1, 1), (0.3, 0.7)):
        expected = place(old, across * SHAPE[1], down * SHAPE[0])
        np.testing.assert_allclose(place(new, across * 25, down * 18), expected, rtol=0, atol=1e-6)
    for tag in (34735, 34736, 42112, 42113):
        assert new[tag] == old[tag]


def test_what_cannot_be_placed_is_named(tmp_path):
    path = tmp_path / "a.tif"
    write(path, "scale")
    assert enlarged(path, tmp_path / "b.png", (12, 20)) == "place of a GeoTIFF, notes of GDAL"
    write(path, "scale", extra=[(274, 3, 1, 6, True), (65000, 2, 0, "x", True)])  # to be turned
    said = "place of a GeoTIFF, notes of GDAL, TIFF tags 65000"
    assert enlarged(path, tmp_path / "b.tif", (20, 12)) == said
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    for bad in ((33550, 12, 1, 2.0), (33922, 12, 4, (0.0,) * 4), (34264, 3, 16, (1,) * 16)):
        tifffile.imwrite(path, pixels, photometric="rgb", metadata=None, extratags=[(*bad, True)])
        assert "damaged tags of a GeoTIFF" in enlarged(path, tmp_path / "b.tif", (12, 20))
