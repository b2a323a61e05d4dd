"""What a person looks at: the table beside the paper's, the curve of a training."""

import csv
import json
from pathlib import Path

import utils

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


def save_results(results, path):
    with utils.replacing(path) as temporary:
        temporary.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def table(results):
    """The results as lines of text, the paper's numbers and the gain over bicubic beside them."""
    rows = [*results["images"].items(), ("average", results["average"])]
    width = max(len(name) for name, _ in rows)

    def cell(value, digits):
        return "-" if value is None else f"{value:.{digits}f}"

    def line(name, entry):
        bicubic, srcnn = entry["bicubic_psnr"], entry["srcnn_psnr"]
        gain = None if None in (bicubic, srcnn) else srcnn - bicubic
        return (
            f"{name:<{width}}  {cell(bicubic, 2):>7} {cell(entry['bicubic_ssim'], 4):>6} "
            f"{cell(entry['paper_bicubic_psnr'], 2):>6}   {cell(srcnn, 2):>7} "
            f"{cell(entry['srcnn_ssim'], 4):>6} {cell(entry['paper_srcnn_psnr'], 2):>6}   {cell(gain, 2):>6}"
        )

    head = (
        f"{'':<{width}}  {'bicubic':<21}   {'SRCNN ' + results['filters']:<21}   {'gain':>6}\n"
        f"{'x' + str(results['scale']):<{width}}  {'PSNR':>7} {'SSIM':>6} {'paper':>6}   "
        f"{'PSNR':>7} {'SSIM':>6} {'paper':>6}   {'dB':>6}"
    )
    return "\n".join([head, *(line(name, entry) for name, entry in rows)])


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
    with utils.replacing(path.with_suffix(".png")) as temporary:
        figure.savefig(temporary, dpi=120)
