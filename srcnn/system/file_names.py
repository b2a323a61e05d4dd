"""What to call the results of images."""

import os
from collections import Counter

LONGEST_NAME = 220  # bytes; file systems take 255


def names(paths, endings, taken=()):
    """A name for the results of each image: its own, without the ending where that tells it apart.

    endings: what is added to it for each result. taken: names of other files in the folder of the results.
    Cut to a length to which a word can be added; numbered where a result would have the name of another,
    in a file system that knows no case.
    """
    stems = Counter(path.stem.casefold() for path in paths)
    used, chosen = {name.casefold() for name in taken}, []
    for path in paths:
        whole = path.stem if stems[path.stem.casefold()] == 1 else path.name
        name = short = cut(whole, LONGEST_NAME)
        number = 1
        while not used.isdisjoint((name + ending).casefold() for ending in endings):
            number += 1
            name = f"{short}-{number}"
        used.update((name + ending).casefold() for ending in endings)
        chosen.append(name)
    return chosen


def cut(name, length):
    """As much of a name as takes at most so many bytes, in whole letters: file systems count bytes."""
    whole = os.fsencode(name)[:length].decode(errors="ignore")
    return os.fsdecode(whole.encode())  # as names are here, where the locale knows no UTF-8, too
