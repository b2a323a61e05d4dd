"""The page of an upscaling, and the same as JSON: upscaled.html and upscaled.json."""

import math
from pathlib import Path
from typing import NamedTuple

from srcnn.images import image_io, tiff_pages
from srcnn.page import report
from srcnn.page.pictures import data_uri
from srcnn.system.atomic_write import published
from srcnn.system.errors import InputError
from srcnn.system.output_paths import naming
from srcnn.system.own_files import check_regular, json_object
from srcnn.system.progress import progress, say
from srcnn.upscaling.file_kinds import is_of_films, size_before, size_of
from srcnn.upscaling.photographs import compared
from srcnn.upscaling.sizes import Goal
from srcnn.upscaling.work import Upscaled, Work


class Listed(NamedTuple):
    """A result as the JSON lists it, and what the page shows of it."""

    line: dict
    exhibit: dict | None = None


def line(image: Upscaled, source: Path | str) -> dict:
    """A line of the table of an upscaling. Its `jpeg_quality` is there for what a network for JPEG made."""
    height, width = image.size
    found = {"input": str(source), "output": str(image.target), "width": width, "height": height}
    quality = {"jpeg_quality": image.quality} if image.quality else {}
    return found | {"seconds": image.seconds} | quality


def exhibit_of(image: Upscaled, pictures: dict) -> dict:
    exhibit = report.exhibit(image.target.name, pictures, {}, image.size)
    return exhibit | {"loop": image.loop and data_uri(image.loop, "webp")}


def is_current(pages: list[Path], earlier: list[Work]) -> bool:
    """Whether the page is there, and the JSON beside it is of these results."""
    page, table = pages
    try:
        check_regular(table)
        images = json_object(table.read_text("utf-8"))["images"]
        return page.exists() and [image["output"] for image in images] == [str(i.target) for i in earlier]
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return False


def listed_again(earlier: list[Work], goal: Goal) -> dict[Path, Listed]:
    """What is Listed of each target that was made before, from the files."""
    found: dict[Path, Listed] = {}
    for item in progress(earlier, "looking at earlier results"):
        source, target, exhibit = item.source, item.target, None
        size = size_of(target) if is_of_films(item) else goal.size(*size_before(item))
        is_shown = len(found) < report.MOST_EXHIBITS and not is_of_films(item)
        if is_shown and math.prod(size) <= image_io.LARGEST:  # larger ones are written, but not read
            before = tiff_pages.first(source) if item.images.pages else image_io.read(source)
            pictures = compared(before.pixels, image_io.read(target).pixels, report.centre(*size))
            exhibit = report.exhibit(target.name, pictures, {}, size)
        again = Upscaled(source, target, size, seconds=None, quality=item.quality)
        found[target] = Listed(line(again, source), exhibit)
    return found


def save_pages(folder: Path, srcnns: list, goal: Goal, listed: list[Listed]) -> None:
    """Writes the page and the JSON of results, at least one. srcnns: that they passed through."""
    first, weights = srcnns[0], [srcnn.source for srcnn in srcnns]
    lines = [item.line for item in listed]
    exhibits = [item.exhibit for item in listed if item.exhibit][: report.MOST_EXHIBITS]
    with published(folder, "--sample_dir") as staging, naming(folder):
        about = {"weights": weights, "self_ensemble": first.self_ensemble}
        report.save_json({**goal.plain, **about, "images": lines}, staging / "upscaled.json")
        rows = [list(lines[0])]
        rows += [["-" if value is None else str(value) for value in line.values()] for line in lines]
        files, each = ("1 file was", "it") if len(lines) == 1 else (f"{len(lines)} files were", "each")
        summary = f"{files} enlarged by SRCNN. Compare {each} with bicubic interpolation below."
        page, what = staging / "upscaled.html", f"enlarged, {goal.text}"
        report.save_job(first, page, weights, what, summary, rows, exhibits, goal.plain)
    say(f"Open {folder / 'upscaled.html'} to compare with bicubic interpolation.")
