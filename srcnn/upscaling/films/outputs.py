"""What the encoded parts of a film become: a film, a sequence of images or an animated picture."""

from collections.abc import Callable
from pathlib import Path

from srcnn.images import animations
from srcnn.settings import FilmCoding
from srcnn.system import output_paths
from srcnn.system.atomic_write import replacing
from srcnn.system.sequences import is_sequence
from srcnn.upscaling.films import animation_output, muxing, sequence_output
from srcnn.upscaling.films.encoding import Encoder
from srcnn.upscaling.films.film import Film, Part
from srcnn.upscaling.films.pictures import check_shown, not_kept
from srcnn.upscaling.work import Options, Work


def _is_animation(target):
    return target.suffix.lower() in animations.KINDS


def _are_pictures(target):
    return is_sequence(target) or _is_animation(target)


def coding_of(target: Path, asked: FilmCoding) -> FilmCoding:
    """How parts are encoded: without loss where pictures are made of them."""
    return FilmCoding(lossless=True) if _are_pictures(target) else asked


def bits_of(film: Film, target: Path) -> int:
    """How many bits a sample of what is written may have."""
    if is_sequence(target):
        return sequence_output.bits_of(film, target)
    return 8 if _is_animation(target) else 16


def check_free(target: Path, options: Options) -> None:
    """Raises InputError if a file is in the way of the one that is written; see `begin` for sequences."""
    if not options.overwrite and not is_sequence(target):
        output_paths.check_free(target)


def said(film: Film, target: Path) -> str:
    """What else there is to say of what is written; empty if there is nothing."""
    if film.others and not _are_pictures(target):
        return f"{film.path}: only the first stream of frames is enlarged; copying {film.others} more as is"
    return ""


def begin(film: Film, encoder: Encoder, target: Path, about: dict, options: Options) -> set[int]:
    """The numbers of the streams that the target refuses, found before the work, see `muxing.refused`.

    about: what is noted of each file. Raises InputError for what cannot be written.
    """
    size = film.turned_size(*encoder.size)
    if _are_pictures(target):
        check_shown(film)
    if is_sequence(target):
        sequence_output.check(film, target, size, about, options.overwrite)
    elif _is_animation(target):
        animation_output.check(film, target, size)
    else:
        return muxing.refused(film, encoder, target.suffix.lower())
    return set()


def write(
    film: Film,
    parts: list[Part],
    item: Work,
    refused: set[int],
    about: dict,
    options: Options,
    check: Callable,
) -> tuple[list[str], list[str]]:
    """Writes the target; returns what it could not keep of the film, and what is damaged, both in words.

    refused, about: see `begin`. check: raises InputError if the film was changed meanwhile.
    """
    target, note = item.target, about if options.noted else None
    if is_sequence(target):
        sequence_output.write(film, parts, item, about, options.overwrite, check)
        return [*muxing.beside_frames(film), *not_kept(film)], []
    if _is_animation(target):
        check()
        dropped = animation_output.write(film, parts, item, note, options.overwrite)
        return [*dropped, *muxing.beside_frames(film), *not_kept(film)], []
    with replacing(target, note, options.overwrite) as temporary:
        found = muxing.join(temporary, film, parts, target.suffix.lower(), refused)
        check()
    return found
