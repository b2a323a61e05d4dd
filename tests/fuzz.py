"""Damaged pictures and films: each is read, or refused in one line that names it; nothing else ends with it.

    python -m tests.fuzz                        20,000 damaged pictures, in this process
    python -m tests.fuzz -n 200 --seed 7 .gif   200 others, of one ending
    python -m tests.fuzz --films -n 300         damaged films, through the program
    python -m tests.fuzz --own -n 5000          what the program reads back of itself, 5,000 of each kind

The pictures and films are made here, in every format that is read, and bytes of them are changed at random.
What went wrong lies in the folder that is named at the beginning; a crash of a decoder leaves it there, too.
"""

import argparse
import faulthandler
import random
import shutil
import struct
import tempfile
import traceback
import zlib
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image
from tqdm import tqdm

from srcnn.images import animations, image_io, jpeg, placement, png, tiff_pages
from srcnn.system.errors import InputError
from srcnn.upscaling.films.containers import FILMS
from tests.helpers import film_clips, own_files, seeds

# Pixels that are decoded: so what says that it is large takes no time.
BOUNDS = (image_io, "LARGEST", 2**20), (animations, "LARGEST", 2**20), (Image, "MAX_IMAGE_PIXELS", 2**19)
NUMBERS = 0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1


def damaged(data: bytes, rng: random.Random) -> bytes:
    """A file with one to eight changes, half of them near its beginning, where formats say what they are."""
    found = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(min(len(found), rng.choice((512, len(found)))) or 1)
        change = rng.randrange(6)
        if change < 2:
            found[at : at + 1] = bytes([rng.randrange(256)])
        elif change == 2:
            found[at : at + 1] = bytes([found[at] ^ 1 << rng.randrange(8)]) if found else b""
        elif change == 3:
            form = rng.choice("<>") + rng.choice("HI")
            number = rng.choice(NUMBERS) & (0xFFFF if form[1] == "H" else 0xFFFFFFFF)
            found[at : at + struct.calcsize(form)] = struct.pack(form, number)
        elif change == 4:  # a part is not there, or there twice
            part = found[at : at + rng.randrange(1, 64)]
            found[at : at + len(part)] = part * rng.choice((0, 2))
        elif rng.random() < 0.3:
            del found[at:]
    return with_checksums(found) if rng.random() < 0.7 else bytes(found)


def with_checksums(data):
    """A PNG whose chunks have the right checksums, so that what they say is read; any other file as it is."""
    found, at = bytearray(data), 8
    while data[:4] == b"\x89PNG" and at + 12 <= len(found):
        end = at + 8 + struct.unpack_from(">I", found, at)[0]
        if end + 4 > len(found):
            break
        struct.pack_into(">I", found, end, zlib.crc32(found[at + 4 : end]))
        at = end + 4
    return bytes(found)


def look_at(path: Path) -> bool:
    """Reads a picture in every way that the program has; whether it is one. Raises what no user may see."""
    jpeg.quality_of(path)
    found = False
    for look in (image_io.size, image_io.read, animations.read, all_pages):
        if look is animations.read and not animations.fit(path, path):
            continue
        if look is all_pages and not tiff_pages.is_tiff(path):
            continue
        try:
            picture = look(path)
            found = True
            for name in set(image_io.WRITABLE.values()) if look is image_io.read else ():
                info = picture.metadata.of_size((1, 1), (2, 2))
                png.beside(placement.placed(name, info))
        except InputError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error), error
    return found


def all_pages(path: Path) -> None:
    for _ in tiff_pages.pictures(path, tiff_pages.pages_of(path)):
        pass


def pictures(count: int, seed: int, folder: Path, endings=()) -> list[str]:
    """Reads damaged pictures; returns what went wrong, a text for each that is left in the folder."""
    rng, wrong = random.Random(seed), []
    files = {name: data for name, data in seeds.pictures().items() if not endings or name.endswith(endings)}
    read: Counter[bool] = Counter()
    with ExitStack() as bounds:
        for of, name, pixels in BOUNDS:
            bounds.enter_context(mock.patch.object(of, name, pixels))
        for number in tqdm(range(count), disable=None):
            name = rng.choice(list(files))
            path = folder / f"{number}_{name}"
            path.write_bytes(damaged(files[name], rng))
            try:
                read[look_at(path)] += 1
                path.unlink()
            except Exception:
                wrong.append(f"{path}\n{traceback.format_exc()}")
    assert count < 100 or (read[True] and read[False]), "the changes are all, or none, too small to matter"
    return wrong


def own(count: int, seed: int, folder: Path, readers=()) -> list[str]:
    """Reads damaged files of the program's own; returns what went wrong, as `pictures` does.

    readers: of own_files.SEEDS; by default all.
    """
    rng, wrong = np.random.default_rng(seed), []
    for read in readers or own_files.SEEDS:
        for number in tqdm(range(count), desc=read.__name__, disable=None):
            inside = folder / f"{read.__name__}{number}"
            inside.mkdir()
            (inside / "read.csv").write_bytes(own_files.changed(own_files.SEEDS[read], rng))
            try:
                with suppress(InputError):
                    read(inside / "read.csv")
                shutil.rmtree(inside)
            except Exception:
                wrong.append(f"{inside}\n{traceback.format_exc()}")
    return wrong


def films(count: int, seed: int, folder: Path) -> str:
    """Puts damaged films through the program, all in one run; returns what went wrong, or nothing."""
    rng = random.Random(seed)
    for number in range(count):
        path = folder / f"{number}{rng.choice(FILMS)}"
        film_clips.make(path, 3, (32, 24), "libvpx" if path.suffix == ".webm" else "libx264")
        path.write_bytes(damaged(path.read_bytes(), rng))
    process = film_clips.start(folder, "--input", folder, "--output", folder / "results")
    out, err = process.communicate()
    said = {
        int(line.split(f"{folder}/")[1].split(".")[0]) for line in err.splitlines() if f"{folder}/" in line
    }
    done = {int(path.name.split("_")[0]) for path in (folder / "results").glob("*_x2.*")}
    mistakes = "Traceback" in err or "; report it" in err
    wrong = process.returncode not in (0, 2) or mistakes or said | done != set(range(count))
    return f"exit status {process.returncode}\n{out}\n{err}" if wrong else ""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", type=int, help="files; by default 20,000 pictures or 100 films")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--films", action="store_true")
    parser.add_argument("--own", action="store_true")
    parser.add_argument("endings", nargs="*", help="of pictures; by default all")
    words = parser.parse_args()
    faulthandler.enable()
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    print(folder)
    if words.films:
        wrong = films(words.n or 100, words.seed, folder)
    elif words.own:
        wrong = "\n".join(own(words.n or 2000, words.seed, folder))
    else:
        wrong = "\n".join(pictures(words.n or 20_000, words.seed, folder, tuple(words.endings)))
    raise SystemExit(wrong or 0)  # of "" the exit status is 1


if __name__ == "__main__":
    main()
