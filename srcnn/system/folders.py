"""What is in a folder of images, and what of it is not taken."""

from pathlib import Path

from srcnn.system.errors import InputError
from srcnn.system.ledger import LIST, written
from srcnn.system.progress import say

FOREIGN = {  # endings of pictures that are not read, and what they are
    **dict.fromkeys([".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff"], "camera raw"),
    **dict.fromkeys([".iiq", ".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf"], "camera raw"),
    **dict.fromkeys([".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"], "camera raw"),
    **{".dds": "DirectDraw textures", ".exr": "OpenEXR", ".hdr": "Radiance", ".jxl": "JPEG XL"},
    **{".psd": "Photoshop", ".svg": "SVG", ".svgz": "SVG"},
}
RESULTS = "files that this program wrote"  # a kind of what is not taken
CLOSED = "unreadable sub-folders"  # another


def listed(folder, suffixes, recursive=False):
    """The files of a folder with these endings, sorted by name, and why others are not taken, by path.

    recursive: see `prepare_data`.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    closed: list[Path] = []
    try:
        paths = files_in(folder, recursive, closed)
        found = sorted(p for p in paths if not p.name.startswith((LIST, "README.md")))
        left = {p: kind for p in found if (kind := left_out(p, suffixes))} | dict.fromkeys(closed, CLOSED)
        ours = {inner: written(inner) for inner in {p.parent for p in found}}
        left |= {p: RESULTS for p in found if p.name in ours[p.parent]}
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); change its permissions") from error
    return [p for p in found if p not in left], left


def check_taken(folder, paths, left, suffixes):
    """Raises InputError if nothing is taken from a folder; prints what is left out, a Counter of kinds."""
    if not paths and RESULTS in left:
        raise InputError(f"{folder}: contains only images that this program wrote; name another folder")
    if not paths and "sub-folders" in left:
        inner = ", ".join(sorted(p.name for p in Path(folder).iterdir() if p.is_dir()))
        raise InputError(f"{folder}: contains no images itself; name one of its sub-folders: {inner}")
    if not paths:
        kinds = "images or films" if ".mp4" in suffixes else "images"
        raise InputError(f"{folder}: contains no {kinds} that this program reads; name another folder")
    if left:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(left.items()))
        say(f"{folder}: left out what is not an image: {kinds}")


def files_in(folder, recursive, closed):
    """What is in a folder; if recursive, in its sub-folders instead of these, but for what `closed` gets.

    closed: a list of those that may not be read. Raises OSError if the folder itself may not.
    """
    for path in folder.iterdir():
        if recursive and path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            try:
                yield from files_in(path, recursive, closed)
            except OSError:
                closed.append(path)
        else:
            yield path


def left_out(path, suffixes):
    """Why a file of a folder is not taken for one with these endings, in a word or two; None if it is."""
    if path.name.startswith("."):
        return "hidden"
    if path.is_dir():
        return "sub-folders"
    if not path.is_file():
        return "pipes and devices" if path.exists() else "broken links"
    suffix = path.suffix.lower()
    kind = f"{path.suffix} ({FOREIGN[suffix]})" if suffix in FOREIGN else path.suffix
    return None if suffix in suffixes else kind or "without an extension"
