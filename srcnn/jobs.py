"""What the program does, one function for each job: from flags to files. Each returns the exit status."""

import os
import shutil
import sys
from functools import partial
from pathlib import Path

import utils
from model import SRCNN
from srcnn import tf1
from srcnn.cluster import workers
from srcnn.cluster.workers import Crew
from srcnn.exports.export import check_export, write_weights
from srcnn.images import image_io, jpeg, png
from srcnn.networks.trained import load, starting_weights
from srcnn.networks.weight_files import ON_TRUST
from srcnn.page import report
from srcnn.page.pictures import filters_picture, save_comparison
from srcnn.system.errors import InputError, first_line
from srcnn.system.file_names import names
from srcnn.system.locks import locked
from srcnn.system.progress import progress
from srcnn.system.signals import stopping
from srcnn.system.threads import in_threads
from srcnn.system.writing import check_apart, check_replaceable, check_writable, published, said
from srcnn.testing import shards
from srcnn.testing.evaluate import evaluate
from srcnn.training.batches import Batches
from srcnn.training.checkpoints import PROGRAM
from srcnn.training.datasets import find_images
from srcnn.training.training_data import LEFT_OUT, read_parts

RESULTS = ["test_image.png", "filters.png", "results.json", "report.html"]  # of a test, beside the pictures
ENDINGS = [".png", "_comparison.png"]  # of the pictures of a test


def train(config):
    """Trains on --train_dir, in --checkpoint_dir; a worker of a cluster lends its devices to the chief."""
    if not config.cluster:
        return train_on(alone, config)
    if config.cluster.task:
        return workers.work(config.cluster, same_everywhere(config))
    # Around the preparation, too, whose end may be an error: workers are waiting already.
    with Crew(config.cluster, same_everywhere(config), config.timeout) as crew:
        return train_on(crew.lead, config)


def alone(work, stop):
    """Calls work(sess) on this machine."""
    with tf1.session() as sess:
        return work(sess)


def train_on(on_devices, config):
    """on_devices: calls a function with a session, until that returns something; see `alone`."""
    from srcnn.training.loop import Curve, train

    paths, held_out = split(find_images(config.train_dir, "train"), config.validation)
    network, folder = config.network, Path(config.checkpoint_dir) / config.network.name
    check_apart([*paths, *held_out], [Path(config.checkpoint_dir) / "train.h5", folder / "training.png"])
    Curve(folder / "training.csv")  # raises InputError before the work
    initial = starting_weights(config, folder)
    qualities = jpeg.TESTED if network.is_told else [None]
    validation = [pair for path in held_out for pair in utils.degraded(config, network, path, qualities)]
    with locked(config.checkpoint_dir), read_parts(utils.input_setup(config, network, paths)) as hf:
        batches = Batches(hf, config.batch_size, config.seed)
        say_pairs(batches, hf, len(paths), config.image_size)
        with stopping() as stop:

            def work(sess, **more):
                srcnn = SRCNN(sess, network, config.init, config.seed, config.label_size, config.loss_weights)
                srcnn.build_descent(config.preconditioner, tf1.towers(sess)[: batches.batch_size])
                return train(srcnn, config, batches, validation, folder, stop, initial, **more)

            curve = on_devices(work, stop)
        report.plot_curve(curve)
    if stop.number:
        print(f"stopped; the same command goes on from {folder}", file=sys.stderr)
        return 128 + stop.number
    print(f"weights in {folder}, curve in {curve.with_suffix('.png')}")
    return 0


def say_pairs(batches, hf, count, image_size):
    """Prints what a training is of; count: of its images, with those that are left out."""
    skipped, small = (int(hf.attrs.get(name, 0)) for name in LEFT_OUT)
    print(f"{batches.length:,} sub-images of {count - skipped - small} images in {hf.filename}")
    if skipped:
        print(f"{skipped} images cannot be used and are left out")
    if small:
        print(f"{small} of {count} images are too small for a sub-image of --image_size {image_size}")
    if not batches.is_whole:
        print(f"more than the memory is to hold: mixed {batches.pool_length:,} at a time")


def same_everywhere(config):
    """What machines that train together must have in common: plain values."""
    own = "network", "cluster", "worker_hosts", "job_name", "task_index", "timeout"
    own += "train_dir", "test_dir", "checkpoint_dir", "sample_dir"
    flags = {f"--{name}": str(value) for name, value in vars(config).items() if name not in own}
    return {"program": PROGRAM, "TensorFlow": tf1.tf.__version__, **flags}


