"""Formats of pixels as FFmpeg names them: what is decoded, and what is encoded."""

import av

LIMITED, FULL, BT601 = 1, 2, 5  # as FFmpeg numbers them
GREY = "gray", "gray10le"
FORMATS = {f"yuv{kind}p{depth}" for kind in (420, 422, 444) for depth in ("", "10le")}


def plain_format(name: str) -> str:
    """The format of FORMATS that keeps the pixels of a decoder, but for what `not_kept` names."""
    same = name.replace("yuvj", "yuv")  # the j says full range, which is said elsewhere
    if same in FORMATS:
        return same
    pixels = av.VideoFormat(name)
    wide, high = pixels.chroma_width(16) == 16, pixels.chroma_height(16) == 16
    grey = len(pixels.components) < 3
    kind = 444 if pixels.is_rgb or pixels.has_palette or wide else 422 if high and not grey else 420
    return f"yuv{420 if grey else kind}p" + ("10le" if max(c.bits for c in pixels.components) > 8 else "")


def not_kept(name: str) -> list[str]:
    """What of a decoder's pixels no format of FORMATS has, in words."""
    pixels = av.VideoFormat(name)
    depth = max(c.bits for c in pixels.components)
    alpha = any(c.is_alpha for c in pixels.components)
    return [text for text, is_so in ((f"{depth} bits, but 10", depth > 10), ("transparency", alpha)) if is_so]
