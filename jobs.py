"""What the program does, one function for each job: from flags to files. Each returns the exit status."""

import math
import os
import shlex
import shutil
import sys
from functools import partial
from pathlib import Path

from tqdm import tqdm

import devices
import images
import jpeg
import report
import upscale
import utils
from batches import Batches
from datasets import find_images
from errors import InputError, first_line, needing
from evaluate import evaluate
from export import check_export, write_weights
from hdf5 import read_data
from inputs import is_film, plan
from locks import locked
from model import SRCNN, trained
from naming import names
from pictures import data_uri, filters_picture, png, save_comparison
from piped import as_files
from progress import progress
from signals import stopping
from sizes import Goal, stages
from threads import in_threads
from weights import ON_TRUST, find_weights, own_or_shipped, unsaid, weights_of
from writing import check_apart, check_replaceable, check_writable, published, said, written

RESULTS = ["test_image.png", "filters.png", "results.json", "report.html"]  # of a test, beside the pictures
CLEAN = 90  # quality of JPEG from which on a clean network does well
ENDINGS = [".png", "_comparison.png"]  # of the pictures of a test


def train(config):
    """Trains on --train_dir, in --checkpoint_dir."""
    from training import Curve, train

    paths, held_out = split(find_images(config.train_dir, "train"), config.validation)
    network, folder = config.network, Path(config.checkpoint_dir) / config.network.name
    check_apart([*paths, *held_out], [Path(config.checkpoint_dir) / "train.h5", folder / "training.png"])
    Curve(folder / "training.csv")  # raises InputError before the work
    initial = starting_weights(config)
    kind = network.scale, network.degradation, network.colour
    qualities = jpeg.TESTED if network.is_told else [None]
    validation = [utils.preprocess(path, *kind, quality) for path in held_out for quality in qualities]
    with locked(config.checkpoint_dir), read_data(utils.input_setup(config, network, paths)) as hf:
        batches = Batches(hf, config.batch_size, config.seed)
        print(f"{batches.length:,} sub-images of {len(paths)} images in {hf.filename}")
        if not batches.is_whole:
            print(f"more than the memory is to hold: mixed {batches.pool_length:,} at a time")
        with stopping() as stop, devices.session() as sess:
            srcnn = SRCNN(sess, network, config.init, config.seed, config.label_size, config.loss_weights)
            curve = train(srcnn, config, batches, validation, folder, stop, initial)
        report.plot_curve(curve)
    if stop.number:
        print(f"stopped; the same command goes on from {folder}", file=sys.stderr)
        return 128 + stop.number
    print(f"weights in {folder}, curve in {curve.with_suffix('.png')}")
    return 0


def starting_weights(config):
    """w1, b1, ... of --weights, which a training starts from; None without."""
    if not config.weights:
        return None
    path = find_weights(config.network, config.checkpoint_dir, config.weights)
    values, settings = weights_of(path, config.network)
    print(f"starts from {path}")
    say_trust(path, unsaid(settings, config.network))
    return values


