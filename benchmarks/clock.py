"""PSNR against seconds of training, by a clock that stands still during scoring."""

import time

SCORES = 15  # times that each is scored


class Clock:
    """Seconds of training, and the scores at even distances of them."""

    def __init__(self, seconds):
        self.seconds, self.elapsed, self.started = seconds, 0.0, None
        self.points = []

    def progress(self):
        return min(1.0, (self.elapsed + time.monotonic() - self.started) / self.seconds)

    def run(self, step, score):
        """Calls step(number, progress) until time is up."""
        number, self.started = 0, time.monotonic()
        while len(self.points) < SCORES:
            progress = self.progress()
            if progress * SCORES >= len(self.points) + 1:
                self.elapsed += time.monotonic() - self.started
                self.points.append((self.elapsed, score()))
                self.started = time.monotonic()
            step(number, min(progress, 1))
            number += 1

    def reached(self, level):
        """Seconds until a PSNR, or None."""
        return next((seconds for seconds, psnr in self.points if psnr >= level), None)
