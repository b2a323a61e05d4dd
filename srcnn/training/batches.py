"""Batches of sub-images from an HDF5 file that may be larger than the memory."""

import itertools
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor

import h5py
import numpy as np

from srcnn.system.progress import say
from srcnn.system.threads import in_threads
from srcnn.training.hdf5 import damage
from srcnn.training.training_data import LEFT_OUT, Pairs

POOL_BYTES = 2**28  # of the sub-images that are in memory and mixed with each other


class Batches:
    """The training pairs of an open HDF5 file, in batches whose order derives from the seed.

    What fits into POOL_BYTES is read at once and every epoch mixes all of it. Of a larger file an epoch
    is a sequence of pools of that size. A pool is made of chunks, each of some hundred neighbouring
    pairs, drawn from the whole file, and mixed. The next pool is read while one is in use. Of a larger
    file the last chunk is left out if it is not full, and of each pool what does not fill a batch.

    images: a digest of the images that the pairs come from. length: of pairs in all. pool_length: of
    pairs in a pool. epoch_steps: batches in an epoch.
    """

    def __init__(self, hf: h5py.File | Pairs, batch_size: int, seed: int):
        self.data, self.label, self.seed = hf["data"], hf["label"], seed
        self.images = hf.attrs.get("images", "")
        self.length = len(self.data)
        self.batch_size = min(batch_size, self.length)
        self.reader = ThreadPoolExecutor(1)
        self.prefetched: dict[tuple[int, int], Future] = {}
        size = (self.data.nbytes + self.label.nbytes) // self.length
        self.is_whole = self.length * size <= POOL_BYTES
        chunk = self.data.chunks[0]
        self.chunks = self.length // chunk
        self.pool_chunks = max(POOL_BYTES // (size * chunk), -(-self.batch_size // chunk))
        self.pool_length = self.length if self.is_whole else self.pool_chunks * chunk
        self.pool_steps = self.pool_length // self.batch_size
        pools, rest = (1, 0) if self.is_whole else divmod(self.chunks, self.pool_chunks)
        self.epoch_steps = pools * self.pool_steps + rest * chunk // self.batch_size

    def read(self, epoch: int, number: int) -> tuple[np.ndarray, ...]:
        """The data and label arrays of one pool of an epoch. Raises InputError if the file is damaged."""
        places = [slice(None)]
        if not self.is_whole:
            chosen = np.random.default_rng([self.seed, epoch]).permutation(self.chunks)
            chosen = np.sort(chosen[number * self.pool_chunks : (number + 1) * self.pool_chunks])
            chunk = self.data.chunks[0]
            places = [slice(i * chunk, (i + 1) * chunk) for i in chosen]
        try:
            pairs = [[dataset[place] for place in places] for dataset in (self.data, self.label)]
        except OSError as error:
            raise damage(self.data.file.filename, error) from error
        return tuple(parts[0] if len(parts) == 1 else np.concatenate(parts) for parts in pairs)

    def pool(self, epoch: int, number: int) -> tuple[np.ndarray, ...]:
        """The same, with the pool that follows being read meanwhile."""
        if self.is_whole:
            epoch, following = 0, (0, 0)
        else:
            is_last = (number + 1) * self.pool_steps >= self.epoch_steps
            following = (epoch + 1, 0) if is_last else (epoch, number + 1)
        self.prefetched = {
            key: self.prefetched.get(key) or self.reader.submit(self.read, *key)
            for key in dict.fromkeys([(epoch, number), following])  # one, if the file is read whole
        }
        return self.prefetched[epoch, number].result()

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """The batch of a step, each pair in one of its 8 flips and rotations.

        Order and flips derive from seed, epoch and step alone, so that training can resume anywhere.
        The order is as drawn: the first pairs of a batch, which the curvature is taken from, come from all
        images.
        """
        epoch, index = divmod(step, self.epoch_steps)
        number, place = divmod(index, self.pool_steps)
        data, label = self.pool(epoch, number)
        order = np.random.default_rng([self.seed, epoch, number]).permutation(len(data))
        chosen = order[place * self.batch_size : (place + 1) * self.batch_size]
        codes = np.random.default_rng([self.seed, epoch, index]).integers(8, size=len(chosen))
        return turn(data[chosen], codes), turn(label[chosen], codes)

    def following(self, step: int) -> Generator[tuple[np.ndarray, np.ndarray]]:
        """Yields the batches from a step on, made ahead in the background."""
        return in_threads(self.batch, itertools.count(step), workers=1)


def turn(images: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Flips and rotates (n, h, w, c) images, each as its code of 0 to 7 says."""
    for code in range(1, 8):
        same = codes == code
        turned = np.rot90(images[same], code % 4, axes=(1, 2))
        images[same] = turned[:, :, ::-1] if code >= 4 else turned
    return images


def say_pairs(batches: Batches, hf: h5py.File | Pairs, count: int, image_size: int) -> None:
    """Prints what a training is of; count: of its images, with those that are left out."""
    skipped, small = (int(hf.attrs.get(name, 0)) for name in LEFT_OUT)
    say(f"{batches.length:,} sub-images of {count - skipped - small} images in {hf.filename}")
    if skipped:
        print(f"left out {skipped} images that cannot be used")
    if small:
        print(f"left out {small} of {count} images, which are smaller than --image_size {image_size}")
    if not batches.is_whole:
        print(
            f"These exceed the memory set aside for them; training mixes {batches.pool_length:,} at a time."
        )
