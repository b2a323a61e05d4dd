"""Where images come from: the user's folders, the checked download, or scikit-image's photographs."""

import hashlib
import http.client
import lzma
import os
import shutil
import struct
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from srcnn.system.atomic_write import move_all_if_free
from srcnn.system.errors import InputError
from srcnn.system.output_paths import check_writable
from srcnn.system.root import ROOT

SOURCES = (  # the authors' two archives, then the reference implementation's
    "http://mmlab.ie.cuhk.edu.hk/projects/SRCNN/SRCNN_train.zip",
    "http://mmlab.ie.cuhk.edu.hk/projects/SRCNN/SRCNN_v1.zip",
    "https://github.com/tegg89/SRCNN-Tensorflow/archive/78be1a2.zip",
)
SAMPLE = {  # photographs inside the scikit-image package
    "train": "brick.png camera.png cell.png clock_motion.png coins.png grass.png gravel.png "
    "hubble_deep_field.jpg ihc.png moon.png motorcycle_left.png page.png retina.jpg text.png",
    "test": "astronaut.png chelsea.png coffee.png rocket.jpg",
}
SUMS = ROOT / "SHA256SUMS"
TIMEOUT = 30  # seconds without an answer
LARGEST_FILE = 4 << 20  # bytes; the largest of the images has 1.2 MB
LARGEST_ARCHIVE = 1 << 30
# What addresses, answers and archives raise that are not as they should be.
BAD_SOURCE = (
    OSError,
    http.client.HTTPException,
    ValueError,
    EOFError,
    OverflowError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
)


def known_sums() -> dict[Path, str]:
    """Path to SHA-256, for the 91 images (two of which are the same), Set5 and Set14."""
    pairs = (line.split(maxsplit=1) for line in SUMS.read_text("ascii").splitlines())
    return {Path(path): digest for digest, path in pairs}


def download(sources: Sequence[str] = SOURCES, root: str | Path = ".") -> None:
    """Fetches the images into Train/, Test/Set5 and Test/Set14 below `root`.

    sources: addresses of zip archives, tried in order until nothing is missing. A file is known by
    its SHA-256, wherever it lies in an archive; nothing else is written. A folder is filled only
    when all its images are there, all at once, and nothing that lies there is replaced. Raises InputError
    if something remains missing, or is in the way.
    """
    root = Path(root)
    wanted = known_sums()
    for path, digest in list(wanted.items()):
        if os.path.lexists(root / path):
            check_image(root / path, digest)
            del wanted[path]
    if not wanted:
        print("All images are already there.")
        return
    check_writable(root, "--download, folder")
    with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as name:
        staging = Path(name)
        staged, failures = stage(sources, set(wanted.values()), staging)
        missing = [path for path, digest in wanted.items() if digest not in staged]
        incomplete = {path.parent for path in missing}
        for folder in sorted({path.parent for path in wanted} - incomplete):
            pairs = []
            for path, digest in wanted.items():
                if path.parent == folder:
                    pairs.append((staging / path.name, root / path))
                    shutil.copyfile(staging / digest, staging / path.name)
            move_all_if_free(pairs, check_free)
            print(f"images in {root / folder}")
    if missing:
        reason = "; could not use " + ", ".join(failures) if failures else ""
        raise InputError(
            f"--download: {len(missing)} images are missing from the sources{reason}; "
            f"try again, or give other addresses with --download_from"
        )


def check_image(path: Path, digest: str) -> None:
    """Raises InputError if what is at a path is not the image of a SHA-256."""
    if path.is_file():
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == digest:
                return
    raise InputError(f"{path}: differs from the image of that name in the data set; move it away")


def check_free(path: Path) -> None:
    if os.path.lexists(path):
        raise InputError(f"{path}: appeared during the download; move it away and try again")


def stage(sources: Sequence[str], wanted: set[str], folder: Path) -> tuple[set[str], list[str]]:
    """Saves the files of these SHA-256 in a folder, under them as their names.

    sources: see `download`. Returns the SHA-256 of those that were found, and in words what went wrong.
    """
    staged: set[str] = set()
    failures: list[str] = []
    for source in sources:
        if staged == wanted:
            break
        try:
            fetch(source, folder / "archive.zip")
            for digest, content in contents(folder / "archive.zip"):
                if digest in wanted:
                    (folder / digest).write_bytes(content)
                    staged.add(digest)
        except BAD_SOURCE as error:
            failures.append(f"{source} ({' '.join(str(error).split()) or type(error).__name__})")
    return staged, failures


def fetch(source: str, path: Path) -> None:
    """Saves what an address has, with a progress bar."""
    with urllib.request.urlopen(source, timeout=TIMEOUT) as response, open(path, "wb") as file:
        length = int(response.headers.get("Content-Length") or 0)
        with tqdm(total=length or None, desc=source, unit="B", unit_scale=True, disable=None) as bar:
            while block := response.read(1 << 16):
                file.write(block)
                bar.update(len(block))
                if file.tell() > LARGEST_ARCHIVE:
                    raise ValueError("larger than any of the archives")
        if file.tell() < length:
            raise ValueError(f"only {file.tell()} of {length} bytes arrived")


def contents(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The SHA-256 and content of each file in a zip archive that is small enough to be one of ours."""
    with zipfile.ZipFile(archive) as zipped:
        for info in zipped.infolist():
            if not info.is_dir() and info.file_size <= LARGEST_FILE:
                with zipped.open(info) as file:
                    content = file.read(LARGEST_FILE)
                yield hashlib.sha256(content).hexdigest(), content


def split(paths: list[Path], count: int) -> tuple[list[Path], list[Path]]:
    """Images to train with, and `count` that are held out, at even distances."""
    if count >= len(paths):
        raise InputError(f"--validation {count}: there are only {len(paths)} images; hold out fewer")
    held_out = paths[:: len(paths) // count][:count] if count else []
    known = set(held_out)
    return [path for path in paths if path not in known], held_out
