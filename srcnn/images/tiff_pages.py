"""The pages of a TIFF: which there are, and each of them decoded as if it were the first."""

import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from srcnn.images import exif, foreign, image_io, tiff
from srcnn.images.decoders import DamagedImage, UnsupportedImage
from srcnn.images.image_io import Picture
from srcnn.images.refusals import refusing
from srcnn.system.errors import InputError, expecting
from srcnn.system.output_paths import naming

WIDTH, HEIGHT, BITS, SAMPLES = 256, 257, 258, 277  # tags
WANTED = {WIDTH, HEIGHT, BITS, SAMPLES, exif.ORIENTATION, tiff.PAGE_NUMBER}
WANTED |= {foreign.PHOTOMETRIC, foreign.REDUCED, foreign.OLD_KIND}
PALETTE = 3  # of photometric interpretations


class Layout(NamedTuple):
    """How numbers lie in a TIFF, as struct has it."""

    order: str
    tags: str  # their number in a directory
    place: str
    entry: int  # bytes of a tag
    start: int  # where it says where its first directory is


class Page(NamedTuple):
    """A page that is a picture of its own."""

    number: int  # in the file, from 1
    at: int  # where its directory is
    link: int  # where that says where the next one is
    size: tuple[int, int]  # (height, width), upright
    depth: int  # bytes of a pixel, decoded
    page_number: bytes  # of that tag: two of 16 bits, its own and how many there are; or empty


class Pages(NamedTuple):
    """The pages of a TIFF."""

    layout: Layout
    taken: list[Page]
    left_out: str  # which are no pictures of their own, in words


def is_tiff(path: Path) -> bool:
    """Whether a file is a TIFF, whatever its ending."""
    with suppress(OSError), open(path, "rb") as file:
        return file.read(4) in tiff.MAGIC
    return False


def pages_of(path: Path) -> Pages:
    """The Pages of a TIFF, by what it says of them. Raises InputError if one is missing, or none is taken."""
    taken: list[Page] = []
    others: dict[str, list[str]] = {"smaller versions of others": [], "masks": []}
    with refusing(path, image_io.LARGEST), open(path, "rb") as file:
        layout = _layout(file)
        for number, (at, link, said) in enumerate(_directories(file, layout), 1):
            kind = said.get(foreign.REDUCED, 0)
            if kind & foreign.MASK:
                others["masks"].append(str(number))
            elif kind & foreign.SMALLER or said.get(foreign.OLD_KIND) == 2:
                others["smaller versions of others"].append(str(number))
            else:
                taken.append(_page(number, at, link, said))
        if not taken:
            raise UnsupportedImage("all of its pages are smaller versions or masks; save the large one alone")
    words = [f"page {', '.join(numbers)} ({what})" for what, numbers in others.items() if numbers]
    return Pages(layout, taken, ", ".join(words))


def _layout(file):
    head = file.read(4)
    order = exif.ORDERS[head[:2]]
    if struct.unpack(order + "H", head[2:])[0] == 43:
        return Layout(order, "Q", "Q", 20, 8)
    return Layout(order, "H", "I", 12, 4)


def _directories(file, layout):
    """Yields where each directory is, where its link to the next, and the first number of the WANTED tags.

    Of PAGE_NUMBER it is the bytes of both.
    """
    at = _number_at(file, layout, layout.place, layout.start)
    known: set[int] = set()
    while at:
        number = len(known) + 1
        if at in known:
            raise DamagedImage(f"page {number} is an earlier one")
        known.add(at)
        try:
            tags = exif.directory(file, layout.order, at, layout.entry == 20, wanted=WANTED)
            said = {tag: _first(value, layout) for tag, value in tags.items()}
            *form, numbers = tags.get(tiff.PAGE_NUMBER, (0, 0, b""))
            said[tiff.PAGE_NUMBER] = numbers if form == [tiff.SHORT, 2] else b""
        except exif.DAMAGED as error:
            raise DamagedImage(f"page {number} cannot be found") from error
        count = _number_at(file, layout, layout.tags, at)
        link = at + struct.calcsize(layout.order + layout.tags) + count * layout.entry
        yield at, link, said
        at = _number_at(file, layout, layout.place, link)


def _number_at(file, layout, kind, at):
    """The number of a kind that lies at a place."""
    file.seek(at)
    data = file.read(struct.calcsize(layout.order + kind))
    if len(data) < struct.calcsize(layout.order + kind):
        raise DamagedImage("it ends too early")
    return struct.unpack(layout.order + kind, data)[0]


def _first(value, layout):
    """The first number of the value of a tag."""
    kind, _, data = value
    return int.from_bytes(data[: exif.BYTES[kind]], "little" if layout.order == "<" else "big")


def _page(number, at, link, said):
    size = said.get(HEIGHT, 0), said.get(WIDTH, 0)
    if not all(size):
        raise DamagedImage(f"page {number} has no size")
    if said.get(exif.ORIENTATION) in tiff.TURNED:
        size = size[::-1]
    samples = 3 if said.get(foreign.PHOTOMETRIC) == PALETTE else said.get(SAMPLES, 1)
    depth = samples * (2 if said.get(BITS, 1) > 8 else 1)
    return Page(number, at, link, size, depth, said[tiff.PAGE_NUMBER])


def pictures(path: Path, pages: Pages) -> Iterator[Picture]:
    """Decodes the pages that are taken one after another. Raises InputError that names the file and the page.

    What reads a TIFF takes its first page; so each of them becomes the only one of a copy in turn.
    """
    form = pages.layout.order + pages.layout.place
    with tempfile.TemporaryDirectory(prefix="srcnn-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / path.name
        with naming(f"the temporary folder {tempfile.gettempdir()} (TMPDIR)"):
            shutil.copyfile(path, copy)
        for page in pages.taken:
            with open(copy, "r+b") as file:
                for place, number in ((pages.layout.start, page.at), (page.link, 0)):
                    file.seek(place)
                    file.write(struct.pack(form, number))
            try:
                with expecting(path):
                    picture = image_io.read(copy)
            except InputError as error:
                text = str(error).replace(str(copy), f"{path}: page {page.number}")
                raise InputError(text) from error.__cause__
            yield picture


def first_size(path: Path) -> tuple[int, int]:
    """(height, width) of the first page that is taken, upright."""
    return pages_of(path).taken[0].size


def first(path: Path) -> Picture:
    """The first page that is taken."""
    pages = pages_of(path)
    return next(pictures(path, pages._replace(taken=pages.taken[:1])))
