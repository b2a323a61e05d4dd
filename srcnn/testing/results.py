"""The files of a test: pictures, results.json, report.html."""

from srcnn.images import png
from srcnn.page import report
from srcnn.page.pictures import save_comparison
from srcnn.system.errors import InputError, writing
from srcnn.system.ledger import check_replaceable
from srcnn.system.output_paths import check_apart, check_writable
from srcnn.testing import table

RESULTS = ["test_image.png", "filters.png", "results.json", "report.html"]  # of a test, beside the pictures
ENDINGS = [".png", "_comparison.png"]  # of the pictures of a test


def save_results(config, srcnn, folder, entries, w1):
    """Writes what a test found as JSON and as a page; returns it.

    entries: (name, scores, exhibit or None) of each image. w1: the first layer's weights.
    """
    scores = {name: found for name, found, _ in entries}
    results = table.results(config.network, srcnn.source, scores, config.self_ensemble)
    report.save_json(results, folder / "results.json")
    exhibits = [exhibit for *_, exhibit in entries if exhibit]
    scale = config.network.scale
    settings = {"scale": scale, "degradation": srcnn.network.degraded, "stride": config.stride}
    more = table.rows(config.network, results), exhibits, w1, f"x{scale}", settings
    report.save_job(config, folder / "report.html", [srcnn.source], *more)
    return results


def check_outputs(folder, inputs, outputs):
    """Raises InputError, before the work, if results cannot be written or would harm a file of the user's."""
    for parent in {path.parent for path in inputs}:
        if folder.exists() and folder.samefile(parent):
            raise InputError(f"--sample_dir {folder}: has the images that are read; name another")
    check_apart(inputs, outputs)
    check_replaceable(outputs, "--sample_dir")
    check_writable(folder, "--sample_dir")


def save_pictures(folder, item):
    """Scores one image of a test and writes its pictures; returns its name, scores, and exhibit or None."""
    number, name, restored = item
    with restored:
        scores, pictures = restored.results()
    with writing(folder.parent):
        (folder / f"{name}.png").write_bytes(png.encoded(pictures["SRCNN"]))
        save_comparison(pictures, scores, folder / f"{name}_comparison.png")
    exhibit = report.exhibit(name, pictures, scores) if number < report.MOST_EXHIBITS else None
    return name, scores, exhibit
