"""Trains and tests SRCNN. `python main.py --help` lists the flags."""

from signals import clean_up, leave_at_once, on_signals

if __name__ == "__main__":  # first of all: loading the rest takes seconds
    on_signals(leave_at_once)

import argparse
import sys

from errors import InputError
from network import TILE, Network, default_channels
from terminal import open_streams

DEFAULTS = {  # by preconditioner
    "kfac": {"epoch": 29, "learning_rate": 1.0, "init": "identity"},
    "none": {"epoch": 15000, "learning_rate": 1e-4, "init": "normal"},
}
FINE_TUNING = 0.3  # of the learning rate, when training starts from --weights


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


EXAMPLES = """examples:
  python main.py --is_train True                                  trains a network on Train/
  python main.py --is_train False --stride 21                     tests it on Test/Set5, beside the paper
  python main.py --is_train False --input photo.jpg --scale 2     writes sample/photo_x2.png
"""


def weight(text):
    return 0.0 if text in ("0", "0.0") else positive(text)


def dashed(least, most, what):
    """The type of a flag such as 9-1-5."""

    def numbers(text):
        parts = text.split("-")
        if not least <= len(parts) <= most or not all(
            p.isascii() and p.isdecimal() and int(p) for p in parts
        ):
            raise argparse.ArgumentTypeError(f"{text!r} is not {least} to {most} {what} with dashes between")
        return tuple(map(int, parts))

    return numbers


def kernel_sizes(text):
    sizes = dashed(2, 5, "kernel sizes")(text)
    if not all(size % 2 for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r} has an even kernel size; take odd ones, such as 9-1-5")
    return sizes


def make_parser():
    from datasets import SOURCES

    parser = Parser(
        prog="main.py",
        description="SRCNN: trains (--is_train True), tests (--is_train False), or upscales photographs "
        "(--is_train False --input PHOTO).",
        epilog=EXAMPLES,
        formatter_class=lambda prog: Help(prog, max_help_position=32, width=110),
        allow_abbrev=False,
    )
    group = parser

    def flag(name, type_, default, text, shown=None, **more):
        text = f"{text} [{default if shown is None else shown}]"
        group.add_argument(f"--{name}", type=type_, default=default, help=text, **more)

    def both(name):
        return "{} with kfac, {} with none".format(*(DEFAULTS[kind][name] for kind in ("kfac", "none")))

    flag("is_train", boolean, True, "True to train, False to test", metavar="True|False")
    group = parser.add_argument_group("data")
    flag("train_dir", str, None, "folder of training images", "Train")
    flag("test_dir", str, None, "folder of test images", "Test/Set5")
    flag("checkpoint_dir", str, "checkpoint", "folder of checkpoints and train.h5")
    flag("sample_dir", str, "sample", "folder for the results of a test")
    group.add_argument(
        "--download", action="store_true", help="fetch the 91 images, Set5 and Set14, and do nothing else"
    )
    flag("download_from", str, list(SOURCES), "addresses of zip files", "the authors', GitHub", nargs="+")
    group = parser.add_argument_group("network")
    flag("filters", kernel_sizes, (9, 1, 5), "kernel sizes of its two to five layers", "9-1-5")
    flag("channels", dashed(1, 4, "numbers"), None, "filters of all layers but the last", "64-32")
    flag("c_dim", int, 1, "1: luminance, the paper's; 3: colour", choices=(1, 3))
    flag("colour", str, None, "of --c_dim 3", "rgb", choices=("rgb", "ycbcr"))
    flag("scale", at_least(2), 3, "factor of super-resolution; the paper has 2, 3 and 4")
    kinds = "matlab", "zoom"
    flag("degradation", str, "matlab", "matlab: the paper's bicubic; zoom: scipy's", choices=kinds)
    group = parser.add_argument_group("training")
    flag("epoch", at_least(1), None, "number of epochs in all", both("epoch"))
    flag("batch_size", at_least(1), 128, "sub-images, or tiles of a test, in a batch")
    flag("image_size", at_least(1), None, "size of sub-images, or of tiles", "33; tiles grow with the stride")
    flag("label_size", at_least(1), None, "size of labels", "image_size less what the filters take")
    flag("stride", at_least(1), None, "distance of sub-images, or of tiles", "14; tiles lie side by side")
    flag("learning_rate", positive, None, "of gradient descent", both("learning_rate"))
    flag("preconditioner", str, "kfac", "kfac: natural gradient; none: plain", choices=tuple(DEFAULTS))
    flag("init", str, None, "initial weights", both("init"), choices=("identity", "normal"))
    flag("loss_weights", weight, None, "of the channels of --c_dim 3 in the loss", "1 1 1", nargs=3)
    flag("seed", at_least(0), 0, "of initial weights and the order of sub-images")
    flag("validation", at_least(0), 0, "training images held out and scored after every epoch")
    group = parser.add_argument_group("training and testing")
    flag(
        "weights",
        str,
        None,
        "checkpoint or .mat to use; training starts from it",
        "your own, else the shipped",
    )
    group = parser.add_argument_group("testing")
    kinds = ".mat, .onnx, .model for FFmpeg, or a SavedModel folder"
    flag("export", str, None, f"write the weights as {kinds}, no more", "none")
    group = parser.add_argument_group("upscaling")
    flag("input", str, None, "image, folder of images, or film to upscale instead of testing", "none")
    flag("output", str, None, "file or folder for what --input gives", "sample_dir/NAME_xSCALE")
    flag("crf", at_least(0), None, "quality of a film, smaller is better", "visually lossless")
    group.add_argument("--lossless", action="store_true", help="films as FFV1 in .mkv, as computed")
    group.add_argument("--overwrite", action="store_true", help="write over existing --output and --export")
    return parser


