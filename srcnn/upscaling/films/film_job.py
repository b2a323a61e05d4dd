"""Films: decoded, enlarged and encoded at once, in parts that outlast the program, then joined."""

import sys
import time
from collections.abc import Callable
from contextlib import closing, contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import av

from srcnn.page import report
from srcnn.settings import FilmCoding
from srcnn.system.atomic_write import remove_leftovers
from srcnn.system.errors import InputError
from srcnn.system.ledger import check_unchanged, identity_if_there, origin
from srcnn.system.locks import is_locked, locked
from srcnn.system.memory import keep_freed
from srcnn.system.progress import progress, say
from srcnn.system.sequences import is_sequence
from srcnn.system.signals import stopping
from srcnn.system.threads import in_threads
from srcnn.upscaling.films import encoded_parts, encoding, frames, outputs
from srcnn.upscaling.films.decoding import reason
from srcnn.upscaling.films.deinterlacing import taken_apart, whole
from srcnn.upscaling.films.encoding import Encoder
from srcnn.upscaling.films.film import Film, Part, Size
from srcnn.upscaling.films.frame_reader import Reader
from srcnn.upscaling.films.pixel_formats import KEEPS_ALPHA, not_kept
from srcnn.upscaling.films.preview_loop import compared
from srcnn.upscaling.films.probe import probe, scanned
from srcnn.upscaling.photographs import check_pixels, product_of
from srcnn.upscaling.sizes import Goal
from srcnn.upscaling.work import Options, Upscaled, Work

FRAMES = 2  # in work at a time, besides the tiles of each
SECONDS = 40  # of work in a part: all that a kill takes
CUT_SHORT = 2  # seconds that a film may end before the time it names


def upscale_film(item: Work, srcnns: list, options: Options, coding: FilmCoding) -> Upscaled:
    """Upscales a film, a sequence or an animation into another; what earlier runs did is not done again.

    The goal of the options is that of films as they are shown. Raises InputError if one of the files cannot
    be used, and SystemExit, all that was done kept, when told to stop.
    """
    source, target = item.source, item.target
    outputs.check_free(target, options)
    started, known = time.monotonic(), identity_if_there(source)
    film, size, encoder = looked_at(source, target, options.goal, coding, item.rate)
    check_pixels(source, film.size[0] * film.size[1] * product_of(srcnns) ** 2)
    about = origin(source, srcnns, known) | coding.noted | item.noted
    folder = encoded_parts.folder_of(target, [about, encoder, av.library_versions])
    with locked(folder, "making it already", "--output", target), naming(source, target, coding.codec):
        name_others(folder, target)
        remove_leftovers(target)
        check = partial(check_unchanged, source, about["input"])
        film = taken_apart(scanned(film), coding.deinterlace)
        refused = outputs.begin(film, encoder, target, about, options)
        parts, broken = encode(film, encoder, srcnns, size, folder, check, options.lasting)
        if not parts:
            raise InputError(f"{source}: has no frame that can be decoded; replace it")
        check()
        show = partial(compared, film, parts, size)
        pictures, loop = report.shown(film.path, show) or (None, None)
        left_out, damaged = outputs.write(film, parts, item, refused, about, options, check)
        encoded_parts.remove(folder)
        left_out += lost_pixels(film, encoder, outputs.bits_of(film, target))
    warning = remarks(film, parts, broken, left_out, damaged)
    found = film.turned_size(*encoder.size), round(time.monotonic() - started, 1), pictures
    notices = [whole(film) if coding.deinterlace else "", outputs.said(film, target)]
    notice = "; ".join(filter(None, notices))
    return Upscaled(source, target, *found, loop=loop, warning=warning, notice=notice)


def looked_at(
    source: Path, target: Path, goal: Goal, coding: FilmCoding, rate: Fraction | None
) -> tuple[Film, Size, Encoder]:
    """A film, (height, width) of its enlarged frames as they are stored, and how they are to be encoded.

    Raises InputError for what its first frames show that cannot be done. For the rest see `upscale_film`.
    """
    film = probe(source, rate)
    taken_apart(film, coding.deinterlace)
    size = film.turned_size(*goal.size(*film.upright))
    encoder = encoding.encoder(film, target, size, outputs.coding_of(target, coding))
    return encoding.in_its_range(film, encoder), size, encoder


def name_others(folder: Path | None, target: Path) -> None:
    """Prints which folders but this one have parts of `target`: of other settings, or left over."""
    for other in encoded_parts.folders_of(target):
        if other != folder and not is_locked(other):
            say(f"{other}: holds parts of this film made with other settings; remove it if it is not needed")


