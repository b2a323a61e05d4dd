"""The page that enlarges, in a real browser: its pixels are those of the program."""

import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

import main
from srcnn.exports.web.page import HERE
from tests.conftest import ROOT
from tests.helpers.pictures import smooth
from tests.helpers.web import PICTURES, by_program, check_same, finished, saved

COMPILER = "0.17.1"  # of the package ziglang, which made srcnn.wasm
COMPILE = (
    "cc --target=wasm32-freestanding -mcpu=generic+simd128 -O3 -ffp-contract=off -nostdlib -s -Wl,--no-entry "
    "-Wl,--export=__heap_base srcnn.c -o"
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_pixels_are_those_of_the_program(enlarged, scale):
    for name, pixels in PICTURES.items():
        Image.fromarray(pixels()).save(name, **({"lossless": True} if name.endswith("webp") else {}))
    page = enlarged(*PICTURES, network=f"{scale}x, 9-1-5")
    for number, name in enumerate(PICTURES):
        check_same(saved(page, number), by_program(name, "--scale", str(scale), "--degradation", "matlab"))


def test_networks_for_jpeg_take_the_quality_of_the_file(enlarged):
    names = []
    for quality in (25, 60, 92):
        names.append(f"{quality}.jpg")
        Image.fromarray(smooth(40, 44, 3)).save(names[-1], quality=quality)
    words = ["--filters", "9-5-5-5", "--scale", "2", "--degradation", "jpeg"]
    page = enlarged(*names, network="2x, 9-5-5-5 for JPEG")
    for number, name in enumerate(names):
        check_same(saved(page, number), by_program(name, *words))


def test_orientation_and_profile(enlarged):
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    profile = profile[:16] + b"RGB " + profile[20:]  # of a kind that would change the colours
    image = Image.fromarray(smooth(30, 40, 3))
    image.save("a.jpg", exif=exif, icc_profile=profile)
    image.save("b.png", icc_profile=profile)
    page = enlarged("a.jpg", "b.png")
    for number in range(2):
        with Image.open(saved(page, number)) as result:
            assert result.size == ((60, 80), (80, 60))[number] and result.info["icc_profile"] == profile


def test_webp_is_turned_as_its_exif_says(enlarged):
    """Chrome heeds the orientation of JPEG and PNG alone."""
    names = [f"{number}.webp" for number in range(1, 9)]
    for number, name in enumerate(names, 1):
        exif = Image.Exif()
        exif[0x0112] = number
        Image.fromarray(smooth(12, 17, 3 + number % 2)).save(name, lossless=True, exif=exif)
    page = enlarged(*names)
    for number, name in enumerate(names):
        check_same(saved(page, number), by_program(name, "--scale", "2"))


def test_frames_that_are_left_out_are_counted(enlarged):
    frames = [Image.fromarray(smooth(9, 8, 3, seed=seed)) for seed in range(3)]
    for name in ("a.gif", "a.webp", "a.png"):
        frames[0].save(name, save_all=True, append_images=frames[1:], duration=100)
    frames[0].save("one.gif")
    notes = enlarged("a.gif", "a.webp", "a.png", "one.gif").locator(".note").all_inner_texts()
    assert ["Only the first of 3 frames was enlarged." in note for note in notes] == [True] * 3 + [False]


def test_what_fails_and_what_is_lost_is_said_on_the_card(enlarged):
    Path("broken.jpg").write_bytes(b"nothing")
    Image.fromarray(np.full((4, 5), 40000, np.uint16)).save("deep.png")
    Image.fromarray(smooth(8, 9, 3)).save("good.png")
    page = enlarged("broken.jpg", "deep.png", "good.png")
    notes = page.locator(".note").all_inner_texts()
    assert "cannot read the file as a picture" in notes[0] and "16 bits" in notes[1]
    assert notes[2].startswith("Enlarged to 18x16 pixels in ")
    assert page.get_by_role("status").inner_text() == "good_x2.png is ready."
    assert page.get_by_text("Save PNG").count() == 3 and page.locator(".save:visible").count() == 2


def test_too_little_memory_costs_one_picture(enlarged, exported, show):
    Image.fromarray(smooth(8, 9, 3)).save("a.png")
    page = show(exported / "usual.html")
    page.evaluate(
        """() => {
            const little = `self.Uint8Array = class extends Uint8Array {
                constructor(first, ...more) {
                    if (first === 8 * 9 * 3) throw new RangeError("Array buffer allocation failed");
                    super(first, ...more);
                }
            };`;
            urls.codec = URL.createObjectURL(new Blob([little, workers.codec], { type: "text/javascript" }));
        }"""
    )
    Image.fromarray(smooth(7, 9, 3)).save("b.png")
    enlarged("a.png", "b.png", page=page)
    notes = page.locator(".note").all_inner_texts()
    assert notes[0].startswith("Failed: the picture is too large for the memory that this browser provides.")
    assert notes[1].startswith("Enlarged to 18x14 pixels in ")


def test_a_worker_that_dies_costs_one_picture(enlarged, exported, show):
    Image.fromarray(smooth(8, 9, 3)).save("a.png")
    page = show(exported / "usual.html")
    page.evaluate("self.kept = urls.compute; urls.compute = URL.createObjectURL(new Blob(['throw 1']))")
    enlarged("a.png", page=page)
    page.evaluate("urls.compute = self.kept")
    page.get_by_label("Files").set_input_files("a.png")
    finished(page, 2)
    notes = page.locator(".note").all_inner_texts()
    assert notes[0].startswith("Failed: the browser stopped the work, probably because memory ran out.")
    assert notes[1].startswith("Enlarged to 18x16 pixels in ")


def test_all_as_a_zip(enlarged):
    Image.fromarray(smooth(8, 9, 3)).save("ä b.png")
    Image.fromarray(smooth(8, 9, 3, seed=1)).save("ä b.bmp")
    page = enlarged("ä b.png", "ä b.bmp")
    with page.expect_download() as download:
        page.get_by_text("Save all as ZIP").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["ä b_x2.png", "ä b_x2_2.png"]
        with archive.open("ä b_x2.png") as file, Image.open(file) as first:
            np.testing.assert_array_equal(first, Image.open(saved(page, 0)))


def test_a_picture_is_stopped_and_the_next_goes_on(exported, show):
    Image.fromarray(smooth(1500, 1500, 3)).save("large.png")
    Image.fromarray(smooth(8, 9, 3)).save("small.png")
    page = show(exported / "usual.html")
    page.get_by_label("Files").set_input_files(["large.png", "small.png"])
    page.get_by_text("Stop").first.click()
    finished(page, 2)
    assert page.locator(".note").first.inner_text() == "Stopped."
    with Image.open(saved(page, 1)) as result:
        assert result.size == (18, 16)


def test_what_waits_is_stopped_at_once(exported, show):
    Image.fromarray(smooth(1500, 1500, 3)).save("large.png")
    Image.fromarray(smooth(8, 9, 3)).save("small.png")
    page = show(exported / "usual.html")
    page.get_by_label("Files").set_input_files(["large.png", "small.png"])
    waiting = page.get_by_role("group", name="small.png")
    waiting.get_by_role("button", name="Stop").press("Enter")
    assert waiting.locator(".note").inner_text() == "Stopped."
    page.get_by_role("group", name="large.png").get_by_role("button", name="Stop").press("Enter")
    finished(page, 2)
    page.get_by_label("Files").set_input_files("small.png")
    with Image.open(saved(page, 2)) as result:
        assert result.size == (18, 16)


def test_dropped_and_pasted(exported, show):
    page = show(exported / "usual.html")
    for event, holder in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """async ([event, holder]) => {
                const canvas = new OffscreenCanvas(5, 4), dropped = new DataTransfer();
                canvas.getContext("2d");
                const blob = await canvas.convertToBlob();
                dropped.items.add(new File([blob], `${event}.png`, { type: "image/png" }));
                const Kind = event === "drop" ? DragEvent : ClipboardEvent;
                const more = { bubbles: true, cancelable: true, [holder]: dropped };
                document.body.dispatchEvent(new Kind(event, more));
            }""",
            [event, holder],
        )
        page.locator("section").filter(has_text=f"{event}.png").get_by_text("Save PNG").wait_for()
    assert page.locator(".note").filter(has_text="10x8 pixels in").count() == 2


