"""The speed of upscaling a film beside that of the network alone, and beside FFmpeg's own SRCNN.

python -m benchmarks.films [FILM ...]: by default moving edges of 640x360 and 1280x720, made here. They take
turns. Processor seconds are compared too: they depend less on what else the machine does.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import av
import numpy as np

from benchmarks.machine import heading
from main import trained
from srcnn import tf1
from srcnn.exports.export import write_weights
from srcnn.networks.network import Network
from srcnn.pixels.tiles import TILE, tile_boxes
from srcnn.settings import FilmCoding
from srcnn.system.threads import in_threads
from srcnn.upscaling.films import encoded_parts, encoding, film_job
from srcnn.upscaling.films.probe import probe, scanned

FRAMES = 20
TURNS = 5
SMALL, FEW = (128, 96), 8  # width and height, and number, of the frames for FFmpeg's filter: it is slow


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
        for top, left, bottom, right in tile_boxes(size, TILE, TILE)
    ]
    for _ in in_threads(srcnn.run, (tile for _ in range(count) for tile in tiles)):
        pass


def whole(film, srcnn, folder):
    """Decoding, enlarging and encoding of a film, as main.py does them."""
    size = tuple(n * srcnn.network.scale for n in film.size)
    encoder = encoding.encoder(film, Path("x.mp4"), size, FilmCoding())
    film_job.encode(film, encoder, [srcnn], size, folder)
    count = sum(len(part.stamps) for part in encoded_parts.finished(folder))
    encoded_parts.remove(folder)
    return count


def compare(path, srcnn, folder):
    """Prints the share of the network in what a film takes."""
    film, scale = scanned(probe(path)), srcnn.network.scale
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
        f"{path.name}, {film.size[1]}x{film.size[0]} x{scale}: {statistics.median(rates):.2f} frames a second"
    )
    print(f"  of the speed of the network alone: {seconds:.2f}, by processor time {processor:.2f}")


def compare_ffmpeg(srcnn, folder):
    """Prints how many times as fast the same film is as with FFmpeg's filter, the same weights in it."""
    path, model, scale = folder / "small.mp4", folder / "x.model", srcnn.network.scale
    make_film(path, *SMALL, FEW)
    write_weights(srcnn, model, {})
    filters = f"scale=iw*{scale}:ih*{scale}:flags=bicubic,"
    filters += f"dnn_processing=dnn_backend=native:model={model}:input=x:output=y"
    command = ["ffmpeg", "-v", "error", "-y", "-i", path, "-vf", filters, folder / "peer.mp4"]
    film, ratios = scanned(probe(path)), []
    whole(film, srcnn, folder / "parts")
    for _ in range(TURNS):
        try:
            peer, _ = timed(partial(subprocess.run, command, check=True, capture_output=True))
        except (FileNotFoundError, subprocess.CalledProcessError):
            print("FFmpeg has no native backend here; versions up to 6.0 had one")
            return
        ratios.append(peer / timed(partial(whole, film, srcnn, folder / "parts"))[0])
    print(
        f"FFmpeg's own SRCNN, {SMALL[0]}x{SMALL[1]} x{scale}: {statistics.median(ratios):.0f} times as slow"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name, tf1.session() as sess:
        print(heading(None, "av"))
        folder = Path(name)
        srcnn = trained(sess, Network(scale=2))
        paths = [Path(path) for path in sys.argv[1:]]
        if not paths:
            paths = [folder / "640x360.mp4", folder / "1280x720.mp4"]
            make_film(paths[0], 640, 360)
            make_film(paths[1], 1280, 720)
        for path in paths:
            compare(path, srcnn, folder)
        compare_ffmpeg(srcnn, folder)
