"""The page, in a real browser: headless Chromium."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import main
from srcnn.images import image_io
from srcnn.networks.network import Network
from srcnn.page import pictures, report
from srcnn.testing import table
from tests.helpers.pictures import smooth

GREY = {"original": 128, "low resolution": 51, "bicubic": 0, "SRCNN": 255}


def exhibit(name="black and white", size=(200, 300), scores=None):
    """A picture whose left side, bicubic, is black and whose right side, SRCNN, is white."""
    shown = {kind: np.full((*size, 3), value, np.uint8) for kind, value in GREY.items()}
    shown["low resolution"] = shown["low resolution"][::2, ::2]
    return report.exhibit(name, shown, scores or {})


@pytest.fixture
def write_page(tmp_path):
    def write(*exhibits, curve=False, title="A title"):
        if curve:
            image_io.save(np.zeros((40, 60, 3), np.uint8), tmp_path / "training.png")
        rows = [["x3", "bicubic", "gain"], ["<b>image</b>", "30.00", "2.00"]]
        w1 = np.random.default_rng(0).normal(size=(9, 9, 1, 64))
        settings = {"weights": "checkpoint/<x>"}
        arguments = tmp_path / "report.html", title, "A <b>summary</b>.", "python main.py --a b"
        arguments += settings, rows, list(exhibits), w1
        report.save_page(*arguments, tmp_path / "training.png")
        return tmp_path / "report.html"

    return write


def shade(page, at):
    """The grey level seen in the frame of the first picture, `at` of its width from the left."""
    frame = page.locator(".frame").first
    frame.scroll_into_view_if_needed()
    frame.screenshot(path="frame.png")
    with Image.open("frame.png") as image:  # below the handle
        return image.convert("L").getpixel((int(at * image.width), image.height * 3 // 4))


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
    box = page.locator(".frame").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    drag(page, box["x"] + box["width"] * 0.4, box["x"] + box["width"] * 0.9, middle)  # the handle
    assert (shade(page, 0.8), shade(page, 0.97)) == (0, 255)
    page.mouse.click(box["x"] + box["width"] * 0.2, middle)
    assert (shade(page, 0.15), shade(page, 0.25)) == (0, 255)
    page.get_by_label("Zoom").select_option("whole pictures")
    box = page.locator(".frame").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    drag(page, box["x"] + box["width"] * 0.8, box["x"] + box["width"] * 0.6, middle)  # the picture
    assert (shade(page, 0.55), shade(page, 0.65)) == (0, 255)
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)  # no button: stays
    assert (shade(page, 0.55), shade(page, 0.65)) == (0, 255)


def drag(page, start, end, y, down=0):
    page.mouse.move(start, y)
    page.mouse.down()
    page.mouse.move(end, y + down, steps=5)
    page.mouse.up()


def test_dragging_pans_what_is_zoomed(write_page, show):
    page = show(write_page(exhibit()))
    window = page.locator(".window").first
    box = window.bounding_box()
    x, y = box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2
    before = window.evaluate("(w) => [w.scrollLeft, w.scrollTop]")
    drag(page, x, x - 60, y, down=-40)
    after = window.evaluate("(w) => [w.scrollLeft, w.scrollTop]")
    assert [b - a for a, b in zip(before, after, strict=True)] == pytest.approx([60, 40], abs=2)
    assert (shade(page, 0.45), shade(page, 0.55)) == (0, 255)  # the divider stays in the middle


def test_keys_pan_what_is_zoomed_and_the_focus_is_seen(write_page, show):
    page = show(write_page(exhibit()))
    window = page.get_by_role("group", name="black and white: the arrow keys move the picture")
    page.get_by_label("Zoom").focus()
    page.keyboard.press("Tab")
    before = window.evaluate("(w) => w.scrollLeft")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("(x) => document.querySelector('.window').scrollLeft > x", arg=before)
    assert page.locator(".exhibit").evaluate("(e) => getComputedStyle(e).outlineStyle") == "solid"


def test_a_card_opens_where_the_pictures_differ(write_page, show):
    shown = {kind: np.full((300, 400, 3), 90, np.uint8) for kind in ("original", "bicubic", "SRCNN")}
    shown["SRCNN"][60:110, 280:330] = 255
    page = show(write_page(report.exhibit("a", shown, {})))
    assert shade(page, 0.55) == 255  # four times as large as it is: the square, a little above the handle
    page.get_by_label("Zoom").select_option("whole pictures")
    assert shade(page, 0.55) == 90


def test_one_switch_changes_all_cards(write_page, show):
    page = show(write_page(exhibit("one"), exhibit("two")))
    page.get_by_label("Compare").select_option("original | SRCNN")
    assert page.locator(".tag.first").all_inner_texts() == ["original", "original"]


def test_the_low_resolution_is_shown_by_its_own_pixels():
    rng = np.random.default_rng(0)
    low = rng.integers(0, 256, (300, 20, 3), np.uint8)
    large = np.zeros((900, 60, 3), np.uint8)
    made = report.exhibit("a", {"low resolution": low, "bicubic": large, "SRCNN": large}, {})
    expected = low.repeat(3, axis=0).repeat(3, axis=1)[66:834]  # the middle
    assert np.abs(decoded(made["layers"]["low resolution"]).astype(int) - expected).max() <= 1
    assert ("low resolution", "SRCNN") in made["views"]


def test_touch_on_a_phone(write_page, show):
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    page = show(write_page(exhibit(size=(600, 768))), **phone)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390  # nothing sticks out
    box = page.locator(".frame").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    assert (shade(page, 0.2), shade(page, 0.3)) == (0, 255)
    gain = page.locator("thead th").nth(1).bounding_box()
    assert gain["x"] + gain["width"] < 390


def test_other_views_and_zoom(write_page, show):
    page = show(write_page(exhibit() | {"detail": (0.5, 0.5)}))
    view = page.get_by_label("Compare")
    view.select_option("original | SRCNN")
    assert (shade(page, 0.3), shade(page, 0.7)) == (128, 255)
    view.select_option("low resolution | SRCNN")
    assert (shade(page, 0.3), shade(page, 0.7)) == (51, 255)
    view.select_option("error of bicubic | error of SRCNN")
    assert shade(page, 0.3) > 200  # half the range wrong everywhere
    assert "yellow" in page.locator("#explained").inner_text()
    for zoom in (4, 8):
        page.get_by_label("Zoom").select_option(f"{zoom} times")
        assert page.locator(".stage").bounding_box()["width"] == pytest.approx(300 * zoom, rel=0.01)
        middle = page.locator(".window").evaluate("(w) => w.scrollLeft + w.clientWidth / 2")
        assert middle == pytest.approx(150 * zoom, abs=2)  # it stays in the middle


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
    assert page.locator("img").count() == 4 + 2  # the layers, filters, curve
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0 && image.alt)")
    assert page.title() == "<u>T</u>"
    text = page.locator("body").inner_text()
    names = "<b>image</b>", "<i>a & b</i>", "<x>", "A <b>summary</b>."
    for words in (*names, "30.00 dB, SSIM 0.9000", "32.12 dB", "python main.py --a b"):
        assert words in text


def test_every_control_has_a_name(write_page, show):
    page = show(write_page(exhibit("one"), exhibit("two")))
    assert page.get_by_role("slider", name="one: where the left picture ends").count() == 1
    assert page.get_by_role("combobox", name="Zoom").count() == 1
    assert page.get_by_role("combobox", name="Compare").count() == 1
    assert page.get_by_role("heading", name="A title").count() == 1


def test_a_test_run_writes_the_page(photographs, show, tmp_path, monkeypatch):
    words = ["--is_train", "False", "--stride", "21", "--test_dir", str(photographs)]
    monkeypatch.setattr("sys.argv", ["main.py", *words])
    assert main.main(words) == 0
    page = show(tmp_path / "sample/report.html")
    assert page.locator(".exhibit").count() == 3
    assert page.locator("tbody tr").count() == 4
    assert page.locator("tr.average td").first.inner_text() == "average"
    text = page.locator("body").inner_text()
    assert "checkpoint/shipped/srcnn_9-1-5_x3_matlab" in text and "python main.py --is_train False" in text
    assert "On average, SRCNN reaches" in text and "a multiple of --stride 21" in text
    for name in ("image 0", "image 1", "image 2"):
        with Image.open(f"sample/{name}_comparison.png") as strip:
            assert strip.size[0] > 4 * 72 and strip.size[1] > 60
    assert Image.open("sample/filters.png").size == (800, 200)


def test_an_upscaling_run_writes_the_page(photographs, show, tmp_path):
    assert main.main(["--is_train", "False", "--input", str(photographs), "--scale", "2"]) == 0
    page = show(tmp_path / "sample/upscaled.html")
    assert page.locator(".exhibit").count() == 3
    assert "146" in page.locator("tbody").inner_text()
    weights = page.locator("tbody tr td:first-child").evaluate_all(
        "(c) => c.map((e) => getComputedStyle(e).fontWeight)"
    )
    assert weights == ["400"] * 3  # there is no average
    page.get_by_label("Compare").select_option("SRCNN | difference of SRCNN")
    page.get_by_label("Compare").select_option("input | SRCNN")
    assert page.locator(".tag.first").all_inner_texts() == ["input"] * 3
    made = page.get_by_role("img", name=": input").evaluate_all("(images) => images.map((each) => each.src)")
    for uri, path in zip(made, sorted(photographs.iterdir()), strict=True):
        with Image.open(path) as before:
            own = before.convert("RGB").resize([2 * side for side in before.size], Image.Resampling.NEAREST)
        np.testing.assert_array_equal(decoded(uri), own)


def test_large_images_are_shown_by_their_middle():
    box = report.centre(1000, 500)
    assert box == (116, 0, 884, 500)
    shown = exhibit(size=(1000, 500))
    assert (shown["height"], shown["width"]) == (768, 500)
    assert "middle of 500x1000" in shown["note"]


def decoded(uri):
    return np.asarray(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kinds", [("original", "bicubic", "SRCNN"), ("bicubic", "SRCNN")])
def test_maps_show_the_difference_of_luminance(write_page, show, channels, kinds):
    import matplotlib
    from skimage.color import rgb2ycbcr

    shown = {kind: smooth(70, 90, channels, noise=0, seed=i) for i, kind in enumerate(kinds)}
    shown["SRCNN"][10:20] = 255 - shown[kinds[0]][10:20]  # beyond yellow
    shown["SRCNN"][:10] = shown[kinds[0]][:10]  # no difference there
    made = report.exhibit("a", shown, {})
    page = show(write_page(made))
    page.get_by_label("Compare").select_option(" | ".join(made["views"][-1]))
    what = "error" if "original" in kinds else "difference"
    assert page.get_by_role("img", name=f"a: {what} of SRCNN").is_visible()
    uri = page.evaluate(f"document.querySelector('[data-kind=\"{what} of SRCNN\"]').toDataURL()")

    first, second = (
        rgb2ycbcr(shown[kind])[..., 0] if channels == 3 else shown[kind][..., 0].astype(float)
        for kind in ("SRCNN", kinds[0])
    )
    expected = matplotlib.colormaps["inferno"](abs(first - second) / 32, bytes=True)
    assert (abs(first - second) > 32).any()
    np.testing.assert_allclose(decoded(uri).astype(int), expected, atol=8)  # colours between the stops
    assert (decoded(uri)[:10] == [0, 0, 4, 255]).all()


def test_a_remembered_view_is_drawn_while_the_page_loads(write_page, show, tmp_path):
    path = write_page(exhibit())
    text = path.read_text().replace('<option data-left="error', '<option selected data-left="error')
    path.write_text(text)
    assert shade(show(path), 0.3) > 200


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_on_the_page_are_exact(channels):
    shown = {kind: smooth(321, 481, channels, noise=0.3) for kind in ("original", "bicubic", "SRCNN")}
    layers = report.exhibit("a", shown, {})["layers"]
    for kind, uri in layers.items():
        assert uri.startswith("data:image/webp;base64,")
        np.testing.assert_array_equal(decoded(uri), np.broadcast_to(shown[kind], (321, 481, 3)))


def test_pictures_too_large_to_be_exact_are_off_by_a_level():
    noisy = np.random.default_rng(0).normal(smooth(321, 481, 3), 12).clip(0, 255).astype(np.uint8)
    noisy[0, :2] = [[0, 0, 0], [255, 255, 255]]
    uri = pictures.embedded(noisy)
    error = decoded(uri).astype(int) - noisy
    assert abs(error).max() == 1 and abs(error.mean()) < 0.01
    assert (error[0, :2] == 0).all()
    same = pictures.embedded(255 - noisy)  # 255 is a multiple of 3: black and white alike
    np.testing.assert_array_equal(255 - decoded(same), decoded(uri))


def test_a_page_of_24_photographs_is_below_15_megabytes(write_page):
    from skimage import data

    exhibits = []
    for photograph in (data.astronaut(), data.coffee(), data.rocket()):
        for crop in (photograph[:321, -481:], photograph[-321:, :481]):
            small = Image.fromarray(crop).resize((160, 107), Image.Resampling.BICUBIC)
            bicubic = np.asarray(small.resize((481, 321), Image.Resampling.BICUBIC))
            between = (crop // 2 + bicubic // 2).astype(np.uint8)
            shown = {"original": crop, "bicubic": bicubic, "SRCNN": between}
            exhibits.append(report.exhibit("a", shown, {}))
    assert 4 * write_page(*exhibits).stat().st_size < 15e6


def test_the_papers_numbers_stand_beside_its_own_networks_alone():
    names = [f"{name}_GT" for name in ("baby", "bird", "butterfly", "head", "woman")]
    scores = dict.fromkeys(names, dict.fromkeys(table.METRICS, 1.0))
    assert table.results(Network(), "", scores)["average"]["paper_srcnn_psnr"] == 32.39
    for other in (Network(channels=(8, 4)), Network(colour="rgb"), Network(degradation="zoom")):
        found = table.results(other, "", scores)
        assert found["average"]["paper_srcnn_psnr"] is None
        assert found["channels"] == "-".join(map(str, other.channels)) and found["colour"] == other.colour


def test_averages_are_of_the_images_that_both_have():
    scores = {name: dict.fromkeys(table.METRICS, 30.0) for name in "ab"}
    scores["b"] |= {"bicubic_psnr_cb": None, "srcnn_psnr_cb": 60.0}  # without colour: bicubic is exact
    average = table.results(Network(colour="ycbcr"), "", scores)["average"]
    assert average["bicubic_psnr_cb"] == average["srcnn_psnr_cb"] == 30.0
