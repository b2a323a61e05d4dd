"""Work in threads."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor


def in_threads(function, items, workers=4):
    """Yields function(item) for each of the items in order, made by threads, few of them ahead of time.

    workers: of tiles, several leave no core waiting for what one tile cannot share.
    """
    with ThreadPoolExecutor(workers) as executor:
        ahead = deque()
        for item in items:
            ahead.append(executor.submit(function, item))
            if len(ahead) > workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
