"""Animated pictures: all frames, how long each is shown, and how often all are."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageSequence

from srcnn.images import apng, decoders, gif, icc_profiles, image_io, metadata, placement, png, png_chunks
from srcnn.images.metadata import Metadata
from srcnn.system.atomic_write import replacing
from srcnn.system.errors import InputError, first_line

KINDS = {".gif": "GIF", ".png": "PNG", ".apng": "PNG", ".webp": "WEBP"}  # that have animations
STEPS = {"GIF": 10, "WEBP": 1}  # milliseconds in which they count; PNG has fractions
LONGEST = 655_350  # milliseconds that GIF shows a frame
LARGEST = 2**28  # pixels of all frames of a result, which are in memory at a time


class Animation(NamedTuple):
    """A decoded animation."""

    frames: list  # (h, w, 3) or (h, w, 4) uint8 pixels, of one shape
    milliseconds: list  # that each is shown, whole numbers or not
    plays: int  # 0: without end
    icc_profile: bytes | None = None
    metadata: Metadata = Metadata()
    left_out: str = ""  # what is not of the animation, in words


def fit(source, target):
    """How many frames, not pages, an image file has that `target` can have, too; 0 if it is no animation."""
    return _frames_in(source) if target.suffix.lower() in KINDS else 0


def count(path):
    """How many frames an animated picture has; 0 if the file is none, or has the ending of something else."""
    return _frames_in(path) if Path(path).suffix.lower() in (*KINDS, "") else 0


def _frames_in(source):
    try:
        with decoders.opened(png_chunks.mended(source).source) as file, Image.open(file) as image:
            frames = getattr(image, "n_frames", 1)
            return frames if image.format in KINDS.values() and frames > 1 else 0
    except Exception as error:  # whoever reads it says what is wrong
        if not isinstance(error, OSError) and not decoders.raised(error):
            raise
        return 0


def check_size(path, frames, h, w):
    """Raises InputError if memory, or a file of this name, cannot hold so many frames of this size."""
    if frames * h * w > LARGEST:
        raise InputError(
            f"{path}: would have more than {LARGEST:,} pixels in all; shorten the animation first"
        )
    kind = KINDS[path.suffix.lower()]
    if max(h, w) > image_io.LARGEST_SIDE.get(kind, LARGEST):
        raise InputError(f"{path}: {w}x{h} pixels is more than {kind} can hold; use .png")


def check_fits(source, target, picture, h, w):
    """Raises InputError if memory, or a file of the target's name, cannot hold an animation of this size.

    picture: what `image_io.read` gives of its source, which need not be decoded for that.
    """
    check_size(target, picture.frames, h, w)
    kind = KINDS[target.suffix.lower()]
    if picture.pixels.dtype == np.uint16:
        raise InputError(f"{source}: has 16 bits, but animations are written with 8; save it with 8 bits")
    if picture.icc_profile and kind == "GIF":
        raise InputError(f"{target}: GIF cannot keep the colour profile; use .png or .webp")
    if picture.icc_profile and picture.pixels.shape[2] < 3:
        raise InputError(
            f"{source}: has a grey colour profile, but frames are written as RGB; save it as sRGB"
        )


def check_keeps(target, animation, hidden_colours=False):
    """Raises InputError if a file of this name cannot keep what an animation has beside its colours.

    hidden_colours: whether those under an alpha of 0 are to be kept.
    """
    kind = KINDS[target.suffix.lower()]
    if hidden_colours and animation.frames[0].shape[2] == 4 and kind != "PNG":  # encoders of WebP clear them
        raise InputError(f"{target}: {kind} cannot keep the colours of transparent pixels; use .png")
    if kind != "GIF":
        return
    check_times(target, animation.milliseconds)
    if animation.metadata.exif or animation.metadata.xmp:
        raise InputError(f"{target}: GIF cannot keep the metadata, EXIF or XMP; use .png or .webp")
    if any(((pixels[..., 3:] > 0) & (pixels[..., 3:] < 255)).any() for pixels in animation.frames):
        raise InputError(f"{target}: GIF cannot keep partly transparent pixels; use .png or .webp")


def check_times(target, milliseconds):
    """Raises InputError if a file of this name cannot show frames for so long."""
    if KINDS[target.suffix.lower()] == "GIF" and max(milliseconds) > LONGEST:
        raise InputError(
            f"{target}: GIF shows no frame for longer than {LONGEST / 1000} s; use .png or .webp"
        )


def read(path):
    """Decodes all of an animation, upright. Raises InputError if it is broken."""
    frames, milliseconds = [], []
    try:
        opened, words, chunks = png_chunks.mended(path)
        with decoders.opened(opened) as file, Image.open(file) as image:
            width, height = image.size
            if getattr(image, "n_frames", 1) * height * width > LARGEST:
                raise InputError(
                    f"{path}: has more than {LARGEST:,} pixels in all; shorten the animation first"
                )
            upright = image_io.UPRIGHT.get(metadata.orientation_of(image), np.asarray)
            content = path.read_bytes() if image.format in ("GIF", "WEBP") else b""
            whole = gif.pictures(content) if image.format == "GIF" else None
            canvas = apng.Canvas(image, decoders.content(opened)) if image.format == "PNG" else None
            for number, frame in enumerate(ImageSequence.Iterator(image)):
                if number == 0 and image.info.get("default_image"):  # which is for who cannot show the others
                    continue
                if canvas:
                    frames.append(canvas.drawn(frame))
                else:
                    frames.append(next(whole) if whole else np.asarray(frame.convert("RGBA")))
                milliseconds.append(image.info.get("duration") or 0)
            loop, kind = image.info.get("loop"), image.format
            left_out = (
                "the still picture for programs without animation" if image.info.get("default_image") else ""
            )
            icc = image.info.get("icc_profile")
            words = (*words, icc_profiles.DAMAGED) if icc_profiles.is_damaged(icc) else words
            info = metadata.of_image(image, None, chunks, content).without(*words)
    except InputError:
        raise
    except Exception as error:
        if not decoders.raised(error):
            raise
        number = len(frames) + 1
        reason = first_line(error)
        raise InputError(f"{path}: frame {number} cannot be read ({reason}); replace it") from error
    frames = [upright(pixels) for pixels in frames]
    if len({pixels.shape for pixels in frames}) > 1:
        raise InputError(f"{path}: its frames differ in size; save it again")
    if all((pixels[..., 3] == 255).all() for pixels in frames):
        frames = [pixels[..., :3] for pixels in frames]
    # GIF says how often it is repeated after the first time, the others how often it is played.
    plays = 1 if loop is None else loop + 1 if kind == "GIF" and loop else loop
    icc = icc if icc_profiles.belongs(icc, 3) else None
    return Animation(frames, milliseconds, plays, icc, info, left_out)


def fitting_metadata(path, info):
    """Metadata as an animation of this name has a place for them; what has none is said then."""
    return placement.placed(KINDS[path.suffix.lower()], info)


def save(animation, path, about=None, overwrite=True, quality=None):
    """Writes an animation in the format of the path's ending, whole or not at all.

    about, overwrite: see `atomic_write.replacing`. quality: of WebP; None for without loss.
    """
    kind, frames = KINDS[path.suffix.lower()], animation.frames
    more = {"loop": animation.plays}
    if kind == "GIF":
        more = {1: {}, 0: {"loop": 0}}.get(animation.plays, {"loop": animation.plays - 1})
        more["comment"] = b"\n".join(text.bytes for text in animation.metadata.texts)
        more["disposal"] = 2 if frames[0].shape[2] == 4 else 1  # what was drawn does not show through
        frames = [_opaque_or_not(pixels) for pixels in frames]
    elif kind == "WEBP":
        how = {"quality": quality} if quality else {"lossless": True, "quality": 50, "exact": True}
        more |= how
    else:
        more |= png.settings(frames[0])
    if animation.icc_profile and kind != "GIF":
        more["icc_profile"] = animation.icc_profile
    if kind == "WEBP":
        more |= image_io.in_pillow(kind, animation.metadata)
    more["duration"] = in_steps(animation.milliseconds, STEPS.get(kind))
    first, *others = map(Image.fromarray, frames)
    with replacing(path, about, overwrite) as temporary:
        try:
            first.save(temporary, kind, save_all=True, append_images=others, **more)
            if kind == "PNG":
                png.put(temporary, animation.metadata)
        except (OverflowError, RuntimeError, ValueError) as error:  # of equal frames it adds up the times
            reason = first_line(error)
            raise InputError(f"{path}: {kind} cannot hold these frames ({reason}); use .png") from error


def in_steps(milliseconds, step):
    """Times in whole steps, one at least, whose sums are nearest to the exact ones; without a step, these."""
    if not step:
        return milliseconds
    ends = [0]
    for end in itertools.accumulate(milliseconds):
        ends.append(max(ends[-1] + step, step * round(end / step)))
    return [end - before for before, end in itertools.pairwise(ends)]


def _opaque_or_not(pixels):
    """The pixels without half-transparent ones, which GIF does not know."""
    if pixels.shape[2] == 3:
        return pixels
    return np.concatenate([pixels[..., :3], np.where(pixels[..., 3:] < 128, 0, 255).astype(np.uint8)], axis=2)
