"""A user shader for mpv and FFmpeg's filter `libplacebo`, which enlarges a film's luminance on the GPU."""

from pathlib import Path

import numpy as np

from srcnn.networks.network import Network
from srcnn.system.errors import InputError


def check(path: Path, network: Network) -> None:
    if len(network.kernels) < 3:
        raise InputError(f"--export {path}: a shader needs three layers or more; use other --filters")


def write(values: dict[str, np.ndarray], path: Path, settings: str, network: Network) -> None:
    """As the template `player.glsl` has it.

    Passes: bicubic; layers 1 and 2; each further one but the last; the sums of the last one. A pixel of what
    is between them is a block of texels, four wide, on which four channels each lie.
    """
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    template = jinja2.Environment(loader=loader, trim_blocks=True, lstrip_blocks=True)
    text = template.get_template("player.glsl").render(
        network=network,
        settings=settings,
        layers=layers_of(network),
        first=network.kernels[0],
        last=network.kernels[-1],
        bias=float(values[f"b{len(network.kernels)}"][0]),
        textures=textures_of(values),
    )
    path.write_text(text, encoding="utf-8", newline="\n")


def layers_of(network: Network) -> list[dict]:
    """Of each pass of convolutions, one for each layer but the first and last, what the template says."""
    layers, rows = [], 0
    count, before = len(network.kernels), "SRCNN_0"
    for i in range(2, count):
        size, is_last = network.kernels[i - 1], i == count - 1
        inputs, quads = (-(-channels // 4) for channels in network.channels[i - 2 : i])
        texels = -(-(network.kernels[-1] ** 2) // 4) if is_last else quads
        weights = ["SRCNN_W1"] * (i == 2) + [f"SRCNN_W{i}"] + ["SRCNN_LAST"] * is_last
        layers.append(
            {
                "number": i,
                "size": size,
                "around": sum(kernel // 2 for kernel in network.kernels[i:]),  # pixels beyond the edge
                "inputs": inputs,
                "quads": quads,
                "texels": texels,
                "input": before,
                "input_rows": rows,
                "rows": (rows := -(-texels // 4)),
                "output": f"SRCNN_{i}",
                "weights": f"SRCNN_W{i}",
                "bias": size * size * inputs * 4,  # the row of it
                "bound": ["LUMA", before, *weights],
                "wide": -(-(32 + size - 1) // 4) * 4,
                "high": 8 + size - 1,
            }
        )
        before = f"SRCNN_{i}"
    return layers


def textures_of(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights by the name of their texture, (rows, texels, 4) float32, with zeros for what fills a texel.

    Texels of a row are of the channels that come out. Rows are the pixels of a kernel and, within, the
    channels that go in, then the bias; of the last layer, whose texels are the pixels of its kernel, the
    channels.
    """
    count = len(values) // 2
    textures = {}
    for i in range(1, count):
        kernel = values[f"w{i}"] if i == 1 else in_quads(values[f"w{i}"])
        textures[f"SRCNN_W{i}"] = texels(np.vstack([kernel.reshape(-1, kernel.shape[3]), values[f"b{i}"]]))
    last = in_quads(values[f"w{count}"])
    return textures | {"SRCNN_LAST": texels(last.reshape(-1, last.shape[2]).T)}


def in_quads(kernel: np.ndarray) -> np.ndarray:
    """A kernel (h, w, in, out) that takes a multiple of four channels, of which the last count nothing."""
    return np.pad(kernel, ((0, 0), (0, 0), (0, -kernel.shape[2] % 4), (0, 0)))


def texels(rows: np.ndarray) -> np.ndarray:
    """(n, c) as (n, texels, 4), with zeros behind."""
    padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    return np.ascontiguousarray(padded, "<f4").reshape(len(rows), -1, 4)
