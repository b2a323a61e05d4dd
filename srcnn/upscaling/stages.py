"""The networks that a file passes through in turn, until it is large enough."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from srcnn.networks.network import Network
from srcnn.networks.trained import at_quality, find_checkpoint
from srcnn.settings import Source
from srcnn.upscaling.sizes import factors_for
from srcnn.upscaling.work import Work


def factors_of(ratio: Fraction, has: Callable[[int], object]) -> list[int]:
    """The scales of the networks that an image passes through in turn; has: whether there is one for a scale.

    One network for the whole way, if there is one, is better than several.
    """
    factors, whole = factors_for(ratio), [int(ratio)] if ratio.denominator == 1 else []
    found = next(filter(has, [*whole, math.prod(factors)]), None)
    return [found] if found else factors or [1]


class Stages:
    """The networks that files pass through, each loaded when it is first asked for.

    load: gives the SRCNN of a Network. network: see `settings.Upscaling`. models: SRCNNs by Network.
    """

    def __init__(self, load: Callable, network: Network, source: Source):
        self.load, self.network, self.source = load, network, source
        self.models: dict[Network, Any] = {}

    def __call__(self, item: Work) -> list:
        """The SRCNNs that a file passes through in turn to be as large as it shall, or somewhat larger.

        An item with an error needs none. Of networks for JPEG the first one cleans, the others see no JPEG
        any more. Raises InputError if there are no weights for one of them.
        """
        if item.ratio is None:
            return []
        first, *others = factors_of(item.ratio, self._has)
        srcnns = [self._model(scale=first)]
        if item.quality:
            at_quality(srcnns[0], item.quality)
        return srcnns + [self._model(scale=scale, degradation="matlab", quality=None) for scale in others]

    def _has(self, scale):
        if self.source.weights not in (None, "shipped"):
            return True
        return find_checkpoint(self.network._replace(scale=scale), self.source)

    def _model(self, **changes):
        network = self.network._replace(**changes)
        if network not in self.models:
            self.models[network] = self.load(network)
        return self.models[network]
