"""The flags of the command line: their names, types, defaults and help, by what they are for."""

import argparse
import re
from fractions import Fraction

from srcnn.system import windows

DEFAULTS = {  # by preconditioner
    "kfac": {"epoch": 29, "learning_rate": 1.0, "init": "identity"},
    "none": {"epoch": 15000, "learning_rate": 1e-4, "init": "normal"},
}
LARGEST = 4096  # number of filters, or size of a kernel


class Help(argparse.HelpFormatter):
    """Leaves the lines of the examples as they are."""

    def _fill_text(self, text, width, indent):
        return text if text == EXAMPLES else super()._fill_text(text, width, indent)


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
        if not text.lstrip("-").isdecimal() or not minimum <= int(text) < 2**31:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {minimum}")
        return int(text)

    return number


def quality(text):
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 100")
    return int(text)


def factor(text):
    """A whole number, or a Fraction, of at least 1."""
    value = Fraction(text) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1, such as 3 or 2.5")
    return int(value) if value.denominator == 1 else value


def path(text):
    if not text:
        raise argparse.ArgumentTypeError("is empty; name a file or folder")
    return text


def target(text):
    """A path that is written to."""
    if name := windows.no_name(path(text)):
        raise argparse.ArgumentTypeError(f"{text!r}: Windows has no files named {name!r}; take another name")
    return text