@contextmanager
def naming(source, target, codec=None):
    """Turns what FFmpeg makes of a film into an InputError that names it and the target."""
    try:
        yield
    except av.error.FFmpegError as error:
        other = target.with_suffix(".mkv")  # which goes on with the same parts
        is_of_one = other != target and not is_sequence(target)
        advice = "use another --codec" if codec else "convert it to another format first"
        advice = f"use --output {other}" if is_of_one else advice
        why = f"cannot be written as {target} ({reason(error)})"
        raise InputError(f"{source}: {why}; {advice}") from error


def encode(
    film: Film,
    encoder: Encoder,
    srcnns: list,
    size: Size,
    folder: Path,
    check: Callable = lambda: None,
    lasting: bool = True,
) -> tuple[list[Part], int]:
    """Encodes what is not yet in the parts of a folder.

    Returns the Parts of the whole film, and how many frames could not be decoded.

    size: (height, width) of the enlarged frames. check: see `encoded_parts.write`. lasting: see `Options`.
    """
    keep_freed()
    ending = encoding.part_ending(encoder)
    parts = encoded_parts.finished(folder, ending)
    first = sum(len(part.stamps) for part in parts)
    if parts:
        say(f"{film.path.name}: continuing from frame {first}")
    reader = Reader(film, max(parts[-1].stamps) if parts else None, parts[-1].broken if parts else 0)
    enlarge = _enlarging(film, encoder, srcnns, size)
    add_stream = partial(encoding.add_encoder, film=film, encoder=encoder)
    with stopping() as stop, closing(in_threads(enlarge, iter(reader), FRAMES)) as ahead:
        done = iter(progress(ahead, f"{film.path.name}, frames", film.frame_count, first))
        while not stop.number:
            end = time.monotonic() + SECONDS

            def enough(end=end):
                return bool(stop.number) or time.monotonic() > end

            path = encoded_parts.path_of(folder, first, ending)
            part = encoded_parts.write(path, done, add_stream, enough, reader.broken, check)
            if part is None:
                break
            parts.append(part)
            first += len(part.stamps)
    if stop.number:
        goes_on = "; run the same command again to continue" if lasting else ""
        print(f"Stopped after frame {first}{goes_on}.", file=sys.stderr)
        raise SystemExit(128 + stop.number)
    return parts, reader.broken()


def _enlarging(film, encoder, srcnns, size):
    """A function that enlarges a frame of a film, for an encoder."""
    enlarge = partial(
        frames.enlarged,
        stored=encoder.size,
        size=size,
        format_=encoder.format,
        chroma_centred=film.chroma_centred,
        becomes_limited=film.becomes_limited,
        luminance=partial(frames.through, srcnns, size=size),
    )

    def described(frame):
        result = enlarge(frame)
        for name, value in film.colours.items():  # which ProRes takes from there alone
            setattr(result, name, value)
        return result

    return described


def lost_pixels(film: Film, encoder: Encoder, bits: int) -> list[str]:
    """What the pixels of a film lose, and what was beside them, in words. bits: see `outputs.bits_of`."""
    # The chroma of pictures is stored with fewer samples where there are as many as in these.
    is_twice = film.of_pictures and all(n >= 2 * m for n, m in zip(encoder.size, film.size, strict=True))
    lost = [
        what
        for format_ in (film.format, *film.formats)
        for what in not_kept(format_, encoder.format, 4 if is_twice else 1, bits)
        if what != KEEPS_ALPHA or not film.is_opaque
    ]
    return [*film.beside, *dict.fromkeys([*lost, *([KEEPS_ALPHA] if film.has_alpha else [])])]


def remarks(film: Film, parts: list[Part], broken: int, left_out: list[str], damaged: list[str]) -> str:
    """What could not be kept of a film, as one line; empty if all was.

    left_out, damaged: see `muxing.join`.
    """
    found = []
    last = float((max(parts[-1].stamps) + film.last_duration) * film.time_base)
    if last < film.end - CUT_SHORT:
        found.append(f"is cut short and ends at {last:.1f} of {film.end:.1f} s")
    if broken:
        found.append(f"{broken} of its frames are damaged; those that cannot be decoded are missing")
    if damaged:
        found.append(f"damaged and missing: {', '.join(damaged)}")
    if left_out:
        found.append(f"left out, since the format cannot hold it: {', '.join(left_out)}")
    return f"{film.path}: {'; '.join(found)}" if found else ""
