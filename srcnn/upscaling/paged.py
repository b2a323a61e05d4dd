"""TIFFs of several pages, one page after another."""

from collections.abc import Callable
from contextlib import closing

import numpy as np

from srcnn.images import image_io, tiff, tiff_pages
from srcnn.images.metadata import Metadata
from srcnn.images.tiff_pages import Pages
from srcnn.system.atomic_write import replacing
from srcnn.system.progress import progress
from srcnn.upscaling.photographs import remark, result_size, upscale
from srcnn.upscaling.work import Options, Work


def enlarge_pages(
    item: Work, pages: Pages, stages: Callable, options: Options, about: dict | None, check: Callable
) -> tuple[np.ndarray, np.ndarray, str]:
    """Enlarges the pages of a TIFF and writes all of them, or none.

    stages: see `trained.Stages`. about: see `atomic_write.replacing`. check: raises InputError, when all are
    done, if the file was changed meanwhile. Returns pixels of the first page, the same enlarged, and what is
    left out of a page, as one line. Raises InputError that names the page.
    """
    source, target, words = item.source, item.target, []
    first: tuple[np.ndarray, ...] = ()
    big = _is_big(item, pages, stages, options)
    pictures = progress(tiff_pages.pictures(source, pages), f"{source.name}, pages", len(pages.taken))
    with closing(pictures), replacing(target, about, options.overwrite) as temporary:
        for page, picture in zip(pages.taken, pictures, strict=True):
            name = f"{source}: page {page.number}"
            srcnns = stages(options.goal.ratio(*page.size), item.quality)
            size = result_size(name, picture.pixels, srcnns, options.goal)
            info = image_io.fitting_metadata(target, picture.metadata.of_size(page.size, size))
            image_io.check_fits(target, *size, picture.pixels, picture.icc_profile, info)
            what = f"{source.name}, page {page.number}"
            larger = upscale(picture.pixels, srcnns, what, size, item.images)
            how = pages.layout.order, big, bool(first), page.page_number
            tiff.write(larger, temporary, picture.icc_profile, info, *how)
            first = first or (picture.pixels, larger)
            words += [f"{info.left_out} of page {page.number}"] if info.left_out else []
        check()
    return first[0], first[1], remark(source, Metadata(), "; ".join(words))


def _is_big(item, pages, stages, options):
    """Whether the result must be a BigTIFF. Raises InputError, before the work, if a page is too large."""
    total = 0
    for page in pages.taken:
        srcnns = stages(options.goal.ratio(*page.size), item.quality)
        shape = np.broadcast_to(np.uint8(0), (*page.size, 1))
        height, width = result_size(f"{item.source}: page {page.number}", shape, srcnns, options.goal)
        total += height * width * page.depth
    return total > tiff.LARGEST_CLASSIC
