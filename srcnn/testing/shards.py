"""A test or an upscaling shared out over machines: each does a part, and one run makes a page of all.

What is done stands in the lists of the folder of results (ledger.py), one of each machine: from which file
and weights a result was made, and its scores. So a rerun does only what is missing.
"""

from functools import partial

from srcnn.cluster.shares import check_none_missing
from srcnn.images import png
from srcnn.page import report
from srcnn.page.pictures import save_comparison
from srcnn.system import ledger
from srcnn.system.atomic_write import replacing
from srcnn.system.ledger import written
from srcnn.system.progress import progress
from srcnn.system.threads import in_threads
from srcnn.testing.evaluate import evaluate


def about_test(config, srcnn, path):
    """What scores depend on, as the list of results notes it: plain values."""
    tiles = [config.label_size, config.stride, srcnn.network.degraded]
    return ledger.origin(path, [srcnn]) | {"network": srcnn.network.name, "tiles": tiles}


def noted_scores(config, srcnn, folder, named):
    """The scores of those that are tested already, by name. named: pairs of path and name of the results."""
    ours, found = written(folder), {}
    for path, name in named:
        note = dict(ours.get(f"{name}.png") or {})
        scores = note.pop("scores", None)
        if scores and note == about_test(config, srcnn, path) and f"{name}_comparison.png" in ours:
            found[name] = scores
    return found


def test_part(config, srcnn, folder, named):
    """Tests images and writes their pictures, one by one. named: (path, name) pairs of this machine."""
    done = noted_scores(config, srcnn, folder, named)
    if done:
        print(f"{len(done)} of {len(named)} were tested before")
    todo = [pair for pair in named if pair[1] not in done]
    restored = evaluate(
        srcnn, [path for path, _ in todo], config.label_size, config.stride, config.batch_size
    )
    saved = in_threads(partial(_save, config, srcnn, folder), zip(todo, restored, strict=True), workers=2)
    for _ in progress(saved, "testing", len(todo)):
        pass


def _save(config, srcnn, folder, item):
    (path, name), restored = item
    with restored:
        scores, pictures = restored.results()
    with replacing(folder / f"{name}_comparison.png", {}) as temporary:
        save_comparison(pictures, scores, temporary)
    with replacing(folder / f"{name}.png", about_test(config, srcnn, path) | {"scores": scores}) as temporary:
        temporary.write_bytes(png.encoded(pictures["SRCNN"]))


def gathered_test(config, srcnn, folder, named):
    """(name, scores, exhibit or None) of each image, tested by whichever machine.

    The exhibits of the page are made again. Raises InputError if some are not tested yet.
    """
    scores = noted_scores(config, srcnn, folder, named)
    missing = [path for path, name in named if name not in scores]
    check_none_missing(missing, len(named))
    shown = [path for path, _ in named[: report.MOST_EXHIBITS]]
    exhibits = []
    again = evaluate(srcnn, shown, config.label_size, config.stride)
    for (_, name), restored in zip(named, progress(again, "drawing", len(shown)), strict=False):
        with restored:
            exhibits.append(report.exhibit(name, restored.pictures(), scores[name]))
    exhibits += [None] * (len(named) - len(exhibits))
    return [(name, scores[name], found) for (_, name), found in zip(named, exhibits, strict=True)]
