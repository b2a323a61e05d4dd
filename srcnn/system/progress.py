"""Progress of work that takes longer than a few seconds."""

import os
import sys
import time
from typing import TextIO

from tqdm import tqdm

from srcnn.system.errors import one_line

LOG_SECONDS = 10  # at least, between two lines of progress in a log
LOG_PART = 0.02  # of the time so far, likewise: work that takes days does not fill the log


def has_width():
    """Whether the terminal that bars are shown on says how wide it is; those without a window say 0."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (AttributeError, OSError, ValueError):  # no terminal, or no stderr at all
        return True


def say(message: object, file: TextIO | None = None) -> None:
    """Prints one line, whatever names of files it has, above the bars. file: by default standard output."""
    tqdm.write(one_line(message), file=file)


def progress(items, what, total=None, done=0):
    """Yields items, with a bar on a terminal and an occasional line in a log.

    total: their number, with the `done` ones of earlier runs; if it is None, that of a list, or unknown.
    """
    what = one_line(what)  # which may have names of files in it
    total = len(items) if total is None and hasattr(items, "__len__") else total
    width = {"dynamic_ncols": True} if has_width() else {"ncols": 80}
    bar = tqdm(items, desc=what, total=total, disable=None, leave=False, initial=done, **width)
    started = printed = time.monotonic()
    for number, item in enumerate(bar, 1):
        yield item
        now = time.monotonic()
        if bar.disable and now - printed > max(LOG_SECONDS, LOG_PART * (now - started)):
            printed = now
            rate = number / (printed - started)
            of, left = "", ""
            if total is not None:
                of = f" of {total}"
                left = f", {tqdm.format_interval(max(0, total - done - number) / rate)} left"
            print(f"{what}: {done + number}{of}, {rate:,.{0 if rate >= 10 else 2}f} a second{left}")
