"""Every shipped model but those for JPEG (jpeg.py) on Set5 and Set14, beside the paper, as Markdown.

python -m benchmarks.reproduce [folder with Set5 and Set14, default Test]
"""

import sys
from pathlib import Path

from benchmarks.machine import heading
from benchmarks.six_measures import six_measures
from main import trained
from srcnn import tf1
from srcnn.networks.network import Network, default_channels
from srcnn.networks.trained import SHIPPED
from srcnn.networks.weight_files import read_weights
from srcnn.settings import PAPER_METRICS
from srcnn.testing.evaluate import evaluate
from srcnn.testing.table import results
from utils import prepare_data

ROOT = Path(__file__).parent.parent


def dashed(text):
    return tuple(map(int, text.split("-")))


def shipped():
    """The shipped networks, by what their weights say; not those for JPEG, for which jpeg.py is."""
    for folder in sorted(SHIPPED.glob("srcnn_*")):
        _, said = read_weights(folder)
        if said["degradation"] == "jpeg":
            continue
        kernels = dashed(said["filters"])
        channels = dashed(said["channels"]) if "channels" in said else default_channels(kernels)
        yield Network(kernels, channels, scale=said["scale"], degradation=said["degradation"])


def scored(network, test_dir):
    """What results.json has of a test with the shipped weights and all metrics, without its pictures.

    `ensemble` has the averages by self-ensemble.
    """
    found = []
    with tf1.session() as sess:
        srcnn = trained(sess, network, SHIPPED / network.name)
        for srcnn.self_ensemble in (False, True):
            scores = {}
            for restored in evaluate(srcnn, prepare_data(test_dir)):
                with restored:
                    scores[restored.path.stem] = restored.scores(PAPER_METRICS)
            found.append(results(network, srcnn.source, scores, srcnn.self_ensemble))
    plain, ensemble = found
    return plain | {"ensemble": ensemble["average"]}


def cell(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def row(network, results):
    average, ensemble = results["average"], results["ensemble"]
    bicubic, srcnn = (
        f"{cell(average[f'{kind}_psnr'])} / {cell(average[f'{kind}_ssim'], 4)}"
        for kind in ("bicubic", "srcnn")
    )
    gain = average["srcnn_psnr"] - average["bicubic_psnr"]
    return (
        f"| {network.shape} x{network.scale} | {network.degradation} | {bicubic} | {srcnn} "
        f"| {cell(average['paper_srcnn_psnr'])} | {cell(gain)} | {cell(ensemble['srcnn_psnr'])} |"
    )


def table(name, tests):
    """Markdown of the averages. tests: pairs of a network and its results."""
    titles = "inputs | bicubic PSNR / SSIM | SRCNN PSNR / SSIM | paper | gain | self-ensemble"
    heading = [f"| {name} average | {titles} |", "|---|---|---:|---:|---:|---:|---:|"]
    return [*heading, *(row(n, r) for n, r in tests), ""]


def details(name, tests):
    """Markdown of the images, 9-1-5 by the paper's protocol."""
    return [
        f"| {name}, 9-1-5 | scale | bicubic | SRCNN | paper |",
        "|---|---|---:|---:|---:|",
        *(
            f"| {image} | x{network.scale} | {cell(entry['bicubic_psnr'])} | {cell(entry['srcnn_psnr'])} "
            f"| {cell(entry['paper_srcnn_psnr'])} |"
            for network, found in tests
            if network.shape == "9-1-5" and network.degradation == "matlab"
            for image, entry in found["images"].items()
        ),
        "",
    ]


def summary(tests):
    """Markdown of the averages by the paper's protocol, the sets side by side."""
    heading = " | ".join(f"{name}: bicubic | SRCNN | paper" for name in tests)
    lines = [f"| | {heading} |", "|---|" + "---:|" * (3 * len(tests))]
    for pairs in zip(*tests.values(), strict=True):
        network, _ = pairs[0]
        if network.degradation == "matlab":
            averages = [found["average"] for _, found in pairs]
            numbers = [a[f"{kind}_psnr"] for a in averages for kind in ("bicubic", "srcnn", "paper_srcnn")]
            cells = " | ".join(map(cell, numbers))
            lines.append(f"| {network.shape} x{network.scale} | {cells} |")
    return [*lines, ""]


def reproduce(folder):
    tests = {
        name: [(network, scored(network, folder / name)) for network in shipped()]
        for name in ("Set5", "Set14")
    }
    print(f"{heading()}\n")
    print("\n".join(summary(tests)))
    print("\n".join(table("Set5", tests["Set5"]) + details("Set5", tests["Set5"])))
    print("\n".join(table("Set14", tests["Set14"])))
    for name, of_set in tests.items():
        print("\n".join(six_measures(name, of_set)))


if __name__ == "__main__":
    reproduce(Path(sys.argv[1] if len(sys.argv) > 1 else "Test"))
