"""Fine-tuning of the shipped network on pages of text, beside training on them from nothing.

    python -m benchmarks.fine_tuning [folder for the runs, default benchmarks/runs/fine_tuning]

The pages are made here, like scans: words in fonts that come with matplotlib, a little askew, on grey paper
with noise. PSNR is of pages that no training saw, of other words than those of the training.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.growth import ROOT, run
from benchmarks.machine import heading
from srcnn.page import figures

FONTS = "DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif-Italic.ttf"
WIDTH, HEIGHT = 480, 640
PAGES = {"train": 24, "test": 8}
SCALE, EPOCHS = 2, 5
MORE = 15  # epochs from nothing
FINE_TUNING = "--weights", "shipped", "--epoch", EPOCHS


def make_pages(folder, count, words, rng):
    """Pages of random words, as PNG."""
    figures.load()
    from matplotlib import get_data_path

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        page = Image.new("L", (2 * WIDTH, 2 * HEIGHT), int(rng.integers(225, 250)))
        draw, top = ImageDraw.Draw(page), 60
        while top < page.height - 100:
            size = int(rng.choice([22, 26, 30, 40], p=[0.4, 0.3, 0.2, 0.1]))
            font = Path(get_data_path()) / "fonts/ttf" / str(rng.choice(FONTS))
            text = " ".join(rng.choice(words, 2 * WIDTH // (4 * size)))
            draw.text((50, top), text, int(rng.integers(10, 50)), ImageFont.truetype(font, size))
            top += int(1.5 * size)
        askew = page.rotate(rng.uniform(-1, 1), Image.Resampling.BICUBIC, fillcolor=page.getpixel((0, 0)))
        scan = np.asarray(askew.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), np.float64)
        scan = scan + rng.normal(0, 1.5, scan.shape)
        Image.fromarray(np.clip(scan + 0.5, 0, 255).astype(np.uint8)).save(folder / f"{number:02}.png")


def tested(folder, *words):
    """Average PSNR on the pages held out, of bicubic and of a network."""
    sample = folder / "sample"
    images = "--test_dir", folder / "test", "--sample_dir", sample
    run("main.py", "--is_train", "False", "--scale", SCALE, *images, *words)
    average = json.loads((sample / "results.json").read_text())["average"]
    return average["bicubic_psnr"], average["srcnn_psnr"]


def benchmark(folder):
    rng = np.random.default_rng(0)
    words = sorted(set((ROOT / "README.md").read_text().split()))
    rng.shuffle(words)
    parts = {"train": words[::2], "test": words[1::2]}
    for name, count in PAGES.items():
        make_pages(folder / name, count, parts[name], rng)
    bicubic, shipped = tested(folder, "--weights", "shipped")
    rows = [("bicubic", bicubic, "-"), ("the shipped network", shipped, "-")]
    for name, words in {
        f"fine-tuned, {EPOCHS} epochs": FINE_TUNING,
        f"fine-tuned, {EPOCHS} epochs, `--learning_rate 1`": [*FINE_TUNING, "--learning_rate", 1],
        f"from nothing, {EPOCHS} epochs": ["--epoch", EPOCHS],
        f"from nothing, {MORE} epochs": ["--epoch", MORE],
    }.items():
        checkpoints = "--checkpoint_dir", folder / re.sub(r"\W+", "_", name)
        training = "--is_train", "True", "--scale", SCALE, "--train_dir", folder / "train"
        seconds, *_ = run("main.py", *training, *words, *checkpoints)
        rows.append((name, tested(folder, *checkpoints)[1], f"{seconds:.0f} s"))
    print(f"{heading()}\n9-1-5 at x{SCALE}, {PAGES['train']} pages of {WIDTH}x{HEIGHT}\n")
    print("| | pages held out, PSNR | to the shipped | training |\n|---|---:|---:|---:|")
    for name, psnr, seconds in rows:
        print(f"| {name} | {psnr:.2f} | {psnr - shipped:+.2f} | {seconds} |")


if __name__ == "__main__":
    benchmark(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "benchmarks/runs/fine_tuning")
