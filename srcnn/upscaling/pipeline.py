"""Photographs in a row: while one passes through the networks, the next is read and the last ones written."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

from srcnn.images import animations, decoders, image_io, tiff_pages
from srcnn.page import report
from srcnn.system.errors import InputError, UnexpectedError, expecting, one_line
from srcnn.system.ledger import check_unchanged, identity_if_there, origin
from srcnn.system.output_paths import check_free
from srcnn.system.progress import progress
from srcnn.system.threads import Budget, cores, in_threads
from srcnn.tf1 import tf
from srcnn.upscaling.paged import enlarge_pages
from srcnn.upscaling.photographs import check_size, compared, remark, result_size, upscale
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


def planned(item: Work, stages: Callable[..., list], options: Options) -> tuple[Work, tuple[int, int]]:
    """A photograph as it would be upscaled: with the place of its result, and (height, width) of that.

    It is decoded, since only its pixels show what a format cannot keep. Raises InputError if it cannot be
    upscaled.
    """
    photograph = Photograph(options, Budget(PIXELS), item)
    size = photograph.plan(stages)
    if photograph.error:
        raise photograph.error
    return photograph.item, size


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
        self.elsewhere = ""  # why the result goes to another place, and to which
        self.cost = self.pages = 0
        with self._step(), expecting(item.source):
            if not self.error:
                self._keep_frames()
                self.cost = cost_of(self.item, options.goal)
        budget.take(self.cost)  # before it is read
        with self._step():
            if not self.error:
                self.identity = identity_if_there(item.source)
                if not options.overwrite:
                    check_free(self.item.target)
                if not item.images.pages:
                    with expecting(item.source):
                        self.picture = image_io.read(item.source)

    @contextmanager
    def _step(self):
        """Measures what a step takes, and keeps its error."""
        started = time.monotonic()
        try:
            yield
        except (MemoryError, tf.errors.ResourceExhaustedError) as error:
            why = "there is not enough memory for an image of this size; cut it into parts"
            self.error = InputError(f"{self.item.source}: {why}")
            self.error.__cause__ = error
        except InputError as error:
            self.error = error
        except Exception as error:
            if not isinstance(error, tf.errors.OpError) and not decoders.raised(error):
                raise  # a mistake of ours
            self.error = UnexpectedError(self.item.source, error)
        self.seconds += time.monotonic() - started

    def _keep_frames(self):
        """Lets an animation become one, where the format that was asked for has none."""
        source, target, other = self.item.source, self.item.target, self.item.other
        if other and animations.fit(source, other) and not animations.fit(source, target):
            self._go_elsewhere(f"{target.suffix} has no animations")

    def _where_it_fits(self, check):
        """What check(target) gives. Where that raises InputError, the result goes elsewhere if it can."""
        target, other = self.item.target, self.item.other
        try:
            return check(target)
        except InputError as error:
            if not other:
                raise
            found = check(other)
            self._go_elsewhere(str(error).removeprefix(f"{target}: ").partition("; use ")[0])
            return found

    def _go_elsewhere(self, why):
        self.item = self.item.elsewhere
        self.elsewhere = f"{why}; the result is {self.item.target.name}"
        if not self.options.overwrite:
            check_free(self.item.target)

    def enlarge(self, stages):
        with self._step():
            if self.error:
                return
            srcnns = self.item.networks(stages)
            if self.item.images.pages:
                self._enlarge_pages(stages, self._about(srcnns))
            elif self._is_animation():
                self._enlarge_animation(srcnns)
            else:
                self._enlarge_first(srcnns)

    def plan(self, stages):
        """Decides where the result goes; returns (height, width) of it, or None after an error."""
        with self._step():
            if not self.error:
                fit = self._fit_animation if self._is_animation() else self._fit_first
                return fit(self.item.networks(stages))[0]
        return None

    def _is_animation(self):
        return self.picture.frames > 1 and animations.fit(self.item.source, self.item.target)

    def _about(self, srcnns):
        """What is noted of the result; None for nothing."""
        if not self.options.noted:
            return None
        return origin(self.item.source, srcnns, self.identity) | self.item.noted

    def _say(self, *notices):
        said = "; ".join(filter(None, (*notices, self.picture.notice, self.elsewhere)))
        self.notice = one_line(f"{self.item.source}: {said}") if said else ""

    def _kept(self, size, target):
        """Pixels, and metadata of this size, as a target keeps them. Raises InputError if it cannot."""
        picture = self.picture
        info = picture.metadata.of_size(picture.pixels.shape[:2], size)
        info = image_io.fitting_metadata(target, info)
        pixels = image_io.fitting(target, picture.pixels)
        image_io.check_fits(target, size[0], size[1], pixels, picture.icc_profile, info)
        return pixels, info

    def _fit_first(self, srcnns):
        """(height, width) of the result, and pixels and metadata as the format that it goes to keeps them."""
        size = result_size(self.item.source, self.picture.pixels, srcnns, self.options.goal)
        return size, *self._where_it_fits(partial(self._kept, size))

    def _enlarge_first(self, srcnns):
        source, picture = self.item.source, self.picture
        of_frames = f"has {picture.frames} frames; using the first one" if picture.frames > 1 else ""
        if of_frames and tiff_pages.is_tiff(source):
            of_frames = f"has {picture.frames} pages; using the first one (--pages takes all of them)"
        size, pixels, info = self._fit_first(srcnns)
        self._say(of_frames)
        self.before, self.warning = pixels, remark(source, info)
        self.after = upscale(pixels, srcnns, source.name, size, self.item.images)
        how = picture.icc_profile, self._about(srcnns), info, self.options.overwrite
        more = self.item.images.keep_hidden_colours, self.item.coding
        self.save = partial(image_io.save, self.after, self.item.target, *how, *more)

    def _fit_animation(self, srcnns):
        """(height, width) of the result, and the Animation, where it goes to a format that keeps it."""
        source, hidden = self.item.source, self.item.images.keep_hidden_colours
        size = result_size(source, self.picture.pixels, srcnns, self.options.goal)
        self._where_it_fits(lambda target: animations.check_fits(source, target, self.picture, *size))
        with expecting(source):
            animation = animations.read(source)
        self._where_it_fits(lambda target: animations.check_keeps(target, animation, hidden))
        return size, animation

    def _enlarge_animation(self, srcnns):
        source, images = self.item.source, self.item.images
        size, animation = self._fit_animation(srcnns)
        self._say()
        frames = progress(animation.frames, f"{source.name}, frames")
        results = [upscale(pixels, srcnns, source.name, size, images) for pixels in frames]
        self.before, self.after = animation.frames[0], results[0]
        info = animation.metadata.of_size(self.before.shape[:2], size)
        info = animations.fitting_metadata(self.item.target, info)
        self.warning = remark(source, info, animation.left_out)
        result = animation._replace(frames=results, metadata=info)
        how = self._about(srcnns), self.options.overwrite, self.item.coding.quality
        self.save = partial(animations.save, result, self.item.target, *how)

    def _enlarge_pages(self, stages, about):
        """Writes the result, too: there are never more than a few pages in memory."""
        source, check = self.item.source, partial(check_unchanged, self.item.source, self.identity)
        with expecting(source):
            pages = tiff_pages.pages_of(source)
        self.pages = len(pages.taken)
        self.notice = one_line(f"{source}: left out: {pages.left_out}") if pages.left_out else ""
        found = enlarge_pages(self.item, pages, stages, self.options, about, check)
        self.before, self.after, self.warning = found

    def finished(self):
        """Writes the result; returns the Upscaled. Nothing is left of the arrays but what that has."""
        source, target, budget, cost = self.item.source, self.item.target, self.budget, self.cost
        try:
            with self._step():
                if not self.error:
                    if not self.item.images.pages:
                        check_unchanged(source, self.identity)
                        self.save()
                    height, width = self.after.shape[:2]
                    show = partial(compared, self.before, self.after, report.centre(height, width))
                    pictures = report.shown(target, show)
            if self.error:
                return Upscaled(source, target, error=self.error, notice=self.notice)
            found = (height, width), round(self.seconds, 1), pictures
            done = Upscaled(source, target, *found, warning=self.warning, notice=self.notice)
            return done._replace(quality=self.item.quality, pages=self.pages)
        finally:
            vars(self).clear()  # before others take their memory
            budget.give(cost)


def cost_of(item, goal):
    """Pixels of a result, as its file's header says; an animation is taken for as many as there may be.

    Of a TIFF whose pages are all taken, those of the largest. Raises InputError if one of them is missing, or
    if there are too many: a canvas may be much larger than its file.
    """
    if item.images.pages:
        pages = tiff_pages.pages_of(item.source).taken
        return max(math.prod(goal.size(*page.size)) for page in pages)
    if frames := animations.fit(item.source, item.target):
        animations.check_size(item.target, frames, *goal.size(*image_io.size(item.source)))
        return PIXELS
    try:
        size = image_io.size(item.source)
    except InputError:
        return 0  # why is said when it is read
    check_size(item.source, size, goal)
    return math.prod(goal.size(*size))
