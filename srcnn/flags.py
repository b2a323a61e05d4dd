"""The flags of the command line: their names, types, defaults and help, and the jobs that each is for."""

import argparse
import difflib
import os
import sys
from typing import NamedTuple

from srcnn.flag_types import (
    at_least,
    boolean,
    dashed,
    factor,
    kernel_sizes,
    path,
    positive,
    quality,
    shard,
    target,
    weight,
)
from srcnn.settings import PAPER_METRICS, WANG
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


OVERVIEW = """\
SRCNN trains a network for image super-resolution, tests it, and enlarges photographs and films with it.

  python main.py photo.jpg --scale 2            enlarges a photograph: writes sample/photo_x2.png
  python main.py photos --output larger         enlarges the images and films of a folder
  python main.py --is_train True                trains a network on the images in Train
  python main.py --is_train False --stride 21   tests it on Test/Set5, beside the paper's numbers
  python main.py --download                     fetches the images of the paper

These commands need no other flags. What stands in brackets below is the default."""


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
        words = [*(sys.argv[1:] if arguments is None else arguments)]
        end = words.index("--") if "--" in words else len(words)  # after which all are files
        given = vars(self.parser.parse_intermixed_args(words[:end]))
        if files := [*given.pop("files"), *words[end + 1 :]]:
            given["input"] = [*files, *given.get("input", [])]
        if "" in given.get("input", []):
            self.parser.error("a FILE is empty; name a file or folder")
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


def all_flags():
    """All flags, see `Flags.parse`."""
    parser = Parser(
        prog="main.py",
        usage="python main.py [FILE ...] [--flag value ...]",
        description=OVERVIEW,
        formatter_class=lambda prog: Help(prog, max_help_position=32),
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="help", help="Prints this text.")
    parser.add_argument("--version", action="version", version=f"SRCNN {PROGRAM}", help="Prints the version.")
    flags = Flags(parser)
    parser.add_argument("files", nargs="*", type=path, help="Is the same as --input.", metavar="FILE")
    flags.of("what most people need", ANY)
    what = "True trains a network, False tests it; --input, --export and --download do not need it."
    flags.add("is_train", boolean, None, what, True, metavar="True|False")
    upscaling_flags(flags)
    data_flags(flags)
    weights_flags(flags)
    network_flags(flags)
    training_flags(flags)
    film_flags(flags)
    cluster_flags(flags)
    return flags


def upscaling_flags(flags):
    what = "Enlarges images, films, folders of them or patterns such as '*.jpg'; - is standard input."
    flags.add("input", path, None, what, "none", jobs=For(("input",), ALONE), nargs="+", metavar="FILE")
    what = "Names the file or the folder of the results; - is standard output."
    default = "sample_dir/NAME_xSCALE"
    flags.add("output", target, None, what, default, jobs=UPSCALING, metavar="PATH")
    what = "Sets the factor: any from 1 on with --input, a whole number for training and tests."
    flags.add("scale", factor, None, what, 3, jobs=NETWORKS, metavar="N")
    what = "Sets the width of the results in pixels, instead of --scale."
    flags.add("width", at_least(1), None, what, "none", jobs=UPSCALING, metavar="N")
    what = "Sets the height. With --width, results are as large as fits into both."
    flags.add("height", at_least(1), None, what, "none", jobs=UPSCALING, metavar="N")
    flags.switch("recursive", "Takes the sub-folders of --input, too.", jobs=UPSCALING)
    flags.switch("overwrite", "Replaces files that --output or --export name.", jobs=WRITING)
    what = "Averages the results of 8 flips and rotations: better, and 8 times slower."
    flags.switch("self_ensemble", what, jobs=RESULTS)


def data_flags(flags):
    from srcnn.training.datasets import SOURCES

    flags.of("folders and data", ANY)
    what = "Has the training images, also in its sub-folders."
    flags.add("train_dir", path, None, what, "Train", metavar="FOLDER")
    flags.add("test_dir", path, None, "Has the test images.", "Test/Set5", metavar="FOLDER")
    what = "Receives the checkpoints and the prepared training data, train.h5."
    flags.add("checkpoint_dir", target, "checkpoint", what, metavar="FOLDER")
    what = "Receives the results of tests and, without --output, of upscaling."
    flags.add("sample_dir", target, "sample", what, metavar="FOLDER")
    flags.switch("skip_broken", "Leaves out training images that cannot be used, and names them.")
    flags.switch("download", "Fetches the 91 training images, Set5 and Set14, and does nothing else.")
    what, shown = "Gives addresses of zip files to fetch them from.", "the authors', GitHub"
    only = For(("download",), "is for --download; add that")
    flags.add("download_from", str, list(SOURCES), what, shown, jobs=only, nargs="+", metavar="URL")


