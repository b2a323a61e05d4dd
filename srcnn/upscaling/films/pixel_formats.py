"""Formats of pixels as FFmpeg names them: what is decoded, and what is encoded."""

from collections.abc import Collection

import av

LIMITED, FULL, BT601 = 1, 2, 5  # as FFmpeg numbers them
HDR = 16, 18  # transfer characteristics as ITU-T H.273 numbers them: PQ and HLG
SMPTE170M, BT2020 = 6, 9  # kinds of colours by the same numbers
UNSAID = 0, 2  # the same: reserved, and unspecified
GREY = "gray", "gray10le"
FORMATS = [f"yuv{kind}p{depth}" for kind in (420, 422, 444) for depth in ("", "10le")]
KEEPS_ALPHA = "transparency (kept by --codec vp9 in .webm, prores in .mov and ffv1 in .mkv)"


def plain_format(name: str) -> str:
    """The format of FORMATS that keeps the pixels of a decoder, but for what `not_kept` names."""
    same = name.replace("yuvj", "yuv")  # the j says full range, which is said elsewhere
    if same in FORMATS:
        return same
    pixels = av.VideoFormat(name)
    wide, high = pixels.chroma_width(16) == 16, pixels.chroma_height(16) == 16
    grey = len(pixels.components) < 3
    kind = 444 if pixels.is_rgb or wide else 422 if high and not grey else 420
    return f"yuv{420 if grey else kind}p" + ("10le" if is_high_bit_depth(name) else "")


def is_high_bit_depth(name: str) -> bool:
    """Whether a format has more than 8 bits a sample."""
    return _bits(name) > 8


def nearest(format_: str, taken: Collection[str]) -> str:
    """The one of some of FORMATS that keeps most of a format's pixels."""
    bits, chroma = _bits(format_), _chroma(format_)

    def loss(other):
        more_bits, more_chroma = _bits(other) - bits, _chroma(other) - chroma
        return (more_bits < 0) + (more_chroma < 0), more_bits < 0, abs(more_chroma), abs(more_bits)

    return min(taken, key=loss)


def has_alpha(name: str) -> bool:
    return any(component.is_alpha for component in av.VideoFormat(name).components)


def fits_after(name: str, first: str) -> bool:
    """Whether a frame of a format can follow a first one, which alone tells how all are encoded."""
    wanted, found = av.VideoFormat(first), av.VideoFormat(name)
    is_alike = is_high_bit_depth(name) == is_high_bit_depth(first) and found.is_rgb == wanted.is_rgb
    return is_alike and (has_alpha(first) or not has_alpha(name))


def with_alpha(format_: str) -> str:
    """A format of FORMATS with a plane of alpha."""
    return format_.replace("yuv", "yuva")


def not_kept(name: str, stored: str, larger: int = 1, most_bits: int = 16) -> list[str]:
    """What of a decoder's pixels a format of FORMATS, or one of them with alpha, has not, in words.

    larger: how many times as many pixels may have the chroma of the decoder's. most_bits: of what is made of
    that format.
    """
    plain, bits = plain_format(name), min(_bits(stored), most_bits)
    lost = {
        f"{_bits(name)} bits (now {bits})": _bits(name) > bits,
        f"{_ratio(plain)} (now {_ratio(stored)})": _chroma(plain) > _chroma(stored) * larger,
        KEEPS_ALPHA: has_alpha(name) and not has_alpha(stored),
    }
    return [text for text, is_lost in lost.items() if is_lost]


def _bits(name):
    return max(component.bits for component in av.VideoFormat(name).components)


def _chroma(format_):
    """How many samples of chroma there are for 16x16 pixels."""
    pixels = av.VideoFormat(format_)
    return pixels.chroma_width(16) * pixels.chroma_height(16)


def _ratio(format_):
    """4:2:0 and the like of a format of FORMATS, or one of them with alpha."""
    return ":".join(format_.removeprefix("yuva").removeprefix("yuv")[:3])
