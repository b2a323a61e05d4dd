"""What a person looks at: the table beside the paper's, pictures to compare, the page, the curve."""

import base64
import csv
import json
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import utils
from writing import replacing

SET5 = ["baby", "bird", "butterfly", "head", "woman"]
SET14 = [
    *("baboon", "barbara", "bridge", "coastguard", "comic", "face", "flowers"),
    *("foreman", "lenna", "man", "monarch", "pepper", "ppt3", "zebra"),
]
# Dong et al. 2014 (ECCV), tables 1 and 2: PSNR in dB by scale, for the images of Set5.
PAPER_BICUBIC = {
    2: (37.07, 36.81, 27.43, 34.86, 32.14),
    3: (33.91, 32.58, 24.04, 32.88, 28.56),
    4: (31.78, 30.18, 22.10, 31.59, 26.46),
}
PAPER_SRCNN = {
    2: (38.30, 40.64, 32.20, 35.64, 34.94),
    3: (35.01, 34.91, 27.58, 33.55, 30.92),
    4: (32.98, 31.98, 25.07, 32.19, 28.21),
}
# Averages. 9-1-5: the same paper, trained on the 91 images; the others: arXiv 1501.00092, on ImageNet.
PAPER_AVERAGE = {
    "Set5": {
        "bicubic": {2: 33.66, 3: 30.39, 4: 28.42},
        "9-1-5": {2: 36.34, 3: 32.39, 4: 30.09},
        "9-3-5": {3: 32.66},
        "9-5-5": {2: 36.66, 3: 32.75, 4: 30.49},
    },
    "Set14": {
        "bicubic": {2: 30.23, 3: 27.54, 4: 26.00},
        "9-1-5": {2: 32.18, 3: 29.00, 4: 27.20},
        "9-5-5": {2: 32.45, 3: 29.30, 4: 27.50},
    },
}
LARGEST_PANEL = 1000  # pixels of the longer side of a picture in a strip
LARGEST_EXHIBIT = 768  # pixels of a side of an image on the page
MOST_EXHIBITS = 24  # images on the page
METRICS = "bicubic_psnr", "bicubic_ssim", "srcnn_psnr", "srcnn_ssim"


def paper_numbers(config, names):
    """The paper's (bicubic, SRCNN) in dB by image name and for "average"; None where it has none."""
    stems = [name.removesuffix("_GT") for name in names]
    known = next((s for s, images in (("Set5", SET5), ("Set14", SET14)) if sorted(stems) == images), None)
    numbers = dict.fromkeys([*names, "average"], (None, None))
    if known and config.degradation == "matlab" and config.c_dim == 1:
        average = PAPER_AVERAGE[known]
        numbers["average"] = tuple(
            average.get(row, {}).get(config.scale) for row in ("bicubic", config.filters)
        )
        if known == "Set5" and config.scale in PAPER_BICUBIC:
            for name, stem in zip(names, stems, strict=True):
                index = SET5.index(stem)
                srcnn = PAPER_SRCNN[config.scale][index] if config.filters == "9-1-5" else None
                numbers[name] = PAPER_BICUBIC[config.scale][index], srcnn
    return numbers


def results(config, weights, scores):
    """All that a test run found, as plain values for JSON.

    scores: by image name, a dict of METRICS; PSNR in dB, None where it has no finite value.
    """
    paper = paper_numbers(config, list(scores))

    def entry(name, values):
        bicubic, srcnn = paper[name]
        return {**values, "paper_bicubic_psnr": bicubic, "paper_srcnn_psnr": srcnn}

    def mean(metric):
        values = [values[metric] for values in scores.values() if values[metric] is not None]
        return sum(values) / len(values) if values else None

    return {
        "scale": config.scale,
        "degradation": config.degradation,
        "filters": config.filters,
        "weights": weights,
        "images": {name: entry(name, values) for name, values in scores.items()},
        "average": entry("average", {metric: mean(metric) for metric in METRICS}),
    }


