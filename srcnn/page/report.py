"""The page of a test or of an upscaling, and the JSON beside it."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from srcnn.images import png
from srcnn.page.pictures import captions, data_uri, embedded, filters_picture
from srcnn.pixels.colour import LUMA
from srcnn.system.errors import first_line
from srcnn.system.progress import say

LARGEST_EXHIBIT = 768  # pixels of a side of an image on the page
MOST_EXHIBITS = 24  # images on the page
DETAIL = 100  # pixels of a side of what a card shows of an image at first, about


def shown(name: str | Path, show: Callable[[], Any]) -> Any:
    """What the page shows of a result; None if that fails, which is no harm to the result, and is said."""
    try:
        return show()
    except Exception as error:
        say(f"{name}: the page cannot show it ({first_line(error)})", sys.stderr)
        return None


def save_json(value: dict, path: Path) -> None:
    """Writes plain values."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def centre(height: int, width: int) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of what the page shows of an image: the middle, if it is large."""
    top, left = max(0, (height - LARGEST_EXHIBIT) // 2), max(0, (width - LARGEST_EXHIBIT) // 2)
    return top, left, min(top + LARGEST_EXHIBIT, height), min(left + LARGEST_EXHIBIT, width)


def exhibit(
    name: str, pictures: dict[str, np.ndarray], scores: dict, size: tuple[int, int] | None = None
) -> dict:
    """An image as the page shows it: what the template is given. Only the middle, if it is large.

    pictures: dict of pixels, (h, w, c) uint8, of one size and c: `bicubic`, `SRCNN` and, if they are known,
    `original` and `input`; a smaller `low resolution` is enlarged by repeating its pixels.
    scores: a dict of METRICS, or without some of them.
    size: (height, width) of the whole image, if it is not that of the pictures.
    """
    height, width, channels = pictures["SRCNN"].shape
    top, left, bottom, right = centre(height, width)
    kinds = {kind: pixels for kind, pixels in pictures.items() if kind != "low resolution"}
    parts = {kind: pixels[top:bottom, left:right] for kind, pixels in kinds.items()}
    low = pictures.get("low resolution")
    if low is not None and low.shape != pictures["SRCNN"].shape:
        rows, columns = (
            np.arange(first, end) * low.shape[axis] // (height, width)[axis]
            for axis, (first, end) in enumerate([(top, bottom), (left, right)])
        )
        parts["low resolution"] = low[rows][:, columns]
    shown, whole = (bottom - top, right - left), size or (height, width)
    note = f"{shown[1]}x{shown[0]} pixels"
    if shown != tuple(whole):
        note += f", the middle of {whole[1]}x{whole[0]}"
    if "original" in pictures:
        maps = {f"error of {kind}": (kind, "original") for kind in ("bicubic", "SRCNN")}
        views = [("bicubic", "SRCNN"), ("original", "SRCNN"), tuple(maps)]
    else:
        maps = {"difference of SRCNN": ("SRCNN", "bicubic")}
        views = [("bicubic", "SRCNN"), ("SRCNN", "difference of SRCNN")]
    if "low resolution" in parts:
        views.insert(1, ("low resolution", "SRCNN"))
    if "input" in parts:
        views.insert(1, ("input", "SRCNN"))
    return {
        "name": name,
        "width": shown[1],
        "height": shown[0],
        "layers": {kind: embedded(pixels) for kind, pixels in parts.items()},
        "detail": detail(parts["bicubic"], parts["SRCNN"]),
        "maps": maps,  # the browser makes them from the layers
        "luma": list(LUMA if channels == 3 else (1, 0, 0)),  # of red, green and blue in the luminance
        "views": views,
        "captions": {kind: text for kind, text in captions(pictures, scores).items() if text},
        "note": note,
    }


def detail(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Where two pictures differ most, on which a card opens: parts of the width and of the height."""
    import cv2

    difference = np.abs(first.astype(np.float32) - second).sum(axis=2)
    inside = cv2.blur(difference, (DETAIL, DETAIL), borderType=cv2.BORDER_CONSTANT)
    y, x = np.unravel_index(inside.argmax(), inside.shape)
    return (x + 0.5) / inside.shape[1], (y + 0.5) / inside.shape[0]


def save_page(path, title, summary, command, settings, rows, exhibits, w1, curve):
    """Writes a page, HTML with everything in it.

    summary: what came out, in a sentence or two. settings: dict of text. rows: lists of text; titles in the
    first one may have two lines. exhibits: from `exhibit`.
    w1: kernels of the first layer. curve: path of a PNG of the training, shown if it is there.
    """
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    template = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = template.get_template("report.html").render(
        title=title,
        summary=summary,
        command=command,
        settings=settings,
        rows=rows,
        exhibits=exhibits,
        views=list(dict.fromkeys(view for exhibit in exhibits for view in exhibit["views"])),
        filters=data_uri(png.encoded(filters_picture(w1)), "png"),
        curve=data_uri(curve.read_bytes(), "png") if curve.is_file() else None,
    )
    path.write_text(page, encoding="utf-8", errors="backslashreplace", newline="\n")


def save_job(srcnn, path, weights, what, summary, rows, exhibits, settings):
    """The page of a job by an SRCNN; see `save_page`.

    weights: paths of all that were used. what: was done to the images. settings: more that the page names.
    """
    shape, w1 = srcnn.network.shape, srcnn.sess.run(srcnn.weights["w1"])
    settings = {"weights": ", ".join(weights), "filters": shape, **settings}
    if srcnn.self_ensemble:
        settings["self_ensemble"] = "the mean of 8 flips and rotations"
    curve = Path(weights[0]).parent / "training.png"
    command = shlex.join(["python", *sys.argv])
    save_page(path, f"SRCNN {shape}, {what}", summary, command, settings, rows, exhibits, w1, curve)
