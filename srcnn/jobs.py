"""What the program does, one function for each job: from flags to files. Each returns the exit status."""

import os
import shutil
import sys
from functools import partial
from pathlib import Path

import utils
from model import SRCNN, load
from srcnn import tf1
from srcnn.cluster import shares, workers
from srcnn.cluster.agreement import same_everywhere
from srcnn.cluster.workers import Crew
from srcnn.exports.export import check_export, write_weights
from srcnn.images import image_io
from srcnn.networks import conditioning
from srcnn.networks.weight_files import ON_TRUST, starting_weights
from srcnn.page.pictures import filters_picture
from srcnn.system.atomic_write import published
from srcnn.system.errors import InputError, first_line
from srcnn.system.file_names import names
from srcnn.system.locks import locked
from srcnn.system.output_paths import check_apart, check_writable
from srcnn.system.progress import progress
from srcnn.system.signals import stopping
from srcnn.system.threads import in_threads
from srcnn.testing import shards, table
from srcnn.testing.evaluate import evaluate
from srcnn.testing.results import ENDINGS, RESULTS, check_outputs, save_pictures, save_results
from srcnn.training.batches import Batches, say_pairs
from srcnn.training.curve import plot_curve
from srcnn.training.datasets import split
from srcnn.training.training_data import read_parts
from utils import find_images


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
    from srcnn.training.curve import Curve
    from srcnn.training.loop import train

    paths, held_out = split(find_images(config.train_dir, "train"), config.validation)
    network, folder = config.network, Path(config.checkpoint_dir) / config.network.name
    check_apart([*paths, *held_out], [Path(config.checkpoint_dir) / "train.h5", folder / "training.png"])
    Curve(folder / "training.csv")  # raises InputError before the work
    initial = starting_weights(config, folder)
    qualities = conditioning.TESTED if network.is_conditioned else [None]
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
        plot_curve(curve)
    if stop.number:
        print(f"stopped; the same command goes on from {folder}", file=sys.stderr)
        return 128 + stop.number
    print(f"weights in {folder}, curve in {curve.with_suffix('.png')}")
    return 0


def test(config):
    """Tests on --test_dir: scores, pictures, results.json and report.html in --sample_dir."""
    folder, paths = Path(config.sample_dir), find_images(config.test_dir, "test")
    stems = names(paths, ENDINGS, RESULTS)
    named = shares.part_of(list(zip(paths, stems, strict=True)), config.shard)
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
    print(table.table(table.rows(config.network, results)))
    print(f"pictures, results.json and report.html in {folder}")
    bicubic, restored = (results["average"][f"{kind}_psnr"] for kind in ("bicubic", "srcnn"))
    if srcnn.on_trust and None not in (bicubic, restored) and restored < bicubic:
        print(f"worse than bicubic: {srcnn.source} is hardly for {srcnn.on_trust}", file=sys.stderr)
    return 0


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
