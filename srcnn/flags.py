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

OVERVIEW = """\
SRCNN trains a network for image super-resolution, tests it, and enlarges photographs and films with it.

  python main.py photo.jpg --scale 2            enlarges a photograph: writes sample/photo_x2.png
  python main.py photos --output larger         enlarges the images and films of a folder
  python main.py --is_train True                trains a network on the images in Train
  python main.py --is_train False --stride 21   tests it on Test/Set5, beside the paper's numbers
  python main.py --download                     fetches the images of the paper

These commands need no other flags. What stands in brackets below is the default."""


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
    parser.add_argument("files", nargs="*", type=path, help="Is the same as --input.", metavar="FILE")
    flags.of("what most people need", ANY)
    what = "True trains a network, False tests it; --input, --export and --download do not need it."
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
    what = "Enlarges images, films, folders, or what '*.jpg' or 'frame_%%04d.png' match; - is standard input."
    flags.add("input", path, None, what, "none", jobs=For(("input",), ALONE), nargs="+", metavar="FILE")
    what = "Names the file, the folder or, by big_%%04d.png, the frames of the results; - is standard output."
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
    what = "Takes the best network that is shipped, 9-5-5-5, with --self_ensemble: some 60 times slower."
    flags.switch("best", what, jobs=RESULTS)
    what = "Takes the quickest network that is shipped, 9-1-5 with --channels 32-16: twice as quick."
    flags.switch("fast", what, jobs=RESULTS)
    what = "Averages the results of 8 flips and rotations: better, and 8 times slower."
    flags.switch("self_ensemble", what, jobs=RESULTS)
    flags.switch("list", "Says what would be done, and does not do it.", jobs=UPSCALING)


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
    flags.switch("skip_broken", "Leaves out, and names, images of training and tests that cannot be used.")
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
    flags.add("filters", kernel_sizes, None, what, "9-1-5", metavar="N-N-N")
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


def format_flags(flags):
    flags.of("formats of images", UPSCALING)
    what = "Sets the format of results that --output does not name one by one; same is that of each file."
    flags.add("format", str, None, what, "png", choices=IMAGE_FORMATS)
    what = "Sets the quality of JPEG, WebP, AVIF and HEIC, 1 to 100. From 90 on chroma is whole (4:4:4)."
    flags.add("image_quality", quality, None, what, 95, metavar="N")


def texture_flags(flags):
    flags.of("textures and scans", UPSCALING)
    what = "Says what lies beyond the edges of an image: clamp, more of the same; wrap, the opposite edge."
    flags.add("edges", str, "clamp", what, choices=("clamp", "wrap"))
    what = "Enlarges the colours of transparent pixels, too, for an alpha that is a mask."
    flags.switch("keep_hidden_colours", what)
    flags.switch("pages", "Takes all pages of TIFF files, and writes all to .tif; else the first one.")


def film_flags(flags):
    flags.of("films", UPSCALING)
    what = "Sets the quality of a film by x264's constant rate factor; less is better."
    flags.add("crf", at_least(0), None, what, "visually lossless", metavar="N")
    flags.switch("lossless", "Writes films as FFV1 in .mkv, and WebP and AVIF images, exactly as computed.")
    what = "Sets the frames a second of a film that is made of a sequence of images, frame_%%04d.png."
    flags.add("fps", frame_rate, None, what, 25, metavar="N")
    what = (
        f"Sets the codec of films: {', '.join(CODECS)}, or an encoder of your hardware, such as hevc_nvenc."
    )
    flags.add("codec", codec, None, what, "what is usual for the ending", metavar="NAME")
    what = f"Sets how long encoders may take for small files, from {PRESETS[0]} to {PRESETS[-1]}."
    flags.add("preset", str, None, what, "quick ones", choices=PRESETS, metavar="NAME")
    what = "Makes a frame of each field of an interlaced film, which doubles their rate."
    flags.switch("deinterlace", what)


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