def positive(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1e-30 < value < 1e30:  # what float32 can tell from 0 and multiply
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, or too large or small")
    return value


EXAMPLES = """examples:
  python main.py --is_train True                                  trains a network on Train/
  python main.py --is_train False --stride 21                     tests it on Test/Set5, beside the paper
  python main.py --is_train False --input photo.jpg --scale 2     writes sample/photo_x2.png
"""


def weight(text):
    return 0.0 if re.fullmatch(r"0+(\.0*)?", text) else positive(text)


def dashed(least, most, what):
    """The type of a flag such as 9-1-5."""

    def numbers(text):
        parts = text.split("-")
        whole = all(p.isascii() and p.isdecimal() and 0 < int(p) <= LARGEST for p in parts)
        if not (whole and least <= len(parts) <= most):
            raise argparse.ArgumentTypeError(
                f"{text!r} is not {least} to {most} {what} with dashes between, at most {LARGEST}"
            )
        return tuple(map(int, parts))

    return numbers


def kernel_sizes(text):
    sizes = dashed(2, 5, "kernel sizes")(text)
    if not all(size % 2 for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r} has an even kernel size; take odd ones, such as 9-1-5")
    return sizes


class Flags:
    """Adds flags to groups of a parser."""

    def __init__(self, parser):
        self.parser = self.group = parser

    def of(self, title):
        """The flags that follow are of a group of this title."""
        self.group = self.parser.add_argument_group(title)

    def add(self, name, type_, default, text, shown=None, **more):
        """A flag with a value. shown: what help tells of its default, if that is not the value itself."""
        text = f"{text} [{default if shown is None else shown}]"
        self.group.add_argument(f"--{name}", type=type_, default=default, help=text, **more)

    def switch(self, name, text):
        """A flag without a value."""
        self.group.add_argument(f"--{name}", action="store_true", help=text)


def shard(text):
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 0 < int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number and their count, from 1/16 to 16/16")
    return int(number), int(count)


def make_parser():
    """The parser of all flags."""
    parser = Parser(
        prog="main.py",
        description="SRCNN: trains (--is_train True), tests (--is_train False), or upscales photographs and "
        "films (--is_train False --input PHOTO).",
        epilog=EXAMPLES,
        formatter_class=lambda prog: Help(prog, max_help_position=32, width=110),
        allow_abbrev=False,
    )
    flags = Flags(parser)
    flags.add("is_train", boolean, True, "True to train, False to test", metavar="True|False")
    data_flags(flags)
    network_flags(flags)
    training_flags(flags)
    testing_flags(flags)
    upscaling_flags(flags)
    cluster_flags(flags)
    return parser


def data_flags(flags):
    from srcnn.training.datasets import SOURCES

    flags.of("data")
    flags.add("train_dir", path, None, "folder of training images, with its sub-folders", "Train")
    flags.add("test_dir", path, None, "folder of test images", "Test/Set5")
    flags.add("checkpoint_dir", target, "checkpoint", "folder of checkpoints and train.h5")
    flags.add("sample_dir", target, "sample", "folder for the results of a test")
    flags.switch("skip_broken", "name training images that cannot be used, and leave them out")
    flags.switch("download", "fetch the 91 images, Set5 and Set14, and do nothing else")
    flags.add("download_from", str, list(SOURCES), "addresses of zips", "the authors', GitHub", nargs="+")


def network_flags(flags):
    flags.of("network")
    flags.add("filters", kernel_sizes, (9, 1, 5), "kernel sizes of its two to five layers", "9-1-5")
    flags.add("channels", dashed(1, 4, "numbers"), None, "filters of all layers but the last", "64-32")
    flags.add("c_dim", int, 1, "1: luminance, the paper's; 3: colour", choices=(1, 3))
    flags.add("colour", str, None, "of --c_dim 3", "rgb", choices=("rgb", "ycbcr"))
    flags.add("scale", factor, None, "factor of super-resolution; the paper has 2, 3 and 4", 3)
    kinds = "matlab", "zoom", "jpeg"
    what = "matlab: the paper's bicubic; zoom: scipy's; jpeg: bicubic, then JPEG, at --scale 1 JPEG alone"
    flags.add("degradation", str, "matlab", what, choices=kinds)


def training_flags(flags):
    def both(name):
        return "{} with kfac, {} with none".format(*(DEFAULTS[kind][name] for kind in ("kfac", "none")))

    flags.of("training")
    flags.add("epoch", at_least(1), None, "number of epochs in all", both("epoch"))
    flags.add("batch_size", at_least(1), 128, "sub-images, or tiles of a test, in a batch")
    flags.add("image_size", at_least(1), None, "size of sub-images, of tiles", "33; tiles grow with stride")
    flags.add("label_size", at_least(1), None, "size of labels", "image_size less what the filters take")
    flags.add("stride", at_least(1), None, "distance of sub-images, of tiles", "14; tiles side by side")
    flags.add("learning_rate", positive, None, "of gradient descent", both("learning_rate"))
    flags.add("preconditioner", str, "kfac", "kfac: natural gradient; none: plain", choices=tuple(DEFAULTS))
    flags.add("init", str, None, "initial weights", both("init"), choices=("identity", "normal"))
    flags.add("loss_weights", weight, None, "of the channels of --c_dim 3 in the loss", "1 1 1", nargs=3)
    flags.add("seed", at_least(0), 0, "of initial weights and the order of sub-images")
    flags.add("validation", at_least(0), 0, "training images held out and scored after every epoch")


def testing_flags(flags):
    flags.of("training and testing")
    chosen = "test: your own, else the shipped; training: none"
    of_weights = "checkpoint, .mat, .safetensors or 'shipped' to test with or to start from"
    flags.add("weights", path, None, of_weights, chosen)
    flags.of("testing")
    flags.add("quality", quality, None, "of --degradation jpeg, 1 to 100", "50; --input: what the file says")
    kinds = ".safetensors, .onnx, .mat, .model for FFmpeg, or a SavedModel folder"
    flags.switch("self_ensemble", "mean of 8 flips and rotations: better, 8 times slower; upscaling, too")
    flags.add("export", target, None, f"write the weights as {kinds}, no more", "none")


def upscaling_flags(flags):
    flags.of("upscaling")
    what = "images, films, folders of them or patterns to upscale instead of testing; -: standard input"
    flags.add("input", path, None, what, "none", nargs="+")
    flags.add("output", target, None, "file or folder for it; -: standard output", "sample_dir/NAME_xSCALE")
    flags.add("width", at_least(1), None, "pixels of results, instead of --scale", "none")
    flags.add("height", at_least(1), None, "the same; with --width: as large as fits into both", "none")
    flags.switch("recursive", "sub-folders of --input, too")
    flags.add("crf", at_least(0), None, "quality of a film, smaller is better", "visually lossless")
    flags.switch("lossless", "films as FFV1 in .mkv, as computed")
    flags.switch("overwrite", "write over existing --output and --export")


def cluster_flags(flags):
    flags.of("several machines (or TF_CONFIG in the environment)")
    flags.add("worker_hosts", path, None, "a:2222,b:2222,c:2222; the first one is the chief", "none")
    jobs = "chief", "worker"
    flags.add("job_name", str, None, "of this machine; task 0 is the chief by either", "worker", choices=jobs)
    flags.add("task_index", at_least(0), None, "place of this machine in --worker_hosts", "0 for the chief")
    flags.add("shard", shard, None, "3/16 tests or upscales the third of 16 parts of the files", "all")
    flags.switch("gather", "make the table and the page of what all shards did, and do nothing else")
    flags.add("timeout", at_least(1), 30, "seconds that the chief waits for a machine; above those of a step")
