"""Pictures for people to look at: strips of them, the filters of the first layer, files to embed in a page.

Pixels are uint8 arrays, height x width x channels: 1 is grey, 3 RGB. All functions may be called from
several threads at once; what takes long in them does not hold the GIL.
"""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from srcnn.images import png

LARGEST_PANEL = 1000  # pixels of the longer side of a picture in a strip
BYTES_A_PIXEL = 1.0  # of what is embedded; a page of 24 images of 481x321 is then below 15 MB
THIRDS = (np.rint(np.arange(256) / 3) * 3).astype(np.uint8)  # each level as one of 86, off by 1 at most


def captions(pictures: dict[str, np.ndarray], scores: dict) -> dict[str, str]:
    """A line about each picture, by its name: its scores, or the size of the low resolution.

    scores: a dict of `table.columns`, or without some of them.
    """
    low = pictures.get("low resolution")
    lines = {"low resolution": "" if low is None else f"{low.shape[1]}x{low.shape[0]} pixels"}
    for kind in ("bicubic", "SRCNN"):
        psnr, ssim = (scores.get(f"{kind.lower()}_{metric}") for metric in ("psnr", "ssim"))
        parts = [] if psnr is None else [f"{psnr:.2f} dB"]
        lines[kind] = ", ".join(parts + ([] if ssim is None else [f"SSIM {ssim:.4f}"]))
    return {name: lines.get(name, "") for name in pictures}


def save_comparison(pictures: dict[str, np.ndarray], scores: dict, path: Path) -> None:
    """Writes one strip, a PNG: pictures side by side, in their order, with PSNR and SSIM under them.

    pictures: dict of pixels, all with the same number of channels. All are shown as large as `SRCNN`,
    at most LARGEST_PANEL pixels a side. scores: a dict of `table.columns`.
    """
    h, w, channels = pictures["SRCNN"].shape
    ratio = min(1, LARGEST_PANEL / max(h, w))
    size = max(1, round(w * ratio)), max(1, round(h * ratio))
    width, gap, line = max(size[0], 150), 8, 18
    whole = len(pictures) * (width + gap) + gap, size[1] + 2 * gap + 2 * line
    strip = Image.new("L" if channels == 1 else "RGB", whole, "white")
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(14)
    for i, (name, text) in enumerate(captions(pictures, scores).items()):
        x = gap + i * (width + gap) + width // 2
        strip.paste(panel(pictures[name], size), (x - size[0] // 2, gap))
        place = x, size[1] + gap + 2
        draw.multiline_text(place, f"{name}\n{text}", "black", font, anchor="ma", align="center")
    path.write_bytes(png.encoded(np.atleast_3d(np.asarray(strip))))


def panel(pixels: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """Pixels as a Pillow image of this (width, height): enlarged by repeating them, shrunk smoothly."""
    import cv2

    h, w = pixels.shape[:2]
    # Pillow copies an image to four bytes a pixel: what is large is first shrunk, to twice the size or more.
    factor = min(w // size[0], h // size[1]) // 2
    if factor > 1:
        pixels = cv2.resize(pixels, (w // factor, h // factor), interpolation=cv2.INTER_AREA)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
    if image.size == size:
        return image
    shrinks = image.width > size[0]
    return image.resize(size, Image.Resampling.LANCZOS if shrinks else Image.Resampling.NEAREST)


def filters_picture(w1: np.ndarray) -> np.ndarray:
    """The kernels of the first layer, (kh, kw, c, n), by variance, 16 in a row, as pixels.

    As in the paper's figure of them; each is stretched to the whole range of grey.
    """
    columns = 16
    kernels = np.moveaxis(w1[..., np.argsort(-w1.var(axis=(0, 1, 2)))], -1, 0)
    low, high = (f(kernels, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    tiles = (kernels - low) / np.where(high > low, high - low, 1)
    missing = -len(tiles) % columns
    tiles = np.pad(tiles, ((0, missing), (0, 1), (0, 1), (0, 0)), constant_values=1)
    tiles[len(kernels) :] = 1
    _, h, w, c = tiles.shape
    grid = tiles.reshape(-1, columns, h, w, c).swapaxes(1, 2).reshape(-1, columns * w, c)
    return np.floor(grid * 255 + 0.5).astype(np.uint8).repeat(5, axis=0).repeat(5, axis=1)


def embedded(pixels: np.ndarray) -> str:
    """Pixels as an address that holds them, a WebP without loss.

    Where that takes more than BYTES_A_PIXEL, which means texture or noise all over, levels are rounded to
    multiples of 3: no value is off by more than 1 (50 dB), and what is equal in two pictures remains so.
    """
    file = _webp(pixels)
    if len(file) > BYTES_A_PIXEL * pixels.shape[0] * pixels.shape[1]:
        file = _webp(THIRDS[pixels])
    return data_uri(file, "webp")


def _webp(pixels):
    buffer = BytesIO()
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image.save(buffer, "WEBP", lossless=True, quality=0, method=1)  # more effort: 6 % less in 5 times as long
    return buffer.getvalue()


def data_uri(file: bytes, kind: str) -> str:
    """The bytes of an image file as an address. kind: png or webp."""
    return f"data:image/{kind};base64," + base64.b64encode(file).decode()
