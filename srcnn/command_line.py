"""The command line, checked: from flags to the settings of one job."""

import os
import re
from pathlib import Path

from srcnn.cluster.cluster_spec import find_cluster
from srcnn.flags import DEFAULTS, all_flags
from srcnn.networks.network import Network, default_channels
from srcnn.settings import (
    DEFAULT_METRICS,
    PAPER_METRICS,
    WANG,
    Cut,
    Downloading,
    Exporting,
    FilmCoding,
    ImageCoding,
    ImageOptions,
    Recipe,
    Source,
    Testing,
    Tiling,
    Training,
    Upscaling,
)
from srcnn.system.errors import InputError

QUALITY = 50  # of JPEG in a test
FILTERS = 9, 1, 5
NAMED_SCALE = re.compile(r"(?<![a-z0-9])x([234])(?![a-z0-9])")  # in the name of an export, as srcnn_x2.glsl
BEST, FAST = (9, 5, 5, 5), (32, 16)  # filters and channels of shipped networks
FINE_TUNING = 0.3  # of the learning rate, when training starts from --weights
TEST_TILE = 512  # pixels a side that a tile of a test has by default, about; shards note it


def parse(arguments=None):
    """The settings of the job that the command line asks for: Training, Testing, Upscaling, ...

    arguments: by default the program's. Raises InputError for flags that do not go together; what is wrong
    with one by itself ends the program.
    """
    flags = all_flags().parse(arguments)
    if flags.job == "download":
        return Downloading(flags.download_from)
    choose_network(flags)
    check_scale(flags)
    reads_quality = check_degradation(flags)
    network, source = network_of(flags), Source(flags.weights, flags.checkpoint_dir)
    if flags.job == "train":
        return training(flags, network, source)
    network = network if network.degradation != "jpeg" else network._replace(quality=flags.quality or QUALITY)
    tiling = tiling_of(flags, network)
    if flags.job == "export":
        return Exporting(network, source, Path(flags.export), flags.overwrite)
    shared = {"shard": shard_of(flags), "gather": flags.gather, "self_ensemble": flags.self_ensemble}
    if flags.job == "input":
        return upscaling(flags, network, source, shared | {"reads_quality": reads_quality})
    shared |= {"test_dir": flags.test_dir, "sample_dir": flags.sample_dir, "metrics": metrics_of(flags)}
    shared |= {"skip_broken": flags.skip_broken}
    return Testing(network, tiling, source, **shared)


def choose_network(flags):
    """Turns --best and --fast into the flags that they stand for."""
    chosen = [name for name in ("best", "fast") if getattr(flags, name)]
    others = ("filters", "channels", "weights", *(["self_ensemble"] if flags.fast else []))
    if against := [*chosen[1:], *(name for name in others if chosen and getattr(flags, name))]:
        raise InputError(f"--{chosen[0]} selects the network; leave out --{against[0]}")
    if chosen:
        flags.weights, flags.self_ensemble = "shipped", flags.best or flags.self_ensemble
    flags.filters = BEST if flags.best else flags.filters or FILTERS
    flags.channels = FAST if flags.fast else flags.channels


def check_scale(flags):
    """An upscaling may go by any factor, or to a size; what trains and tests a network by whole numbers."""
    if flags.width or flags.height:
        if flags.scale:
            raise InputError("--scale cannot be combined with --width or --height; leave one out")
    elif flags.scale is None:
        named = NAMED_SCALE.search(Path(flags.export).name) if flags.export else None
        flags.scale = int(named[1]) if named else 3
    elif flags.job != "input" and not isinstance(flags.scale, int):
        raise InputError(f"--scale {float(flags.scale):g}: use a whole number here, such as 2, 3 or 4")


def check_degradation(flags):
    """Whether each file of an upscaling says which network it needs; then flags are of a clean one."""
    is_auto = flags.degradation == "auto" or (flags.degradation is None and flags.job == "input")
    if is_auto and flags.job != "input":
        raise InputError("--degradation auto is for --input; use matlab, zoom or jpeg")
    if is_auto or flags.degradation is None:
        flags.degradation = "matlab"
    return is_auto and flags.weights in (None, "shipped")


def network_of(flags):
    """The Network that flags describe; that of an upscaling is yet to get the scales that reach its goal."""
    if flags.c_dim == 1 and (flags.colour or flags.loss_weights):
        raise InputError("--colour and --loss_weights are for networks of colour; add --c_dim 3")
    if flags.loss_weights and not any(flags.loss_weights):
        raise InputError("--loss_weights are all 0; set one above 0")
    colour = (flags.colour or "rgb") if flags.c_dim == 3 else "y"
    channels = flags.channels or default_channels(flags.filters)
    if len(channels) != len(flags.filters) - 1:
        raise InputError(
            f"--channels has {len(channels)} numbers, but --filters has {len(flags.filters)} layers; "
            f"give {len(flags.filters) - 1}, one for each layer but the last"
        )
    if flags.degradation != "jpeg":
        if flags.scale == 1:
            only = "--scale 1 only removes JPEG artefacts; add --degradation jpeg, or use 2 or more"
            raise InputError(only)
        if flags.quality is not None:
            raise InputError("--quality is for JPEG files; add --degradation jpeg")
    scale = flags.scale if isinstance(flags.scale, int) else 3
    return Network(flags.filters, channels, colour, scale, flags.degradation)


