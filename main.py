"""SRCNN: trains a network, tests it, or enlarges photographs and films with it.

`python main.py --help` lists the flags. They end here: what the jobs are given are the values of
srcnn/settings.py. What takes long to import is imported by the job that needs it.
"""

import os
import sys

if __name__ == "__main__" and sys.flags.safe_path:  # python -I, PYTHONSAFEPATH: where is the rest?
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from srcnn.system.signals import clean_up, end, end_if_lost, leave_at_once, on_signals

if __name__ == "__main__":  # first of all: loading the rest takes seconds
    on_signals(leave_at_once)
    if sys.getfilesystemencoding() == "ascii":  # LC_ALL=C: names of files are UTF-8 for all that
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])

from collections.abc import Callable
from functools import partial
from pathlib import Path

from srcnn.command_line import parse
from srcnn.settings import Downloading, Exporting, Source, Testing, Training, Upscaling
from srcnn.system.errors import InputError, first_line, one_line
from srcnn.system.output_paths import check_here
from srcnn.system.terminal import open_streams


def train(job: Training) -> int:
    """Trains a network on a folder of images; the same command goes on where it stopped."""
    from srcnn.cluster import workers
    from srcnn.training.agreement import same_everywhere

    clean_up()
    if not job.cluster:
        return train_on(on_this_machine, job)
    about = same_everywhere(job)
    if job.cluster.task:  # a worker lends its devices to the chief
        return workers.work(job.cluster, about)
    # Around the preparation, too, whose end may be an error: workers are waiting already.
    with workers.Crew(job.cluster, about, job.timeout) as crew:
        return train_on(crew.lead, job)


def on_this_machine(work, stop):
    """Calls work(sess) in a session of this machine alone."""
    from srcnn import tf1

    with tf1.session() as sess:
        return work(sess)


def train_on(on_devices, job: Training) -> int:
    """Prepares sub-images, trains, which saves checkpoints as it goes, and draws the curve.

    on_devices: calls a function with a session, until that returns something; see `on_this_machine`.
    """
    import utils
    from model import SRCNN
    from srcnn import tf1
    from srcnn.networks.trained import starting_weights
    from srcnn.system.locks import locked
    from srcnn.system.progress import say
    from srcnn.system.signals import stopping
    from srcnn.training import loop
    from srcnn.training.batches import Batches, say_pairs
    from srcnn.training.curve import plot_curve
    from srcnn.training.training_data import read_parts

    network, cut, recipe = job.network, job.cut, job.recipe
    checkpoint_dir, folder = Path(job.source.checkpoint_dir), checkpoints_of(job)
    paths, validation = training_images(job)
    initial = starting_weights(network, job.source, folder)
    with locked(checkpoint_dir):
        prepared = utils.input_setup(cut, network, paths, checkpoint_dir, job.skip_broken)
        with read_parts(prepared) as hf, stopping() as stop:
            batches = Batches(hf, recipe.batch_size, recipe.seed)
            say_pairs(batches, hf, len(paths), cut.image_size)

            def work(sess, **pausing):
                tf1.say_gpus(sess)
                srcnn = SRCNN(sess, network, recipe.init, recipe.seed, cut.label_size, job.loss_weights)
                devices = tf1.towers(sess)[: batches.batch_size]
                srcnn.build_descent(recipe.preconditioner, devices, recipe.relative_rates)
                return loop.train(srcnn, job, batches, validation, folder, stop, initial, **pausing)

            curve = on_devices(work, stop)
        picture = plot_curve(curve)
    if stop.number:
        say(f"Stopped. Run the same command again to continue from {folder}.", sys.stderr)
        return 128 + stop.number
    say(f"Wrote weights to {folder}" + (f" and their curve to {picture}." if picture else "."))
    return 0


def checkpoints_of(job: Training) -> Path:
    """The folder of the checkpoints of a network."""
    return Path(job.source.checkpoint_dir) / job.network.name


def training_images(job: Training):
    """The paths of the images to train with, and (input, label) pairs of those that are held out.

    Raises InputError, before the work, if something is in the way of what a training writes.
    """
    import utils
    from srcnn.networks import conditioning
    from srcnn.system.output_paths import check_apart, check_writable
    from srcnn.training.curve import Curve
    from srcnn.training.datasets import split

    folder, network = checkpoints_of(job), job.network
    paths, held_out = split(utils.find_images(job.train_dir, "train"), job.validation)
    check_apart([*paths, *held_out], [folder.parent / "train.h5", folder / "training.png"])
    Curve(folder / "training.csv")
    check_writable(folder, "--checkpoint_dir")
    qualities = conditioning.TESTED if network.is_conditioned else [None]
    validation = [
        pair for path in held_out for pair in utils.degraded(network, path, qualities, job.skip_broken)
    ]
    return paths, validation


