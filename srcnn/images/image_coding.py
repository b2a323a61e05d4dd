"""How formats encode pixels: by which quality, with how much chroma, or without any loss."""

import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from srcnn.settings import ImageCoding
from srcnn.system.errors import InputError

WITH_QUALITY = "AVIF", "HEIF", "JPEG", "WEBP"
LOSSLESS = "AVIF", "WEBP"  # if they are asked for it; the others of WITH_QUALITY always lose something
QUALITY = 95
DEFAULT = ImageCoding()
FULL_CHROMA = 90  # quality from which on chroma has all pixels: red text on blue blurs without; not in WebP


def check(path: Path, name: str, coding: ImageCoding) -> None:
    """Raises InputError if a format, as Pillow calls it, cannot be without loss though it is to be."""
    if not coding.lossless or name not in WITH_QUALITY:
        return
    if name not in LOSSLESS:
        raise InputError(f"{path}: {name} always loses something; use .webp or .png, or leave out --lossless")
    if name == "AVIF" and not _has_avif():
        why = "the installed OpenCV has no AVIF, which --lossless needs"
        raise InputError(f"{path}: {why}; use .webp or .png")


def options(name: str, coding: ImageCoding) -> dict[str, Any]:
    """What the encoders of Pillow and pillow-heif take for a format, as Pillow calls it."""
    if name not in WITH_QUALITY:
        return {}
    if coding.lossless:
        return {"lossless": True, "exact": True} if name == "WEBP" else {}
    quality = coding.quality or QUALITY
    is_full = quality >= FULL_CHROMA
    chroma: dict[str, dict[str, Any]] = {
        "AVIF": {"subsampling": "4:4:4" if is_full else "4:2:0"},
        "HEIF": {"chroma": 444 if is_full else 420},
        "JPEG": {"subsampling": "4:4:4" if is_full else "4:2:0"},
    }
    return {"quality": quality, **chroma.get(name, {})}


def is_lossless_webp(path: Path) -> bool:
    """Whether a file is a still WebP without loss: whether it has a chunk VP8L."""
    with suppress(OSError), open(path, "rb") as file:
        start = file.read(12)
        while start[:4] == b"RIFF" and start[8:] == b"WEBP" and len(head := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", head)
            if name in (b"VP8L", b"VP8 "):
                return name == b"VP8L"
            file.seek(length + length % 2, 1)
    return False


def _has_avif():
    import cv2

    return cv2.haveImageWriter("image.avif")


def write_lossless_avif(
    pixels: np.ndarray, path: Path, icc_profile: bytes | None = None, exif: bytes = b"", xmp: bytes = b""
) -> None:
    """Writes (h, w, 3 or 4) uint8 by OpenCV: Pillow's AVIF is YCbCr even at its best, and so inexact."""
    import cv2

    kinds = cv2.IMAGE_METADATA_ICCP, cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_XMP
    there = [(kind, data) for kind, data in zip(kinds, (icc_profile, exif, xmp), strict=True) if data]
    order = cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    beside = [np.frombuffer(data, np.uint8) for _, data in there]
    best = [cv2.IMWRITE_AVIF_QUALITY, 100]
    try:
        encoded = cv2.imencodeWithMetadata(
            ".avif", cv2.cvtColor(pixels, order), [kind for kind, _ in there], beside, best
        )[1]
    except cv2.error as error:
        raise ValueError(str(error)) from error
    path.write_bytes(encoded.data)
