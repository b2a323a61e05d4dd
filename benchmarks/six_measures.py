"""Tables 2 and 3 of the journal version: six measures, its seven methods, and ours beside them, as Markdown.

Quoted from arXiv 1501.00092, section 4.2; the rows of bicubic were computed again and agree. The SRCNN of the
paper is 9-5-5, trained on ImageNet.
"""

METHODS = "bicubic", "SC", "NE+LLE", "KK", "ANR", "A+", "SRCNN"
MEASURES = {"PSNR": 2, "SSIM": 4, "IFC": 2, "NQM": 2, "WPSNR": 2, "MSSSIM": 4}  # and their digits
PAPER: dict[str, dict[str, dict[int, tuple]]] = {
    "Set5": {
        "PSNR": {
            2: (33.66, None, 35.77, 36.20, 35.83, 36.54, 36.66),
            3: (30.39, 31.42, 31.84, 32.28, 31.92, 32.59, 32.75),
            4: (28.42, None, 29.61, 30.03, 29.69, 30.28, 30.49),
        },
        "SSIM": {
            2: (0.9299, None, 0.9490, 0.9511, 0.9499, 0.9544, 0.9542),
            3: (0.8682, 0.8821, 0.8956, 0.9033, 0.8968, 0.9088, 0.9090),
            4: (0.8104, None, 0.8402, 0.8541, 0.8419, 0.8603, 0.8628),
        },
        "IFC": {
            2: (6.10, None, 7.84, 6.87, 8.09, 8.48, 8.05),
            3: (3.52, 3.16, 4.40, 4.14, 4.52, 4.84, 4.58),
            4: (2.35, None, 2.94, 2.81, 3.02, 3.26, 3.01),
        },
        "NQM": {
            2: (36.73, None, 42.90, 39.49, 43.28, 44.58, 41.13),
            3: (27.54, 27.29, 32.77, 32.10, 33.10, 34.48, 33.21),
            4: (21.42, None, 25.56, 24.99, 25.72, 26.97, 25.96),
        },
        "WPSNR": {
            2: (50.06, None, 58.45, 57.15, 58.61, 60.06, 59.49),
            3: (41.65, 43.64, 45.81, 46.22, 46.02, 47.17, 47.10),
            4: (37.21, None, 39.85, 40.40, 40.01, 41.03, 41.13),
        },
        "MSSSIM": {
            2: (0.9915, None, 0.9953, 0.9953, 0.9954, 0.9960, 0.9959),
            3: (0.9754, 0.9797, 0.9841, 0.9853, 0.9844, 0.9867, 0.9866),
            4: (0.9516, None, 0.9666, 0.9695, 0.9672, 0.9720, 0.9725),
        },
    },
    "Set14": {
        "PSNR": {
            2: (30.23, None, 31.76, 32.11, 31.80, 32.28, 32.45),
            3: (27.54, 28.31, 28.60, 28.94, 28.65, 29.13, 29.30),
            4: (26.00, None, 26.81, 27.14, 26.85, 27.32, 27.50),
        },
        "SSIM": {
            2: (0.8687, None, 0.8993, 0.9026, 0.9004, 0.9056, 0.9067),
            3: (0.7736, 0.7954, 0.8076, 0.8132, 0.8093, 0.8188, 0.8215),
            4: (0.7019, None, 0.7331, 0.7419, 0.7352, 0.7491, 0.7513),
        },
        "IFC": {
            2: (6.09, None, 7.59, 6.83, 7.81, 8.11, 7.76),
            3: (3.41, 2.98, 4.14, 3.83, 4.23, 4.45, 4.26),
            4: (2.23, None, 2.71, 2.57, 2.78, 2.94, 2.74),
        },
        "NQM": {
            2: (40.98, None, 41.34, 38.86, 41.79, 42.61, 38.95),
            3: (33.15, 29.06, 37.12, 35.23, 37.22, 38.24, 35.25),
            4: (26.15, None, 31.17, 29.18, 31.27, 32.31, 30.46),
        },
        "WPSNR": {
            2: (47.64, None, 54.47, 53.85, 54.57, 55.62, 55.39),
            3: (39.72, 41.66, 43.22, 43.56, 43.36, 44.25, 44.32),
            4: (35.71, None, 37.75, 38.26, 37.85, 38.72, 38.87),
        },
        "MSSSIM": {
            2: (0.9813, None, 0.9886, 0.9890, 0.9888, 0.9896, 0.9897),
            3: (0.9512, 0.9595, 0.9643, 0.9653, 0.9647, 0.9669, 0.9675),
            4: (0.9134, None, 0.9317, 0.9338, 0.9326, 0.9371, 0.9376),
        },
    },
}


def cell(value, digits):
    return "-" if value is None else f"{value:.{digits}f}"


def ours(tests):
    """Averages by heading and scale: of the networks that are shipped, and of the last by self-ensemble.

    tests: pairs of a network and its results, see `reproduce.scored`.
    """
    found: dict[str, dict[int, dict]] = {}
    for filters in "9-1-5", "9-5-5", "9-5-5-5":
        of_it = {n.scale: r for n, r in tests if (n.shape, n.degradation) == (filters, "matlab")}
        if of_it:
            found[f"ours {filters}"] = {scale: r["average"] for scale, r in of_it.items()}
            last = {scale: r["ensemble"] for scale, r in of_it.items()}
            name = f"ours {filters}, self-ensemble"
    return found | {name: last}


def six_measures(name, tests):
    """Markdown of one of the two tables. name: Set5 or Set14."""
    columns = ours(tests)
    lines = [f"| {name} | scale | {' | '.join([*METHODS, *columns])} |"]
    lines.append("|---|---|" + "---:|" * (len(METHODS) + len(columns)))
    for measure, digits in MEASURES.items():
        for scale, papers in PAPER[name][measure].items():
            own = [scales.get(scale, {}).get(f"srcnn_{measure.lower()}") for scales in columns.values()]
            cells = " | ".join(cell(value, digits) for value in (*papers, *own))
            lines.append(f"| {measure if scale == 2 else ''} | {scale} | {cells} |")
    return [*lines, ""]
