"""The flags of the command line: their names, types, defaults and help, and the jobs that each is for."""

import argparse
import difflib
import os
import re
import sys
from fractions import Fraction
from typing import NamedTuple

from srcnn.settings import PAPER_METRICS, WANG
from srcnn.system import windows
from srcnn.system.errors import one_line
from srcnn.system.version import PROGRAM


class Defaults(NamedTuple):
    """What flags of training are where they are not given."""

    epoch: int
    learning_rate: float
    init: str


DEFAULTS = {  # by preconditioner
    "kfac": Defaults(29, 1.0, "identity"),
    "none": Defaults(15000, 1e-4, "normal"),
}
LARGEST = 4096  # number of filters, or size of a kernel


class For(NamedTuple):
    """jobs: that a flag is for. refusal: what the flag is told of another."""

    jobs: tuple
    refusal: str = "is not for this job; leave it out"


JOBS = "train", "test", "input", "export", "download"
ANY = For(JOBS)
# One list of flags serves a training and what is done with its network, though a part is of no effect there.
NETWORKS = For(JOBS[:4], "does not go with --download; leave it out")
ALONE = "does not go with {job}"
MACHINES = For(JOBS[:3], "is for training, tests and upscaling; leave it out")
RESULTS = For(("test", "input"), "is for tests and upscaling; leave it out")
TESTS = For(("test",), "is for tests; add --is_train False")
SHARES = For(("test", "input"), "and its like are for tests and upscaling, and do not go with {job}")
OF_ONE = "is for tests; a network for JPEG is trained for qualities from 30 to 95"
WEIGHTS = For(("test", "input", "export"), OF_ONE)
UPSCALING = For(("input",), "is for upscaling; add --input")
WRITING = For(("input", "export"), "is for --input and --export; leave it out")
OTHERS = {  # what is said of a second job beside the first
    "train": "training; add --is_train False",
    "test": "a test; leave one out",
    "input": "--input; leave one out",
    "export": "--export; leave one out",
    "download": "--download; leave one out",
}


class Help(argparse.HelpFormatter):
    """Leaves the lines of the overview as they are."""

    def _fill_text(self, text, width, indent):
        return text if text == OVERVIEW else super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        """One line on stderr, without argparse's usage; the nearest flag beside one that is not known."""
        first, _, unknown = message.partition("unrecognized arguments: ")
        if unknown and not first:
            known = [option for option in self._option_string_actions if option.startswith("--")]
            near = difflib.get_close_matches(unknown.split()[0].partition("=")[0], known, 1)
            message = f"{unknown}: no such flag; " + (f"did you mean {near[0]}?" if near else "see --help")
        self.exit(2, f"{self.prog}: error: {one_line(message)}\n")


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


OVERVIEW = """\
SRCNN trains a network for image super-resolution, tests it, and enlarges photographs and films with it.

  python main.py photo.jpg --scale 2            enlarges a photograph: writes sample/photo_x2.png
  python main.py photos --output larger         enlarges the images and films of a folder
  python main.py --is_train True                trains a network on the images in Train
  python main.py --is_train False --stride 21   tests it on Test/Set5, beside the paper's numbers
  python main.py --download                     fetches the images of the paper

These commands need no other flags. What stands in brackets below is the default."""


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
    """A parser whose flags know the jobs that they are for.

    defaults, jobs: of each flag by name; the parser itself knows no defaults, so what was given can be told.
    """

    def __init__(self, parser):
        self.parser = self.group = parser
        self.defaults, self.jobs, self.those = {}, {}, ANY

    def of(self, title, jobs):
        """The flags that follow are of a group of this title, and for these jobs unless they name others."""
        self.group, self.those = self.parser.add_argument_group(title), jobs

    def add(self, name, type_, default, text, shown=None, jobs=None, **options):
        """A flag with a value. shown: what help tells of its default, if that is not the value itself."""
        text = f"{text} [{default if shown is None else shown}]"
        self._add(name, default, jobs, type=type_, help=text, **options)

    def switch(self, name, text, jobs=None):
        """A flag without a value."""
        self._add(name, False, jobs, action="store_true", help=text)

    def _add(self, name, default, jobs, **options):
        self.group.add_argument(f"--{name}", default=argparse.SUPPRESS, **options)
        self.defaults[name], self.jobs[name] = default, jobs or self.those

    def parse(self, arguments=None):
        """The values of all flags. Ends the program where one is given that is not for the job asked for."""
        if arguments is None and not sys.argv[1:] and "TF_CONFIG" not in os.environ:
            self.parser.print_help()  # what there is to choose from; nothing is trained
            self.parser.exit()
        given = vars(self.parser.parse_intermixed_args(arguments))
        if files := given.pop("files"):
            given["input"] = [*files, *given.get("input", [])]
        flags = argparse.Namespace(**self.defaults | given)
        flags.job = job_of(flags)
        for name in given:
            if flags.job not in self.jobs[name].jobs:
                self.parser.error(f"--{name} {self.jobs[name].refusal.format(job=OTHERS[flags.job])}")
        return flags