def trained(sess, network=None, weights=None, checkpoint_dir="checkpoint", label_size=None):
    """An SRCNN, see model.py, with trained weights.

    network: a Network; None for 9-1-5 at x3. weights, checkpoint_dir: see `Source`. label_size: of outputs
    that it is to be quick for, by default those of tiles. Raises InputError if no weights fit.
    """
    from model import DEFAULT, SRCNN
    from srcnn.networks.trained import find_weights, restore
    from srcnn.pixels.tiles import TILE

    network = network or DEFAULT
    path = find_weights(network, Source(weights, checkpoint_dir))  # before the graph, which may be large
    srcnn = SRCNN(sess, network, label_size=label_size or TILE)
    restore(srcnn, path)
    return srcnn


def load(sess, network, source, label_size=None, self_ensemble=False):
    """The SRCNN of a test, an upscaling or an export; which weights it has is printed. source: a Source."""
    from srcnn.networks.trained import say_choice, say_trust
    from srcnn.tf1 import say_gpus

    say_gpus(sess)
    srcnn = trained(sess, network, source.weights, source.checkpoint_dir, label_size)
    srcnn.self_ensemble = self_ensemble
    say_choice(network, source, srcnn.source)
    say_trust(srcnn.source, srcnn.on_trust)
    return srcnn


def test(job: Testing) -> int:
    """Scores a network beside the paper's numbers; writes pictures, results.json and report.html."""
    import utils
    from srcnn.testing.testing_job import test_images

    clean_up()
    paths = utils.find_images(job.test_dir, "test")
    loading = partial(
        load,
        network=job.network,
        source=job.source,
        label_size=job.tiling.label_size,
        self_ensemble=job.self_ensemble,
    )
    test_images(job, paths, loading)
    return 0


def upscale(job: Upscaling) -> int:
    """Enlarges photographs and films; nothing is degraded first."""
    from srcnn.upscaling.upscaling_job import upscale_files

    clean_up()
    return upscale_files(job, partial(load, source=job.source, self_ensemble=job.self_ensemble))


def upscaler(scale=3, **more):
    """Enlarges images from Python: `upscaler(scale=2)(image)`. more: see `Upscaler`, and docs/python.md."""
    from srcnn.upscaling.from_python import Upscaler

    return Upscaler(trained, scale, **more)


def export(job: Exporting) -> int:
    """Writes the weights that a test would use in another format."""
    from srcnn import tf1
    from srcnn.exports.export import check_target, export_weights
    from srcnn.exports.web.page import export_page
    from srcnn.system.progress import say

    clean_up()
    check_target(job.path, job.network, job.source.weights, job.overwrite)
    if job.path.suffix == ".html":
        export_page(job.network, job.source, job.path, job.overwrite)
        say(f"Wrote {job.path}.")
        return 0
    with tf1.session() as sess:
        srcnn = load(sess, job.network, job.source)
        export_weights(srcnn, job.path, job.overwrite)
    say(f"Wrote {srcnn.source} as {job.path}.")
    return 0


def download(job: Downloading) -> int:
    """Fetches the images of the paper."""
    from srcnn.training import datasets

    clean_up()
    datasets.download(job.sources)
    return 0


JOBS: dict[type, Callable[..., int]] = {
    Training: train,
    Testing: test,
    Upscaling: upscale,
    Exporting: export,
    Downloading: download,
}


def main(arguments=None) -> int:
    """Runs the program; what goes wrong is one line on stderr and exit status 2."""
    try:
        job = parse(arguments)
        check_here()
        return JOBS[type(job)](job)
    except InputError as error:
        return complain(error)
    except MemoryError:
        return complain(
            "out of memory; use smaller images, or lower --batch_size, --image_size or --channels"
        )
    except RuntimeError as error:
        if str(error) != "can't start new thread":
            raise
        return complain("the system starts no more threads; allow more processes or memory (ulimit -a)")
    except UnicodeEncodeError as error:
        return complain(f"{error.object!a}: the name is not UTF-8; rename the file")
    except ModuleNotFoundError as error:
        return complain(
            f"{error.name} is not installed in this Python ({sys.executable}); activate the environment that "
            "has it (. .venv/bin/activate), or run pip install -r requirements.txt"
        )
    except ImportError as error:
        return complain(
            f"{first_line(error)}; check that memory suffices, or run pip install -r requirements.txt"
        )
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        return complain(f"{named}{error.strerror or error}")


def complain(message) -> int:
    print(f"main.py: error: {one_line(message)}", file=sys.stderr)
    return 2


def run(arguments=None):
    """main() as a process, which ends with its status."""
    open_streams()
    sys.unraisablehook = end_if_lost
    status: str | int | None
    try:
        status = main(arguments)
    except SystemExit as stopped:  # by a signal, or by the parser of flags
        status = stopped.code
    end(status)


if __name__ == "__main__":
    run()
