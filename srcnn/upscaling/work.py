"""A file to upscale as values: what is asked, how, and what became of it."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from srcnn.images import image_coding, image_io
from srcnn.settings import ImageCoding, ImageOptions
from srcnn.system.errors import InputError
from srcnn.upscaling.sizes import Goal


class Work(NamedTuple):
    """A file to upscale, where to write the result, and how much larger that is to be."""

    source: Path
    target: Path
    ratio: Fraction | None = None  # None if there is an error
    quality: int | None = None  # of its JPEG, if it passes through a network for that
    error: InputError | None = None  # why it cannot be done
    images: ImageOptions = ImageOptions()  # how it is taken; `pages` of a TIFF alone
    rate: Fraction | None = None  # frames a second, if its source is a sequence of images
    coding: ImageCoding = ImageCoding()  # how images, and pictures that films become, are encoded
    other: Path | None = None  # where the result goes if a file of the target's format cannot keep it
    instead_of: str = ""  # the ending of the target that could not
    page_ratios: tuple[Fraction, ...] = ()  # of its pages, where they differ
    size: str = ""  # of the result, in words, where its name does not tell it

    @property
    def ratios(self) -> tuple[Fraction | None, ...]:
        """How much larger its pages are to be, or it is."""
        return self.page_ratios or (self.ratio,)

    def networks(self, stages: Callable[..., list]) -> list:
        """The SRCNNs that it, or its pages, pass through. stages: see `trained.Stages`."""
        return [srcnn for ratio in self.ratios for srcnn in stages(ratio, self.quality)]

    @property
    def elsewhere(self) -> "Work":
        """The same with its result in the other place. Only if there is one."""
        assert self.other
        return self._replace(target=self.other, other=None, instead_of=self.target.suffix)

    @property
    def noted(self) -> dict:
        """What a folder of results notes of how this one was made: what is not as it is by default."""
        elsewhere = {"instead_of": self.instead_of} if self.instead_of else {}
        rate = {"fps": str(self.rate)} if self.rate else {}
        size = {"size": self.size} if self.size else {}
        return rate | size | _noted_coding(self.target, self.coding) | elsewhere | self.images.noted


def load_networks(work: Iterable[Work], stages: Callable[..., list]) -> None:
    """Loads the networks of all of the work: weights that are missing are missed before it begins."""
    for item in {(item.ratios, item.quality): item for item in work}.values():
        item.networks(stages)


def _noted_coding(target, coding):
    """How pictures are encoded: what was asked for, where it matters."""
    if image_io.WRITABLE.get(target.suffix.lower()) not in image_coding.WITH_QUALITY:
        return {}
    settings = {"image_quality": coding.quality, "lossless": coding.lossless}
    return {name: value for name, value in settings.items() if value}


class Options(NamedTuple):
    """What holds for all files of an upscaling."""

    goal: Goal
    overwrite: bool
    noted: bool  # whether the folder of results notes what each was made from
    lasting: bool = True  # whether the folder of results is there when the program has ended


class Upscaled(NamedTuple):
    """A file that was upscaled, or why it was not. Pictures: the middle of it, or of a frame of it."""

    source: Path
    target: Path
    size: tuple = ()  # height, width of the result
    seconds: float | None = 0.0  # None if it was made before
    pictures: dict | None = None  # the middle of `input`, `bicubic` and `SRCNN`, (h, w, c) uint8 pixels
    error: InputError | None = None
    loop: bytes | None = None  # a WebP of both, side by side, of a film
    warning: str = ""  # what could not be kept of it
    notice: str = ""  # what else there is to say of it
    pages: int = 0  # of the result, if they were asked for
    quality: int | None = None  # of its JPEG, if it passed through a network for that
