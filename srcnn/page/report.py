"""What a person reads and looks at: results beside the paper's, tables, the page, the curve of a training."""

import csv
import json
import shlex
import sys
from pathlib import Path

from srcnn.images import png
from srcnn.page import figures
from srcnn.page.pictures import captions, data_uri, embedded, filters_picture
from srcnn.pixels.metrics import COLOUR_METRICS
from srcnn.system.writing import replacing, written
from srcnn.testing.paper import paper_numbers
from utils import LUMA

LARGEST_EXHIBIT = 768  # pixels of a side of an image on the page
MOST_EXHIBITS = 24  # images on the page
METRICS = tuple(
    f"{kind}_{metric}"
    for kind in ("bicubic", "srcnn")
    for metric in ("psnr", "ssim", "ms_ssim", *COLOUR_METRICS)
)


def results(network, weights, scores, self_ensemble=False):
    """All that a test run found, as plain values for JSON.

    network: a network.Network. weights: where they come from. self_ensemble: see `model.SRCNN.run`.
    scores: by image name, a dict of METRICS, PSNR in dB; None is what has no value. Averages are over the
    images where bicubic and SRCNN have one.
    """
    paper = paper_numbers(network, list(scores))

    def entry(name, values):
        bicubic, srcnn = paper[name]
        return {**values, "paper_bicubic_psnr": bicubic, "paper_srcnn_psnr": srcnn}

    def mean(metric):
        kinds = [f"{kind}_{metric.partition('_')[2]}" for kind in ("bicubic", "srcnn")]
        both = [found for found in scores.values() if all(found[kind] is not None for kind in kinds)]
        return sum(found[metric] for found in both) / len(both) if both else None

    return {
        **network.settings,
        "quality": network.quality,
        "weights": weights,
        "self_ensemble": self_ensemble,
        "images": {name: entry(name, values) for name, values in scores.items()},
        "average": entry("average", {metric: mean(metric) for metric in METRICS}),
    }


def save_json(value, path):
    """Writes plain values."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def rows(network, results):
    """The results as lists of text: heading, images, average.

    To the right of ours are the paper's, or, of a network of colour, PSNR of Cb, of Cr and of all three.
    """
    more = [("PSNR Cb", "psnr_cb"), ("Cr", "psnr_cr"), ("YCbCr", "psnr_ycbcr")] if network.c_dim == 3 else []
    heading = [f"x{network.scale}"]
    for title in ("bicubic" if network.scale > 1 else "JPEG", f"SRCNN {network.shape}"):
        heading += [title, "SSIM", "MS-SSIM", *([name for name, _ in more] or ["paper"])]

    def cell(value, digits=2):
        return "-" if value is None else f"{value:.{digits}f}"

    def row(name, entry):
        cells = [name]
        for kind in ("bicubic", "srcnn"):
            cells += [cell(entry[f"{kind}_psnr"])]
            cells += [cell(entry[f"{kind}_{metric}"], 4) for metric in ("ssim", "ms_ssim")]
            cells += [cell(entry[f"{kind}_{metric}"]) for _, metric in more] or [
                cell(entry[f"paper_{kind}_psnr"])
            ]
        both = entry["bicubic_psnr"], entry["srcnn_psnr"]
        return [*cells, cell(None if None in both else both[1] - both[0])]

    entries = {**results["images"], "average": results["average"]}
    return [[*heading, "gain"], *(row(name, entry) for name, entry in entries.items())]


def table(rows):
    """Rows of text as lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    )


def centre(height, width):
    """(top, left, bottom, right) of what the page shows of an image: the middle, if it is large."""
    top, left = max(0, (height - LARGEST_EXHIBIT) // 2), max(0, (width - LARGEST_EXHIBIT) // 2)
    return top, left, min(top + LARGEST_EXHIBIT, height), min(left + LARGEST_EXHIBIT, width)


def exhibit(name, pictures, scores, size=None):
    """An image as the page shows it: what the template is given. Only the middle, if it is large.

    pictures: dict of pixels, (h, w, c) uint8, of one size and c: `bicubic`, `SRCNN` and, if it is known,
    `original`; `low resolution` is not shown. scores: a dict of METRICS, or without some of them.
    size: (height, width) of the whole image, if it is not that of the pictures.
    """
    height, width, channels = pictures["SRCNN"].shape
    top, left, bottom, right = centre(height, width)
    kinds = [kind for kind in pictures if kind != "low resolution"]
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
    return {
        "name": name,
        "width": shown[1],
        "height": shown[0],
        "layers": {kind: embedded(pictures[kind][top:bottom, left:right]) for kind in kinds},
        "maps": maps,  # the browser makes them from the layers
        "luma": list(LUMA if channels == 3 else (1, 0, 0)),  # of red, green and blue in the luminance
        "views": views,
        "captions": {kind: text for kind, text in captions(pictures, scores).items() if text},
        "note": note,
    }


def save_page(path, title, command, settings, rows, exhibits, w1, curve):
    """Writes a page, HTML with everything in it.

    settings: dict of text. rows: lists of text, see `table`. exhibits: from `exhibit`.
    w1: kernels of the first layer. curve: path of a PNG of the training, shown if it is there.
    """
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    template = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = template.get_template("report.html").render(
        title=title,
        command=command,
        settings=settings,
        rows=rows,
        exhibits=exhibits,
        filters=data_uri(png.encoded(filters_picture(w1)), "png"),
        curve=data_uri(curve.read_bytes(), "png") if curve.is_file() else None,
    )
    path.write_text(page, encoding="utf-8", errors="backslashreplace", newline="\n")


def plot_curve(path):
    """Draws the curve of a training, a CSV file, as a PNG of the same name; one of somebody else's stays."""
    path, picture = Path(path), Path(path).with_suffix(".png")
    if not path.exists():
        return
    if picture.exists() and picture.name not in written(picture.parent):
        print(f"{picture}: is not a picture that this program wrote, or was changed since, and is left alone")
        return
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    figure = figures.figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for key, label in (("psnr", "training sub-images"), ("validation_psnr", "validation images")):
        points = [(int(row["epoch"]), float(row[key])) for row in rows if row[key]]
        if points:
            axes.plot(*zip(*points, strict=True), marker=".", label=label)
    axes.set(xlabel="epoch", ylabel="PSNR (dB)", title="Training")
    axes.grid(alpha=0.3)
    if axes.has_data():  # none, before the first epoch is done
        axes.legend()
    with replacing(picture, {}) as temporary:
        figure.savefig(temporary, dpi=120)


def save_job(config, path, weights, rows, exhibits, w1, what, more):
    """The page of a job. what: was done to the images. more: settings that it names."""
    shape = config.network.shape
    settings = {"weights": ", ".join(weights), "filters": shape, **more}
    if config.self_ensemble:
        settings["self_ensemble"] = "the mean of 8 flips and rotations"
    curve = Path(weights[0]).parent / "training.png"
    command = shlex.join(["python", *sys.argv])
    save_page(path, f"SRCNN {shape}, {what}", command, settings, rows, exhibits, w1, curve)
