"""What the paper reports of Set5 and Set14, to stand beside what is measured here."""

from srcnn.networks.network import CHANNELS, Network

SET5 = ["baby", "bird", "butterfly", "head", "woman"]
SET14 = [
    *("baboon", "barbara", "bridge", "coastguard", "comic", "face", "flowers"),
    *("foreman", "lenna", "man", "monarch", "pepper", "ppt3", "zebra"),
]
# Dong et al. 2014 (ECCV), tables 1 and 2: PSNR in dB by scale, for the images of Set5.
PAPER_BICUBIC = {
    2: (37.07, 36.81, 27.43, 34.86, 32.14),
    3: (33.91, 32.58, 24.04, 32.88, 28.56),
    4: (31.78, 30.18, 22.10, 31.59, 26.46),
}
PAPER_SRCNN = {
    2: (38.30, 40.64, 32.20, 35.64, 34.94),
    3: (35.01, 34.91, 27.58, 33.55, 30.92),
    4: (32.98, 31.98, 25.07, 32.19, 28.21),
}
# Averages. 9-1-5: the same paper, trained on the 91 images; the others: arXiv 1501.00092, on ImageNet.
PAPER_AVERAGE = {
    "Set5": {
        "bicubic": {2: 33.66, 3: 30.39, 4: 28.42},
        "9-1-5": {2: 36.34, 3: 32.39, 4: 30.09},
        "9-3-5": {3: 32.66},
        "9-5-5": {2: 36.66, 3: 32.75, 4: 30.49},
    },
    "Set14": {
        "bicubic": {2: 30.23, 3: 27.54, 4: 26.00},
        "9-1-5": {2: 32.18, 3: 29.00, 4: 27.20},
        "9-5-5": {2: 32.45, 3: 29.30, 4: 27.50},
    },
    "BSD200": {  # of the journal version, quoted: the set is not here to check them
        "bicubic": {2: 28.38, 3: 25.94, 4: 24.65},
        "9-5-5": {2: 30.29, 3: 27.18, 4: 25.60},
    },
}


def known_set(stems: list[str], known_as: str) -> str | None:
    """Which of the paper's test sets it is, by the names of its images, which are numbers in BSD200."""
    if known_as.lower() == "bsd200" or (len(stems) == 200 and all(stem.isdecimal() for stem in stems)):
        return "BSD200"
    return next((s for s, images in (("Set5", SET5), ("Set14", SET14)) if sorted(stems) == images), None)


def paper_numbers(network: Network, names: list[str], known_as: str = "") -> tuple[dict[str, tuple], bool]:
    """The paper's (bicubic, SRCNN) in dB by image name and for "average"; None where it has none.

    known_as: the name of the test set. And whether they are merely quoted, of a set that is not here.
    """
    stems = [name.removesuffix("_GT") for name in names]
    known = known_set(stems, known_as)
    numbers: dict[str, tuple] = dict.fromkeys([*names, "average"], (None, None))
    is_plain = network.c_dim == 1 and network.channels == CHANNELS[:2]
    if known and network.degradation == "matlab" and is_plain:
        average = PAPER_AVERAGE[known]
        numbers["average"] = tuple(
            average.get(row, {}).get(network.scale) for row in ("bicubic", network.filters)
        )
        if known == "Set5" and network.scale in PAPER_BICUBIC:
            for name, stem in zip(names, stems, strict=True):
                index = SET5.index(stem)
                srcnn = PAPER_SRCNN[network.scale][index] if network.filters == "9-1-5" else None
                numbers[name] = PAPER_BICUBIC[network.scale][index], srcnn
    return numbers, known == "BSD200" and numbers["average"] != (None, None)
