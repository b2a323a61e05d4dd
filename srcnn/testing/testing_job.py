"""The job of a test: scores and pictures of images, results.json and a page, by one machine or by several.

Of machines that share a test each does a part, a shard, and notes in its list of the folder of results
(ledger.py) from which file and weights a picture was made, and its scores; so a rerun does only what is
missing. In the end one run gathers: it makes the table and the page of all.
"""

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from srcnn import tf1
from srcnn.cluster.shards import check_none_missing, shard_of
from srcnn.images import image_io, png
from srcnn.page import figures, report
from srcnn.page.pictures import filters_picture, save_comparison
from srcnn.pixels.ifc import steerable_filters
from srcnn.settings import Testing, Tiling
from srcnn.system import ledger
from srcnn.system.atomic_write import published, replacing
from srcnn.system.errors import InputError
from srcnn.system.file_names import names
from srcnn.system.output_paths import check_apart, check_writable, naming
from srcnn.system.progress import progress, say
from srcnn.system.threads import in_threads
from srcnn.testing import layout, table
from srcnn.testing.evaluate import evaluate, usable

RESULTS = ["test_image.png", "filters.png", "results.json", "report.html"]  # of a test, beside the pictures
ENDINGS = [".png", "_comparison.png"]  # of the pictures of a test


def test_images(job: Testing, paths: Sequence[Path], load: Callable) -> None:
    """Tests images; writes their pictures and, unless it is a shard, results.json and report.html.

    load: gives the SRCNN for a session. Raises InputError if an image cannot be used, if results cannot be
    written, or would harm a file of the user's, and if some of what is gathered is missing.
    """
    folder, tiling, metrics = Path(job.sample_dir), job.tiling, job.metrics
    check_installed(metrics)
    stems = names(paths, ENDINGS, RESULTS)
    named = shard_of(list(zip(paths, stems, strict=True)), job.shard)
    left_out: list[str] = []
    outputs = [folder / f"{stem}{ending}" for _, stem in named for ending in ENDINGS]
    outputs += [] if job.shard else [folder / name for name in RESULTS]
    check_outputs(folder, paths, outputs)
    if job.skip_broken:
        named, left_out = usable(named, job.network.scale)
        if not named and not job.shard:
            raise InputError(f"{paths[0].parent}: contains no usable image; add some")
    with tf1.session() as sess:
        srcnn = load(sess)
        if job.shard:
            test_shard(srcnn, tiling, folder, named, metrics)
            say(f"Wrote pictures to {folder}. When all shards are done, run --gather for the table.")
            return
        with published(folder, "--sample_dir") as staging:
            if job.gather:
                entries = gathered(srcnn, tiling, folder, named, metrics)
            else:
                writing = partial(_staged, staging)
                entries = list(tested(srcnn, tiling, named, writing, metrics, report.MOST_EXHIBITS))
            with naming(folder):
                pictures = folder if job.gather else staging
                shutil.copyfile(pictures / f"{named[-1][1]}.png", staging / "test_image.png")
                results = save_results(srcnn, tiling, staging, entries, set_name(paths), left_out)
    print(layout.table(layout.rows(srcnn.network, results)))
    print(textwrap.fill(layout.summary(srcnn.network, results), layout.WIDTH))
    say(f"Wrote pictures, results.json and report.html to {folder}.")
    bicubic, restored = (results["average"][f"{kind}_psnr"] for kind in ("bicubic", "srcnn"))
    if srcnn.on_trust and None not in (bicubic, restored) and restored < bicubic:
        say(f"worse than bicubic: {srcnn.source} was probably not trained for {srcnn.on_trust}", sys.stderr)


def check_installed(metrics: Sequence[str]) -> None:
    """Raises InputError, before the work, where a metric needs a package that is not installed."""
    if "ifc" in metrics:
        figures.load()  # pyrtools would, but not with any MPLBACKEND
        steerable_filters()


def set_name(paths: Sequence[Path]) -> str:
    """The name of the folder that all images of a test are in; empty where they are in several."""
    folders = {path.parent for path in paths}
    return folders.pop().resolve().name if len(folders) == 1 else ""


def check_outputs(folder: Path, inputs: Iterable[Path], outputs: list[Path]) -> None:
    """Raises InputError, before the work, if results cannot be written or would harm a file of the user's."""
    for parent in {path.parent for path in inputs}:
        if folder.exists() and folder.samefile(parent):
            raise InputError(f"--sample_dir {folder}: is the folder of the test images; choose another")
    check_apart(inputs, outputs)
    ledger.check_replaceable(outputs, "--sample_dir")
    check_writable(folder, "--sample_dir")


