"""The flags of the command line: their names, types, defaults and help, and the jobs that each is for."""

import argparse
from typing import NamedTuple

from srcnn.flag_parser import ANY, JOBS, Flags, For, Parser
from srcnn.flag_types import (
    at_least,
    boolean,
    codec,
    dashed,
    factor,
    frame_rate,
    kernel_sizes,
    path,
    positive,
    quality,
    shard,
    target,
    weight,
)
from srcnn.settings import CODECS, IMAGE_FORMATS, PAPER_METRICS, PRESETS, WANG
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


# One list of flags serves a training and what is done with its network, though a part is of no effect there.
NETWORKS = For(JOBS[:4], "cannot be combined with --download; leave it out")
ALONE = "cannot be combined with {job}"
MACHINES = For(JOBS[:3], "is for training, tests and upscaling; leave it out")
RESULTS = For(("test", "input"), "is for tests and upscaling; leave it out")
TESTS = For(("test",), "is for tests; add --is_train False")
SHARES = For(("test", "input"), "is for tests and upscaling, and cannot be combined with {job}")
OF_ONE = "is for tests; a network for JPEG is trained for qualities from 30 to 95"
WEIGHTS = For(("test", "input", "export"), OF_ONE)
UPSCALING = For(("input",), "is for upscaling; add --input")
WRITING = For(("input", "export"), "is for --input and --export; leave it out")

OVERVIEW = """\
SRCNN trains a network for image super-resolution, tests it, and enlarges
photographs and films with it.

  python main.py photo.jpg --scale 2            writes sample/photo_x2.png
  python main.py photos --output larger         enlarges a whole folder
  python main.py --is_train True                trains on the images in Train
  python main.py --is_train False --stride 21   tests on those in Test/Set5
  python main.py --download                     fetches the paper's images

These commands need no other flags. Defaults are given in brackets."""


def all_flags():
    """All flags, see `Flags.parse`."""
    parser = Parser(
        prog="main.py",
        usage="python main.py [FILE ...] [--flag value ...]",
        description=OVERVIEW,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=32),
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="help", help="Prints this text.")
    parser.add_argument("--version", action="version", version=f"SRCNN {PROGRAM}", help="Prints the version.")
    flags = Flags(parser)
    parser.add_argument("files", nargs="*", type=path, help="Means the same as --input FILE.", metavar="FILE")
    flags.of("what most people need", ANY)
    what = "Trains a network (True) or tests it (False). Flags such as --input and --export do without it."
    flags.add("is_train", boolean, None, what, True, metavar="True|False")
    upscaling_flags(flags)
    data_flags(flags)
    weights_flags(flags)
    network_flags(flags)
    training_flags(flags)
    format_flags(flags)
    texture_flags(flags)
    film_flags(flags)
    cluster_flags(flags)
    return flags


def upscaling_flags(flags):
    what = "Names images, films, folders or patterns ('*.jpg', 'frame_%%04d.png'); - is standard input."
    flags.add("input", path, None, what, "none", jobs=For(("input",), ALONE), nargs="+", metavar="FILE")
    what = "Names the file or folder for the results; big_%%04d.png is for frames, - is standard output."
    default = "sample_dir/NAME_xSCALE"
    flags.add("output", target, None, what, default, jobs=UPSCALING, metavar="PATH")
    what = "Sets the factor. Enlarging takes any number of at least 1, training and tests a whole one."
    flags.add("scale", factor, None, what, 3, jobs=NETWORKS, metavar="N")
    what = "Sets the width of the results in pixels, in place of --scale."
    flags.add("width", at_least(1), None, what, "none", jobs=UPSCALING, metavar="N")
    what = "Sets the height of the results; with --width, they are as large as fits into both."
    flags.add("height", at_least(1), None, what, "none", jobs=UPSCALING, metavar="N")
    flags.switch("recursive", "Includes the sub-folders of --input.", jobs=UPSCALING)
    flags.switch("overwrite", "Allows replacing the files that --output or --export name.", jobs=WRITING)
    what = "Uses the best shipped network, 9-5-5-5, with --self_ensemble, which is some 40 times slower."
    flags.switch("best", what, jobs=RESULTS)
    what = "Uses the fastest shipped network, 9-1-5 with --channels 32-16, which is twice as fast."
    flags.switch("fast", what, jobs=RESULTS)
    what = "Averages the results over 8 flips and rotations, which is better and 8 times slower."
    flags.switch("self_ensemble", what, jobs=RESULTS)
    flags.switch("list", "Prints what would be done, without doing it.", jobs=UPSCALING)


