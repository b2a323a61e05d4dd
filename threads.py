"""Work in threads."""

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext


def in_threads(function, items, workers=4, budget=None):
    """Yields function(item) for each of the items in order, made by threads, few of them ahead of time.

    workers: of tiles, several leave no core waiting for what one tile cannot share.
    budget: a Budget that the function takes from, which ends with the work.
    """
    # The budget ends first: who waits for it would keep the threads from ending.
    with ThreadPoolExecutor(workers) as executor, budget or nullcontext():
        ahead = deque()
        for item in items:
            ahead.append(executor.submit(function, item))
            if len(ahead) > workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


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
            self.changed.wait_for(lambda: not self.used or self.used + amount <= self.limit)
            self.used += amount

    def give(self, amount):
        with self.changed:
            self.used -= amount
            self.changed.notify_all()
