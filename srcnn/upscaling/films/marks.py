"""Marks of a film beside its frames that PyAV does not pass on: put into the finished file, or named.

They are the shape of pixels, the mastering display and light level of HDR, and how frames are packed of two
views, or of all directions: https://github.com/google/spatial-media and RFC 9559 say how they are written.
"""

import re
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.sidedata.sidedata import Type

from srcnn.upscaling.films import matroska, mp4
from srcnn.upscaling.films.decoding import is_cover, says_alpha
from srcnn.upscaling.films.film import Film, Size, Sphere

MATROSKA = "matroska", "webm"
SIDE_BY_SIDE, TOP_BOTTOM = 1, 2  # as FFmpeg numbers how frames are packed of two views
INTERLEAVED = "block", "checkerboard", "col_interleaved", "row_interleaved"
STEREO_MODES = {  # whether the left view is second, too; as Matroska calls it
    (SIDE_BY_SIDE, False): "left_right",
    (SIDE_BY_SIDE, True): "right_left",
    (TOP_BOTTOM, False): "top_bottom",
    (TOP_BOTTOM, True): "bottom_top",
}
STEREO_TAGS = (  # of Matroska, for what `stereo_of` tells, too; but for frames in two colours
    *STEREO_MODES.values(),
    *(f"{name}_{order}" for name in INTERLEAVED for order in ("lr", "rl")),
    "mono",
)
STEREO_LAYOUTS = {(TOP_BOTTOM, False): 1, (SIDE_BY_SIDE, False): 2}  # as MP4 numbers it
CUBE = 1  # as FFmpeg numbers it
PROJECTIONS = 0, CUBE, 2  # that are kept; the others are equirectangular, whole or in part
DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT, PROJECTION = 0x54B0, 0x54BA, 0x54B2, 0x7670
MAX_CLL, MAX_FALL, MASTERING = 0x55BC, 0x55BD, 0x55D0


def stereo_of(frame: Any) -> tuple[int, bool] | None:
    """How a frame is packed of two views, as FFmpeg numbers it, and whether the left one is second."""
    data = frame.side_data.get(Type.STEREO3D)
    kind, flags = struct.unpack_from("=ii", bytes(data)) if data else (0, 0)
    return (kind, bool(flags & 1)) if kind else None


def sphere_of(frame: Any) -> Sphere | None:
    data = frame.side_data.get(Type.SPHERICAL)
    return Sphere(*struct.unpack_from("=iiiiIIIII", bytes(data))) if data else None


def tags_of(film: Film, kind: str, title: str) -> dict[str, str]:
    """Tags of the stream of frames that tell the muxer of marks, or make room for them beside its title."""
    if kind not in MATROSKA:
        return {}
    mode = STEREO_MODES.get(film.stereo) if film.stereo else None
    return ({"stereo_mode": mode} if mode else {}) | (
        {"title": title + matroska.ROOM} if _needs_room(film) else {}
    )


def tags_of_part(encoded: Any) -> dict[str, str]:
    """Tags that the stream of a part has, and that of the film is to have, for the muxer to mark it."""
    return {"alpha_mode": "1"} if says_alpha(encoded) else {}


def _needs_room(film):
    return film.hdr or film.sphere or film.aspect not in (None, 1)


def place_of(streams: dict[int, Any], index: int) -> dict[str, Any]:
    """What `put` asks of the stream of frames; streams: of the output, by the source's numbers."""
    frames = streams[index]
    context = frames.codec_context
    before = [copy for copy in streams.values() if copy.index < frames.index and not is_cover(copy)]
    is_x265 = context.name == "hevc" and b"x265" in (context.extradata or b"")  # where it names itself
    return {"size": (context.height, context.width), "track": len(before), "is_x265": is_x265}


