"""Trains and tests SRCNN. `python main.py --help` lists the flags."""

import argparse
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

import images
import report
import upscale
import utils
from batches import Batches
from datasets import SOURCES, download, find_images
from errors import InputError
from hdf5 import read_data
from locks import locked
from progress import progress
from terminal import silenced
from utils import FILTERS, margin
from writing import check_writable

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
        description="SRCNN: trains on Train/ (--is_train True), tests on Test/Set5 (--is_train False), or "
        "upscales photographs (--is_train False --input PHOTO).",
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
    flag("input", str, None, "image or folder of images to upscale instead of testing", "none")
    flag("output", str, None, "file or folder for what --input gives", "sample_dir/NAME_xSCALE.png")
    parser.add_argument("--overwrite", action="store_true", help="write over existing --output and --export")
    flag("export", str, None, "write the weights as .mat, .onnx or a SavedModel folder, no more", "none")
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
    if config.is_train:
        for name in ("weights", "input", "export"):
            if getattr(config, name) is not None:
                parser.error(f"--{name} does not go with training; add --is_train False")
    if config.output is not None and config.input is None:
        parser.error("--output is for upscaling; add --input")
    if config.input is not None and (config.c_dim, config.degradation) != (1, "matlab"):
        parser.error("--input upscales luminance from bicubic; leave out --c_dim and --degradation")
    return config