def parse_flags(arguments=None):
    """The flags, checked; `network` is what they say of the network."""
    parser = make_parser()
    config = parser.parse_args(arguments)
    defaults = dict(DEFAULTS[config.preconditioner])
    if config.is_train and config.weights:
        defaults["learning_rate"] *= FINE_TUNING
        if config.init:
            parser.error("--init does not go with --weights, which training starts from; leave one out")
    for name, default in defaults.items():
        if getattr(config, name) is None:
            setattr(config, name, default)
    config.network = network_of(config, parser)
    if config.is_train:
        training_sizes(config, parser)
        for name in ("input", "export"):
            if getattr(config, name) is not None:
                parser.error(f"--{name} does not go with training; add --is_train False")
    else:
        testing_sizes(config, parser)
    if config.output is not None and config.input is None:
        parser.error("--output is for upscaling; add --input")
    if config.input is not None and (config.c_dim, config.degradation) != (1, "matlab"):
        parser.error("--input upscales luminance from bicubic; leave out --c_dim and --degradation")
    return config


def network_of(config, parser):
    if config.c_dim == 1 and (config.colour or config.loss_weights):
        parser.error("--colour and --loss_weights are of colour; add --c_dim 3")
    if config.loss_weights and not any(config.loss_weights):
        parser.error("--loss_weights are all 0; take one above 0")
    colour = (config.colour or "rgb") if config.c_dim == 3 else "y"
    channels = config.channels or default_channels(config.filters)
    if len(channels) != len(config.filters) - 1:
        parser.error(
            f"--channels has {len(channels)} numbers, but --filters {len(config.filters)} layers; "
            f"take {len(config.filters) - 1}, one for each layer but the last"
        )
    if config.init == "identity" and min(channels) < config.c_dim:
        parser.error(f"--init identity needs {config.c_dim} channels in every layer; take larger --channels")
    return Network(config.filters, channels, colour, config.scale, config.degradation)


def fit_labels(config, parser):
    """Sets the label size that belongs to --image_size."""
    filters, fitting = config.network.filters, config.image_size - config.network.margin
    if fitting < 1:
        parser.error(
            f"--image_size {config.image_size} is smaller than the receptive field of --filters {filters}; "
            f"take at least {config.network.margin + 1}"
        )
    if config.label_size not in (None, fitting):
        parser.error(
            f"--label_size {config.label_size} does not fit --image_size {config.image_size} and "
            f"--filters {filters}; take {fitting}, or leave it out"
        )
    config.label_size = fitting


def training_sizes(config, parser):
    config.image_size, config.stride = config.image_size or 33, config.stride or 14
    fit_labels(config, parser)


def testing_sizes(config, parser):
    """Tiles lie side by side, as large as is quick, a multiple of the stride, unless told otherwise."""
    if config.image_size is None:
        stride = config.stride or 1
        config.label_size = config.label_size or stride * max(1, TILE // stride)
        config.image_size = config.label_size + config.network.margin
        config.stride = config.label_size
    fit_labels(config, parser)
    config.stride = config.stride or config.label_size
    if config.stride > config.label_size:
        parser.error(
            f"--stride {config.stride} is larger than the {config.label_size} pixels that a tile yields with "
            f"--filters {config.network.filters}, which would leave gaps; take {config.label_size} or less"
        )


def work(config):
    """Does the job that the flags ask for; returns the exit status."""
    if config.download:
        from datasets import download

        clean_up()
        download(config.download_from)
        return 0
    import jobs

    clean_up()
    if config.export is not None:
        return jobs.export(config)
    if config.input is not None:
        return jobs.upscale_photographs(config)
    return jobs.train(config) if config.is_train else jobs.test(config)


def main(arguments=None):
    """Runs the program; what goes wrong is one line on stderr and exit status 2."""
    try:
        return work(parse_flags(arguments))
    except InputError as error:
        return complain(error)
    except MemoryError:
        return complain("not enough memory for an image so large; cut it into parts")
    except UnicodeEncodeError as error:
        return complain(f"{error.object!a} is not UTF-8; rename it")
    except OSError as error:
        return complain(f"{error.filename or 'a file'}: {error.strerror or error}")


def complain(message):
    print(f"main.py: error: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    open_streams()
    sys.exit(main())
