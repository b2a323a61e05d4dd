"""What a job is asked to do, as values: below main.py these travel instead of flags.

`asdict` of one is what a checkpoint, a training file or a shard must agree on; the order of the fields is the
order in their texts.
"""

from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srcnn.cluster.cluster_spec import Cluster
    from srcnn.networks.network import Network
    from srcnn.upscaling.sizes import Goal


PAPER_METRICS = "psnr", "ssim", "ifc", "nqm", "wpsnr", "msssim"  # of the journal version's tables 2 and 3
DEFAULT_METRICS = PAPER_METRICS[:2]
WANG = "ms_ssim_wang"  # of which the paper has none
# Of images, by their endings; "same" is that of the file.
IMAGE_FORMATS = "png", "jpg", "webp", "avif", "tif", "heic", "jp2", "same"
CODECS = "h264", "hevc", "av1", "vp9", "prores", "ffv1"  # of films
PRESETS = (  # of their encoders, by x264's names, from the quickest on
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow"),
)


@dataclass(frozen=True)
class Cut:
    """How sub-images are cut from an image, in pixels: sides of inputs and labels, and their distance."""

    image_size: int = 33
    label_size: int = 21
    stride: int = 14


@dataclass(frozen=True)
class Recipe:
    """How a network is trained, as far as its checkpoints depend on it."""

    seed: int = 0
    preconditioner: str = "kfac"
    init: str = "identity"
    learning_rate: float | list[float] = 1.0  # of all layers, or of each
    batch_size: int = 128

    @property
    def largest_rate(self) -> float:
        rates = self.learning_rate
        return max(rates) if isinstance(rates, list) else rates

    @property
    def relative_rates(self) -> list[float] | None:
        """The learning rate of each layer relative to the largest; None where all have the same."""
        rates = self.learning_rate
        return [rate / max(rates) for rate in rates] if isinstance(rates, list) else None


@dataclass(frozen=True)
class Tiling:
    """How an image is tiled: a tile's output side and the distance of two, in pixels; tiles in a batch."""

    label_size: int
    stride: int
    batch_size: int = 128
    asked: int | None = None  # a stride of which this one is a multiple

    @property
    def text(self) -> str:
        """The stride, and what has become of the one that was asked for."""
        why = f", a multiple of --stride {self.asked}, which gives the same result" if self.asked else ""
        return f"{self.stride}{why}"


@dataclass(frozen=True)
class Source:
    """Where trained weights come from: a file, a folder or "shipped"; without it, a folder of checkpoints."""

    weights: str | None = None
    checkpoint_dir: str | Path = "checkpoint"


@dataclass(frozen=True)
class FilmCoding:
    """How films are encoded: x264's constant rate factor, or without any loss."""

    crf: int | None = None
    lossless: bool = False  # as FFV1
    codec: str | None = None  # of CODECS, or an encoder of the hardware, such as hevc_nvenc; by the container
    preset: str | None = None  # of PRESETS
    deinterlace: bool = False  # interlaced films become a frame for each field

    @property
    def family(self) -> str | None:
        """The one of CODECS that films have; None for what their container has by default."""
        return "ffv1" if self.lossless else self.codec and self.codec.partition("_")[0]

    @property
    def noted(self) -> dict:
        """What results note of it: what earlier versions did not know only where it is asked for."""
        later = {name: value for name, value in asdict(self).items() if value}
        return later | {"crf": self.crf, "lossless": self.lossless}


@dataclass(frozen=True)
class ImageCoding:
    """How photographs and animations are encoded: in which format, at which quality, or without any loss."""

    format: str | None = None  # one of IMAGE_FORMATS, of results that nobody named; None for PNG
    quality: int | None = None  # 1 to 100, of the formats that lose something
    lossless: bool = False  # those that can do without loss


@dataclass(frozen=True)
class ImageOptions:
    """How photographs and animations, but no films, are taken."""

    edges: str = "clamp"  # what lies beyond them: the nearest pixels, or ("wrap") those of the opposite edge
    keep_hidden_colours: bool = False  # where alpha is 0; else they become those of the nearest visible pixel
    pages: bool = False  # all those of a TIFF

    @property
    def noted(self) -> dict:
        """What a folder of results notes of a result: what is not as it is by default."""
        default = asdict(ImageOptions())
        return {name: value for name, value in asdict(self).items() if value != default[name]}


@dataclass(frozen=True)
class Training:
    """--is_train True: trains a network on the images of a folder."""

    network: "Network"
    cut: Cut
    recipe: Recipe
    source: Source
    epoch: int
    loss_weights: list[float] | None = None  # of the channels of a network of colour
    validation: int = 0  # images held out
    train_dir: str | None = None
    skip_broken: bool = False
    cluster: "Cluster | None" = None
    timeout: int = 30  # seconds that the chief waits for a machine


@dataclass(frozen=True)
class Testing:
    """--is_train False: scores a network on the images of a folder."""

    network: "Network"
    tiling: Tiling
    source: Source
    self_ensemble: bool = False
    test_dir: str | None = None
    sample_dir: str = "sample"
    shard: tuple[int, int] | None = None  # which of how many
    gather: bool = False
    metrics: tuple[str, ...] = DEFAULT_METRICS  # see pixels/metrics.py
    skip_broken: bool = False


@dataclass(frozen=True)
class Upscaling:
    """--input: enlarges files."""

    inputs: list[str]
    network: "Network"  # of any scale: that is replaced by what reaches the goal
    goal: "Goal"
    source: Source = field(default_factory=Source)
    self_ensemble: bool = False
    output: str | None = None
    sample_dir: str = "sample"
    recursive: bool = False
    quality: int | None = None  # of JPEG files; None for what each says of itself
    reads_quality: bool = False  # JPEG files whose compression shows pass through a network for JPEG
    coding: FilmCoding = field(default_factory=FilmCoding)
    image_coding: ImageCoding = field(default_factory=ImageCoding)
    images: ImageOptions = field(default_factory=ImageOptions)
    rate: Fraction | None = None  # frames a second of a sequence of images
    overwrite: bool = False
    lists: bool = False  # what would be done, and does nothing
    shard: tuple[int, int] | None = None  # which of how many
    gather: bool = False


@dataclass(frozen=True)
class Exporting:
    """--export: writes the weights of a network in another format."""

    network: "Network"
    source: Source
    path: Path
    overwrite: bool = False


@dataclass(frozen=True)
class Downloading:
    """--download: fetches the paper's images."""

    sources: list[str]
