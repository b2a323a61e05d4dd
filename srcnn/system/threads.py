"""Work in threads."""

import os
import threading
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")  # where Linux tells the limits of a container


def cores() -> int:
    """How many cores this process may use: a container or taskset may have fewer than the machine."""
    return min(schedulable_cores(), quota() or schedulable_cores())


def schedulable_cores() -> int:
    """How many cores the system runs this process on, which is what TensorFlow counts."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quota(folder: Path | None = None) -> int | None:
    """For how many cores, rounded up, a container has processor time; None without a limit.

    folder: of control groups, version 2 or 1; None for this system's.
    """
    folder = folder or CGROUPS
    for files in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        with suppress(OSError, ValueError):  # other versions, other systems, "max"
            time, period = map(int, " ".join((folder / file).read_text("ascii") for file in files).split())
            if time > 0:  # -1 is no limit
                return -(-time // period)
    return None


def in_threads(function, items, workers=4, budget=None, cost=None, at_once=False):
    """Yields function(item) for each of the items in order, made by threads, few of them ahead of time.

    items: a generator is closed in the end.
    workers: of tiles, several leave no core waiting for what one tile cannot share.
    budget: a Budget that the function takes from, which ends with the work. cost: what an item takes of it
    from before the function begins until the next result is asked for, where the function does not.
    at_once: a result that is there is yielded before the next item is asked for, where that takes long.
    """
    # The budget ends first: who waits for it would keep the threads from ending.
    with ThreadPoolExecutor(workers) as executor, budget or nullcontext():
        ahead: deque[tuple[int, Future]] = deque()

        def first():
            amount, future = ahead.popleft()
            yield future.result()
            if amount:
                budget.give(amount)

        try:
            for item in items:
                amount = cost(item) if cost else 0
                while amount and ahead and not budget.has(amount):  # in order: who is first never waits
                    yield from first()
                if amount:
                    budget.take(amount)
                ahead.append((amount, executor.submit(function, item)))
                while len(ahead) > workers or (at_once and ahead and ahead[0][1].done()):
                    yield from first()
            while ahead:
                yield from first()
        finally:
            for _, future in ahead:
                future.cancel()  # what nobody waits for is not begun
            if isinstance(items, Generator):
                items.close()  # now: what it reads ahead may wait for room that nobody will make any more


class Budget:
    """What work in flight may take of something, memory for instance, in whatever unit.

    One that takes more than there is goes alone. When the block ends, nobody waits any more.
    """

    def __init__(self, limit):
        self.limit, self.used = limit, 0
        self.changed = threading.Condition()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.limit = float("inf")
        self.give(0)

    def take(self, amount):
        """Waits until there is room, and takes it."""
        with self.changed:
            self.changed.wait_for(lambda: self.has(amount))
            self.used += amount

    def has(self, amount):
        return not self.used or self.used + amount <= self.limit

    def give(self, amount):
        with self.changed:
            self.used -= amount
            self.changed.notify_all()
