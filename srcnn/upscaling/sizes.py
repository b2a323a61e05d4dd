"""How large a result is to be: by a factor, a width or a height."""

import math
from fractions import Fraction
from typing import NamedTuple


class Goal(NamedTuple):
    """The size that results are to have: by a factor, or pixels. Both width and height: as large as fits."""

    scale: int | Fraction | None = None
    width: int | None = None
    height: int | None = None

    @property
    def text(self) -> str:
        """The goal in a few characters, such as x2.5 or width 3000."""
        if self.scale:
            return f"x{float(self.scale):.9g}"
        named = (("width", self.width), ("height", self.height))
        return ", ".join(f"{name} {pixels}" for name, pixels in named if pixels)

    @property
    def plain(self) -> dict:
        """The goal as plain values for JSON."""
        scale = {"scale": float(self.scale) if self.scale % 1 else int(self.scale)} if self.scale else {}
        return scale or {name: pixels for name, pixels in self._asdict().items() if pixels}

    def ratio(self, height: int, width: int) -> Fraction:
        """How much larger than an image of this size its result is."""
        if self.scale:
            return Fraction(self.scale)
        return min(Fraction(to, n) for to, n in ((self.height, height), (self.width, width)) if to)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the result, rounded."""
        ratio = self.ratio(height, width)
        return math.floor(height * ratio + Fraction(1, 2)), math.floor(width * ratio + Fraction(1, 2))