def split(paths, count):
    """Images to train with, and `count` that are held out, at even distances."""
    if count >= len(paths):
        raise InputError(f"--validation {count}: there are {len(paths)} images; hold out fewer")
    held_out = paths[:: len(paths) // count][:count] if count else []
    known = set(held_out)
    return [path for path in paths if path not in known], held_out


def test(config):
    """Tests on --test_dir: scores, pictures, results.json and report.html in --sample_dir."""
    folder, paths = Path(config.sample_dir), find_images(config.test_dir, "test")
    stems = names(paths, ENDINGS, RESULTS)
    named = shards.part_of(list(zip(paths, stems, strict=True)), config.shard)
    outputs = [folder / f"{stem}{ending}" for _, stem in named for ending in ENDINGS]
    outputs += [] if config.shard else [folder / name for name in RESULTS]
    check_outputs(folder, paths, outputs)
    if config.shard:
        with tf1.session() as sess:
            shards.test_part(config, load(sess, config, config.network), folder, named)
        print(f"pictures in {folder}; when all shards are done, --gather makes the table and the page")
        return 0
    with tf1.session() as sess, published(folder, "--sample_dir") as staging:
        srcnn = load(sess, config, config.network)
        if config.gather:
            entries = shards.gathered_test(config, srcnn, folder, named)
        else:
            restored = evaluate(srcnn, paths, config.label_size, config.stride, config.batch_size)
            numbered = zip(range(len(paths)), stems, restored, strict=True)
            done = in_threads(partial(save_pictures, staging), numbered, workers=2)
            entries = list(progress(done, "testing", len(paths)))
        w1 = sess.run(srcnn.weights["w1"])
        pictures = folder if config.gather else staging
        shutil.copyfile(pictures / f"{stems[-1]}.png", staging / "test_image.png")
        image_io.save(filters_picture(w1), staging / "filters.png")
        results = save_results(config, srcnn, staging, entries, w1)
    print(report.table(report.rows(config.network, results)))
    print(f"pictures, results.json and report.html in {folder}")
    bicubic, restored = (results["average"][f"{kind}_psnr"] for kind in ("bicubic", "srcnn"))
    if srcnn.on_trust and None not in (bicubic, restored) and restored < bicubic:
        print(f"worse than bicubic: {srcnn.source} is hardly for {srcnn.on_trust}", file=sys.stderr)
    return 0


def save_results(config, srcnn, folder, entries, w1):
    """Writes what a test found as JSON and as a page; returns it.

    entries: (name, scores, exhibit or None) of each image. w1: the first layer's weights.
    """
    scores = {name: found for name, found, _ in entries}
    results = report.results(config.network, srcnn.source, scores, config.self_ensemble)
    report.save_json(results, folder / "results.json")
    exhibits = [exhibit for *_, exhibit in entries if exhibit]
    scale = config.network.scale
    settings = {"scale": scale, "degradation": srcnn.network.degraded, "stride": config.stride}
    more = report.rows(config.network, results), exhibits, w1, f"x{scale}", settings
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
    with said(folder.parent):
        (folder / f"{name}.png").write_bytes(png.encoded(pictures["SRCNN"]))
        save_comparison(pictures, scores, folder / f"{name}_comparison.png")
    exhibit = report.exhibit(name, pictures, scores) if number < report.MOST_EXHIBITS else None
    return name, scores, exhibit


def export(config):
    """Writes the weights that a test would use in another format, to --export."""
    path = Path(config.export)
    check_export(path, config.network)
    if os.path.lexists(path) and not (config.overwrite and path.is_file() and path.suffix):
        more = ", or add --overwrite" if path.is_file() and path.suffix else ""
        raise InputError(f"--export {path}: exists already; name another{more}")
    check_apart([config.weights] if config.weights else [], [path])
    check_writable(path.parent, "--export")
    with tf1.session() as sess:
        srcnn = load(sess, config, config.network)
        # What the file does not say of itself is not made a fact of.
        known = {name: value for name, value in config.network.settings.items() if name not in ON_TRUST}
        try:
            write_weights(srcnn, path, known | srcnn.settings, config.overwrite)
        except (OSError, MemoryError, tf1.tf.errors.OpError) as error:  # a full disk may be MemoryError
            reason = first_line(error.__cause__ or error)
            raise InputError(f"--export {path}: cannot be written ({reason})") from error
    print(f"{srcnn.source} written as {path}")
    return 0
