"""Progress of work that takes longer than a few seconds."""

import time

from tqdm import tqdm

LOG_SECONDS = 10  # at least, between two lines of progress in a log
LOG_PART = 0.02  # of the time so far, likewise: work that takes days does not fill the log


def progress(items, what, total=None, done=0):
    """Yields items, with a bar on a terminal and an occasional line in a log.

    total: their number, with the `done` ones of earlier runs.
    """
    total = len(items) if total is None else total
    bar = tqdm(items, desc=what, total=total, disable=None, leave=False, initial=done, dynamic_ncols=True)
    started = printed = time.monotonic()
    for number, item in enumerate(bar, 1):
        yield item
        now = time.monotonic()
        if bar.disable and now - printed > max(LOG_SECONDS, LOG_PART * (now - started)):
            printed = now
            rate = number / (printed - started)
            left = tqdm.format_interval(max(0, total - done - number) / rate)
            rate = f"{rate:,.{0 if rate >= 10 else 2}f}"
            print(f"{what}: {done + number} of {total}, {rate} a second, {left} left")
