"""Photographs and films: which file is what, and how large."""

import functools
from pathlib import Path

from srcnn.images import image_io, tiff_pages
from srcnn.system.errors import InputError, needing
from srcnn.system.folders import FOREIGN
from srcnn.system.sequences import is_sequence
from srcnn.upscaling.films.containers import FILMS
from srcnn.upscaling.work import Work

OLD_FILMS = (  # endings of films that are read, and become .mkv; those of FILMS are written, too
    *(".264", ".265", ".3g2", ".3gp", ".3gp2", ".3gpp", ".amv", ".asf", ".av1", ".avc", ".avi", ".divx"),
    *(".dv", ".f4v", ".flv", ".gxf", ".h264", ".h265", ".hevc", ".ivf", ".m1v", ".m2t", ".m2ts", ".m2v"),
    *(".mjpeg", ".mjpg", ".mk3d", ".mod", ".mp4v", ".mpe", ".mpeg", ".mpg", ".mpv", ".mqv", ".mts", ".mxf"),
    *(".nut", ".obu", ".ogg", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".tod", ".ts", ".vob", ".wmv", ".wtv"),
    *(".xvid", ".y4m"),
)
DOUBTFUL = ".asf", ".mod", ".ogg", ".rm"  # which files of sound, music and programs have, too
ENDINGS = (*image_io.SUFFIXES, *FILMS, *OLD_FILMS)  # of what is taken from a folder
# What FFmpeg opens and is none.
PICTURES = b"hei", b"hev", b"avi", b"mif", b"msf", b"crx"  # how brands of MP4 begin: HEIC, AVIF, CR3
NO_FILMS = "tty", "image2", "gif", "apng", "webp", "bin", "xbin", "adf", "idf", "srt", "ass", "lrc", "concat"


def is_film(path: Path) -> bool:
    """Whether a file is a film: by its ending, or if that is of no kind that is known, by what is in it.

    So is a sequence of images that its pattern names, see `system.sequences`.
    """
    if is_sequence(path):
        return True
    suffix = path.suffix.lower()
    if suffix in ENDINGS or suffix in FOREIGN or not path.is_file():
        return suffix in (*FILMS, *OLD_FILMS)
    try:
        return _opens_as_film(path, path.stat().st_mtime_ns)
    except OSError:  # of which reading it as an image tells
        return False


def is_of_films(item: Work) -> bool:
    """Whether something passes through the networks as films do, frame by frame, or becomes a film."""
    return is_film(item.source) or is_film(item.target)


def size_before(item: Work) -> tuple[int, int]:
    """(height, width) as it is shown, of a TIFF whose pages are taken that of the first one."""
    return tiff_pages.first_size(item.source) if item.images.pages else size_of(item.source)


def is_other(path: Path) -> bool:
    """Whether a file has the ending of films and is of another kind that has it, too."""
    return path.suffix.lower() in DOUBTFUL and not _opens_as_film(path, path.stat().st_mtime_ns)


@functools.lru_cache(1000)
def _opens_as_film(path, _changed):
    try:
        import av

        from srcnn.upscaling.films.decoding import main_stream, opened
    except ImportError:  # it is asked for where there is a film by its ending
        return False
    with open(path, "rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp" and start[8:11] in PICTURES:  # which FFmpeg opens as films of a frame
        return False
    try:
        with opened(path) as container:
            kind = container.format.name
            return not (kind in NO_FILMS or kind.endswith("_pipe")) and main_stream(container) is not None
    except (InputError, av.error.FFmpegError):
        return False


def size_of(path: Path) -> tuple[int, int]:
    """(height, width) as it is shown. Raises InputError for what cannot be read."""
    if not is_film(path):
        return image_io.size(path)
    with needing("av", path):
        from srcnn.upscaling.films.probe import probe
    return probe(path).upright