def training(flags, network, source):
    defaults = DEFAULTS[flags.preconditioner]
    init = flags.init or defaults.init
    if source.weights and flags.init:
        raise InputError("--init cannot be combined with --weights, which are initial, too; leave one out")
    if not source.weights and init == "identity" and min(network.channels) < network.c_dim:
        needs = f"--init identity needs {network.c_dim} channels in every layer"
        raise InputError(f"{needs}; use larger --channels")
    default_rate = defaults.learning_rate * (FINE_TUNING if source.weights else 1)
    rates = flags.learning_rate or [default_rate]
    if len(rates) not in (1, len(flags.filters)):
        raise InputError(
            f"--learning_rate has {len(rates)} numbers, but --filters has {len(flags.filters)} layers; "
            "give one for all of them, or one for each"
        )
    rate = rates if len(rates) > 1 else rates[0]
    image_size = flags.image_size or Cut.image_size
    cut = Cut(image_size, label_size(flags, network, image_size), flags.stride or Cut.stride)
    return Training(
        network,
        cut,
        Recipe(flags.seed, flags.preconditioner, init, rate, flags.batch_size),
        source,
        flags.epoch or defaults.epoch,
        flags.loss_weights,
        flags.validation,
        flags.train_dir,
        flags.skip_broken,
        cluster_of(flags),
        flags.timeout,
    )


def upscaling(flags, network, source, shared):
    from srcnn.upscaling.sizes import Goal

    if flags.lossless and flags.image_quality is not None:
        raise InputError("--image_quality cannot be combined with --lossless; leave one out")
    if network.c_dim == 3 or network.degradation == "zoom":
        raise InputError("--input enlarges luminance; leave out --c_dim 3 and --degradation zoom")
    return Upscaling(
        flags.input,
        network,
        Goal(flags.scale, flags.width, flags.height),
        source,
        output=flags.output,
        sample_dir=flags.sample_dir,
        recursive=flags.recursive,
        quality=flags.quality,
        coding=film_coding(flags),
        image_coding=ImageCoding(flags.format, flags.image_quality, flags.lossless),
        images=ImageOptions(flags.edges, flags.keep_hidden_colours, flags.pages),
        rate=flags.fps,
        overwrite=flags.overwrite,
        lists=flags.list,
        **shared,
    )


def film_coding(flags):
    """How films are encoded; --codec ffv1 is another name of --lossless."""
    if flags.lossless and flags.codec not in (None, "ffv1"):
        raise InputError(
            f"--lossless writes FFV1 and cannot be combined with --codec {flags.codec}; leave one out"
        )
    lossless = flags.lossless or flags.codec == "ffv1"
    if lossless and flags.crf is not None:
        raise InputError("--crf cannot be combined with --lossless; leave one out")
    codec = None if lossless else flags.codec
    for name, value in (("crf", flags.crf), ("preset", flags.preset)):
        if value is not None and (codec == "prores" or lossless):
            raise InputError(f"--{name} is not for {'FFV1' if lossless else 'ProRes'}; leave it out")
    return FilmCoding(flags.crf, lossless, codec, flags.preset, flags.deinterlace)


def label_size(flags, network, image_size):
    """The size of the labels that belong to inputs of a size."""
    fitting = image_size - network.margin
    if fitting < 1:
        raise InputError(
            f"--image_size {image_size} is smaller than the receptive field of --filters {network.filters}; "
            f"use at least {network.margin + 1}"
        )
    if flags.label_size not in (None, fitting):
        raise InputError(
            f"--label_size {flags.label_size} does not fit --image_size {image_size} and "
            f"--filters {network.filters}; use {fitting}, or leave it out"
        )
    return fitting


def tiling_of(flags, network):
    """Tiles lie side by side, as large as is quick, a multiple of the stride, unless told otherwise."""
    size, stride = flags.label_size, flags.stride
    if flags.image_size is not None:
        size = label_size(flags, network, flags.image_size)
    elif size is None:
        stride = size = (stride or 1) * max(1, TEST_TILE // (stride or 1))
        if flags.stride not in (None, size) and flags.job == "test":
            print(
                f"--stride {flags.stride}: using tiles of {size} pixels, a multiple of {flags.stride}, "
                "which gives the same result in less time"
            )
            return Tiling(size, stride, flags.batch_size, flags.stride)
    if (stride or 1) > size:
        raise InputError(
            f"--stride {stride} is larger than the {size} pixels that a tile yields with "
            f"--filters {network.filters}, which would leave gaps; use {size} or less"
        )
    return Tiling(size, stride or size, flags.batch_size)


def metrics_of(flags):
    """Those of a test, in the order of the paper; PSNR always."""
    asked = {"psnr", *(flags.metrics or DEFAULT_METRICS)}
    if "all" in asked:
        asked |= {*PAPER_METRICS}
    return tuple(name for name in (*PAPER_METRICS, WANG) if name in asked)


def cluster_of(flags):
    return find_cluster(flags.worker_hosts, flags.job_name, flags.task_index, os.environ)


def shard_of(flags):
    """The shard that is named, or this machine's in a cluster; None for all."""
    if flags.shard and flags.gather:
        raise InputError("--gather collects all shards; leave out --shard")
    cluster = cluster_of(flags)
    if cluster and not (flags.shard or flags.gather):
        return cluster.task + 1, len(cluster.hosts)
    return flags.shard
