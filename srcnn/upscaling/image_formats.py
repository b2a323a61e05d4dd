"""--format, --image_quality and --lossless: in which format the result of each image is written, and how."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from srcnn.images import animations, image_coding, image_io
from srcnn.settings import ImageCoding
from srcnn.system.errors import InputError
from srcnn.upscaling.films.containers import FILMS
from srcnn.upscaling.work import Work

PNG = ".png"  # keeps all that images have
# Where a format is written under another of its endings, or under that of its nearest kin.
WRITTEN_AS = {
    **{".avifs": ".avif", ".dib": ".bmp", ".pbm": ".pgm"},
    **dict.fromkeys((".jpe", ".mpo", ".pjp", ".pjpeg"), ".jpg"),
    **dict.fromkeys((".j2c", ".j2k", ".jpc", ".jpf", ".jpx"), ".jp2"),
    **dict.fromkeys((".icb", ".vda", ".vst"), ".tga"),
}


def ending_of(source: Path, coding: ImageCoding, pages: bool = False) -> str:
    """The ending of an image's result that nobody named. Raises InputError if the format is not installed.

    pages: whether all pages of a TIFF are taken, which no other format holds.
    """
    if pages:
        if coding.format not in (None, "same", "tif"):
            raise InputError(f"--format {coding.format}: --pages writes TIFF; leave one out")
        return ".tif"
    if coding.format == "same":
        return _own_ending(source, coding)
    if coding.format is None:
        return PNG
    _check(f".{coding.format}", coding)
    return f".{coding.format}"


def _check(ending, coding):
    """Raises InputError, which names the flag, if files of this ending cannot be written so."""
    target = Path(f"--format {ending[1:]}")
    image_io.format_of(Path(f"result{ending}"))
    image_coding.check(target, image_io.WRITABLE[ending], coding)


def _own_ending(source, coding):
    """That of a file, if files are written under it; else that of PNG."""
    ending = source.suffix.lower()
    if ending in (".gif", ".apng") and animations.fit(source, source):
        return ending
    ending = WRITTEN_AS.get(ending, ending)
    try:
        if ending in image_io.WRITABLE:
            _check(ending, coding)
            return ending
    except InputError:  # a library is missing, or it would lose something with --lossless
        pass
    return PNG


def encoded(item: Work, coding: ImageCoding) -> Work:
    """The work on an image whose result nobody named: what its format cannot keep goes to PNG.

    With --format same, a WebP without loss stays one, unless it is to have a quality.
    """
    is_webp = coding.format == "same" and item.target.suffix == ".webp"
    if is_webp and not coding.quality and image_coding.is_lossless_webp(item.source):
        coding = replace(coding, lossless=True)
    other = item.target.with_suffix(PNG)
    has_other = other != item.target and not item.images.pages
    return item._replace(coding=coding, other=other if has_other else None)


def check_named(source: Path, target: Path, coding: ImageCoding) -> None:
    """Raises InputError if an --output is of another format than --format, or loses something.

    source, target: of an image, or of a film that becomes images or an animation.
    """
    asked = coding.format and ending_of(source, coding)
    names = image_io.WRITABLE | animations.KINDS
    suffix = target.suffix.lower()
    if asked and names[suffix] != names[asked]:
        raise InputError(f"--output {target}: contradicts --format {coding.format}; leave one out")
    image_coding.check(target, names[suffix], coding)


def check_used(work: Sequence[Work], coding: ImageCoding, are_films: bool) -> None:
    """Raises InputError if a flag has nothing that it is for. are_films: whether some results are films."""
    endings = {item.target.suffix.lower() for item in work}.difference(FILMS)
    formats = {image_io.WRITABLE.get(ending) for ending in endings}
    if coding.format and not endings:
        raise InputError("--format is for images; leave it out")
    if coding.quality and formats.isdisjoint(image_coding.WITH_QUALITY):
        raise InputError(
            "--image_quality is for JPEG, WebP, AVIF and HEIC; leave it out, or add --format jpg"
        )
    if coding.lossless and not are_films and formats.isdisjoint(image_coding.LOSSLESS):
        raise InputError("--lossless is for films, WebP and AVIF; leave it out")
