"""Trained weights for a network: where they are found, what is said of them, and which an image needs."""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from srcnn.networks.checkpoint_files import latest_checkpoint
from srcnn.networks.network import Network, default_channels
from srcnn.networks.weight_files import checkpoint_settings, digest, open_checkpoint, unsaid, weights_of
from srcnn.settings import Source
from srcnn.system.errors import InputError
from srcnn.system.progress import say
from srcnn.system.root import ROOT

SHIPPED = ROOT / "checkpoint" / "shipped"


def find_checkpoint(network: Network, source: Source) -> str | None:
    """The newest checkpoint of a network in its folders, one's own before the shipped one; None without.

    A source with weights, which are "shipped", leaves one's own out. So does one of the default folder whose
    training is not finished: its learning rate has not fallen yet, and it is worse than the shipped one.
    """
    own = None if source.weights else latest_checkpoint(Path(source.checkpoint_dir) / network.name)
    shipped = latest_checkpoint(SHIPPED / network.name)
    if own and shipped and source == Source() and unfinished(own):
        return shipped
    return own or shipped


def unfinished(path: str) -> str:
    """How far a training was at a checkpoint, in words; empty if it was finished, or if it does not say."""
    settings = checkpoint_settings(path, open_checkpoint(path))
    step, steps = (settings.get(name) for name in ("step", "steps"))
    if isinstance(step, int) and isinstance(steps, int) and step < steps:
        return f"after {step:,} of {steps:,} steps"
    return ""


def say_choice(network: Network, source: Source, path: str | Path) -> None:
    """Prints which weights were found, and how to take the others where there are both."""
    say(f"weights for x{network.scale}: {path}")
    own = latest_checkpoint(Path(source.checkpoint_dir) / network.name) if source == Source() else None
    if not own or not latest_checkpoint(SHIPPED / network.name):
        return
    if str(path) == own:
        print("These weights are your own; --weights shipped uses the shipped ones.")
    else:
        folder = Path(own).parent
        say(f"Your own training in {folder} stopped {unfinished(own)}; --weights {folder} uses its weights.")


def find_weights(network: Network, source: Source) -> str:
    """The file of weights to use: the one that the source names, or else see `find_checkpoint`.

    Raises InputError if there is none.
    """
    if source.weights and source.weights != "shipped":
        return str(source.weights)
    found = find_checkpoint(network, source)
    if not found:
        usual = Network(scale=0)._replace(channels=default_channels(network.kernels)).settings
        flags = " ".join(f"--{name} {v}" for name, v in network.settings.items() if usual.get(name, v) != v)
        which = "shipped weights" if source.weights else f"weights, in {source.checkpoint_dir} or shipped,"
        like = SHIPPED.glob(f"srcnn_*_x{network.scale}_{network.degradation}")
        shipped = ", ".join(sorted({path.name.split("_")[1] for path in like}))
        raise InputError(
            f"no {which} for {flags}; {f'use a shipped network, --filters {shipped}, ' if shipped else ''}"
            "train one with --is_train True, or name a file with --weights"
        )
    return found


def restore(srcnn: Any, path: str | Path) -> None:
    """Gives a network, model.SRCNN, the weights of a file that are for it, from which it then computes.

    Raises InputError if there are none.
    """
    values, settings = weights_of(path, srcnn.network)
    srcnn.set(values)
    srcnn.freeze()
    srcnn.source, srcnn.settings, srcnn.digest = path, settings, digest(values)
    srcnn.on_trust = unsaid(settings, srcnn.network)


def at_quality(srcnn: Any, quality: int) -> None:
    """Makes a network that was restored the one for JPEG of another quality."""
    if srcnn.network.quality != quality:
        srcnn.network = srcnn.network._replace(quality=quality)
        restore(srcnn, srcnn.source)


def say_trust(path: str | Path, on_trust: str) -> None:
    """Prints what a file of weights does not say of itself, see `unsaid`."""
    if on_trust:
        say(f"{path}: does not record what it was trained for; assuming {on_trust}")


