"""What a network is, as one value, from which names, shapes and margins derive."""

from collections.abc import Iterable
from typing import NamedTuple

CHANNELS = (64, 32, 16, 16)  # of the paper's layers but the last; a fourth and a fifth layer have 16


class Network(NamedTuple):
    """Kernel sizes, channels of all layers but the last, the images it is for, and what it undoes."""

    kernels: tuple[int, ...] = (9, 1, 5)
    channels: tuple[int, ...] = (64, 32)
    colour: str = "y"  # y: luminance alone; rgb; ycbcr
    scale: int = 3
    degradation: str = "matlab"
    quality: int | None = None  # of JPEG; None for a network that is conditioned on it

    @property
    def c_dim(self) -> int:
        """Channels of an image."""
        return 1 if self.colour == "y" else 3

    @property
    def is_conditioned(self) -> bool:
        """Whether it is given the strength of compression as one more channel, see conditioning.py."""
        return self.degradation == "jpeg" and self.quality is None

    @property
    def filters(self) -> str:
        """Its kernels as the paper writes them: '9-1-5'."""
        return dashed(self.kernels)

    @property
    def shape(self) -> str:
        """Its kernels, and its channels if they are not the paper's: '9-1-5', '9-1-5 (32-16)'."""
        usual = self.channels == default_channels(self.kernels)
        return self.filters if usual else f"{self.filters} ({dashed(self.channels)})"

    @property
    def margin(self) -> int:
        """How many pixels smaller than its input the output of unpadded convolutions is: 12 for 9-1-5."""
        return sum(self.kernels) - len(self.kernels)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of w1, b1, w2, ... by name."""
        shapes: dict[str, tuple[int, ...]] = {}
        before, ends = self.c_dim, (1, len(self.kernels))
        for i, (size, channels) in enumerate(zip(self.kernels, (*self.channels, self.c_dim), strict=True), 1):
            extra = self.is_conditioned * (before + 1 if i in ends else 1)  # see `SRCNN.convolutions`
            shapes[f"w{i}"], shapes[f"b{i}"] = (size, size, before + extra, channels), (channels,)
            before = channels
        return shapes

    @property
    def name(self) -> str:
        """The name of its folder of checkpoints, such as srcnn_9-1-5_x3_matlab."""
        filters = self.shape.replace(" (", "_").rstrip(")")
        colour = "" if self.colour == "y" else f"_{self.colour}"
        return f"srcnn_{filters}_x{self.scale}_{self.degradation}{colour}"

    @property
    def degraded(self) -> str:
        """What its images went through, in words."""
        return self.degradation if self.quality is None else f"{self.degradation} of quality {self.quality}"

    @property
    def settings(self) -> dict:
        """What a file of weights says of its network: plain values."""
        quality = {} if self.quality is None else {"quality": self.quality}
        return quality | {
            "filters": self.filters,
            "channels": dashed(self.channels),
            "c_dim": self.c_dim,
            "colour": self.colour,
            "scale": self.scale,
            "degradation": self.degradation,
        }


def dashed(numbers: Iterable[int]) -> str:
    return "-".join(map(str, numbers))


def default_channels(kernels: tuple[int, ...]) -> tuple[int, ...]:
    return CHANNELS[: len(kernels) - 1]
