"""The results of a test as people read them: a table, for the terminal or the page, and a sentence."""

from collections.abc import Iterable
from typing import NamedTuple

from srcnn.networks.network import Network
from srcnn.pixels.metrics import COLOUR_METRICS
from srcnn.settings import WANG
from srcnn.system.errors import one_line

WIDTH = 100  # characters of a line of the terminal
TITLES = {
    **{"psnr": "PSNR (dB)", "ssim": "SSIM", "msssim": "MSSSIM", WANG: "MS-SSIM (Wang)"},
    **{"ifc": "IFC", "nqm": "NQM (dB)", "wpsnr": "WPSNR (dB)"},
    **{"psnr_cb": "Cb (dB)", "psnr_cr": "Cr (dB)", "psnr_ycbcr": "YCbCr (dB)"},
}


class Column(NamedTuple):
    """title: two lines. key: of an entry of the results. style: how its numbers are written."""

    title: str
    key: str
    style: str = ".2f"


def rows(network: Network, results: dict) -> list[list[str]]:
    """The results as lists of text: heading, images, average.

    The gain, then bicubic beside SRCNN by each metric, then what the paper has. Titles have two lines. A
    column without any value is left out.
    """
    entries = {name: with_gain(entry) for name, entry in results["images"].items()}
    entries["average"] = with_gain(results["average"])
    found = [
        column
        for column in columns(network, results)
        if any(entry[column.key] is not None for entry in entries.values())
    ]
    heading = [f"{network.shape}\nx{network.scale}", *(column.title for column in found)]
    return [heading, *([one_line(name), *(cell(entry, c) for c in found)] for name, entry in entries.items())]


def columns(network: Network, results: dict) -> Iterable[Column]:
    """All columns that a table may have."""
    kinds = {"bicubic": bicubic(network), "srcnn": "SRCNN"}
    yield Column("gain\n(dB)", "gain", "+.2f")
    scored = [key.removeprefix("srcnn_") for key in results["average"] if key.startswith("srcnn_")]
    for metric in scored:
        if network.c_dim == 3 or metric not in COLOUR_METRICS:
            title, style = TITLES[metric], ".4f" if "ssim" in metric else ".2f"
            for kind, name in kinds.items():
                yield Column(f"{title}\n{name}", f"{kind}_{metric}", style)
    paper = "quoted" if "paper" in results else "paper"
    for kind, name in kinds.items():
        yield Column(f"{paper} (dB)\n{name}", f"paper_{kind}_psnr")


def bicubic(network: Network) -> str:
    """What SRCNN is compared with."""
    return "bicubic" if network.scale > 1 else "JPEG"


def with_gain(entry: dict) -> dict:
    before, after = entry["bicubic_psnr"], entry["srcnn_psnr"]
    return entry | {"gain": None if None in (before, after) else after - before}


def cell(entry: dict, column: Column) -> str:
    """A number as text; empty where the paper has none, and a dash where there can be none."""
    value = entry[column.key]
    if value is None:
        return "" if column.key.startswith("paper") else "-"
    return format(value, column.style)


def table(rows: list[list[str]]) -> str:
    """Rows of text as lines: the first column to the left, the others to the right.

    Columns that do not fit into WIDTH go on below, beside the first one again.
    """
    heading = zip(*(title.split("\n") for title in rows[0]), strict=True)
    rows = [*map(list, heading), *rows[1:]]
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


def summary(network: Network, results: dict) -> str:
    """What came out of a test, and what the numbers are, in a few sentences."""
    average, other = with_gain(results["average"]), bicubic(network)
    gain, paper = average["gain"], average["paper_srcnn_psnr"]
    if gain is None:
        return "No image has a PSNR both before and after the network."
    left_out = results.get("left_out", [])
    without = f" Without {', '.join(map(one_line, left_out))}, which cannot be used." if left_out else ""
    quoted = "" if paper is None else f" The paper reports {paper:.2f} dB for this network."
    pixels = "1 pixel" if network.scale == 1 else f"{network.scale} pixels"
    return (
        f"On average, SRCNN reaches {average['srcnn_psnr']:.2f} dB, {abs(gain):.2f} dB "
        f"{'below' if gain < 0 else 'above'} {other} ({average['bicubic_psnr']:.2f} dB).{quoted} "
        f"PSNR and SSIM are of the luminance, rounded to 8 bits, without a border of {pixels}, as in the "
        f"paper. The gain is the PSNR of SRCNN minus that of {other}.{without}"
    )
