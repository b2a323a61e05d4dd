"""What a job is asked to do, as values: below main.py these travel instead of flags.

`asdict` of one is what a checkpoint, a training file or a shard must agree on; the order of the fields is the
order in their texts.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cut:
    """How sub-images are cut from an image, in pixels: sides of inputs and labels, and their distance."""

    image_size: int = 33
    label_size: int = 21
    stride: int = 14


@dataclass(frozen=True)
class Recipe:
    """How a network is trained, as far as its checkpoints depend on it."""

    seed: int = 0
    preconditioner: str = "kfac"
    init: str = "identity"
    learning_rate: float = 1.0
    batch_size: int = 128


@dataclass(frozen=True)
class Tiling:
    """How an image is tiled: a tile's output side and the distance of two, in pixels; tiles in a batch."""

    label_size: int
    stride: int
    batch_size: int = 128


@dataclass(frozen=True)
class Source:
    """Where trained weights come from: a file, a folder or "shipped"; without it, a folder of checkpoints."""

    weights: str | None = None
    checkpoint_dir: str | Path = "checkpoint"


@dataclass(frozen=True)
class FilmCoding:
    """How films are encoded: x264's constant rate factor, or without any loss."""

    crf: int | None = None
    lossless: bool = False


def cut_of(flags) -> Cut:
    return Cut(flags.image_size, flags.label_size, flags.stride)


def recipe_of(flags) -> Recipe:
    return Recipe(flags.seed, flags.preconditioner, flags.init, flags.learning_rate, flags.batch_size)


def tiling_of(flags) -> Tiling:
    return Tiling(flags.label_size, flags.stride, flags.batch_size)


def source_of(flags) -> Source:
    return Source(flags.weights, flags.checkpoint_dir)


def film_coding_of(flags) -> FilmCoding:
    return FilmCoding(flags.crf, flags.lossless)