def test_keys_names_and_a_narrow_screen_in_the_dark(enlarged, exported, show):
    Image.fromarray(smooth(30, 40, 3)).save("a.png")
    page = show(exported / "usual.html", viewport={"width": 360, "height": 700}, color_scheme="dark")
    enlarged("a.png", page=page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    divide = page.get_by_role("slider", name="a.png: divider between bicubic and SRCNN")
    divide.focus()
    page.keyboard.press("End")
    assert divide.get_attribute("aria-valuetext") == "100% bicubic, 0% SRCNN"
    before = page.locator(".stage").bounding_box()["width"]
    page.keyboard.press("Tab")  # to the zoom
    page.keyboard.press("End")
    assert page.locator(".stage").bounding_box()["width"] == pytest.approx(8 * before, rel=0.01)
    assert page.evaluate("document.querySelector('.window').scrollLeft") > 3 * before  # the middle stays
    assert page.get_by_role("img", name="a.png: SRCNN").count() == 1
    assert page.get_by_role("link", name="Save PNG").count() == 1


def test_dragging_compares_and_moves_what_is_zoomed(enlarged):
    Image.fromarray(smooth(300, 400, 3)).save("a.png")
    page = enlarged("a.png")
    stage, divide = page.locator(".stage"), page.get_by_role("slider", name="divider between")

    def drag(across):
        """By pixels, from the middle of what is seen."""
        box = page.locator(".window").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + across, y, steps=4)
        page.mouse.up()

    stage.scroll_into_view_if_needed()
    drag(-200)
    compared = divide.input_value()
    assert int(compared) < 50
    page.get_by_role("slider", name="zoom").fill("4")
    before = page.evaluate("document.querySelector('.window').scrollLeft")
    drag(-200)
    assert page.evaluate("document.querySelector('.window').scrollLeft") == pytest.approx(before + 200, abs=1)
    assert divide.input_value() == compared


