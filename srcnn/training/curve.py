"""How a training goes: a row an epoch, as CSV, for TensorBoard, as a picture."""

import csv
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from srcnn.page import figures
from srcnn.system.atomic_write import replacing
from srcnn.system.errors import InputError, first_line
from srcnn.system.ledger import written
from srcnn.system.own_files import check_regular
from srcnn.system.progress import LOG_SECONDS, say
from srcnn.tf1 import tf

CURVE = ["epoch", "step", "loss", "psnr", "validation_psnr", "seconds"]


def plot_curve(path: Path) -> Path | None:
    """Draws the curve of a training, a CSV file, as a PNG of the same name, whose path it returns.

    None without a curve, or where there is a picture of somebody else's, which stays and is named.
    """
    picture, rows = path.with_suffix(".png"), read_rows(path)
    if not rows:
        return None
    if os.path.lexists(picture) and picture.name not in written(picture.parent):
        say(f"{picture}: was not written by this program, or was changed since; leaving it alone")
        return None
    figure = figures.figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for key, label in (("psnr", "training sub-images"), ("validation_psnr", "validation images")):
        points = [(row["epoch"], float(row[key])) for row in rows if row[key]]
        if points:
            axes.plot(*zip(*points, strict=True), marker=".", label=label)
    axes.set(xlabel="epoch", ylabel="PSNR (dB)", title="Training")
    axes.grid(alpha=0.3)
    if axes.has_data():  # none, before the first epoch is done
        axes.legend()
    with replacing(picture, {}) as temporary:
        figure.savefig(temporary, dpi=120)
    return picture


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a curve, values by CURVE: numbers as text but for `epoch` and `step`; none without a file.

    Raises InputError if no training wrote it.
    """
    check_regular(path)
    if not path.exists():
        return []
    try:
        with open(path, encoding="utf-8", newline="") as file:
            names, *lines = csv.reader(file, strict=True)
        rows = [_row(line) for line in lines]
        if names != CURVE:
            raise ValueError
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: is not a curve of this program; move it away") from error
    return rows


def _row(values):
    """A row of `read_rows`. Raises ValueError."""
    row = dict(zip(CURVE, values, strict=True))
    numbers = [float(row["seconds"]), *(float(row[key]) for key in CURVE[2:5] if row[key])]
    counts = {key: int(row[key]) for key in CURVE[:2]}
    if not (np.isfinite(numbers).all() and numbers[0] >= 0 and all(0 <= n < 2**63 for n in counts.values())):
        raise ValueError(f"not a row: {values}")
    return row | counts


class Curve:
    """How a training went: a row an epoch, as CSV and for TensorBoard.

    path: of the CSV file. Raises InputError if there is a file that no training wrote, or one in the place of
    a folder.
    """

    def __init__(self, path: Path):
        self.path = path
        if path.parent.exists() and not path.parent.is_dir():
            raise InputError(f"{path.parent}: stands where the folder of checkpoints belongs; move it away")
        self.rows = read_rows(path)

    def start(self, step: int) -> None:
        """Forgets the rows after a step, from which training goes on."""
        self.rows = [row for row in self.rows if row["step"] <= step]
        self.started = time.monotonic() - (float(self.rows[-1]["seconds"]) if self.rows else 0.0)
        self.printed = 0.0
        folder = self.path.parent / "summaries"
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder}: stands where the folder for TensorBoard belongs; move it away")
        try:
            self.summaries = tf.summary.FileWriter(str(folder))
        except tf.errors.OpError as error:
            raise InputError(f"{folder}: cannot be written to ({first_line(error)})") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.summaries.close()

    def add(self, epoch: int, step: int, losses: Sequence[float], validation_psnr: str) -> None:
        """A row for an epoch that is done; PSNR in dB, of sub-images and of validation images."""
        loss = float(np.mean(losses))
        numbers = f"{loss:.4e}", f"{-10 * np.log10(max(loss, 1e-30)):.3f}", validation_psnr
        values = epoch, step, *numbers, f"{time.monotonic() - self.started:.1f}"
        self.rows.append(dict(zip(CURVE, values, strict=True)))
        shown = {key: float(value) for key, value in zip(CURVE[2:5], numbers, strict=True) if value}
        summary = [tf.Summary.Value(tag=key, simple_value=value) for key, value in shown.items()]
        self.summaries.add_summary(tf.Summary(value=summary), step)

    def show(self, is_last: bool) -> None:
        """Prints the last row, if it is time for a line."""
        if is_last or time.monotonic() - self.printed > LOG_SECONDS:
            self.printed = time.monotonic()
            tqdm.write(", ".join(f"{key} {value}" for key, value in self.rows[-1].items() if value))

    def save(self) -> None:
        self.summaries.flush()
        with (
            replacing(self.path) as temporary,
            open(temporary, "w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, CURVE)
            writer.writeheader()
            writer.writerows(self.rows)
