"""The scores of a test beside the paper's, as values and as text."""

from srcnn.networks.network import Network
from srcnn.pixels.metrics import COLOUR_METRICS
from srcnn.system.errors import one_line
from srcnn.testing.paper import paper_numbers

METRICS = tuple(
    f"{kind}_{metric}"
    for kind in ("bicubic", "srcnn")
    for metric in ("psnr", "ssim", "ms_ssim", *COLOUR_METRICS)
)


def are_scores(value: object) -> bool:
    """Whether a value that was read is the scores of an image: a dict of METRICS, numbers or None."""
    return (
        isinstance(value, dict)
        and set(value) == set(METRICS)
        and all(score is None or isinstance(score, (int, float)) for score in value.values())
    )


def results(network: Network, weights: str, scores: dict[str, dict], self_ensemble: bool = False) -> dict:
    """All that a test run found, as plain values for JSON.

    weights: where they come from. self_ensemble: see `model.SRCNN.run`.
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


def rows(network: Network, results: dict) -> list[list[str]]:
    """The results as lists of text: heading, images, average.

    To the right of ours are the paper's, or, of a network of colour, PSNR of Cb, of Cr and of all three.
    """
    of_colour = (
        [("PSNR Cb", "psnr_cb"), ("Cr", "psnr_cr"), ("YCbCr", "psnr_ycbcr")] if network.c_dim == 3 else []
    )
    heading = [f"x{network.scale}"]
    for title in ("bicubic" if network.scale > 1 else "JPEG", f"SRCNN {network.shape}"):
        heading += [title, "SSIM", "MS-SSIM", *([name for name, _ in of_colour] or ["paper"])]

    def cell(value, digits=2):
        return "-" if value is None else f"{value:.{digits}f}"

    def row(name, entry):
        cells = [one_line(name)]
        for kind in ("bicubic", "srcnn"):
            cells += [cell(entry[f"{kind}_psnr"])]
            cells += [cell(entry[f"{kind}_{metric}"], 4) for metric in ("ssim", "ms_ssim")]
            cells += [cell(entry[f"{kind}_{metric}"]) for _, metric in of_colour] or [
                cell(entry[f"paper_{kind}_psnr"])
            ]
        both = entry["bicubic_psnr"], entry["srcnn_psnr"]
        return [*cells, cell(None if None in both else both[1] - both[0])]

    entries = {**results["images"], "average": results["average"]}
    return [[*heading, "gain"], *(row(name, entry) for name, entry in entries.items())]


def table(rows: list[list[str]]) -> str:
    """Rows of text as lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    )
