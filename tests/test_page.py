"""The page and the strips, the page in a real browser: headless Chromium."""

import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image

import main
import report
import utils

GREY = {"original": 0.5, "low resolution": 0.2, "bicubic": 0.0, "SRCNN": 1.0}


def exhibit(name="black and white", size=(200, 300), scores=None):
    """A picture whose left side, bicubic, is black and whose right side, SRCNN, is white."""
    pictures = {kind: np.full((*size, 3), value) for kind, value in GREY.items()}
    return report.exhibit(name, pictures, scores or {})


@pytest.fixture
def write_page(tmp_path):
    def write(*exhibits, curve=False, title="A title"):
        if curve:
            utils.imsave(np.zeros((40, 60, 3)), tmp_path / "training.png")
        rows = [["x3", "bicubic", "gain"], ["<b>image</b>", "30.00", "2.00"]]
        w1 = np.random.default_rng(0).normal(size=(9, 9, 1, 64))
        settings = {"weights": "checkpoint/<x>"}
        arguments = tmp_path, title, "python main.py", settings, rows, list(exhibits), w1
        report.save_page(*arguments, tmp_path / "training.png")
        return tmp_path / "report.html"

    return write


@pytest.fixture(scope="module")
def chromium():
    """A browser; without one the tests skip, but not where CI=true."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if not path:
        reason = "no browser: apt-get install chromium, pip install playwright"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def show(chromium):
    """Opens a page; afterwards nothing may have been complained about or asked for."""
    contexts, complaints, requests = [], [], []

    def open_page(path, **more):
        contexts.append(chromium.new_context(**more))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("data:", "file:"))] == []
    assert len([url for url in requests if url.startswith("file:")]) == len(contexts)


def shade(page, at):
    """The grey level seen on the first picture, `at` of its width from the left."""
    stage = page.locator(".stage").first
    stage.scroll_into_view_if_needed()
    stage.screenshot(path="stage.png")
    with Image.open("stage.png") as image:
        return image.convert("L").getpixel((int(at * image.width), image.height // 2))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_slider_moves_with_keys_and_mouse(write_page, show):
    page = show(write_page(exhibit(), exhibit("second")))
    slider = page.get_by_label("black and white: where the left picture ends")
    assert (shade(page, 0.3), shade(page, 0.7)) == (0, 255)  # half black, half white at first
    slider.focus()
    page.keyboard.press("End")
    assert (shade(page, 0.3), shade(page, 0.7)) == (0, 0)
    page.keyboard.press("Home")
    assert (shade(page, 0.3), shade(page, 0.7)) == (255, 255)
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    assert (shade(page, 0.38), shade(page, 0.42)) == (0, 255)
    assert slider.get_attribute("aria-valuetext") == "40% bicubic, 60% SRCNN"
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] / 2)
    assert (shade(page, 0.8), shade(page, 0.97)) == (0, 255)
    box = page.locator(".stage").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.8, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, middle, steps=5)
    page.mouse.up()
    assert (shade(page, 0.15), shade(page, 0.25)) == (0, 255)
    page.mouse.move(box["x"] + box["width"] * 0.6, middle)  # no button: stays
    assert (shade(page, 0.15), shade(page, 0.25)) == (0, 255)


def test_touch_on_a_phone(write_page, show):
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    page = show(write_page(exhibit(size=(600, 768))), **phone)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390  # nothing sticks out
    box = page.locator(".stage").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    assert (shade(page, 0.2), shade(page, 0.3)) == (0, 255)
    slider = page.locator(".divide").bounding_box()
    page.touchscreen.tap(slider["x"] + slider["width"] * 0.75, slider["y"] + slider["height"] / 2)
    assert (shade(page, 0.65), shade(page, 0.85)) == (0, 255)


def test_other_views_and_zoom(write_page, show):
    page = show(write_page(exhibit()))
    view = page.get_by_label("black and white: what to compare")
    view.select_option("original | SRCNN")
    assert (shade(page, 0.3), shade(page, 0.7)) == (128, 255)
    view.select_option("error of bicubic | error of SRCNN")
    assert shade(page, 0.3) > 200  # half the range wrong everywhere
    before = page.locator(".stage").bounding_box()["width"]
    page.get_by_label("black and white: zoom").focus()
    page.keyboard.press("End")
    assert page.locator(".stage").bounding_box()["width"] == pytest.approx(8 * before, rel=0.01)
    scrolled = page.evaluate("document.querySelector('.window').scrollLeft")
    assert scrolled > 3 * before  # the middle stays in the middle


def test_light_and_dark(write_page, show):
    path = write_page(exhibit())
    backgrounds = {}
    for scheme in ("light", "dark"):
        page = show(path, color_scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        backgrounds[scheme] = sum(map(int, re.findall(r"\d+", colour)[:3]))
    assert backgrounds["light"] > 700 and backgrounds["dark"] < 100


def test_everything_is_in_the_page(write_page, show):
    scores = {"bicubic_psnr": 30.0, "bicubic_ssim": 0.9, "srcnn_psnr": 32.125, "srcnn_ssim": None}
    page = show(write_page(exhibit("<i>a & b</i>", scores=scores), curve=True, title="<u>T</u>"))
    images = page.locator("img")
    assert images.count() == 5 + 2  # the layers, filters, curve
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0 && image.alt)")
    assert page.title() == "<u>T</u>"
    text = page.locator("body").inner_text()
    names = "<b>image</b>", "<i>a & b</i>", "<x>"
    for words in (*names, "30.00 dB, SSIM 0.9000", "32.12 dB", "python main.py"):
        assert words in text


def test_every_control_has_a_name(write_page, show):
    page = show(write_page(exhibit("one"), exhibit("two")))
    assert page.get_by_role("slider", name="one: where the left picture ends").count() == 1
    assert page.get_by_role("slider", name="two: zoom").count() == 1
    assert page.get_by_role("combobox", name="two: what to compare").count() == 1
    assert page.get_by_role("heading", name="A title").count() == 1


def test_a_test_run_writes_the_page(photographs, show, tmp_path, monkeypatch):
    words = ["--is_train", "False", "--stride", "21", "--test_dir", str(photographs)]
    monkeypatch.setattr("sys.argv", ["main.py", *words])
    assert main.main(words) == 0
    page = show(tmp_path / "sample/report.html")
    assert page.locator(".exhibit").count() == 3
    assert page.locator("tbody tr").count() == 4
    text = page.locator("body").inner_text()
    assert "checkpoint/shipped/srcnn_9-1-5_x3_matlab" in text and "python main.py --is_train False" in text
    for name in ("image 0", "image 1", "image 2"):
        with Image.open(f"sample/{name}_comparison.png") as strip:
            assert strip.size[0] > 4 * 72 and strip.size[1] > 60
    assert Image.open("sample/filters.png").size == (800, 200)


def test_an_upscaling_run_writes_the_page(photographs, show, tmp_path):
    assert main.main(["--is_train", "False", "--input", str(photographs), "--scale", "2"]) == 0
    page = show(tmp_path / "sample/report.html")
    assert page.locator(".exhibit").count() == 3
    assert "146" in page.locator("tbody").inner_text()
    page.get_by_label("image 0_x2.png: what to compare").select_option("SRCNN | difference of SRCNN")


def test_large_images_are_shown_by_their_middle():
    box = report.centre(1000, 500)
    assert box == (116, 0, 884, 500)
    shown = exhibit(size=(1000, 500))
    assert (shown["height"], shown["width"]) == (768, 500)
    assert "middle of 500x1000" in shown["note"]


def test_a_strip_shows_the_four_in_order(tmp_path):
    pictures = {kind: np.full((160, 160, 1), value) for kind, value in GREY.items()}
    pictures["low resolution"] = np.full((53, 53, 1), 0.2)
    report.save_comparison(pictures, {"bicubic_psnr": None}, tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as strip:
        seen = [strip.convert("L").getpixel((88 + 168 * i, 80)) for i in range(4)]
    np.testing.assert_allclose(seen, [128, 51, 0, 255], atol=1)


def test_filters_are_ordered_by_variance():
    w1 = np.zeros((9, 9, 1, 64))
    w1[4, 4, 0, 17] = 2.0  # the only one that varies comes first
    picture = report.filters_picture(w1)
    assert picture.shape == (200, 800, 1)
    assert picture[22, 22, 0] == 1 and picture[22, 50 + 22, 0] == 0
