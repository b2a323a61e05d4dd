"""Tests of many photographs and of a large one, beside those of an earlier commit, in turns.

    python -m benchmarks.many [folder of images]

Without a folder: 100 photographs of 481x321, cut from those that come with scikit-image. Memory is the most
that was resident in the process. With ONEDNN_MAX_CPU_ISA=AVX2 as on a processor without AVX-512, where the
earlier commit left oneDNN off.
"""

import itertools
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from benchmarks.growth import ROOT, run
from benchmarks.machine import heading

EARLIER = "217a54b"
SOURCES = "astronaut.png coffee.png ihc.png motorcycle_left.png rocket.jpg retina.jpg hubble_deep_field.jpg"
SIZE, COUNT, ROUNDS = (481, 321), 100, 3
LARGE = 6000, 4000  # 24 megapixels


def earlier(folder, commit=EARLIER):
    """The files of an earlier commit."""
    command = ["git", "archive", commit]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(folder)
    return folder


@contextmanager
def environment(is_earlier):
    """oneDNN off for the earlier commit where it stands in for a processor without AVX-512."""
    is_off = is_earlier and os.environ.get("ONEDNN_MAX_CPU_ISA") == "AVX2"
    with mock.patch.dict(os.environ, {"TF_ENABLE_ONEDNN_OPTS": "0"} if is_off else {}):
        yield


def make_photographs(folder):
    """Parts of photographs, at random places and sizes, but none enlarged; half of them flipped."""
    rng = np.random.default_rng(0)
    package = Path(find_spec("skimage").origin).parent / "data"
    opened = [Image.open(package / name).convert("RGB") for name in SOURCES.split()]
    folder.mkdir()
    for number, image in zip(range(COUNT), itertools.cycle(opened)):
        factor = rng.uniform(1, min(n / size for n, size in zip(image.size, SIZE, strict=True)))
        w, h = (size * factor for size in SIZE)
        left, top = rng.uniform(0, image.width - w), rng.uniform(0, image.height - h)
        part = image.resize(SIZE, Image.Resampling.LANCZOS, (left, top, left + w, top + h))
        if rng.random() < 0.5:
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        part.save(folder / f"{number:03}.png")
    return folder


def make_photograph(path, size):
    """One photograph of any size."""
    package = Path(find_spec("skimage").origin).parent / "data"
    path.parent.mkdir()
    Image.open(package / "astronaut.png").resize(size, Image.Resampling.BICUBIC).save(path)
    return path.parent


def test(program, images, results):
    """Seconds, seconds of all cores, and peak MB of a test, and MB of its page."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = "--is_train", "False", "--stride", 21, "--test_dir", images, "--sample_dir", results
    seconds, peak, _ = run(program / "main.py", *words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cores = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return seconds, cores, peak, (results / "report.html").stat().st_size / 1e6


def many(folder, programs, images):
    count = sum(1 for _ in images.iterdir())
    found = {name: [] for name in programs}
    for turn in range(ROUNDS):
        for name, program in programs.items():
            with environment(name != "now"):
                found[name].append(test(program, images, folder / f"{name}-{turn}"))
    medians = {name: np.median(values, axis=0) for name, values in found.items()}
    print(f"| a test of {count} images | seconds | of all cores | peak MB | report.html, MB |")
    print("|---|---:|---:|---:|---:|")
    for name, (seconds, cores, peak, page) in medians.items():
        print(f"| {name} | {seconds:.1f} | {cores:.1f} | {peak:,.0f} | {page:.1f} |")
    ratios = [now[0] / then[0] for then, now in zip(*found.values(), strict=True)]
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"\nIt takes {np.median(ratios):.2f} times as long as at {EARLIER} ({each}).\n", flush=True)


def large(folder, programs):
    print("| a test of one photograph | seconds | peak MB |\n|---|---:|---:|")
    for name, program in programs.items():
        for size in (SIZE, LARGE):
            what = f"{name}, {size[0]}x{size[1]}"
            images = make_photograph(folder / what / "photograph.png", size)
            with environment(name != "now"):
                seconds, _, peak, _ = test(program, images, folder / f"{what}, results")
            print(f"| {what} | {seconds:.1f} | {peak:,} |", flush=True)


if __name__ == "__main__":
    print(f"{heading()}\n")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        programs = {f"commit {EARLIER}": earlier(folder / "earlier"), "now": ROOT}
        images = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else make_photographs(folder / "images")
        many(folder, programs, images)
        large(folder, programs)
