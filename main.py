"""Trains and tests SRCNN. `python main.py --help` lists the flags."""

import argparse
import os
import signal
import sys
from pathlib import Path

import report
import utils
from datasets import SOURCES, download, find_images
from utils import FILTERS, InputError, margin

DEFAULTS = {  # by preconditioner
    "kfac": {"epoch": 29, "learning_rate": 1.0, "init": "identity"},
    "none": {"epoch": 15000, "learning_rate": 1e-4, "init": "normal"},
}


class Parser(argparse.ArgumentParser):
    def error(self, message):
        """One line on stderr, without argparse's usage."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def boolean(text):
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is neither True nor False")
    return values[text.lower()]


def at_least(minimum):
    def number(text):
        if not text.lstrip("-").isdecimal() or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {minimum}")
        return int(text)

    return number


def positive(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def parse_flags(arguments=None):
    parser = Parser(
        prog="main.py",
        description="SRCNN: trains on Train/ (--is_train True) or tests on Test/Set5 (--is_train False).",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=32, width=110),
        allow_abbrev=False,
    )

    def flag(name, type_, default, text, shown=None, **more):
        text = f"{text} [{default if shown is None else shown}]"
        parser.add_argument(f"--{name}", type=type_, default=default, help=text, **more)

    flag("is_train", boolean, True, "True to train, False to test", metavar="True|False")
    kinds = DEFAULTS["kfac"], DEFAULTS["none"]

    def both(name):
        return "{} with kfac, {} with none".format(*(kind[name] for kind in kinds))

    flag("epoch", at_least(1), None, "number of epochs in all", both("epoch"))
    flag("batch_size", at_least(1), 128, "sub-images or tiles in a batch")
    flag("image_size", at_least(1), 33, "size of sub-images and tiles")
    flag("label_size", at_least(1), None, "size of labels", "image_size less what the filters take")
    flag("learning_rate", positive, None, "of gradient descent", both("learning_rate"))
    flag("c_dim", int, 1, "1: luminance, the paper's; 3: RGB", choices=(1, 3))
    flag("scale", at_least(2), 3, "factor of super-resolution; the paper has 2, 3 and 4")
    flag("stride", at_least(1), 14, "distance of sub-images (training) or tiles (testing)")
    flag("checkpoint_dir", str, "checkpoint", "folder of checkpoints and HDF5 files")
    flag("sample_dir", str, "sample", "folder for the results of a test")
    flag("train_dir", str, None, "folder of training images", "Train")
    flag("test_dir", str, None, "folder of test images", "Test/Set5")
    flag(
        "degradation", str, "matlab", "matlab: the paper's bicubic; zoom: scipy's", choices=("matlab", "zoom")
    )
    flag("filters", str, "9-1-5", "kernel sizes of the three layers", choices=FILTERS)
    flag("weights", str, None, "checkpoint or .mat to test with", "your own, else the shipped one")
    flag("seed", at_least(0), 0, "of initial weights and the order of sub-images")
    flag(
        "preconditioner", str, "kfac", "kfac: natural gradient; none: the plain one", choices=tuple(DEFAULTS)
    )
    flag("init", str, None, "initial weights", both("init"), choices=("identity", "normal"))
    flag("validation", at_least(0), 0, "training images held out and scored after every epoch")
    parser.add_argument(
        "--download", action="store_true", help="fetch the 91 images, Set5 and Set14, and do nothing else"
    )
    flag("download_from", str, list(SOURCES), "addresses of zip files", "the authors', GitHub", nargs="+")
    config = parser.parse_args(arguments)

    for name, default in DEFAULTS[config.preconditioner].items():
        if getattr(config, name) is None:
            setattr(config, name, default)
    fitting = config.image_size - margin(config.filters)
    if fitting < 1:
        parser.error(
            f"--image_size {config.image_size} is smaller than the receptive field of --filters "
            f"{config.filters}; take at least {config.image_size - fitting + 1}"
        )
    if config.label_size is None:
        config.label_size = fitting
    if config.label_size != fitting:
        parser.error(
            f"--label_size {config.label_size} does not fit --image_size {config.image_size} and "
            f"--filters {config.filters}; take {fitting}, or leave it out"
        )
    if not config.is_train and config.stride > config.label_size:
        parser.error(
            f"--stride {config.stride} is larger than the {config.label_size} pixels that a tile yields with "
            f"--filters {config.filters}, which would leave gaps; take {config.label_size} or less"
        )
    if config.is_train and config.weights:
        parser.error("--weights is for testing; add --is_train False")
    return config


def import_tensorflow():
    """Imports TensorFlow without its start-up messages, which its C++ writes whatever the settings."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        import tensorflow.compat.v1 as tf
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
    return tf