def split(paths, count):
    """Images to train with, and `count` that are held out, at even distances."""
    if count >= len(paths):
        raise InputError(f"--validation {count}: there are {len(paths)} images; hold out fewer")
    held_out = paths[:: len(paths) // count][:count] if count else []
    return [path for path in paths if path not in held_out], held_out


def test(config):
    """Tests on --test_dir: scores, pictures, results.json and report.html in --sample_dir."""
    folder, paths = Path(config.sample_dir), find_images(config.test_dir, "test")
    stems = names(paths, ENDINGS, RESULTS)
    outputs = [folder / f"{stem}{ending}" for stem in stems for ending in ENDINGS]
    check_outputs(folder, paths, outputs + [folder / name for name in RESULTS])
    with devices.session() as sess, published(folder, "--sample_dir") as staging:
        srcnn = load(sess, config, config.network)
        restored = evaluate(srcnn, paths, config.label_size, config.stride, config.batch_size)
        numbered = zip(range(len(paths)), stems, restored, strict=True)
        done = in_threads(partial(save_pictures, staging), numbered, workers=2)
        entries = list(progress(done, "testing", len(paths)))
        w1 = sess.run(srcnn.weights["w1"])
        shutil.copyfile(staging / f"{stems[-1]}.png", staging / "test_image.png")
        images.save(filters_picture(w1), staging / "filters.png")
        results = report.results(config.network, srcnn.source, {name: found for name, found, _ in entries})
        report.save_json(results, staging / "results.json")
        rows = report.rows(results)
        exhibits = [exhibit for *_, exhibit in entries if exhibit]
        scale = config.network.scale
        settings = {"scale": scale, "degradation": srcnn.network.degraded, "stride": config.stride}
        save_page(config, staging / "report.html", [srcnn.source], rows, exhibits, w1, f"x{scale}", settings)
    print(report.table(rows))
    print(f"pictures, results.json and report.html in {folder}")
    bicubic, restored = (results["average"][f"{kind}_psnr"] for kind in ("bicubic", "srcnn"))
    if srcnn.on_trust and None not in (bicubic, restored) and restored < bicubic:
        print(f"worse than bicubic: {srcnn.source} is hardly for {srcnn.on_trust}", file=sys.stderr)
    return 0


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
    with said(folder.parent):
        (folder / f"{name}.png").write_bytes(png(pictures["SRCNN"]))
        save_comparison(pictures, scores, folder / f"{name}_comparison.png")
    exhibit = report.exhibit(name, pictures, scores) if number < report.MOST_EXHIBITS else None
    return name, scores, exhibit


def load(sess, config, network):
    """The SRCNN that a test or an upscaling uses; where its weights come from is printed."""
    srcnn = trained(sess, network, config.weights, config.checkpoint_dir, config.label_size)
    print(f"weights for x{network.scale}: {srcnn.source}")
    say_trust(srcnn.source, srcnn.on_trust)
    return srcnn


def say_trust(path, on_trust):
    if on_trust:
        print(f"{path}: does not say what it was trained for; {on_trust} is taken on trust")


def save_page(config, path, weights, rows, exhibits, w1, what, more):
    """A page of results. what: was done to the images."""
    filters = config.network.filters
    settings = {"weights": ", ".join(weights), "filters": filters, **more}
    curve = Path(weights[0]).parent / "training.png"
    command = shlex.join(["python", *sys.argv])
    report.save_page(path, f"SRCNN {filters}, {what}", command, settings, rows, exhibits, w1, curve)


def upscale_photographs(config):
    """Upscales --input. What cannot be used is named and left out; then the exit status is 2."""
    goal = Goal(config.scale, config.width, config.height)
    with as_files(config.input, config.output) as files:
        more = config.sample_dir, goal, config.recursive, config.lossless
        work = with_qualities(config, plan(files.inputs, files.output, *more))
        pages = ["upscaled.html", "upscaled.json"] if not files.to_pipe else []
        check_results(config, work, [Path(config.sample_dir) / name for name in pages])
        named = work[0].target == Path(files.output or "")  # no list beside a file that the user named
        with devices.session() as sess:
            networks = Networks(sess, config)
            todo = work if config.overwrite else left_to_do(work, networks, config)
            results = upscaled(todo, networks, config, goal, noted=not named)
            done, exhibits, status = say_upscaled(results, files)
            if done and pages:
                save_upscaled(config, networks, goal, done, exhibits)
    return status


def with_qualities(config, work):
    """The work with the qualities of JPEG files, where the network is to be told of them."""
    if config.degradation != "jpeg":
        known = next((item.source for item in work if (jpeg.quality_of(item.source) or 100) < CLEAN), None)
        if known and not config.weights:
            print(f"{known}: is a JPEG file; --degradation jpeg takes its blocks away", file=sys.stderr)
        return work
    found = []
    for item in work:
        try:
            quality = None if item.error else jpeg.check_quality(item.source, config.quality, config.scale)
            found.append(item._replace(quality=quality))
        except InputError as error:
            found.append(item._replace(ratio=None, error=error))
    return found


def say_upscaled(results, files):
    """Prints what became of files as it comes; returns entries and exhibits of the page, and the status."""
    done, exhibits, status = [], [], 0
    for image in results:
        if image.error or image.warning:
            error = f"error: {image.error}" if image.error else image.warning
            tqdm.write(f"main.py: {files.said(error)}", file=sys.stderr)
            status = 2
        if image.error:
            continue
        height, width = image.size
        tqdm.write(f"{files.said(image.target)}: {width}x{height} pixels, {image.seconds} s")
        entry = {"input": files.said(image.source), "output": str(image.target), "width": width}
        done.append(entry | {"height": height, "seconds": image.seconds})
        if len(exhibits) < report.MOST_EXHIBITS:
            exhibit = report.exhibit(image.target.name, image.pictures, {}, image.size)
            exhibits.append(exhibit | {"loop": image.loop and data_uri(image.loop, "webp")})
    return done, exhibits, status


def save_upscaled(config, networks, goal, done, exhibits):
    """Writes the page of an upscaling, and the same as JSON."""
    folder, first = Path(config.sample_dir), next(iter(networks.models.values()))
    weights = [srcnn.source for srcnn in networks.models.values()]
    with published(folder, "--sample_dir") as staging:
        found = {**goal.plain, "weights": weights, "images": done}
        report.save_json(found, staging / "upscaled.json")
        rows = [list(done[0]), *([str(value) for value in entry.values()] for entry in done)]
        w1, what = first.sess.run(first.weights["w1"]), f"upscaled, {goal.text}"
        save_page(config, staging / "upscaled.html", weights, rows, exhibits, w1, what, goal.plain)
    print(f"compare with bicubic: {folder / 'upscaled.html'}")


def check_results(config, work, pages):
    """Raises InputError, before the work, if results cannot be written or would harm a file of the user's."""
    check_apart([item.source for item in work], [*pages, *(item.target for item in work)])
    check_replaceable(pages, "--sample_dir")
    if pages:
        check_writable(config.sample_dir, "--sample_dir")
    for folder in {item.target.parent for item in work}:
        check_writable(folder, "--output")


def left_to_do(work, networks, config):
    """The part of the work whose results are not there yet, as these networks made them from these files."""
    ours = {folder: written(folder) for folder in {item.target.parent for item in work}}

    def is_done(item):
        about = upscale.origin(item.source, networks(item)) | film_settings(config, item.source)
        return ours[item.target.parent].get(item.target.name) == about

    todo = [item for item in work if item.error or not is_done(item)]
    if len(todo) < len(work):
        print(f"{len(work) - len(todo)} of {len(work)} were upscaled before")
    return todo


def upscaled(work, networks, config, goal, noted):
    """Yields an Upscaled for each file of the work. noted: whether the folder of results notes them."""
    for item in work:  # weights that are missing are missed now
        networks(item)
    for item in progress(work, "upscaling") if len(work) > 1 else work:
        try:
            if item.error:
                raise item.error
            more = networks(item), goal, config.overwrite, noted
            if is_film(item.source):
                with needing("av", item.source):
                    from films import upscale_film
                yield upscale_film(item.source, item.target, *more, **film_settings(config, item.source))
            else:
                yield upscale.upscale_photograph(item.source, item.target, *more, report.centre)
        except InputError as error:
            yield upscale.Upscaled(item.source, item.target, error=error)


def film_settings(config, path):
    return {"crf": config.crf, "lossless": config.lossless} if is_film(path) else {}


class Networks:
    """The networks of an upscaling, each loaded when it is first asked for. models: SRCNNs by Network."""

    def __init__(self, sess, config):
        self.sess, self.config, self.models = sess, config, {}

    def __call__(self, item):
        """The SRCNNs that a file passes through in turn to be as large as it shall, or somewhat larger.

        item: inputs.Work; one with an error needs none. Of networks for JPEG the first one cleans, the others
        see no JPEG any more. Raises InputError if there are no weights for one of them.
        """
        if item.error:
            return []
        factors = stages(item.ratio)
        # One network for the whole way, if there is one, is better than several.
        whole = [int(item.ratio)] if item.ratio.denominator == 1 else []
        found = next(filter(self._has, [*whole, math.prod(factors)]), None)
        first, *others = [found] if found else factors or [1]
        srcnns = [self._model(scale=first)]
        if item.quality:
            srcnns[0].at_quality(item.quality)
        return srcnns + [self._model(scale=scale, degradation="matlab", quality=None) for scale in others]

    def _has(self, scale):
        named = self.config.weights not in (None, "shipped")
        return named or own_or_shipped(self.config.network._replace(scale=scale), self.config.checkpoint_dir)

    def _model(self, **changes):
        network = self.config.network._replace(**changes)
        if network not in self.models:
            self.models[network] = load(self.sess, self.config, network)
        return self.models[network]


def export(config):
    """Writes the weights that a test would use in another format, to --export."""
    path = Path(config.export)
    check_export(path, config.network)
    if os.path.lexists(path) and not (config.overwrite and path.is_file() and path.suffix):
        more = ", or add --overwrite" if path.is_file() and path.suffix else ""
        raise InputError(f"--export {path}: exists already; name another{more}")
    check_apart([config.weights] if config.weights else [], [path])
    check_writable(path.parent, "--export")
    with devices.session() as sess:
        srcnn = load(sess, config, config.network)
        # What the file does not say of itself is not made a fact of.
        known = {name: value for name, value in config.network.settings.items() if name not in ON_TRUST}
        try:
            write_weights(srcnn, path, known | srcnn.settings)
        except (OSError, devices.tf.errors.OpError) as error:
            raise InputError(f"--export {path}: cannot be written ({first_line(error)})") from error
    print(f"{srcnn.source} written as {path}")
    return 0
