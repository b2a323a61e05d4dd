"""Which codecs a film of an ending can have, as FFmpeg writes them."""

from pathlib import Path

from srcnn.system.errors import InputError

MP4, QUICKTIME, MATROSKA, WEBM = (".mp4", ".m4v"), (".mov",), (".mkv",), (".webm",)
ENDINGS = {  # of the films that each codec goes into
    "h264": MP4 + QUICKTIME + MATROSKA,
    "hevc": MP4 + QUICKTIME + MATROSKA,
    "av1": MP4 + MATROSKA + WEBM,
    "vp9": MP4 + MATROSKA + WEBM,
    "prores": QUICKTIME + MATROSKA,
    "ffv1": MATROSKA,
}
FILMS = tuple(sorted({ending for endings in ENDINGS.values() for ending in endings}))


def ending_for(suffix: str, codec: str | None) -> str:
    """The ending of an enlarged film that nobody named.

    suffix: of the original. codec: of ENDINGS; None for what its container has by default.
    """
    endings = ENDINGS[codec] if codec else FILMS
    return suffix if suffix in endings else ".mov" if codec == "prores" else ".mkv"


def check_holds(target: Path, codec: str) -> None:
    """Raises InputError if a film of a codec cannot be written to `target`, whose ending is one of films."""
    suffix, endings = target.suffix.lower(), ENDINGS[codec]
    if suffix in endings:
        return
    if codec == "ffv1":
        raise InputError(f"{target}: FFV1, which is lossless, needs .mkv; name an --output that ends in .mkv")
    fitting = [codec for codec, endings in ENDINGS.items() if suffix in endings]
    named = " or ".join(ending for ending in endings if ending != ".m4v")
    others = f"one of {', '.join(fitting)}, or an --output that ends in {named}"
    raise InputError(f"{target}: --codec {codec} does not go into {suffix}; use {others}")