def save_json(value, path):
    with replacing(path) as temporary:
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def rows(results):
    """The results as lists of text: heading, images, average; the paper's numbers to the right of ours."""
    heading = [f"x{results['scale']}", "bicubic", "SSIM", "paper"]
    heading += [f"SRCNN {results['filters']}", "SSIM", "paper", "gain"]

    def cell(value, digits=2):
        return "-" if value is None else f"{value:.{digits}f}"

    def row(name, entry):
        bicubic, srcnn = entry["bicubic_psnr"], entry["srcnn_psnr"]
        gain = None if None in (bicubic, srcnn) else srcnn - bicubic
        return [
            *(name, cell(bicubic), cell(entry["bicubic_ssim"], 4), cell(entry["paper_bicubic_psnr"])),
            *(cell(srcnn), cell(entry["srcnn_ssim"], 4), cell(entry["paper_srcnn_psnr"]), cell(gain)),
        ]

    entries = {**results["images"], "average": results["average"]}
    return [heading, *(row(name, entry) for name, entry in entries.items())]


def table(rows):
    """Rows of text as lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    )


def to_rgb(image):
    """An (h, w, c) image in [0, 1] as a Pillow image."""
    return Image.fromarray(np.broadcast_to(utils.to_pixels(image), (*image.shape[:2], 3)))


def captions(pictures, scores):
    """A line or two about each picture: what it is, its size or its scores."""
    low = pictures.get("low resolution")
    lines = {"low resolution": "" if low is None else f"{low.shape[1]}x{low.shape[0]} pixels"}
    for kind in ("bicubic", "SRCNN"):
        psnr, ssim = (scores.get(f"{kind.lower()}_{metric}") for metric in ("psnr", "ssim"))
        parts = [] if psnr is None else [f"{psnr:.2f} dB"]
        lines[kind] = ", ".join(parts + ([] if ssim is None else [f"SSIM {ssim:.4f}"]))
    return {name: lines.get(name, "") for name in pictures}


def save_comparison(pictures, scores, path):
    """One strip: original, low resolution, bicubic and SRCNN side by side, with PSNR and SSIM under them.

    pictures: as `utils.in_colour` gives them. scores: a dict of METRICS.
    """
    h, w = pictures["original"].shape[:2]
    ratio = min(1, LARGEST_PANEL / max(h, w))
    size = max(1, round(w * ratio)), max(1, round(h * ratio))
    width, gap, line = max(size[0], 150), 8, 18
    strip = Image.new("RGB", (len(pictures) * (width + gap) + gap, size[1] + 2 * gap + 2 * line), "white")
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(14)
    for i, (name, text) in enumerate(captions(pictures, scores).items()):
        x = gap + i * (width + gap) + width // 2
        sampling = Image.Resampling.NEAREST if name == "low resolution" else Image.Resampling.LANCZOS
        strip.paste(to_rgb(pictures[name]).resize(size, sampling), (x - size[0] // 2, gap))
        draw.multiline_text(
            (x, size[1] + gap + 2), f"{name}\n{text}", "black", font, anchor="ma", align="center"
        )
    with replacing(path) as temporary:
        strip.save(temporary)


def filters_picture(w1):
    """The kernels of the first layer, (kh, kw, c, n), by variance, as one picture (h, w, c) in [0, 1].

    As in the paper's figure of them; each is stretched to the whole range of grey.
    """
    order = np.argsort(-w1.var(axis=(0, 1, 2)))
    tiles = []
    for kernel in np.moveaxis(w1[..., order], -1, 0):
        low, high = kernel.min(), kernel.max()
        tile = (kernel - low) / (high - low or 1)
        tiles.append(np.pad(tile, ((0, 1), (0, 1), (0, 0)), constant_values=1))
    columns = 16
    grid = utils.merge(tiles, (-(-len(tiles) // columns), columns))
    return grid.repeat(5, axis=0).repeat(5, axis=1)


def centre(height, width):
    """(top, left, bottom, right) of what the page shows of an image: the middle, if it is large."""
    top, left = max(0, (height - LARGEST_EXHIBIT) // 2), max(0, (width - LARGEST_EXHIBIT) // 2)
    return top, left, min(top + LARGEST_EXHIBIT, height), min(left + LARGEST_EXHIBIT, width)


def exhibit(name, pictures, scores, size=None):
    """An image as the page shows it: what the template is given.

    pictures: dict of (h, w, c) images in [0, 1], of which only the middle is shown if they are large;
    `bicubic` and `SRCNN`, and `original` if it is known. size: (height, width) of the whole image.
    """
    pictures = {kind: image for kind, image in pictures.items() if kind != "low resolution"}
    height, width = pictures["SRCNN"].shape[:2]
    top, left, bottom, right = centre(height, width)
    pictures = {kind: image[top:bottom, left:right] for kind, image in pictures.items()}
    layers = {kind: data_uri(to_rgb(image)) for kind, image in pictures.items()}
    views = [("bicubic", "SRCNN")]
    if "original" in pictures:
        views += [("original", "SRCNN"), ("error of bicubic", "error of SRCNN")]
        what, reference, compared = "error", "original", ("bicubic", "SRCNN")
    else:
        views.append(("SRCNN", "difference of SRCNN"))
        what, reference, compared = "difference", "bicubic", ("SRCNN",)
    for kind in compared:
        layers[f"{what} of {kind}"] = data_uri(error_map(pictures[reference], pictures[kind]))
    shown = bottom - top, right - left
    whole = size or (height, width)
    note = f"{shown[1]}x{shown[0]} pixels"
    if shown != whole:
        note += f", the middle of {whole[1]}x{whole[0]}"
    return {
        "name": name,
        "width": shown[1],
        "height": shown[0],
        "layers": layers,
        "views": views,
        "captions": {kind: text for kind, text in captions(pictures, scores).items() if text},
        "note": note,
    }


def error_map(a, b):
    """Where two images differ in luminance: black where they do not, yellow from 32 of 255 levels on."""
    import matplotlib

    difference = np.abs(utils.to_luminance(a) - utils.to_luminance(b))[..., 0]
    return Image.fromarray(matplotlib.colormaps["inferno"](difference * 255 / 32, bytes=True)[..., :3])


def data_uri(image):
    """A Pillow image as an address that holds it."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def save_page(folder, title, command, settings, rows, exhibits, w1, curve):
    """Writes filters.png and report.html, one page with everything in it, into a folder.

    settings: dict of text. rows: lists of text, see `table`. exhibits: from `exhibit`.
    w1: kernels of the first layer. curve: path of a picture of the training, shown if it is there.
    """
    import jinja2

    filters = filters_picture(w1)
    utils.imsave(filters, folder / "filters.png")
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    template = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = template.get_template("report.html").render(
        title=title,
        command=command,
        settings=settings,
        rows=rows,
        exhibits=exhibits,
        filters=data_uri(to_rgb(filters)),
        curve=data_uri(Image.open(curve)) if curve.is_file() else None,
    )
    with replacing(folder / "report.html") as temporary:
        temporary.write_text(page, encoding="utf-8", errors="backslashreplace")


def plot_curve(path):
    """Draws the curve of a training, a CSV file, as a picture of the same name."""
    from matplotlib.figure import Figure

    path = Path(path)
    if not path.exists():
        return
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for key, label in (("psnr", "training sub-images"), ("validation_psnr", "validation images")):
        points = [(int(row["epoch"]), float(row[key])) for row in rows if row[key]]
        if points:
            axes.plot(*zip(*points, strict=True), marker=".", label=label)
    axes.set(xlabel="epoch", ylabel="PSNR (dB)", title="Training")
    axes.grid(alpha=0.3)
    axes.legend()
    with replacing(path.with_suffix(".png")) as temporary:
        figure.savefig(temporary, dpi=120)