def starting_weights(network: Network, source: Source, folder: Path) -> dict[str, np.ndarray] | None:
    """w1, b1, ... of --weights, from which a training in a folder starts; None without. It is said.

    Raises InputError if they are not for the network, or in that folder themselves.
    """
    own, values = latest_checkpoint(folder), None
    if source.weights:
        path = find_weights(network, source)
        path = (latest_checkpoint(path) or path) if Path(path).is_dir() else path
        if Path(path).parent.resolve() == folder.resolve():
            raise InputError(
                f"--weights {path}: is where this training writes; choose another --checkpoint_dir"
            )
        values, settings = weights_of(path, network)
        say_trust(path, unsaid(settings, network))
    if own:
        say(f"continuing from {own}")
    elif source.weights:
        say(f"starting from {path}")
    return values


def factors_for(ratio: Fraction) -> list[int]:
    """The factors, 2 and 3, whose product is the smallest that is not below a ratio: 5 is 2 then 3."""
    most = max(1, math.ceil(math.log2(ratio))) + 1
    powers = [(twos, threes) for twos in range(most + 1) for threes in range(most + 1)]
    reaching = [(2**twos * 3**threes, twos, threes) for twos, threes in powers]
    _, twos, threes = min(found for found in reaching if found[0] >= ratio)
    return [2] * twos + [3] * threes


def factors_of(ratio: Fraction, has: Callable[[int], object]) -> list[int]:
    """The scales of the networks that an image passes through in turn; has: whether there is one for a scale.

    One network for the whole way, if there is one, is better than several.
    """
    factors, whole = factors_for(ratio), [int(ratio)] if ratio.denominator == 1 else []
    found = next(filter(has, [*whole, math.prod(factors)]), None)
    return [found] if found else factors or [1]


def has_cleaner(network: Network, source: Source, ratio: Fraction) -> bool:
    """Whether a network for JPEG is there to begin the way of a JPEG file that is to be larger by a ratio.

    A clean one of the user's own is preferred to a shipped one for JPEG.
    """

    def first(**kind):
        def find(scale):
            return find_checkpoint(network._replace(scale=scale, **kind), source)

        return find(factors_of(ratio, find)[0])

    clean, cleaner = first(), first(degradation="jpeg")
    return bool(cleaner) and (not clean or Path(clean).is_relative_to(SHIPPED))


class Stages:
    """The networks that images pass through, each loaded when it is first asked for.

    load: gives the SRCNN of a Network. network: of any scale. models: SRCNNs by Network without quality.
    """

    def __init__(self, load: Callable, network: Network, source: Source):
        self.load, self.network, self.source = load, network, source
        self.models: dict[Network, Any] = {}
        self.factors: dict[tuple[Fraction, bool], list[int]] = {}  # by ratio and whether there is a quality

    def __call__(self, ratio: Fraction | None, quality: int | None = None) -> list:
        """The SRCNNs that an image passes through in turn to be larger by a ratio, or somewhat more.

        ratio: None for an image that cannot be read, which needs none. quality: of its JPEG, if the first
        network is to clean it; the others see no JPEG any more. Raises InputError if there are no weights
        for one of them.
        """
        if ratio is None:
            return []
        kind: dict[str, Any] = {}
        if quality:
            kind = {"degradation": "jpeg", "quality": self.network.quality or quality}
        key = ratio, bool(quality)
        if key not in self.factors:  # what is found stays chosen for all images
            self.factors[key] = factors_of(ratio, partial(self._has, **kind))
        first, *others = self.factors[key]
        srcnns = [self._model(scale=first, **kind)]
        if quality:
            at_quality(srcnns[0], quality)
        return srcnns + [self._model(scale=scale, degradation="matlab", quality=None) for scale in others]

    def _has(self, scale, **kind):
        if self.source.weights not in (None, "shipped"):
            return True
        return find_checkpoint(self.network._replace(scale=scale, **kind), self.source)

    def _model(self, **changes):
        network = self.network._replace(**changes)
        kind = network._replace(quality=None)  # one for all qualities of JPEG, see `at_quality`
        if kind not in self.models:
            self.models[kind] = self.load(network)
        return self.models[kind]