def job_of(flags):
    """The job that flags ask for, one of JOBS."""
    if flags.download:
        return "download"
    job = next((job for job in ("export", "input") if getattr(flags, job) is not None), "test")
    is_train = job == "test" and not flags.gather if flags.is_train is None else flags.is_train
    return "train" if is_train else job


def shard(text):
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 0 < int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number and their count, from 1/16 to 16/16")
    return int(number), int(count)


def all_flags():
    """All flags, see `Flags.parse`."""
    parser = Parser(
        prog="main.py",
        usage="python main.py [FILE ...] [--flag value ...]",
        description=OVERVIEW,
        formatter_class=lambda prog: Help(prog, max_help_position=32),
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"SRCNN {PROGRAM}")
    flags = Flags(parser)
    parser.add_argument("files", nargs="*", type=path, help="the same as --input", metavar="FILE")
    flags.add("is_train", boolean, None, "True to train, False to test", True, metavar="True|False")
    data_flags(flags)
    network_flags(flags)
    training_flags(flags)
    testing_flags(flags)
    upscaling_flags(flags)
    cluster_flags(flags)
    return flags


def data_flags(flags):
    from srcnn.training.datasets import SOURCES

    flags.of("data", ANY)
    flags.add("train_dir", path, None, "folder of training images, with its sub-folders", "Train")
    flags.add("test_dir", path, None, "folder of test images", "Test/Set5")
    flags.add("checkpoint_dir", target, "checkpoint", "folder of checkpoints and train.h5")
    flags.add("sample_dir", target, "sample", "folder for the results of a test")
    flags.switch("skip_broken", "name training images that cannot be used, and leave them out")
    flags.switch("download", "fetch the 91 images, Set5 and Set14, and do nothing else")
    shown = "the authors', GitHub"
    only = For(("download",), "is for --download; add that")
    flags.add("download_from", str, list(SOURCES), "addresses of zips", shown, jobs=only, nargs="+")


def network_flags(flags):
    flags.of("network", NETWORKS)
    flags.add("filters", kernel_sizes, (9, 1, 5), "kernel sizes of its two to five layers", "9-1-5")
    flags.add("channels", dashed(1, 4, "numbers"), None, "filters of all layers but the last", "64-32")
    flags.add("c_dim", int, 1, "1: luminance, the paper's; 3: colour", choices=(1, 3))
    flags.add("colour", str, None, "of --c_dim 3", "rgb", choices=("rgb", "ycbcr"))
    flags.add("scale", factor, None, "factor of super-resolution; the paper has 2, 3 and 4", 3)
    kinds = "matlab", "zoom", "jpeg", "auto"
    what = (
        "what made the images small. matlab: the paper's bicubic; zoom: scipy's; jpeg: bicubic, then JPEG, "
        "at --scale 1 JPEG alone; auto: jpeg for JPEG files whose compression shows, matlab for the others"
    )
    flags.add("degradation", str, None, what, "matlab; --input: auto", choices=kinds)


