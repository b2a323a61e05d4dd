"""Photographs and films: which file is what, and how large."""

from pathlib import Path

from srcnn.images import image_io
from srcnn.system.errors import needing

FILMS = (".m4v", ".mkv", ".mov", ".mp4", ".webm")  # endings of films that are read and written
OLD_FILMS = (  # those that are read, and become .mkv
    *(".3gp", ".avi", ".flv", ".m2ts", ".mpeg", ".mpg", ".mts"),
    *(".mxf", ".nut", ".ogv", ".ts", ".vob", ".wmv", ".y4m"),
)
ENDINGS = (*image_io.SUFFIXES, *FILMS, *OLD_FILMS)  # of what is taken from a folder


def is_film(path: Path) -> bool:
    return path.suffix.lower() in (*FILMS, *OLD_FILMS)


def size_of(path: Path) -> tuple[int, int]:
    """(height, width) as it is shown. Raises InputError for what cannot be read."""
    if not is_film(path):
        return image_io.size(path)
    with needing("av", path):
        from srcnn.upscaling.films.probe import probe
    return probe(path).upright