def data_flags(flags):
    from srcnn.training.datasets import SOURCES

    flags.of("folders and data", ANY)
    what = "Names the folder of training images; sub-folders are included."
    flags.add("train_dir", path, None, what, "Train", metavar="FOLDER")
    flags.add("test_dir", path, None, "Names the folder of test images.", "Test/Set5", metavar="FOLDER")
    what = "Names the folder for checkpoints and the prepared training data, train.h5."
    flags.add("checkpoint_dir", target, "checkpoint", what, metavar="FOLDER")
    what = "Names the folder for results of tests and, without --output, of upscaling."
    flags.add("sample_dir", target, "sample", what, metavar="FOLDER")
    flags.switch("skip_broken", "Leaves out, and names, training and test images that cannot be used.")
    flags.switch("download", "Fetches the paper's images: 91 for training, Set5 and Set14.")
    what, shown = "Gives the addresses of zip files to fetch the images from.", "the authors', GitHub"
    only = For(("download",), "is for --download; add that")
    flags.add("download_from", str, list(SOURCES), what, shown, jobs=only, nargs="+", metavar="URL")


def weights_flags(flags):
    flags.of("trained weights and tests", NETWORKS)
    what = "Names weights to use, or to start training from: a checkpoint, .mat, .safetensors or 'shipped'."
    chosen = "your own if training has finished, else the shipped ones; none in training"
    flags.add("weights", path, None, what, chosen, metavar="PATH")
    what = "Exports the network to .onnx, .safetensors, .mat, .html, .glsl, .model (FFmpeg) or a SavedModel."
    flags.add("export", target, None, what, "none", jobs=For(("export",), ALONE), metavar="PATH")
    names = "all", *PAPER_METRICS, WANG
    what = f"Selects the measures of a test beside PSNR: {', '.join(names[2:])}, or all six of the paper."
    flags.add("metrics", str, None, what, "psnr ssim", jobs=TESTS, nargs="+", choices=names, metavar="NAME")
    what = "Sets the JPEG quality for --degradation jpeg, 1 to 100."
    shown = "50; with --input, each file's own"
    flags.add("quality", quality, None, what, shown, jobs=WEIGHTS, metavar="N")


def network_flags(flags):
    flags.of("network", NETWORKS)
    what = "Sets the kernel sizes of the network's two to five layers."
    flags.add("filters", kernel_sizes, None, what, "9-1-5", metavar="N-N-N")
    what = "Sets the number of filters in every layer but the last."
    flags.add("channels", dashed(1, 4, "numbers"), None, what, "64-32", metavar="N-N")
    flags.add("c_dim", int, 1, "Works on luminance (1), as the paper does, or on colour (3).", choices=(1, 3))
    what = "Sets the colour space that --c_dim 3 works in."
    flags.add("colour", str, None, what, "rgb", choices=("rgb", "ycbcr"))
    kinds = "matlab", "zoom", "jpeg", "auto"
    what = (
        "Selects how images are shrunk: MATLAB's bicubic, as in the paper; scipy's zoom; bicubic and then "
        "JPEG (at --scale 1 JPEG alone). auto uses jpeg for JPEG files with visible artefacts, else matlab."
    )
    flags.add("degradation", str, None, what, "matlab; with --input auto", choices=kinds)


