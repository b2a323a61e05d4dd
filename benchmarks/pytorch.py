"""The network in PyTorch with the optimizer of the well-known recipe, beside srcnn/training/loop.py.

    python -m benchmarks.pytorch train.h5 tests.npz

tests.npz: degraded and original luminance of each test image, one after the other.
"""

import sys
import time

import h5py
import numpy as np
import torch

from benchmarks.clock import Clock
from benchmarks.peers import serve
from srcnn.pixels.metrics import psnr
from srcnn.system.threads import cores


class Torch:
    def __init__(self, pairs, tests):
        torch.manual_seed(0)
        torch.set_num_threads(cores())
        layers = [torch.nn.Conv2d(1, 64, 9), torch.nn.Conv2d(64, 32, 1), torch.nn.Conv2d(32, 1, 5)]
        relu = torch.nn.ReLU()
        self.network = torch.nn.Sequential(layers[0], relu, layers[1], relu, layers[2])
        groups = [{"params": layer.parameters()} for layer in layers]
        groups[2]["lr"] = 1e-5
        self.optimizer = torch.optim.Adam(groups, lr=1e-4)
        with h5py.File(pairs) as hf:
            arrays = (hf[name][:].transpose(0, 3, 1, 2).copy() for name in ("data", "label"))
            self.inputs, self.labels = map(torch.from_numpy, arrays)
        arrays = list(np.load(tests).values())
        self.tests = list(zip(arrays[::2], arrays[1::2], strict=True))

    def step(self, batch_size):
        chosen = torch.randint(len(self.inputs), (batch_size,))
        self.optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(self.network(self.inputs[chosen]), self.labels[chosen])
        loss.backward()
        self.optimizer.step()

    def score(self):
        return float(np.mean([self._psnr(x, y) for x, y in self.tests]))

    def _psnr(self, x, y):
        extended = np.pad(x, ((6, 6), (6, 6), (0, 0)), mode="edge").transpose(2, 0, 1)[np.newaxis]
        with torch.no_grad():
            output = self.network(torch.from_numpy(extended))[0].numpy().transpose(1, 2, 0)
        return psnr(y, output, 3)

    def steps(self, count, batch_size):
        """Seconds that so many steps take."""
        started = time.monotonic()
        for _ in range(count):
            self.step(batch_size)
        return time.monotonic() - started

    def curve(self, seconds):
        """The points of a Clock, at a batch size of 16."""
        clock = Clock(seconds)
        clock.run(lambda *_: self.step(16), self.score)
        return clock.points


if __name__ == "__main__":
    serve(Torch(*sys.argv[1:]))
