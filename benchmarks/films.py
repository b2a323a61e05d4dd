"""The speed of upscaling a film beside that of the network alone, and beside FFmpeg's own SRCNN.

python benchmarks/films.py [FILM ...]: by default frames of noise and edges, made here, of 640x272 and 1280x720.
Processor seconds are compared, which hardly depend on what else the machine does, and seconds, in turns.
"""

import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import devices  # isort: skip, it comes first
import av
import numpy as np

import film_files
import film_parts
import films
import utils
from model import trained
from network import TILE, Network
from threads import in_threads

FRAMES = 30
TURNS = 5
SMALL = 128, 96  # width and height of what FFmpeg's filter is given: it is slow


def make_film(path, width, height, count=FRAMES):
    """A film of moving edges."""
    y, x = np.mgrid[:height, :width]
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            waves = np.sin((x + 2 * number) / 5) * np.cos((y - number) / 9 + x / 40)
            pixels = np.repeat((waves * 100 + 127).astype(np.uint8)[..., np.newaxis], 3, 2)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode(None))


def timed(work):
    """Seconds and processor seconds of work()."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def network_alone(srcnn, size, count):
    """As many frames as the film has, of its size, through the network: nothing else."""
    margin = srcnn.network.margin
    tiles = [
        np.zeros((1, bottom - top + margin, right - left + margin, 1), np.float32)
        for top, left, bottom, right in utils.tile_boxes(size, TILE, TILE)
    ]
    for _ in in_threads(srcnn.run, (tile for _ in range(count) for tile in tiles)):
        pass


def whole(film, srcnn, folder):
    """Decoding, enlarging and encoding of a film, as main.py does them."""
    encoder = film_files.encoder(film, Path("x.mp4"), srcnn.network.scale)
    films.encode(film, encoder, [srcnn], srcnn.network.scale, folder)
    count = sum(len(part.stamps) for part in film_parts.finished(folder))
    film_parts.remove(folder)
    return count


def compare(path, srcnn, folder):
    """Prints the share of the network in what a film takes."""
    film, scale = film_files.probe(path), srcnn.network.scale
    size = tuple(n * scale for n in film.size)
    count = whole(film, srcnn, folder / "parts")  # a first time for nothing
    ratios, rates = [], []
    for _ in range(TURNS):
        alone = timed(partial(network_alone, srcnn, size, count))
        both = timed(partial(whole, film, srcnn, folder / "parts"))
        ratios.append([a / b for a, b in zip(alone, both, strict=True)])
        rates.append(count / both[0])
    seconds, processor = (statistics.median(values) for values in zip(*ratios, strict=True))
    print(
        f"{path.name}, {film.size[1]}x{film.size[0]} x{scale}: {statistics.median(rates):.2f} frames a second; "
        f"of the speed of the network alone {seconds:.2f}, by processor time {processor:.2f}"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name, devices.session() as sess:
        folder = Path(name)
        srcnn, _ = trained(sess, Network(scale=2))
        paths = [Path(path) for path in sys.argv[1:]]
        if not paths:
            paths = [folder / "640x272.mp4", folder / "1280x720.mp4"]
            make_film(paths[0], 640, 272)
            make_film(paths[1], 1280, 720)
        for path in paths:
            compare(path, srcnn, folder)