def training_flags(flags):
    def both(name):
        kfac, none = (getattr(DEFAULTS[kind], name) for kind in ("kfac", "none"))
        return f"{kfac} with kfac, {none} with none"

    flags.of("training", NETWORKS)
    what = "Sets the number of epochs in all, including those before an interruption."
    flags.add("epoch", at_least(1), None, what, both("epoch"), metavar="N")
    what = "Sets how many sub-images, or tiles of a test, pass through the network at a time."
    flags.add("batch_size", at_least(1), 128, what, metavar="N")
    what, shown = "Sets the side of sub-images, or of a test's tiles, in pixels.", "33; for tiles a fast size"
    flags.add("image_size", at_least(1), None, what, shown, metavar="N")
    what, shown = "Sets the side of labels in pixels.", "what the filters leave of image_size"
    flags.add("label_size", at_least(1), None, what, shown, metavar="N")
    what = "Sets the distance between sub-images, or between tiles. Results of a test do not depend on it."
    flags.add("stride", at_least(1), None, what, "14; for tiles their side", metavar="N")
    what = "Sets the learning rate of all layers, or one for each."
    flags.add("learning_rate", positive, None, what, both("learning_rate"), nargs="+", metavar="RATE")
    what = "Selects natural gradients (kfac) or plain gradient descent (none), as in the paper."
    flags.add("preconditioner", str, "kfac", what, choices=tuple(DEFAULTS))
    what = "Selects the initial weights: an identity, or random numbers as in the paper."
    flags.add("init", str, None, what, both("init"), choices=("identity", "normal"))
    what = "Sets the weights of the three channels of --c_dim 3 in the loss."
    flags.add("loss_weights", weight, None, what, "1 1 1", nargs=3, metavar="W")
    flags.add("seed", at_least(0), 0, "Seeds the initial weights and the order of sub-images.", metavar="N")
    what = "Holds out this many training images, and scores them after every epoch."
    flags.add("validation", at_least(0), 0, what, metavar="N")


def format_flags(flags):
    flags.of("image formats", UPSCALING)
    what = "Sets the format of the results in a folder; same keeps that of each file."
    flags.add("format", str, None, what, "png", choices=IMAGE_FORMATS)
    what = "Sets the quality of JPEG, WebP, AVIF and HEIC, 1 to 100; from 90 up, chroma is not subsampled."
    flags.add("image_quality", quality, None, what, 95, metavar="N")


def texture_flags(flags):
    flags.of("textures and scans", UPSCALING)
    what = "Extends an image beyond its edges by its edge pixels (clamp) or by the opposite edge (wrap)."
    flags.add("edges", str, "clamp", what, choices=("clamp", "wrap"))
    what = "Enlarges the colours of transparent pixels as well, for images whose alpha is a mask."
    flags.switch("keep_hidden_colours", what)
    flags.switch("pages", "Enlarges all pages of TIFF files into .tif files, not only the first page.")


def film_flags(flags):
    flags.of("films", UPSCALING)
    what = "Sets the constant rate factor of films; lower values give better and larger files."
    flags.add("crf", at_least(0), None, what, "visually lossless", metavar="N")
    flags.switch("lossless", "Writes films as FFV1 in .mkv, and WebP and AVIF images, without loss.")
    what = "Sets the frames a second of a film made from images, frame_%%04d.png."
    flags.add("fps", frame_rate, None, what, 25, metavar="N")
    what = (
        f"Sets the codec of films: {', '.join(CODECS)}, or an encoder of your hardware, such as hevc_nvenc."
    )
    flags.add("codec", codec, None, what, "the usual one for the ending", metavar="NAME")
    what = f"Sets how much time encoders spend to make files small, from {PRESETS[0]} to {PRESETS[-1]}."
    flags.add("preset", str, None, what, "a quick one", choices=PRESETS, metavar="NAME")
    what = "Deinterlaces films: every field becomes a frame, which doubles the rate."
    flags.switch("deinterlace", what)


def cluster_flags(flags):
    flags.of("several machines (or TF_CONFIG in the environment)", MACHINES)
    what = "Lists all machines, such as a:2222,b:2222,c:2222. The first is the chief."
    flags.add("worker_hosts", path, None, what, "none", metavar="HOSTS")
    what, names = "Sets the role of this machine; task 0 is the chief under either name.", ("chief", "worker")
    flags.add("job_name", str, None, what, "worker", choices=names)
    what = "Sets the place of this machine in --worker_hosts, from 0."
    flags.add("task_index", at_least(0), None, what, "0 for the chief", metavar="N")
    what = "Tests or enlarges a part of the files: 3/16 is the third of 16 parts."
    flags.add("shard", shard, None, what, "all", jobs=SHARES, metavar="N/M")
    what = "Writes the table and the page from the results of all shards."
    flags.switch("gather", what, jobs=SHARES)
    what = "Sets how many seconds the chief waits for a machine; it must exceed the time of a step."
    flags.add("timeout", at_least(1), 30, what, metavar="SECONDS")
