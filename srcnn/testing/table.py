"""The scores of a test beside the paper's, as values and as text."""

from collections.abc import Sequence

from srcnn.networks.network import Network
from srcnn.pixels.metrics import COLOUR_METRICS
from srcnn.settings import DEFAULT_METRICS, WANG
from srcnn.system.errors import one_line
from srcnn.testing.paper import paper_numbers

WIDTH = 100  # characters of a line
MORE = {"ifc": "IFC", "nqm": "NQM", "wpsnr": "WPSNR", "msssim": "MSSSIM", WANG: "MS-SSIM (Wang)"}
KINDS = "bicubic", "srcnn"


def columns(metrics: Sequence[str]) -> list[str]:
    """The names of the scores of an image, by the names of metrics: those of bicubic, those of SRCNN."""
    return [f"{kind}_{metric}" for kind in KINDS for metric in (*metrics, *COLOUR_METRICS)]


METRICS = columns(DEFAULT_METRICS)


def are_scores(value: object, metrics: Sequence[str]) -> bool:
    """Whether a value that was read has the scores of an image: a dict of columns, numbers or None."""
    return isinstance(value, dict) and all(
        name in value and (value[name] is None or isinstance(value[name], (int, float)))
        for name in columns(metrics)
    )


def results(
    network: Network, weights: str, scores: dict[str, dict], self_ensemble: bool = False, known_as: str = ""
) -> dict:
    """All that a test run found, as plain values for JSON.

    weights: where they come from. self_ensemble: see `model.SRCNN.run`.
    scores: by image name, a dict of METRICS or more, PSNR in dB; None is what has no value. Averages are over
    the images where bicubic and SRCNN have one. known_as: the name of the test set.
    """
    paper, is_quoted = paper_numbers(network, list(scores), known_as)
    metrics = list(next(iter(scores.values())))

    def entry(name, values):
        bicubic, srcnn = paper[name]
        return {**values, "paper_bicubic_psnr": bicubic, "paper_srcnn_psnr": srcnn}

    def mean(metric):
        kinds = [f"{kind}_{metric.partition('_')[2]}" for kind in KINDS]
        both = [found for found in scores.values() if all(found[kind] is not None for kind in kinds)]
        return sum(found[metric] for found in both) / len(both) if both else None

    return {
        **network.settings,
        "quality": network.quality,
        "weights": weights,
        "self_ensemble": self_ensemble,
        **({"paper": "quoted, not checked"} if is_quoted else {}),
        "images": {name: entry(name, values) for name, values in scores.items()},
        "average": entry("average", {metric: mean(metric) for metric in metrics}),
    }


def rows(network: Network, results: dict) -> list[list[str]]:
    """The results as lists of text: heading, images, average.

    To the right of PSNR and SSIM are the paper's, or, of a network of colour, PSNR of Cb, of Cr and of all
    three; then what else was asked for.
    """
    ssim = ["ssim"] if "srcnn_ssim" in results["average"] else []
    more = [metric for metric in MORE if f"srcnn_{metric}" in results["average"]]
    of_colour = (
        [("PSNR Cb", "psnr_cb"), ("Cr", "psnr_cr"), ("YCbCr", "psnr_ycbcr")] if network.c_dim == 3 else []
    )
    heading = [f"x{network.scale}"]
    first, paper = "bicubic" if network.scale > 1 else "JPEG", "quoted" if "paper" in results else "paper"
    for title in (first, f"SRCNN {network.shape}"):
        heading += [title, *(["SSIM"] * len(ssim)), *([name for name, _ in of_colour] or [paper])]
    heading += ["gain", *(f"{MORE[metric]} {title}" for metric in more for title in (first, "SRCNN"))]

    def cell(value, digits=2):
        return "-" if value is None else f"{value:.{digits}f}"

    def row(name, entry):
        cells = [one_line(name)]
        for kind in KINDS:
            cells += [cell(entry[f"{kind}_psnr"])]
            cells += [cell(entry[f"{kind}_{metric}"], 4) for metric in ssim]
            cells += [cell(entry[f"{kind}_{metric}"]) for _, metric in of_colour] or [
                cell(entry[f"paper_{kind}_psnr"])
            ]
        both = entry["bicubic_psnr"], entry["srcnn_psnr"]
        cells += [cell(None if None in both else both[1] - both[0])]
        return cells + [
            cell(entry[f"{kind}_{metric}"], 4 if "ssim" in metric else 2) for metric in more for kind in KINDS
        ]

    entries = {**results["images"], "average": results["average"]}
    return [heading, *(row(name, entry) for name, entry in entries.items())]


def table(rows: list[list[str]]) -> str:
    """Rows of text as lines: the first column to the left, the others to the right.

    Columns that do not fit into WIDTH go on below, after the first one again.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    blocks: list[list[int]] = [[]]
    for i in range(1, len(widths)):
        if blocks[-1] and widths[0] + sum(2 + widths[j] for j in (*blocks[-1], i)) > WIDTH:
            blocks.append([])
        blocks[-1].append(i)
    return "\n\n".join(
        "\n".join(
            "  ".join([row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in block)]).rstrip()
            for row in rows
        )
        for block in blocks
    )
