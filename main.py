"""Trains and tests SRCNN. `python main.py --help` lists the flags."""

import os
import sys

from srcnn.system.signals import clean_up, end, leave_at_once, on_signals

if __name__ == "__main__":  # first of all: loading the rest takes seconds
    on_signals(leave_at_once)
    if sys.getfilesystemencoding() == "ascii":  # LC_ALL=C: names of files are UTF-8 for all that
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])

from srcnn.cluster.cluster_spec import find_cluster
from srcnn.flags import DEFAULTS, make_parser
from srcnn.networks.network import Network, default_channels
from srcnn.system.errors import InputError, first_line, one_line
from srcnn.system.terminal import open_streams

QUALITY = 50  # of JPEG in a test
FINE_TUNING = 0.3  # of the learning rate, when training starts from --weights
TEST_TILE = 512  # pixels a side that a tile of a test has by default, about; shards note it


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
    check_scale(config, parser)
    config.network = network_of(config, parser)
    config.cluster = find_cluster(config, os.environ)
    share_out(config, parser)
    if config.is_train:
        training_sizes(config, parser)
        for name in ("input", "export"):
            if getattr(config, name) is not None:
                parser.error(f"--{name} does not go with training; add --is_train False")
    else:
        testing_sizes(config, parser)
    if config.self_ensemble and (config.is_train or config.export is not None):
        parser.error("--self_ensemble is for tests and upscaling; leave it out")
    if config.export is not None and config.input is not None:
        parser.error("--export and --input are two jobs; leave one out")
    for name in ("output", "width", "height", "recursive", "crf", "lossless"):
        value = getattr(config, name)
        if value is not None and value is not False and config.input is None:
            parser.error(f"--{name} is for upscaling; add --input")
    if config.overwrite and config.input is None and config.export is None:
        parser.error("--overwrite is for --input and --export; leave it out")
    if config.lossless and config.crf is not None:
        parser.error("--crf is of what is lost, and --lossless loses nothing; leave one out")
    if config.input is not None and (config.c_dim == 3 or config.degradation == "zoom"):
        parser.error("--input upscales luminance; leave out --c_dim 3 and --degradation zoom")
    return config


def check_scale(config, parser):
    """An upscaling may go by any factor, or to a size; what trains and tests a network by whole numbers."""
    if config.width or config.height:
        if config.scale:
            parser.error("--scale and --width or --height are two ways to say how large; leave one out")
    elif config.scale is None:
        config.scale = 3
    elif config.input is None and not isinstance(config.scale, int):
        parser.error(f"--scale {float(config.scale):g}: a network has a whole one, such as 2, 3 or 4")


def share_out(config, parser):
    """Sets the shard of a test or an upscaling: the one that is named, or this machine's in a cluster."""
    is_other_job = config.is_train or config.download or config.export is not None
    if is_other_job and (config.shard or config.gather):
        parser.error("--shard and --gather are for tests and upscaling alone; add --is_train False")
    if config.shard and config.gather:
        parser.error("--gather is for when all shards are done; leave out --shard")
    if config.cluster and not (is_other_job or config.shard or config.gather):
        config.shard = config.cluster.task + 1, len(config.cluster.hosts)


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
    is_new = config.is_train and not config.weights
    if is_new and config.init == "identity" and min(channels) < config.c_dim:
        parser.error(f"--init identity needs {config.c_dim} channels in every layer; take larger --channels")
    scale = config.scale if isinstance(config.scale, int) else 3  # to be replaced by what reaches the goal
    network = Network(config.filters, channels, colour, scale, config.degradation)
    if config.degradation != "jpeg":
        if config.scale == 1:
            parser.error("--scale 1 only cleans, and only of JPEG; add --degradation jpeg, or take 2 or more")
        if config.quality is not None:
            parser.error("--quality is of JPEG; add --degradation jpeg")
    elif config.is_train and config.quality is not None:
        parser.error("--quality is for tests; a network for JPEG is trained for qualities from 30 to 95")
    elif not config.is_train:
        network = network._replace(quality=config.quality or QUALITY)
    return network


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
        if config.label_size is None:
            stride = config.stride or 1
            config.stride = config.label_size = stride * max(1, TEST_TILE // stride)
        config.image_size = config.label_size + config.network.margin
    fit_labels(config, parser)
    config.stride = config.stride or config.label_size
    if config.stride > config.label_size:
        parser.error(
            f"--stride {config.stride} is larger than the {config.label_size} pixels that a tile yields with "
            f"--filters {config.network.filters}, which would leave gaps; take {config.label_size} or less"
        )


def upscaler(scale=3, **more):
    """Enlarges images from Python: `upscaler(scale=2)(image)`. more: see `Upscaler`, and docs/python.md."""
    from model import trained
    from srcnn.upscaling.from_python import Upscaler

    return Upscaler(trained, scale, **more)


def work(config):
    """Does the job that the flags ask for; returns the exit status."""
    if config.download:
        from srcnn.training.datasets import download

        clean_up()
        download(config.download_from)
        return 0
    if config.input is not None:
        from srcnn.upscaling import upscaling_job

        clean_up()
        from model import load

        return upscaling_job.upscale_files(config, load)
    from srcnn import jobs

    clean_up()
    if config.export is not None:
        return jobs.export(config)
    return jobs.train(config) if config.is_train else jobs.test(config)


def main(arguments=None):
    """Runs the program; what goes wrong is one line on stderr and exit status 2."""
    try:
        return work(parse_flags(arguments))
    except InputError as error:
        return complain(error)
    except MemoryError:
        return complain(
            "not enough memory: use smaller images, or lower --batch_size, --image_size or --channels"
        )
    except UnicodeEncodeError as error:
        return complain(f"{error.object!a} is not UTF-8; rename it")
    except ImportError as error:
        return complain(f"{first_line(error)}: is there enough memory? pip install -r requirements.txt")
    except OSError as error:
        return complain(f"{error.filename or 'a file'}: {error.strerror or error}")


def complain(message):
    print(f"main.py: error: {one_line(message)}", file=sys.stderr)
    return 2


def run(arguments=None):
    """main() as a process, which ends with its status."""
    open_streams()
    try:
        status = main(arguments)
    except SystemExit as stopped:  # by a signal, or by the parser of flags
        status = stopped.code
    end(status)


if __name__ == "__main__":
    run()
