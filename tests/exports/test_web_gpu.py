"""The page on a GPU: WebGL2, which is software here. Its pixels are those of the program; it may fail."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import main
from srcnn.exports import safetensors
from srcnn.networks.network import Network
from tests.helpers.pictures import smooth
from tests.helpers.web import PICTURES, by_program, check_same, saved

TILE = 32  # pixels of a side
LIMIT = TILE + 12  # with the border of 9-1-5
LARGER_REFUSED = f"""
for (const name of ["texStorage2D", "texStorage3D"]) {{
    const before = WebGL2RenderingContext.prototype[name];
    WebGL2RenderingContext.prototype[name] = function (kind, levels, format, width, height, ...more) {{
        const limit = format === this.RGBA32F ? 2048 : {LIMIT}; // weights take what every browser allows
        if (Math.max(width, height) > limit) throw new Error("too large");
        return before.call(this, kind, levels, format, width, height, ...more);
    }};
}}
"""
FEW_TARGETS = """
let targets = 1;
const { checkFramebufferStatus, drawBuffers } = WebGL2RenderingContext.prototype;
WebGL2RenderingContext.prototype.drawBuffers = function (places) {
    targets = places.length;
    drawBuffers.call(this, places);
};
WebGL2RenderingContext.prototype.checkFramebufferStatus = function (kind) {
    return targets > 4 ? this.FRAMEBUFFER_UNSUPPORTED : checkFramebufferStatus.call(this, kind);
};
"""
LOST = """
const before = WebGL2RenderingContext.prototype.readPixels;
WebGL2RenderingContext.prototype.readPixels = function (...words) {
    this.getExtension("WEBGL_lose_context").loseContext();
    return before.apply(this, words);
};
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def changed(exported, show):
    """The page, with workers that begin with other code; hardware: whether it takes the software for that."""

    def run(code="", hardware=False, name="usual"):
        page = show(exported / f"{name}.html")
        page.evaluate(
            """([code, hardware]) => {
                for (const name of ["gpu", "player"]) {
                    const text = hardware ? workers[name].replace("swiftshader", "none") : workers[name];
                    urls[name] = URL.createObjectURL(new Blob([code, text], { type: "text/javascript" }));
                }
            }""",
            [code, hardware],
        )
        return page

    return run


def instead(page):
    return f"Choose “{page.evaluate('cores')}” under “Run on”, and add the file again."


@pytest.mark.parametrize(
    "scale, names", [(2, ["one.png", "row.png", "rgba.png"]), (3, ["grey.png"]), (4, ["row.png"])]
)
def test_pixels_are_those_of_the_program(enlarged, scale, names):
    for name in names:
        Image.fromarray(PICTURES[name]()).save(name)
    page = enlarged(*names, network=f"{scale}x, 9-1-5", way="gpu")
    for number, name in enumerate(names):
        check_same(saved(page, number), by_program(name, "--scale", str(scale), "--degradation", "matlab"))
    assert all("on a software GPU" in note for note in page.locator(".note").all_inner_texts())


def test_a_network_of_four_layers_for_jpeg(enlarged):
    Image.fromarray(smooth(20, 24, 3)).save("a.jpg", quality=40)
    page = enlarged("a.jpg", network="2x, 9-5-5-5 for JPEG", way="gpu")
    words = ["--filters", "9-5-5-5", "--scale", "2", "--degradation", "jpeg"]
    check_same(saved(page, 0), by_program("a.jpg", *words))


@pytest.mark.parametrize("way", ["gpu", "cores"])
def test_layers_whose_channels_are_no_multiple_of_four(show, enlarged, way):
    network = Network(scale=2, channels=(6, 1))
    rng = np.random.default_rng(0)
    values = {
        name: rng.normal(0.02, 0.05, shape).astype(np.float32) for name, shape in network.shapes.items()
    }
    safetensors.write(values, Path("own.safetensors"), json.dumps(network.settings), network)
    words = ["--scale", "2", "--degradation", "matlab", "--channels", "6-1", "--weights", "own.safetensors"]
    assert main.main([*words, "--export", "own.html"]) == 0
    Image.fromarray(smooth(9, 8, 3)).save("a.png")
    page = show(Path("own.html").absolute())
    enlarged("a.png", page=page, way=way, network=page.locator("#network option").last.inner_text())
    check_same(saved(page, 0), by_program("a.png", *words))


