"""Matplotlib, loaded where something is drawn, and whatever MPLBACKEND says."""

import logging
import os
import sys
from contextlib import suppress


def figure(**settings):
    """A Matplotlib Figure, which needs no backend."""
    load()
    from matplotlib.figure import Figure

    return Figure(**settings)


def load() -> None:
    """Imports Matplotlib, even where MPLBACKEND names a backend that is not installed.

    So it does in every process that Jupyter starts with another Python than its own.
    """
    if "matplotlib" in sys.modules:
        return
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # of a home that it cannot write to
    backend = os.environ.pop("MPLBACKEND", None)
    import matplotlib

    if backend:
        os.environ["MPLBACKEND"] = backend
        with suppress(ValueError):  # as the import itself would have done
            matplotlib.rcParams["backend"] = backend