def test_the_page_can_ask_for_nothing(exported, chromium):
    path = exported / "usual.html"
    page = chromium.new_page()
    page.goto(path.as_uri())
    assert page.evaluate("fetch('data:,a').then(() => 'asked', () => 'refused')") == "refused"
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.text = "document.title = 'run'";
            document.body.append(script);
        }"""
    )
    assert page.title() == "SRCNN"
    page.close()
    assert path.stat().st_size < 300_000


def test_the_page_in_docs_is_current(exported):
    made, kept = (path.read_text("utf-8") for path in (exported / "usual.html", ROOT / "docs/srcnn.html"))
    assert made == kept, "python main.py --is_train False --export docs/srcnn.html --overwrite"


def test_the_arithmetic_is_compiled_from_its_source(tmp_path):
    try:
        same = version("ziglang") == COMPILER
    except PackageNotFoundError:
        pytest.skip("no compiler: pip install ziglang")
    words = [sys.executable, "-m", "ziglang", *COMPILE.split(), str(tmp_path / "srcnn.wasm")]
    subprocess.run(words, cwd=HERE, check=True)
    if same:  # another version may choose other instructions
        assert (tmp_path / "srcnn.wasm").read_bytes() == (HERE / "srcnn.wasm").read_bytes()


@pytest.mark.parametrize(
    "words, reason",
    [(["--c_dim", "3"], "leave out --c_dim 3"), (["--degradation", "zoom"], "leave out --degradation zoom")],
)
def test_what_the_page_cannot_do_is_said(capsys, words, reason):
    assert main.main(["--is_train", "False", "--export", "a.html", *words]) == 2
    assert reason in capsys.readouterr().err and not Path("a.html").exists()