def test_tiles_without_seams_by_small_textures_and_few_targets(changed, enlarged):
    Image.fromarray(smooth(35, 50, 3)).save("a.png")
    page = changed(LARGER_REFUSED + FEW_TARGETS)
    page.evaluate(f"ways.gpu.tile = {TILE}")
    enlarged("a.png", page=page, way="gpu")
    check_same(saved(page, 0), by_program("a.png", "--scale", "2", "--degradation", "matlab"))


@pytest.mark.parametrize("way", ["gpu", "cores"])
def test_ties_of_alpha_are_rounded_as_the_program_does(enlarged, way):
    alpha = np.random.default_rng(0).integers(1, 256, (1, 500))
    pixels = np.dstack([smooth(1, 500, 3), alpha.astype(np.uint8)])
    Image.fromarray(pixels).save("a.png")
    weights = np.array([-9, 111, 29, -3]) / 128  # of bicubic at x2, for the pixels after the first of a pair
    sums = np.convolve(alpha[0], weights[::-1], "valid") % 1
    assert (sums == 0.5).sum() > 2
    page = enlarged("a.png", way=way)
    found = np.asarray(Image.open(saved(page, 0)))
    expected = by_program("a.png", "--scale", "2", "--degradation", "matlab").pixels
    np.testing.assert_array_equal(found[..., 3], expected[..., 3])


def test_software_is_never_chosen(enlarged):
    Image.fromarray(smooth(8, 9, 3)).save("a.png")
    page = enlarged("a.png", way="gpu")
    enlarged("a.png", page=page, count=2)
    cores = page.evaluate("ways.cores.name")
    assert page.locator(".note").last.inner_text().endswith(f" on {cores}.")
    assert page.locator("#way option").first.inner_text() == f"Automatic: {cores}"


def test_the_faster_way_is_chosen(changed, enlarged):
    Image.fromarray(smooth(8, 9, 3)).save("a.png")
    for slow, name in (("cores", "GPU"), ("gpu", "core")):
        page = changed(hardware=True)
        page.evaluate(
            """(slow) => {
                const before = performance.now.bind(performance);
                let more = 0;
                const isSlow = () => pool.key?.startsWith(ways[slow].name);
                performance.now = () => before() + (isSlow() ? (more += 1e6) : 0);
                ways.gpu.tile = 32;
            }""",
            slow,
        )
        enlarged("a.png", page=page)
        assert name in page.locator("#way option").first.inner_text()
        assert name in page.locator(".note").inner_text()
        assert "million pixels a second" in page.locator("#rates").inner_text()


def test_a_gpu_that_does_not_answer_is_not_waited_for(changed, enlarged):
    Image.fromarray(smooth(8, 9, 3)).save("a.png")
    page = changed(hardware=True)
    page.evaluate("() => { urls.gpu = URL.createObjectURL(new Blob([''])); ways.gpu.patience = 0.1; }")
    enlarged("a.png", page=page)
    assert "core" in page.locator(".note").inner_text()


def test_a_lost_context_costs_one_picture_where_the_gpu_is_forced(changed, enlarged):
    Image.fromarray(smooth(8, 9, 3)).save("a.png")
    page = enlarged("a.png", page=changed(LOST), way="gpu")
    note = page.locator(".note").inner_text()
    assert note == f"Failed: the browser lost the connection to the GPU. {instead(page)}"
    enlarged("a.png", page=page, way="cores", count=2)
    check_same(saved(page, 1), by_program("a.png", "--scale", "2", "--degradation", "matlab"))


def test_the_cores_take_over_where_the_page_chose_the_gpu(changed, enlarged):
    Image.fromarray(smooth(8, 9, 3)).save("a.png")
    page = changed(LOST, hardware=True)
    page.evaluate("chosen.set(networks[0].name, ways.gpu)")
    enlarged("a.png", page=page)
    note = page.locator(".note").inner_text()
    assert note.endswith("took over: the browser lost the connection to the GPU.")
    enlarged("a.png", page=page, count=2)
    assert "core" in page.locator("#way option").first.inner_text()
    check_same(saved(page, 0), by_program("a.png", "--scale", "2", "--degradation", "matlab"))


def test_without_webgl(changed, enlarged):
    Image.fromarray(smooth(8, 9, 3)).save("a.png")
    none = "OffscreenCanvas.prototype.getContext = () => null;"
    page = enlarged("a.png", page=changed(none), way="gpu")
    assert (
        page.locator(".note").inner_text()
        == f"Failed: this browser has no WebGL 2 for this page. {instead(page)}"
    )
    enlarged_again = changed(none)
    enlarged("a.png", page=enlarged_again)
    assert Path(saved(enlarged_again, 0)).exists()
