"""Photographs in a row: while one passes through the networks, the next is read and the last ones written."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

from srcnn.images import animations, decoders, image_io
from srcnn.page import report
from srcnn.system.errors import InputError, UnexpectedError, expecting, one_line
from srcnn.system.ledger import check_unchanged, identity_if_there, origin
from srcnn.system.output_paths import check_free
from srcnn.system.progress import progress
from srcnn.system.threads import Budget, cores, in_threads
from srcnn.tf1 import tf
from srcnn.upscaling.photographs import compared, remark, result_size, upscale
from srcnn.upscaling.work import Options, Upscaled, Work

PIXELS = 2**25  # of the results of the files that are in work at a time, or of one that has more


def upscaled(work: list[Work], stages: Callable[..., list], options: Options) -> Iterator[Upscaled]:
    """Yields an Upscaled for each photograph of the work, in order.

    work: without films. stages: gives the SRCNNs that an image passes through, see `trained.Stages`, in the
    thread that asks for the results.
    """
    budget = Budget(PIXELS)
    read = in_threads(partial(Photograph, options, budget), work, 1, budget)
    return in_threads(Photograph.finished, _enlarged(read, stages), cores(), at_once=True)


def _enlarged(photographs, stages):
    with closing(photographs):
        for photograph in photographs:
            photograph.enlarge(stages)
            yield photograph


class Photograph:
    """A photograph, or an animation, from its file to its result, which `finished` alone writes.

    Each of the three steps may be done by another thread; there is nothing more to do after an error.
    """

    def __init__(self, options: Options, budget: Budget, item: Work):
        self.options, self.budget, self.item = options, budget, item
        self.seconds, self.error, self.notice, self.warning = 0.0, item.error, "", ""
        self.cost = 0
        with self._step(), expecting(item.source):
            if not self.error:
                self.cost = cost_of(item, options.goal)
        budget.take(self.cost)  # before it is read
        with self._step():
            if not self.error:
                self.identity = identity_if_there(item.source)
                if not options.overwrite:
                    check_free(item.target)
                with expecting(item.source):
                    self.picture = image_io.read(item.source)

    @contextmanager
    def _step(self):
        """Measures what a step takes, and keeps its error."""
        started = time.monotonic()
        try:
            yield
        except (MemoryError, tf.errors.ResourceExhaustedError) as error:
            why = "there is not enough memory for an image so large; cut it into parts"
            self.error = InputError(f"{self.item.source}: {why}")
            self.error.__cause__ = error
        except InputError as error:
            self.error = error
        except Exception as error:
            if not isinstance(error, tf.errors.OpError) and not decoders.raised(error):
                raise  # a mistake of ours
            self.error = UnexpectedError(self.item.source, error)
        self.seconds += time.monotonic() - started

    def enlarge(self, stages):
        with self._step():
            if self.error:
                return
            source, target = self.item.source, self.item.target
            srcnns = stages(self.item.ratio, self.item.quality)
            self.about = None
            if self.options.noted:
                self.about = origin(source, srcnns, self.identity) | self.item.images.noted
            if self.picture.frames > 1 and animations.fit(source, target):
                self._enlarge_animation(srcnns)
            else:
                self._enlarge_first(srcnns)

    def _enlarge_first(self, srcnns):
        source, target, picture = self.item.source, self.item.target, self.picture
        of_frames = f"has {picture.frames} frames; the first one is taken" if picture.frames > 1 else ""
        if said := "; ".join(filter(None, (of_frames, picture.notice))):
            self.notice = one_line(f"{source}: {said}")
        size = result_size(source, picture.pixels, srcnns, self.options.goal)
        info = picture.metadata.of_size(picture.pixels.shape[:2], size)
        info = image_io.fitting_metadata(target, info)
        pixels = image_io.fitting(target, picture.pixels)
        image_io.check_fits(target, size[0], size[1], pixels, picture.icc_profile, info)
        self.before, self.warning = pixels, remark(source, info)
        self.after = upscale(pixels, srcnns, source.name, size, self.item.images)
        how = picture.icc_profile, self.about, info, self.options.overwrite
        self.save = partial(image_io.save, self.after, target, *how, self.item.images.keep_hidden_colours)

    def _enlarge_animation(self, srcnns):
        source, target = self.item.source, self.item.target
        size = result_size(source, self.picture.pixels, srcnns, self.options.goal)
        animations.check_fits(source, target, self.picture, *size)
        with expecting(source):
            animation = animations.read(source)
        images = self.item.images
        animations.check_keeps(target, animation, images.keep_hidden_colours)
        frames = progress(animation.frames, f"{source.name}, frames")
        results = [upscale(pixels, srcnns, source.name, size, images) for pixels in frames]
        self.before, self.after = animation.frames[0], results[0]
        info = animation.metadata.of_size(self.before.shape[:2], size)
        info = animations.fitting_metadata(target, info)
        self.warning = remark(source, info, animation.left_out)
        result = animation._replace(frames=results, metadata=info)
        self.save = partial(animations.save, result, target, self.about, self.options.overwrite)

    def finished(self):
        """Writes the result; returns the Upscaled. Nothing is left of the arrays but what that has."""
        source, target, budget, cost = self.item.source, self.item.target, self.budget, self.cost
        try:
            with self._step():
                if not self.error:
                    check_unchanged(source, self.identity)
                    self.save()
                    height, width = self.after.shape[:2]
                    show = partial(compared, self.before, self.after, report.centre(height, width))
                    pictures = report.shown(target, show)
            if self.error:
                return Upscaled(source, target, error=self.error, notice=self.notice)
            found = (height, width), round(self.seconds, 1), pictures
            done = Upscaled(source, target, *found, warning=self.warning, notice=self.notice)
            return done._replace(quality=self.item.quality)
        finally:
            vars(self).clear()  # before others take their memory
            budget.give(cost)


def cost_of(item, goal):
    """Pixels of a result, as its file's header says; an animation is taken for as many as there may be.

    Raises InputError if there are too many in an animation: its canvas may be much larger than its file.
    """
    if frames := animations.fit(item.source, item.target):
        animations.check_size(item.target, frames, *goal.size(*image_io.size(item.source)))
        return PIXELS
    try:
        return math.prod(goal.size(*image_io.size(item.source)))
    except InputError:
        return 0  # why is said when it is read