def import_tensorflow():
    """Imports TensorFlow without its start-up messages, some of which come with the first session."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silenced():
        import tensorflow.compat.v1 as tf

        with tf.Graph().as_default(), tf.Session() as session:
            session.run(tf.constant(0))
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
    validation = [utils.preprocess(p, config.scale, config.degradation, config.c_dim) for p in held_out]
    with locked(config.checkpoint_dir), read_data(utils.input_setup(config, paths)) as hf:
        batches = Batches(hf, config.batch_size, config.seed)
        print(f"{batches.length:,} sub-images of {len(paths)} images in {hf.filename}")
        if not batches.is_whole:
            print(f"more than the memory is to hold: mixed {batches.pool_length:,} at a time")
        tf = import_tensorflow()
        with tf.Graph().as_default(), tf.Session() as session:
            srcnn = build(config, session)

            def stop(number, frame):
                srcnn.stopping = number

            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, stop)
            curve = srcnn.train(config, batches, validation)
        report.plot_curve(curve)
    if srcnn.stopping:
        print(f"stopped; the same command goes on from {srcnn.model_dir}", file=sys.stderr)
        return 128 + srcnn.stopping
    print(f"weights in {srcnn.model_dir}, curve in {curve.with_suffix('.png')}")
    return 0


def find_weights(config, scale):
    """The file of weights for a scale: named by the user, trained by them, shipped; or None."""
    from model import model_name
    from weights import latest_checkpoint

    name = model_name(config.filters, scale, config.degradation, config.c_dim)
    shipped = Path(__file__).parent / "checkpoint" / "shipped" / name
    own = Path(config.checkpoint_dir) / name
    return config.weights or latest_checkpoint(own) or latest_checkpoint(shipped)


def trained(config, session, **changes):
    """An SRCNN with trained weights, and where they come from. changes: flags to take other values."""
    config = argparse.Namespace(**vars(config) | changes)
    path = find_weights(config, config.scale)
    if not path:
        raise InputError(
            f"{config.checkpoint_dir}: no checkpoint for --filters {config.filters} --scale {config.scale} "
            f"--degradation {config.degradation} --c_dim {config.c_dim}; train one with --is_train True, "
            f"or give --weights"
        )
    srcnn = build(config, session)
    srcnn.load(path)
    return srcnn, str(path)


def test(config):
    folder = Path(config.sample_dir)
    check_writable(folder, "--sample_dir")
    paths = find_images(config.test_dir, "test")
    tf = import_tensorflow()
    scores, exhibits = {}, []
    with tf.Graph().as_default(), tf.Session() as session:
        srcnn, weights = trained(config, session)
        with read_data(utils.input_setup(config, paths)) as hf:
            print(f"weights: {weights}")
            named = list(zip(paths, upscale.names(paths), strict=True))
            for number, (path, name) in enumerate(progress(named, "testing")):
                (input_,), (label_,) = (hf[f"{number}/{kind}"][:] for kind in ("data", "label"))
                output = srcnn.test(input_, config.stride)
                scores[name] = {
                    f"{kind}_{metric.__name__}": metric(label_, image, config.scale)
                    for kind, image in (("bicubic", input_), ("srcnn", output))
                    for metric in (utils.psnr, utils.ssim)
                }
                pictures = utils.in_colour(path, input_, output, config.scale, config.degradation)
                utils.imsave(pictures["SRCNN"], folder / f"{name}.png")
                report.save_comparison(pictures, scores[name], folder / f"{name}_comparison.png")
                if len(exhibits) < report.MOST_EXHIBITS:
                    exhibits.append(report.exhibit(name, pictures, scores[name]))
        w1 = session.run(srcnn.weights["w1"])
    utils.imsave(pictures["SRCNN"], folder / "test_image.png")
    results = report.results(config, weights, scores)
    report.save_json(results, folder / "results.json")
    rows = report.rows(results)
    save_page(config, [weights], f"SRCNN {config.filters}, x{config.scale}", rows, exhibits, w1)
    print(report.table(rows))
    print(f"pictures, results.json and report.html in {folder}")
    return 0


def save_page(config, weights, title, rows, exhibits, w1):
    """report.html and filters.png in config.sample_dir."""
    settings = {"weights": ", ".join(weights), "filters": config.filters, "scale": config.scale}
    if config.input is None:
        settings |= {"degradation": config.degradation, "stride": config.stride}
    curve = Path(weights[0]).parent / "training.png"
    report.save_page(
        Path(config.sample_dir), title, shlex.join(["python", *sys.argv]), settings, rows, exhibits, w1, curve
    )


def upscale_photographs(config):
    """Upscales --input. What cannot be used is named and left out; then the exit status is 2."""
    work = upscale.jobs(config.input, config.output, config.sample_dir, config.scale)
    check_writable(config.sample_dir, "--sample_dir")
    check_writable(work[0][1].parent, "--output")
    tf = import_tensorflow()
    done, exhibits = [], []
    with tf.Graph().as_default(), tf.Session() as session:
        factors = [config.scale] if find_weights(config, config.scale) else upscale.stages(config.scale)
        margin_ = margin(config.filters)
        size = {"image_size": upscale.TILE + margin_, "label_size": upscale.TILE}
        models = {factor: trained(config, session, scale=factor, **size) for factor in set(factors)}
        for factor, (_, weights) in models.items():
            print(f"weights for x{factor}: {weights}")
        networks = [(factor, models[factor][0].infer) for factor in factors]
        for source, target in progress(work, "upscaling"):
            started = time.monotonic()
            try:
                pixels, result = upscale.upscale_file(source, target, networks, margin_, config.overwrite)
            except InputError as error:
                tqdm.write(f"main.py: error: {error}", file=sys.stderr)
                continue
            height, width = result.shape[:2]
            seconds = round(time.monotonic() - started, 1)
            entry = {"input": str(source), "output": str(target), "width": width, "height": height}
            done.append({**entry, "seconds": seconds})
            tqdm.write(f"{target}: {width}x{height} pixels, {seconds} s")
            if len(exhibits) < report.MOST_EXHIBITS:
                box = report.centre(height, width)
                pictures = {
                    "bicubic": upscale.bicubic(images.colours(pixels), config.scale, *box),
                    "SRCNN": utils.to_float(images.colours(result)[box[0] : box[2], box[1] : box[3]]),
                }
                exhibits.append(report.exhibit(target.name, pictures, {}, (height, width)))
        w1 = session.run(models[factors[0]][0].weights["w1"])
    if done:
        used = [weights for _, weights in models.values()]
        sample_dir = Path(config.sample_dir)
        results = {"scale": config.scale, "weights": used, "images": done}
        report.save_json(results, sample_dir / "upscaled.json")
        rows = [list(done[0]), *([str(value) for value in entry.values()] for entry in done)]
        save_page(config, used, f"SRCNN {config.filters}, upscaled x{config.scale}", rows, exhibits, w1)
        print(f"compare with bicubic: {sample_dir / 'report.html'}")
    return 0 if len(done) == len(work) else 2


def export(config):
    """Writes the weights that a test would use in another format."""
    path = Path(config.export)
    if path.suffix not in ("", ".mat", ".onnx"):
        raise InputError(f"--export {path}: take .mat, .onnx, or no ending for a SavedModel folder")
    if path.exists() and not (config.overwrite and path.is_file()):
        raise InputError(f"--export {path}: exists already; name another, or add --overwrite for a file")
    if path.suffix == ".mat" and config.c_dim == 3:
        raise InputError(f"--export {path}: the authors' layout has one channel; take .onnx or a folder")
    check_writable(path.parent, "--export")
    tf = import_tensorflow()
    from weights import write_mat, write_onnx

    with tf.Graph().as_default(), tf.Session() as session:
        srcnn, weights = trained(config, session)
        values = session.run(srcnn.weights | srcnn.biases)
        if path.suffix == ".mat":
            write_mat(values, path)
        elif path.suffix == ".onnx":
            write_onnx(values, path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                srcnn.export(Path(folder) / "model")
                shutil.move(Path(folder) / "model", path)
    print(f"{weights} written as {path}")
    return 0


def main(arguments=None):
    config = parse_flags(arguments)
    try:
        if config.download:
            download(config.download_from)
            return 0
        if config.export is not None:
            return export(config)
        if config.input is not None:
            return upscale_photographs(config)
        return train(config) if config.is_train else test(config)
    except InputError as error:
        print(f"main.py: error: {error}", file=sys.stderr)
        return 2
    except MemoryError:
        print("main.py: error: not enough memory for an image so large; cut it into parts", file=sys.stderr)
        return 2
    except UnicodeEncodeError as error:
        print(f"main.py: error: {error.object!a} is not UTF-8; rename it", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    # A log shows progress as it is made. Names of files need not be UTF-8.
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    sys.stderr.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # cleaning up
    sys.exit(main())
