"""Standard input and output in the place of files: an image or a film comes, or goes, through a pipe."""

import os
import re
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from srcnn.images import tiff_pages
from srcnn.settings import ImageCoding
from srcnn.system.errors import InputError
from srcnn.system.output_paths import naming
from srcnn.system.terminal import bytes_alone
from srcnn.upscaling.file_kinds import is_film
from srcnn.upscaling.image_formats import ending_of

PIPE = "-"
RECEIVED, SENT = "stdin", "stdout"  # files in the place of pipes; the second with an ending


class Files(NamedTuple):
    """What --input and --output name, with files in the place of pipes."""

    inputs: list[str]
    output: str | None
    to_pipe: bool = False
    folder: str = ""  # of those files

    def shown(self, text: object) -> str:
        """A text in which a file in the place of a pipe is not named by its path."""
        text = str(text)
        if self.folder:
            text = text.replace(str(Path(self.folder, RECEIVED)), "standard input")
            text = text.replace(str(self.output), "standard output") if self.to_pipe else text
            text = re.sub(rf"{re.escape(self.folder)}[^\s:]*", "the temporary folder (TMPDIR)", text)
        return text


@contextmanager
def as_files(
    inputs: list[str], output: str | None, coding: ImageCoding, pages: bool = False
) -> Iterator[Files]:
    """The Files for --input and --output, where "-" is standard input and output.

    When the block ends well, standard output has what was written to its file, and nothing else: what is
    printed meanwhile goes to standard error. coding: the format of images, PNG if none is named; films become
    Matroska. pages: whether all those of a TIFF are taken. Raises InputError for what no pipe can take.
    """
    from_pipe = PIPE in inputs
    to_pipe = output == PIPE or (from_pipe and output is None)
    if from_pipe and len(inputs) > 1:
        raise InputError("--input -: standard input cannot be combined with other files; leave them out")
    if from_pipe and coding.format == "same":
        raise InputError("--format same: standard input has no extension; name the format")
    if not from_pipe and not to_pipe:
        yield Files(inputs, output)
        return
    with naming("the temporary folder (TMPDIR)"):
        temporary = tempfile.TemporaryDirectory(prefix="srcnn-", ignore_cleanup_errors=True)
    with temporary as folder:
        if from_pipe:
            inputs = [receive(Path(folder) / RECEIVED)]
        if not to_pipe:
            with _named(Files(inputs, output, False, folder)) as files:
                yield files
            return
        source = Path(inputs[0])
        pages = pages and tiff_pages.is_tiff(source)
        target = Path(folder) / (SENT + (".mkv" if is_film(source) else ending_of(source, coding, pages)))
        with bytes_alone() as stream, _named(Files(inputs, str(target), True, folder)) as files:
            yield files
            if target.exists():
                with open(target, "rb") as file:
                    shutil.copyfileobj(file, stream)


@contextmanager
def _named(files):
    try:
        yield files
    except InputError as error:
        raise InputError(files.shown(error)) from error


def receive(path: Path) -> str:
    """Saves what comes on standard input; returns the path as text."""
    if sys.stdin and sys.stdin.isatty():
        raise InputError("--input -: standard input is a terminal; pipe a file into it, or add < FILE")
    digest = 0
    with open(path, "wb") as file:
        while sys.stdin and (data := sys.stdin.buffer.read(2**20)):  # it may be closed
            with naming(f"the temporary folder {tempfile.gettempdir()} (TMPDIR)"):
                file.write(data)
                file.flush()
            digest = zlib.crc32(data, digest)
    if not path.stat().st_size:
        raise InputError("--input -: standard input is empty; pipe a file into it, or add < FILE")
    os.utime(path, ns=(digest, digest))  # so that a film that comes once more is known, and goes on
    return str(path)
