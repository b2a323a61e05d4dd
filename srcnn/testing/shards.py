"""A test or an upscaling shared out over machines: each does a part, and one run makes a page of all.

What is done stands in the lists of the folder of results (writing.py), one of each machine: from which file
and weights a result was made, and its scores. So a rerun does only what is missing.
"""

import sys
from functools import partial

from srcnn.images import png
from srcnn.page import report
from srcnn.page.pictures import save_comparison
from srcnn.system.errors import InputError, one_line
from srcnn.system.progress import progress
from srcnn.system.threads import in_threads
from srcnn.system.writing import failures, note_failure, replacing, use_list, written
from srcnn.testing.evaluate import evaluate
from srcnn.upscaling import photographs


def part_of(items, shard):
    """Those of a list that are of a shard, (number from 1, count), by their position; all if it is None.

    From here on this process notes what it does in the list of that shard.
    """
    use_list(f"{shard[0]}-of-{shard[1]}" if shard else "")
    return items[shard[0] - 1 :: shard[1]] if shard else items


def about_test(config, srcnn, path):
    """What scores depend on, as the list of results notes it: plain values."""
    tiles = [config.label_size, config.stride, srcnn.network.degraded]
    return photographs.origin(path, [srcnn]) | {"network": srcnn.network.name, "tiles": tiles}


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


def noting(results):
    """Passes on what a shard upscaled; why a file cannot be is noted, so that nobody waits for it.

    That is so if the error names it. A target that is in the way, and what a system may do better another
    time (a full disk, too little memory), is no reason.
    """
    for item in results:
        cause = item.error and item.error.__cause__
        passes = isinstance(cause, MemoryError) or (isinstance(cause, OSError) and cause.errno)
        if item.error and str(item.error).startswith(f"{item.source}: ") and not passes:
            note_failure(item.target, {"input": photographs.identity(item.source), "reason": str(item.error)})
        yield item


def check_gathered(work, missing):
    """What machines that shared an upscaling could not do: those of its work that are left out.

    work: list of inputs.Work. missing: the part of it without results. Those that cannot be used are named.
    Raises InputError if others are missing.
    """
    noted = {folder: failures(folder) for folder in {item.target.parent for item in missing}}
    reasons = [why_not(item, noted[item.target.parent]) for item in missing]
    undone = [item.source for item, reason in zip(missing, reasons, strict=True) if not reason]
    check_none_missing(undone, len(work))
    for reason in reasons:
        print(f"main.py: error: {one_line(reason)}", file=sys.stderr)
    return missing


def why_not(item, noted):
    """Why a file cannot be upscaled, as is known here or noted by a shard; None if nothing is known."""
    if item.error:
        return str(item.error)
    about = noted.get(item.target.name, {})
    return about.get("reason") if about.get("input") == photographs.identity(item.source) else None


def check_none_missing(missing, count):
    if missing:
        raise InputError(
            f"--gather: {len(missing)} of {count} images are not done yet, {missing[0]} for one; "
            f"run the shards that have them"
        )
