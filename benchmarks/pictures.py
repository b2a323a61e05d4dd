"""Draws the pictures of README.md.

python -m benchmarks.pictures

docs/astronaut.png is a photograph and a detail of it enlarged, docs/report.png the page of a test in a
browser (pip install playwright; apt-get install chromium), docs/page.png docs/srcnn.html with a photograph.
"""

import contextlib
import shutil
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

import main
from model import DEFAULT
from srcnn import tf1
from srcnn.networks.trained import SHIPPED
from srcnn.page.figures import figure
from srcnn.testing.evaluate import evaluate

PHOTOGRAPH = Path(str(files("skimage") / "data/astronaut.png"))
DOCS = Path(__file__).parent.parent / "docs"
TOP, LEFT, HEIGHT, WIDTH = 78, 168, 96, 120  # of the detail, in pixels of the photograph
BLUE = "#0a5fd6"


def restored():
    """Pixels of the photograph in its four states, and the scores, with the shipped 9-1-5 at x3."""
    with tf1.session() as sess:
        srcnn = main.trained(sess, DEFAULT, SHIPPED / DEFAULT.name)
        for result in evaluate(srcnn, [PHOTOGRAPH]):
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


@contextlib.contextmanager
def shown(path, width, height):
    """A page in a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(path.as_uri())
        yield page
        browser.close()


def photograph_report(path):
    """Runs the test of the first command of README.md, with the shipped weights, and shows its page."""
    with TemporaryDirectory() as folder:
        words = ["--is_train", "False", "--stride", "21", "--weights", "shipped", "--sample_dir", folder]
        with contextlib.chdir(folder):  # without the paper's images
            main.main(words)
        with shown(Path(folder, "report.html"), 1100, 900) as page:
            page.wait_for_timeout(1000)
            page.screenshot(path=path)


def photograph_page(path):
    """Enlarges a part of the photograph in the page that does so, and shows its middle."""
    with TemporaryDirectory() as folder, shown(DOCS / "srcnn.html", 820, 1040) as page:
        photograph = Path(folder, PHOTOGRAPH.name)
        with Image.open(PHOTOGRAPH) as whole:
            whole.crop((40, 0, 400, 300)).save(photograph)
        page.get_by_label("Files").set_input_files(photograph)
        page.get_by_text("Save PNG").wait_for()
        zoom = page.get_by_label("astronaut.png: zoom")
        zoom.fill("2")
        zoom.blur()
        page.locator("section").evaluate("section => scrollTo(0, section.offsetTop - 16)")
        page.screenshot(path=path)


if __name__ == "__main__":
    draw(*restored(), DOCS / "astronaut.png")
    photograph_report(DOCS / "report.png")
    photograph_page(DOCS / "page.png")
