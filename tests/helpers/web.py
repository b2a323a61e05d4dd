"""Pictures through the page that enlarges, and through the program."""

import time
from pathlib import Path

import numpy as np

import main
from srcnn.images import image_io
from tests.helpers.pictures import smooth


def finished(page, count):
    end = time.monotonic() + 300  # on a busy machine
    while page.locator(".work").count() or page.locator("section").count() < count:
        assert time.monotonic() < end, page.locator("body").inner_text()
        time.sleep(0.05)


def saved(page, number):
    """The result of the picture of a number, a path."""
    with page.expect_download() as download:
        page.locator("section").nth(number).get_by_text("Save PNG").click()
    download.value.save_as(download.value.suggested_filename)
    return Path(download.value.suggested_filename)


def by_program(path, *words):
    assert main.main(["--is_train", "False", "--input", str(path), "--output", "own.png", *words]) == 0
    found = image_io.read("own.png")
    Path("own.png").unlink()
    return found


def check_same(result, own):
    found, expected = image_io.read(result).pixels, own.pixels
    assert found.shape == expected.shape
    error = np.abs(found.astype(int) - expected)
    assert error.max() <= 1 and (error > 0).mean() <= max(5e-4, 1.5 / error.size), (
        result,
        (error > 0).mean(),
    )


def rgba(height=61, width=45):
    """With parts that nobody sees, of other colours."""
    pixels = np.dstack([smooth(height, width, 3), np.zeros((height, width), np.uint8)])
    pixels[9:30, 5:40, 3] = 255
    pixels[40:50, 8:30, 3] = np.arange(22) * 10 + 1
    pixels[pixels[..., 3] == 0] = [255, 0, 255, 0]
    return pixels


PICTURES = {
    "rgb.png": lambda: smooth(53, 97, 3),
    "one.png": lambda: smooth(1, 1, 3),
    "row.png": lambda: smooth(1, 130, 3),
    "grey.png": lambda: smooth(47, 46, 1)[..., 0],
    "grey_alpha.png": lambda: rgba()[..., [0, 3]],
    "rgba.png": rgba,
    "palette.gif": lambda: np.kron(smooth(9, 11, 3) // 64 * 64, np.ones((5, 5, 1), np.uint8)),
    "photo.jpg": lambda: smooth(50, 60, 3),
    "grey.jpg": lambda: smooth(50, 60, 1)[..., 0],
    "photo.webp": lambda: smooth(40, 30, 3),
}
