"""Draws docs/astronaut.png, the comparison on top of README.md: a photograph, and a detail of it enlarged.

python -m benchmarks.pictures
"""

from importlib.resources import files
from pathlib import Path

import main
from model import DEFAULT
from srcnn import tf1
from srcnn.networks.trained import SHIPPED
from srcnn.page.figures import figure
from srcnn.testing.evaluate import evaluate

TARGET = Path(__file__).parent.parent / "docs/astronaut.png"
TOP, LEFT, HEIGHT, WIDTH = 78, 168, 96, 120  # of the detail, in pixels of the photograph
BLUE = "#0a5fd6"


def restored():
    """Pixels of the photograph in its four states, and the scores, with the shipped 9-1-5 at x3."""
    photograph = Path(str(files("skimage") / "data/astronaut.png"))
    with tf1.session() as sess:
        srcnn = main.trained(sess, DEFAULT, SHIPPED / DEFAULT.name)
        for result in evaluate(srcnn, [photograph]):
            with result:
                scores, pictures = result.results()
    return pictures, scores


def draw(pictures, scores, path):
    drawing = figure(figsize=(11, 5.2), dpi=150, layout="constrained")
    panels = drawing.subplot_mosaic(
        [["whole", "low", "bicubic"], ["whole", "original", "srcnn"]], width_ratios=[2.1, 1.3, 1.3]
    )
    detail = slice(TOP, TOP + HEIGHT), slice(LEFT, LEFT + WIDTH)
    of_low = slice(TOP // 3, (TOP + HEIGHT) // 3), slice(LEFT // 3, (LEFT + WIDTH) // 3)
    titles = {
        "low": ("low resolution", pictures["low resolution"][of_low]),
        "bicubic": (f"bicubic, {scores['bicubic_psnr']:.2f} dB", pictures["bicubic"][detail]),
        "original": ("original", pictures["original"][detail]),
        "srcnn": (f"SRCNN, {scores['srcnn_psnr']:.2f} dB", pictures["SRCNN"][detail]),
        "whole": ("", pictures["SRCNN"]),
    }
    for name, (title, pixels) in titles.items():
        panels[name].imshow(pixels, interpolation="nearest")
        panels[name].set_title(title, fontsize=17, weight="bold" if name == "srcnn" else "normal")
        panels[name].set_axis_off()
    frame = {"width": WIDTH, "height": HEIGHT, "fill": False, "color": BLUE, "linewidth": 3}
    from matplotlib.patches import Rectangle

    panels["whole"].add_patch(Rectangle((LEFT, TOP), **frame))
    drawing.savefig(path)


if __name__ == "__main__":
    draw(*restored(), TARGET)
    print(TARGET)