def weights_flags(flags):
    flags.of("trained weights and tests", NETWORKS)
    what = "Names weights to use or to start training from: a checkpoint, .mat, .safetensors or 'shipped'."
    chosen = "your own if their training is finished, else the shipped; training: none"
    flags.add("weights", path, None, what, chosen, metavar="PATH")
    what = "Writes the weights: .safetensors, .onnx, .mat, .html, .glsl, .model for FFmpeg, or a SavedModel."
    flags.add("export", target, None, what, "none", jobs=For(("export",), ALONE), metavar="PATH")
    names = "all", *PAPER_METRICS, WANG
    what = f"Sets the measures of a test beside PSNR, of {', '.join(names)}: all means the paper's six."
    flags.add("metrics", str, None, what, "psnr ssim", jobs=TESTS, nargs="+", choices=names, metavar="NAME")
    what = "Sets the JPEG quality, 1 to 100, that --degradation jpeg is for."
    shown = "50; --input: what the file says"
    flags.add("quality", quality, None, what, shown, jobs=WEIGHTS, metavar="N")


def network_flags(flags):
    flags.of("network", NETWORKS)
    what = "Sets the kernel sizes of the two to five layers."
    flags.add("filters", kernel_sizes, (9, 1, 5), what, "9-1-5", metavar="N-N-N")
    what = "Sets the number of filters of every layer but the last."
    flags.add("channels", dashed(1, 4, "numbers"), None, what, "64-32", metavar="N-N")
    flags.add("c_dim", int, 1, "1 works on luminance, as the paper does; 3 works on colour.", choices=(1, 3))
    what = "Sets the colour space that --c_dim 3 works in."
    flags.add("colour", str, None, what, "rgb", choices=("rgb", "ycbcr"))
    kinds = "matlab", "zoom", "jpeg", "auto"
    what = (
        "Says what made the images small: MATLAB's bicubic, as in the paper; scipy's zoom; bicubic and then "
        "JPEG (at --scale 1 JPEG alone). auto takes jpeg for JPEG files whose compression shows, else matlab."
    )
    flags.add("degradation", str, None, what, "matlab; --input: auto", choices=kinds)


def training_flags(flags):
    def both(name):
        kfac, none = (getattr(DEFAULTS[kind], name) for kind in ("kfac", "none"))
        return f"{kfac} with kfac, {none} with none"

    flags.of("training", NETWORKS)
    what = "Sets the number of epochs in all, those before a stop included."
    flags.add("epoch", at_least(1), None, what, both("epoch"), metavar="N")
    what = "Sets how many sub-images, or tiles of a test, are computed at a time."
    flags.add("batch_size", at_least(1), 128, what, metavar="N")
    what, shown = "Sets the side of sub-images, or of tiles.", "33; tiles: as large as is quick"
    flags.add("image_size", at_least(1), None, what, shown, metavar="N")
    what, shown = "Sets the side of labels.", "image_size less what the filters take"
    flags.add("label_size", at_least(1), None, what, shown, metavar="N")
    what = "Sets the distance of sub-images, or of tiles. The results of a test do not depend on it."
    flags.add("stride", at_least(1), None, what, "14; tiles: side by side", metavar="N")
    what = "Sets the learning rate: one, or one for each layer."
    flags.add("learning_rate", positive, None, what, both("learning_rate"), nargs="+", metavar="RATE")
    what = "kfac descends by the natural gradient; none by the plain one, as the paper does."
    flags.add("preconditioner", str, "kfac", what, choices=tuple(DEFAULTS))
    what = "Sets the initial weights: an identity, or random numbers as in the paper."
    flags.add("init", str, None, what, both("init"), choices=("identity", "normal"))
    what = "Weighs the channels of --c_dim 3 in the loss."
    flags.add("loss_weights", weight, None, what, "1 1 1", nargs=3, metavar="W")
    flags.add("seed", at_least(0), 0, "Seeds the initial weights and the order of sub-images.", metavar="N")
    what = "Holds out this many training images, which are scored after every epoch."
    flags.add("validation", at_least(0), 0, what, metavar="N")


def film_flags(flags):
    flags.of("films", UPSCALING)
    what = "Sets the quality of a film by x264's constant rate factor; less is better."
    flags.add("crf", at_least(0), None, what, "visually lossless", metavar="N")
    flags.switch("lossless", "Writes films as FFV1 in .mkv, exactly as computed.")


def cluster_flags(flags):
    flags.of("several machines (or TF_CONFIG in the environment)", MACHINES)
    what = "Lists all machines, such as a:2222,b:2222,c:2222. The first one is the chief."
    flags.add("worker_hosts", path, None, what, "none", metavar="HOSTS")
    what, names = "Says what this machine is; task 0 is the chief by either name.", ("chief", "worker")
    flags.add("job_name", str, None, what, "worker", choices=names)
    what = "Says which machine of --worker_hosts this one is."
    flags.add("task_index", at_least(0), None, what, "0 for the chief", metavar="N")
    what = "Tests or upscales a part of the files: 3/16 is the third of 16 parts."
    flags.add("shard", shard, None, what, "all", jobs=SHARES, metavar="N/M")
    what = "Makes the table and the page of what all shards did, and nothing else."
    flags.switch("gather", what, jobs=SHARES)
    what = "Sets how many seconds the chief waits for a machine; a step must not take longer."
    flags.add("timeout", at_least(1), 30, what, metavar="SECONDS")