def training_flags(flags):
    def both(name):
        kfac, none = (getattr(DEFAULTS[kind], name) for kind in ("kfac", "none"))
        return f"{kfac} with kfac, {none} with none"

    flags.of("training", NETWORKS)
    flags.add("epoch", at_least(1), None, "number of epochs in all", both("epoch"))
    flags.add("batch_size", at_least(1), 128, "sub-images, or tiles of a test, in a batch")
    flags.add("image_size", at_least(1), None, "size of sub-images, of tiles", "33; tiles grow with stride")
    flags.add("label_size", at_least(1), None, "size of labels", "image_size less what the filters take")
    flags.add("stride", at_least(1), None, "distance of sub-images, of tiles", "14; tiles side by side")
    flags.of("descent", NETWORKS)
    text = "of gradient descent: one, or one for each layer"
    flags.add("learning_rate", positive, None, text, both("learning_rate"), nargs="+")
    flags.add("preconditioner", str, "kfac", "kfac: natural gradient; none: plain", choices=tuple(DEFAULTS))
    flags.add("init", str, None, "initial weights", both("init"), choices=("identity", "normal"))
    flags.add("loss_weights", weight, None, "of the channels of --c_dim 3 in the loss", "1 1 1", nargs=3)
    flags.add("seed", at_least(0), 0, "of initial weights and the order of sub-images")
    flags.add("validation", at_least(0), 0, "training images held out and scored after every epoch")


def testing_flags(flags):
    flags.of("trained weights", NETWORKS)
    chosen = "test: your own, else the shipped; training: none"
    of_weights = "checkpoint, .mat, .safetensors or 'shipped' to test with or to start from"
    flags.add("weights", path, None, of_weights, chosen)
    text = "of --degradation jpeg, 1 to 100"
    flags.add("quality", quality, None, text, "50; --input: what the file says", jobs=WEIGHTS)
    text = "PSNR and: all six of the paper, some of them, or ms_ssim_wang"
    names = "all", *PAPER_METRICS, WANG
    flags.add("metrics", str, None, text, "psnr ssim", jobs=TESTS, nargs="+", choices=names)
    text = "mean of 8 flips and rotations: better, 8 times slower; upscaling, too"
    flags.switch("self_ensemble", text, jobs=RESULTS)
    text = "write weights: .safetensors, .onnx, .mat, .html, .glsl, .model for FFmpeg, or a SavedModel folder"
    flags.add("export", target, None, text, "none", jobs=For(("export",), ALONE))


def upscaling_flags(flags):
    flags.of("upscaling", UPSCALING)
    what = "images, films, folders of them or patterns to upscale instead of testing; -: standard input"
    flags.add("input", path, None, what, "none", jobs=For(("input",), ALONE), nargs="+")
    flags.add("output", target, None, "file or folder for it; -: standard output", "sample_dir/NAME_xSCALE")
    flags.add("width", at_least(1), None, "pixels of results, instead of --scale", "none")
    flags.add("height", at_least(1), None, "the same; with --width: as large as fits into both", "none")
    flags.switch("recursive", "sub-folders of --input, too")
    flags.add("crf", at_least(0), None, "quality of a film, smaller is better", "visually lossless")
    flags.switch("lossless", "films as FFV1 in .mkv, as computed")
    flags.switch("overwrite", "write over existing --output and --export", jobs=WRITING)


def cluster_flags(flags):
    flags.of("several machines (or TF_CONFIG in the environment)", MACHINES)
    flags.add("worker_hosts", path, None, "a:2222,b:2222,c:2222; the first one is the chief", "none")
    text, names = "of this machine; task 0 is the chief by either", ("chief", "worker")
    flags.add("job_name", str, None, text, "worker", choices=names)
    flags.add("task_index", at_least(0), None, "place of this machine in --worker_hosts", "0 for the chief")
    text = "3/16 tests or upscales the third of 16 parts of the files"
    flags.add("shard", shard, None, text, "all", jobs=SHARES)
    flags.switch("gather", "make the table and the page of what all shards did, no more", jobs=SHARES)
    flags.add("timeout", at_least(1), 30, "seconds that the chief waits for a machine; above those of a step")
