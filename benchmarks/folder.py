"""A folder of photographs upscaled, beside an earlier commit, in turns, and the share of the network in it.

    python -m benchmarks.folder [rounds, default 3]

24 JPEG files of 2 megapixels at x2, made from the photographs that come with scikit-image. With
ONEDNN_MAX_CPU_ISA=AVX2 as on a processor without AVX-512, where the earlier commit left oneDNN off.
"""

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.growth import ROOT, run
from benchmarks.machine import heading
from benchmarks.many import SOURCES, earlier, environment
from srcnn.images import image_io, png
from srcnn.networks.network import Network
from srcnn.page import report
from srcnn.upscaling import photographs

EARLIER = "4a8b84f"
SIZE, COUNT, ROUNDS, SCALE = (1632, 1224), 24, 3, 2
NETWORK = f"""
import time
import numpy as np
from srcnn import tf1
from main import trained
from srcnn.networks.network import Network
from srcnn.pixels.tiles import TILE, tile_boxes
from srcnn.system.threads import in_threads
with tf1.session() as sess:
    srcnn = trained(sess, Network(scale={SCALE}))
    margin = srcnn.network.margin
    boxes = tile_boxes({[n * SCALE for n in SIZE[::-1]]}, TILE, TILE)
    tiles = [np.zeros((1, b - t + margin, r - l + margin, 1), np.float32) for t, l, b, r in boxes]
    srcnn.run(tiles[0])
    started = time.monotonic()
    for _ in in_threads(srcnn.run, (tile for _ in range({COUNT}) for tile in tiles)):
        pass
    print(time.monotonic() - started)
"""


def make_photographs(folder):
    """Photographs as a camera may have made them, if not as sharp: each is another part of its picture."""
    package = Path(find_spec("skimage").origin).parent / "data"
    folder.mkdir()
    for number, name in zip(range(COUNT), itertools.cycle(SOURCES.split())):
        with Image.open(package / name) as image:
            cut = 8 * (number // len(SOURCES.split()))
            part = image.convert("RGB").crop((cut, cut, image.width - cut, image.height - cut))
        part.resize(SIZE, Image.Resampling.LANCZOS).save(folder / f"{number:02}.jpg", quality=92)
    return folder


def run_folder(program, photographs, folder):
    """Seconds of a folder, and MB of its results."""
    words = "--is_train", "False", "--scale", SCALE, "--input", photographs, "--output", folder / "results"
    seconds, peak, _ = run(program / "main.py", *words, "--sample_dir", folder)
    return seconds, peak, sum(path.stat().st_size for path in (folder / "results").glob("*.png")) / 1e6


def network_alone():
    """Seconds that the network takes for as many pixels, in a process of its own."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{NETWORK}"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


class NoNetwork:
    """Stands in for an SRCNN, and takes no time."""

    network = Network(scale=SCALE)

    def run(self, tiles):
        n, h, w, _ = tiles.shape
        return np.zeros((n, h - self.network.margin, w - self.network.margin, 1), np.float32)


def beside_the_network(path):
    """Processor seconds of what there is to do for a photograph beside the network, by name."""
    found = {}

    def timed(what, function, *arguments):
        started = time.process_time()
        result = function(*arguments)
        found[what] = time.process_time() - started
        return result

    for _ in range(2):  # the first time loads libraries
        pixels = timed("decoding", image_io.read, path).pixels
        result = timed("bicubic and rounding", photographs.enlarge, pixels, NoNetwork(), np.uint8)
        timed("PNG", png.encoded, result)
        pictures = photographs.compared(pixels, result, report.centre(*result.shape[:2]))
        timed("previews of the page", report.exhibit, "", pictures, {}, result.shape[:2])
    return found


def in_turns(folder, rounds):
    photographs = make_photographs(folder / "photographs")
    programs = {f"commit {EARLIER}": earlier(folder / "earlier", EARLIER), "now": ROOT}
    found = {name: [] for name in programs}
    for turn in range(rounds):
        for name, program in programs.items():
            with environment(name != "now"):
                found[name].append(run_folder(program, photographs, folder / f"{name}-{turn}"))
    return found


def say(found, alone, beside):
    print(f"{heading()}\n")
    print(f"| {COUNT} photographs of {SIZE[0]}x{SIZE[1]}, x{SCALE} | seconds | peak MB | results, MB |")
    print("|---|---:|---:|---:|")
    for name, values in found.items():
        seconds, peak, size = map(statistics.median, zip(*values, strict=True))
        print(f"| {name} | {seconds:.1f} | {peak:,.0f} | {size:.0f} |")
    then, now = ([seconds for seconds, *_ in values] for values in found.values())
    ratios = [b / a for a, b in zip(then, now, strict=True)]
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"\nIt takes {statistics.median(ratios):.2f} times as long as at {EARLIER} ({each}).")
    share = alone / statistics.median(now)
    print(f"The network alone takes {alone:.1f} s, {share:.0%} of the whole.")
    seconds = ", ".join(f"{COUNT * value:.1f} of {what}" for what, value in beside.items())
    print(f"Processor seconds beside it, of {COUNT} photographs: {seconds}; and the start of the program.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = in_turns(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
        say(found, network_alone(), beside_the_network(Path(folder) / "photographs/00.jpg"))
