"""The scores of a test beside the paper's, as values."""

from collections.abc import Sequence

from srcnn.networks.network import Network
from srcnn.pixels.metrics import COLOUR_METRICS
from srcnn.settings import DEFAULT_METRICS
from srcnn.testing.paper import paper_numbers

KINDS = "bicubic", "srcnn"


def columns(metrics: Sequence[str]) -> list[str]:
    """The names of the scores of an image, by the names of metrics: those of bicubic, those of SRCNN."""
    return [f"{kind}_{metric}" for kind in KINDS for metric in (*metrics, *COLOUR_METRICS)]


METRICS = columns(DEFAULT_METRICS)


def are_scores(value: object, metrics: Sequence[str]) -> bool:
    """Whether a value that was read has the scores of an image: a dict of columns, numbers or None."""
    return isinstance(value, dict) and all(
        name in value and (value[name] is None or isinstance(value[name], (int, float)))
        for name in columns(metrics)
    )


def results(
    network: Network,
    weights: str,
    scores: dict[str, dict],
    self_ensemble: bool = False,
    known_as: str = "",
    left_out: Sequence[str] = (),
) -> dict:
    """All that a test run found, as plain values for JSON.

    weights: where they come from. self_ensemble: see `model.SRCNN.run`.
    scores: by image name, a dict of METRICS or more, PSNR in dB; None is what has no value. Averages are over
    the images where bicubic and SRCNN have one. known_as: the name of the test set.
    left_out: the names of images that could not be used.
    """
    paper, is_quoted = paper_numbers(network, list(scores), known_as)
    metrics = list(next(iter(scores.values())))

    def entry(name, values):
        bicubic, srcnn = paper[name]
        return {**values, "paper_bicubic_psnr": bicubic, "paper_srcnn_psnr": srcnn}

    def mean(metric):
        kinds = [f"{kind}_{metric.partition('_')[2]}" for kind in KINDS]
        both = [found for found in scores.values() if all(found[kind] is not None for kind in kinds)]
        return sum(found[metric] for found in both) / len(both) if both else None

    return {
        **network.settings,
        "quality": network.quality,
        "weights": weights,
        "self_ensemble": self_ensemble,
        **({"paper": "quoted, not checked"} if is_quoted else {}),
        **({"left_out": list(left_out)} if left_out else {}),
        "images": {name: entry(name, values) for name, values in scores.items()},
        "average": entry("average", {metric: mean(metric) for metric in metrics}),
    }