def put(path: Path, film: Film, kind: str, size: Size, track: int, is_x265: bool) -> list[str]:
    """Puts marks into the finished film at a path; returns those that it cannot hold, in words.

    kind: of the container. size: (height, width) of its frames. track: the number of their stream. is_x265:
    whether they are of that encoder, which writes the mastering display into the frames.
    """
    sphere = film.sphere if film.sphere and film.sphere.projection in PROJECTIONS else None
    if sphere:
        sphere = sphere._replace(padding=sphere.padding * size[1] // film.size[1])
    if kind in MATROSKA:
        is_put = not _needs_room(film) or matroska.put(path, _pictures(film, sphere, size), _light(film.hdr))
        stereo: object = STEREO_MODES.get(film.stereo) if film.stereo else None
    else:
        stereo = STEREO_LAYOUTS.get(film.stereo) if film.stereo else None
        boxes = _boxes(stereo, sphere)
        is_put = not boxes or mp4.put(path, track, boxes)
    missing = {
        "the mark of a stereo film": film.stereo and not (stereo and (is_put or kind in MATROSKA)),
        "the mark of a 360-degree film": film.sphere and not (sphere and is_put),
        "the mastering display of HDR": film.hdr and not is_x265 and not (is_put and kind in MATROSKA),
        f"the shape of its pixels, {film.aspect}": film.aspect not in (None, 1) and not is_put,
    }
    return [name for name, is_missing in missing.items() if is_missing]


def _pictures(film, sphere, size):
    """Elements of Matroska for the shape of pixels and the projection, by their ids."""
    found: dict[int, bytes] = {}
    if film.aspect not in (None, 1):
        views = film.stereo[0] if film.stereo else 0  # it has the size of one of them
        width = Fraction(size[1]) * film.aspect / (2 if views == SIDE_BY_SIDE else 1)
        height = Fraction(size[0], 2 if views == TOP_BOTTOM else 1)
        is_whole = width.denominator == height.denominator == 1
        if not is_whole:  # then the shape of the picture
            width, height = map(Fraction, (width / height).as_integer_ratio())
        numbers = {DISPLAY_WIDTH: int(width), DISPLAY_HEIGHT: int(height), DISPLAY_UNIT: 0 if is_whole else 3}
        found |= {id_: number.to_bytes(4) for id_, number in numbers.items()}
    if sphere:
        poses = zip((0x7673, 0x7674, 0x7675), sphere[1:4], strict=True)
        found[PROJECTION] = b"".join(
            [
                matroska.element(0x7671, bytes([2 if sphere.projection == CUBE else 1])),
                matroska.element(0x7672, _surface(sphere)),
                *(matroska.element(id_, struct.pack(">d", angle / 2**16)) for id_, angle in poses),
            ]
        )
    return found


def _light(hdr):
    """Elements of Matroska for the mastering display and the light level, as `Film` has them."""
    found = []
    if display := re.search(r"master-display=(\S+\))", hdr):
        gx, gy, bx, by, rx, ry, wx, wy, most, least = (int(n) for n in re.findall(r"\d+", display[1]))
        values = [n / 50000 for n in (rx, ry, gx, gy, bx, by, wx, wy)] + [most / 10000, least / 10000]
        numbers = (matroska.element(0x55D1 + n, struct.pack(">d", value)) for n, value in enumerate(values))
        found.append(matroska.element(MASTERING, *numbers))
    if level := re.search(r"max-cll=(\d+),(\d+)", hdr):
        levels = zip((MAX_CLL, MAX_FALL), level.groups(), strict=True)
        found += [matroska.element(id_, int(number).to_bytes(4)) for id_, number in levels]
    return found


def _surface(sphere):
    """The body of MP4's `cbmp` or `equi`, which Matroska has, too: where in a frame the directions are."""
    if sphere.projection == CUBE:
        return struct.pack(">III", 0, 0, sphere.padding)
    return struct.pack(">IIIII", 0, sphere.top, sphere.bottom, sphere.left, sphere.right)


def _boxes(stereo, sphere):
    """Boxes of MP4 for a layout of two views and a projection."""
    found = mp4.box(b"st3d", bytes(4), bytes([stereo])) if stereo else b""
    if sphere:
        header = mp4.box(b"prhd", bytes(4), struct.pack(">iii", *sphere[1:4]))
        surface = mp4.box(b"cbmp" if sphere.projection == CUBE else b"equi", _surface(sphere))
        found += mp4.box(b"sv3d", mp4.box(b"svhd", bytes(4), b"\0"), mp4.box(b"proj", header, surface))
    return found
