"""Films in the page: frames enlarged while they play, by WebGL2, which is software here."""

import base64
import io
import subprocess
import time

import numpy as np
import pytest
from PIL import Image

from srcnn.pixels.resize import imresize
from tests.helpers.film_clips import picture
from tests.helpers.web import by_program, finished, saved

WIDTH, HEIGHT, FRAMES = 50, 38, 20
# What is seen of an element, as PNG.
SEEN = """(element) => {
    const canvas = document.createElement("canvas");
    canvas.width = element.videoWidth || element.width;
    canvas.height = element.videoHeight || element.height;
    canvas.getContext("2d").drawImage(element, 0, 0);
    return canvas.toDataURL();
}"""


@pytest.fixture
def film(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = f"-f rawvideo -pix_fmt rgb24 -s {WIDTH}x{HEIGHT} -r 10 -i -"
    words = f"-loglevel error {source} -c:v libvpx -b:v 2M film.webm"
    frames = b"".join(picture(number, WIDTH, HEIGHT).tobytes() for number in range(FRAMES))
    subprocess.run(["ffmpeg", *words.split()], input=frames, check=True)
    return "film.webm"


@pytest.fixture
def opened(exported, show):
    """The page with files chosen."""

    def run(*paths, way="gpu", network="2x, 9-1-5"):
        page = show(exported / "more.html")
        page.get_by_label("Enlarge").select_option(network)
        page.get_by_label("Run on").select_option(way)
        page.evaluate("ways.gpu.tile = 64")  # of several tiles is a frame, too
        page.get_by_label("Files").set_input_files(list(paths))
        finished(page, len(paths))
        return page

    return run


def seen(page, name):
    data = page.locator(f".stage {name}").evaluate(SEEN)
    return Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))).convert("RGB")


def drawn(page, expected):
    """Waits until it is."""
    end = time.monotonic() + 60
    while True:
        found = np.asarray(seen(page, "canvas"), int)
        if found.shape == expected.shape:
            error = np.abs(found - expected)
            if error.max() <= 1 and error.mean() < 0.1:
                return
        assert time.monotonic() < end, found.shape
        time.sleep(0.1)


def test_a_frame_is_that_of_the_program_beside_bicubic(opened, film):
    page = opened(film)
    assert page.locator(".note").inner_text() == "Enlarging 50x38 to 100x76 pixels on a software GPU."
    divide = page.get_by_role("slider", name="divider between bicubic")
    divide.focus()
    page.keyboard.press("Home")
    seen(page, "video").save("frame.png")
    srcnn = by_program("frame.png", "--scale", "2", "--degradation", "matlab").pixels
    drawn(page, srcnn)
    for _ in range(50):
        page.keyboard.press("ArrowRight")
    both = srcnn.copy()
    left = imresize(np.asarray(Image.open("frame.png")) / 255, 2)[:, :WIDTH]
    both[:, :WIDTH] = (left * 255 + 0.5).clip(0, 255)
    drawn(page, both)


def test_it_plays_by_its_buttons_and_keys(opened, film):
    page = opened(film)
    position = page.get_by_role("slider", name="film.webm: position")
    page.evaluate("document.querySelector('video').loop = true")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    position.focus()
    page.keyboard.press("End")
    page.locator(".position[aria-valuetext='0:02 of 0:02']").wait_for()
    page.get_by_role("button", name="Mute").click()
    assert page.evaluate("document.querySelector('video').muted")
    page.get_by_role("button", name="Close").click()
    assert page.locator("section").count() == 0


def test_the_rate_is_shown(opened, film):
    page = opened(film)
    page.evaluate("document.querySelector('video').loop = true")
    page.get_by_role("button", name="Play").click()
    page.locator(".note").filter(has_text="frames a second").wait_for()
    _, own, _, all_, *unit = page.locator(".note").inner_text().split(". ")[1].split()
    assert unit == ["frames", "a", "second."] and 0 < float(own) <= float(all_) == 10


def test_what_cannot_be_shown_is_said_and_the_others_go_on(opened, film):
    Image.new("RGB", (5, 4)).save("a.png")
    with open("broken.mp4", "wb") as file:
        file.write(b"nothing")
    page = opened("broken.mp4", film, "a.png", way="cores")
    notes = page.locator(".note").all_inner_texts()
    assert notes[0] == "Failed: this browser cannot play the film. Convert it to MP4 with H.264, or to WebM."
    assert notes[1] == "Failed: films need the GPU. Choose “GPU” under “Run on”, and add the film again."
    with Image.open(saved(page, 2)) as result:
        assert result.size == (10, 8)
    page = opened(film, network="2x, 9-5-5-5 for JPEG")
    assert page.locator(".note").inner_text().startswith("Failed: this network is for JPEG files only.")


def test_without_a_gpu_films_are_not_played_unless_asked_for(opened, film):
    page = opened(film, way="auto")
    note = page.locator(".note").inner_text()
    assert note.startswith("Failed: films need a GPU, and this browser has none.")


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_film_that_does_not_open_is_stopped(exported, show, film, when):
    Image.new("RGB", (5, 4)).save("a.png")
    page = show(exported / "usual.html")
    page.evaluate("Object.defineProperty(HTMLVideoElement.prototype, 'src', { set() {}, get: () => '' })")
    page.get_by_label("Files").set_input_files([film, "a.png"])
    if when == "while":
        page.locator("video").wait_for(state="attached")
    page.get_by_role("button", name="Stop").first.click()
    page.locator(".save:visible").wait_for()
    assert page.locator(".note").first.inner_text() == "Stopped."


def test_a_lost_context_while_it_plays(opened, film):
    page = opened(film)
    page.evaluate(
        """() => {
            const lost = "; Player.prototype.show = () => { throw new Error(LOST); }";
            urls.player = URL.createObjectURL(new Blob([workers.player, lost], { type: "text/javascript" }));
        }"""
    )
    page.get_by_label("Files").set_input_files([film])
    page.locator(".failed").wait_for()
    assert page.locator(".failed .note").inner_text() == "Failed: the browser lost the connection to the GPU."
    assert page.locator("video").count() == 1
