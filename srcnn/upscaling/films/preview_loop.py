"""What the page shows of a film: a frame before and after, and two seconds of both side by side."""

import itertools
from functools import partial
from io import BytesIO

import numpy as np
from PIL import Image

from srcnn.page.report import centre
from srcnn.upscaling.films import frames
from srcnn.upscaling.films.film import Film, Part, Size, stamps_shown
from srcnn.upscaling.films.frame_reader import Reader
from srcnn.upscaling.films.pictures import frames_of, pixels_of
from srcnn.upscaling.films.pixel_formats import plain_format

SECONDS = 2
LARGEST = 384, 384  # height, width of each side of the loop
RATE = 25  # frames a second of the loop at most


def compared(film: Film, parts: list[Part], size: Size) -> tuple[dict | None, bytes | None]:
    """The middle of a film: pictures of one frame as in `Upscaled`, and a loop, the bytes of a WebP.

    Both are None where the frames cannot be read again.

    parts: all of the film's. size: (height, width) of the enlarged frames.
    """
    shown = stamps_shown(parts)
    middle = shown[len(shown) // 2]
    index = next(i for i, part in enumerate(parts) if max(part.stamps) >= middle)
    first = min(parts[index].stamps)
    before = [stamp for stamp in shown if stamp < first]
    enlarge = partial(
        frames.enlarged,
        size=size,
        luminance=partial(frames.bicubic, size=size),
        chroma_centred=film.chroma_centred,
        becomes_limited=film.becomes_limited,
    )
    pictures, sides = None, []
    stamps: list[float] = []  # seconds from the first picture
    after = frames_of(parts[index:])
    for frame, result in zip(Reader(film, before[-1] if before else None), after, strict=False):
        seconds = float((frame.pts - first) * film.time_base)
        if stamps and seconds >= SECONDS:
            break
        if stamps and seconds - stamps[-1] < 0.99 / RATE:
            continue
        stored = result.height, result.width
        bicubic = pixels_of(enlarge(frame, stored, format_=plain_format(result.format.name)), film)
        srcnn = pixels_of(result, film)
        if pictures is None:
            box = centre(*srcnn.shape[:2])
            pictures = {"bicubic": _cut(bicubic, box), "SRCNN": _cut(srcnn, box)}
        sides.append(np.concatenate([_middle(bicubic), _middle(srcnn)], axis=1))
        stamps.append(seconds)
    return pictures, _webp(sides, stamps) if sides else None


def _cut(pixels, box):
    return pixels[box[0] : box[2], box[1] : box[3]]


def _middle(pixels):
    box = [max(0, (n - most) // 2) for n, most in zip(pixels.shape, LARGEST, strict=False)]
    return pixels[box[0] : box[0] + LARGEST[0], box[1] : box[1] + LARGEST[1]]


def _webp(pictures, seconds):
    """Pictures shown from these seconds on, over and over, as the bytes of a WebP file."""
    first, *others = map(Image.fromarray, pictures)
    times = [round(1000 * (b - a)) for a, b in itertools.pairwise(seconds)]
    times.append(times[-1] if times else 1000 * SECONDS)
    file = BytesIO()
    how = {"duration": times, "loop": 0, "quality": 85, "method": 2}
    first.save(file, "WEBP", save_all=True, append_images=others, **how)
    return file.getvalue()