def build(config, session):
    from model import SRCNN

    names = "image_size label_size batch_size c_dim checkpoint_dir filters scale degradation init seed"
    return SRCNN(session, **{name: getattr(config, name) for name in names.split()})


def train(config):
    paths = find_images(config.train_dir, "train")
    if config.validation >= len(paths):
        raise InputError(f"--validation {config.validation}: there are {len(paths)} images; hold out fewer")
    held_out = paths[:: len(paths) // config.validation][: config.validation] if config.validation else []
    paths = [path for path in paths if path not in held_out]
    data_path = utils.input_setup(config, paths)
    validation = [utils.preprocess(p, config.scale, config.degradation, config.c_dim) for p in held_out]
    data, label = utils.read_data(data_path)
    print(f"{len(data):,} sub-images of {len(paths)} images in {data_path}")
    tf = import_tensorflow()
    with tf.Graph().as_default(), tf.Session() as session:
        srcnn = build(config, session)

        def stop(number, frame):
            srcnn.stopping = number

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        curve = srcnn.train(config, data, label, validation)
    report.plot_curve(curve)
    if srcnn.stopping:
        print(f"stopped; the same command goes on from {srcnn.model_dir}", file=sys.stderr)
        return 128 + srcnn.stopping
    print(f"weights in {srcnn.model_dir}, curve in {curve.with_suffix('.png')}")
    return 0


def find_weights(config):
    """The file of weights to test with: named, trained here, or shipped."""
    from model import model_name
    from weights import latest_checkpoint

    name = model_name(config.filters, config.scale, config.degradation, config.c_dim)
    shipped = Path(__file__).parent / "checkpoint" / "shipped" / name
    own = Path(config.checkpoint_dir) / name
    path = config.weights or latest_checkpoint(own) or latest_checkpoint(shipped)
    if not path:
        raise InputError(
            f"{own}: no checkpoint for --filters {config.filters} --scale {config.scale} "
            f"--degradation {config.degradation} --c_dim {config.c_dim}; train one with --is_train True, "
            f"or give --weights"
        )
    return path


def test(config):
    paths = find_images(config.test_dir, "test")
    folder = Path(config.sample_dir)
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        raise InputError(f"--sample_dir {folder}: cannot be written to; name another folder")

    tf = import_tensorflow()
    scores = {}
    with tf.Graph().as_default(), tf.Session() as session:
        weights = find_weights(config)
        srcnn = build(config, session)
        srcnn.load(weights)
        data_path = utils.input_setup(config, paths)
        print(f"weights: {weights}")
        for path in utils.progress(paths, "testing"):
            (input_,), (label_,) = utils.read_data(data_path, path.name)
            output = srcnn.test(input_, config.stride)
            name = path.stem if sum(p.stem == path.stem for p in paths) == 1 else path.name
            scores[name] = {
                f"{kind}_{metric.__name__}": metric(label_, image, config.scale)
                for kind, image in (("bicubic", input_), ("srcnn", output))
                for metric in (utils.psnr, utils.ssim)
            }
            picture = utils.in_colour(path, input_, output, config.scale, config.degradation)
            utils.imsave(picture, folder / f"{name}.png")
    utils.imsave(picture, folder / "test_image.png")
    results = report.results(config, str(weights), scores)
    report.save_results(results, folder / "results.json")
    print(report.table(results))
    print(f"pictures and results.json in {folder}")
    return 0


def main(arguments=None):
    config = parse_flags(arguments)
    try:
        if config.download:
            download(config.download_from)
            return 0
        return train(config) if config.is_train else test(config)
    except InputError as error:
        print(f"main.py: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # a log shows progress as it is made
    sys.exit(main())