def tested(srcnn, tiling, named, writing, metrics, exhibits=0):
    """Yields (name, scores, exhibit or None) of images in turn, whose pictures it writes.

    named: (path, name) pairs. writing: a context, which gives the path to write to, of the name of a file
    and what is to be noted of it. metrics: see `score`. exhibits: of how many of them, the first ones, there
    is one.
    """
    restored = evaluate(srcnn, [path for path, _ in named], tiling)

    def save(item):
        number, (path, name), restored = item
        with restored:
            about = origin(srcnn, tiling, path, restored.identity)
            check = partial(ledger.check_unchanged, path, restored.identity)
            scores, pictures = restored.results(metrics)
        with writing(f"{name}_comparison.png", {}) as to:
            save_comparison(pictures, scores, to)
        with writing(f"{name}.png", about | {"scores": scores}) as to:
            to.write_bytes(png.encoded(pictures["SRCNN"]))
            check()
        return name, scores, report.exhibit(name, pictures, scores) if number < exhibits else None

    numbered = ((number, named[number], image) for number, image in enumerate(restored))
    with closing(restored):
        yield from progress(in_threads(save, numbered, workers=2), "testing", len(named))


@contextmanager
def _staged(staging, name, _):
    with naming(staging.parent):
        yield staging / name


def origin(srcnn, tiling: Tiling, path: Path, known: list | None = None) -> dict:
    """What scores depend on, as the list of results notes it: plain values. known: see `ledger.origin`."""
    tiles = [tiling.label_size, tiling.stride, srcnn.network.degraded]
    return ledger.origin(path, [srcnn], known) | {"network": srcnn.network.name, "tiles": tiles}


def noted_scores(srcnn, tiling, folder, named, metrics) -> dict[str, dict]:
    """The scores of those of which all that is asked for is known already, by name.

    named: pairs of path and name of the results.
    """
    written = ledger.written(folder)
    notes = ledger.made_before(
        (folder / f"{name}.png", partial(origin, srcnn, tiling, path)) for path, name in named
    )
    return {
        name: {column: note["scores"][column] for column in table.columns(metrics)}
        for (_, name), note in zip(named, notes, strict=True)
        if note and table.are_scores(note.get("scores"), metrics) and f"{name}_comparison.png" in written
    }


def test_shard(srcnn, tiling, folder, named, metrics):
    """Tests images and writes their pictures, one by one. named: (path, name) pairs of this machine."""
    done = noted_scores(srcnn, tiling, folder, named, metrics)
    if done:
        print(f"{len(done)} of {len(named)} images already tested")
    todo = [pair for pair in named if pair[1] not in done]
    for _ in tested(srcnn, tiling, todo, partial(_placed, folder), metrics):
        pass


@contextmanager
def _placed(folder, name, about):
    with replacing(folder / name, about) as temporary:
        yield temporary
        ledger.check_replaceable([folder / name], "--sample_dir")  # what came meanwhile stays


def gathered(srcnn, tiling, folder, named, metrics):
    """(name, scores, exhibit or None) of each image, tested by whichever machine.

    The exhibits of the page are made again. Raises InputError if some are not tested yet.
    """
    scores = noted_scores(srcnn, tiling, folder, named, metrics)
    missing = [path for path, name in named if name not in scores]
    check_none_missing(missing, len(named))
    shown = [path for path, _ in named[: report.MOST_EXHIBITS]]
    exhibits = {}
    with closing(evaluate(srcnn, shown, tiling)) as again:
        for (_, name), restored in zip(named, progress(again, "drawing", len(shown)), strict=False):
            with restored:
                exhibits[name] = report.exhibit(name, restored.pictures(), scores[name])
    return [(name, scores[name], exhibits.get(name)) for _, name in named]


def save_results(srcnn, tiling, folder, entries, known_as, left_out):
    """Writes what a test found as JSON and as a page, and the filters; returns it as plain values.

    entries: (name, scores, exhibit or None) of each image. known_as: the name of the test set.
    left_out: names of images that cannot be used.
    """
    network, w1 = srcnn.network, srcnn.sess.run(srcnn.weights["w1"])
    image_io.save(filters_picture(w1), folder / "filters.png")
    scores = {name: found for name, found, _ in entries}
    results = table.results(network, srcnn.source, scores, srcnn.self_ensemble, known_as, left_out)
    report.save_json(results, folder / "results.json")
    exhibits = [exhibit for *_, exhibit in entries if exhibit]
    settings = {"scale": network.scale, "degradation": network.degraded, "stride": tiling.text}
    shown = layout.summary(network, results), layout.rows(network, results), exhibits, settings
    report.save_job(srcnn, folder / "report.html", [srcnn.source], f"x{network.scale}", *shown)
    return results
