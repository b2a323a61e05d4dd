"""The speed of the page that enlarges pictures, in headless Chromium, by the number of workers.

python -m benchmarks.page [SIDE]: a picture, made here, becomes SIDE x SIDE pixels at x2, by default 1024, in
turns: the first one after the page opens, while the browser still compiles, and the one after it. The longest
gap between two frames of the page tells whether it stays responsive.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.machine import heading
from srcnn.exports.web.page import export_page
from srcnn.networks.network import Network
from srcnn.settings import Source
from srcnn.system.threads import cores

TURNS = 5
WATCH = """() => {
    self.gap = 0;
    let last = performance.now();
    const frame = (now) => {
        gap = Math.max(gap, now - last);
        last = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
}"""
DONE = "(turn) => document.querySelectorAll('.save:not([hidden]), .failed').length > turn"


def measured(browser, page, picture, workers):
    """Seconds of the first picture and the second, and the longest gap between two frames of the page."""
    context = browser.new_context()
    context.add_init_script(f"Object.defineProperty(navigator, 'hardwareConcurrency', {{value: {workers}}})")
    tab = context.new_page()
    tab.goto(page.as_uri())
    tab.get_by_label("Run on").select_option("cores")
    tab.evaluate(WATCH)
    seconds = []
    for turn in range(2):
        start = time.perf_counter()
        tab.get_by_label("Files").set_input_files(str(picture))
        tab.wait_for_function(DONE, arg=turn, timeout=600_000)
        seconds.append(time.perf_counter() - start)
    gap = tab.evaluate("gap") / 1000
    context.close()
    return *seconds, gap


def main():
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    print(heading(cores(), "playwright"))
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page, picture = Path(folder, "srcnn.html"), Path(folder, "picture.png")
        export_page(Network(scale=2), Source("shipped"), page)
        Image.fromarray(rng.integers(0, 256, (side // 2, side // 2, 3), np.uint8)).save(picture)
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        counts = sorted({1, 2, cores()})
        runs = {workers: [] for workers in counts}
        for _ in range(TURNS):
            for workers in counts:
                runs[workers].append(measured(browser, page, picture, workers))
        for workers, found in runs.items():
            *seconds, gaps = zip(*found, strict=True)
            first, second = (side * side / 1e6 / statistics.median(each) for each in seconds)
            gap = f"longest gap {max(gaps) * 1000:.0f} ms"
            print(f"{workers} workers: {first:.2f} Mpixel/s of result, then {second:.2f}; {gap}")
        browser.close()


if __name__ == "__main__":
    main()
