"""One HTML file that enlarges pictures and films in a browser: networks, arithmetic, page."""

import base64
import hashlib
import json
from pathlib import Path

import numpy as np

from srcnn.networks.conditioning import QUALITIES, folded
from srcnn.networks.network import Network
from srcnn.networks.trained import find_weights, say_trust
from srcnn.networks.weight_files import unsaid, weights_of
from srcnn.settings import Source
from srcnn.system.atomic_write import replacing
from srcnn.system.progress import say
from srcnn.system.version import PROGRAM

HERE = Path(__file__).parent
SCRIPT = "zip", "helper", "tiles", "ways", "card", "film", "page"  # of the page itself, one after the other
WORKERS = {
    "codec": ("codec",),
    "compute": ("compute",),
    "gpu": ("shaders", "gpu", "compute"),
    "player": ("shaders", "gpu", "player"),
}
SCALES = 2, 3, 4  # those of 9-1-5 are always there


def export_page(network: Network, source: Source, path: Path, overwrite: bool = False) -> None:
    """Writes the page, with 9-1-5 at x2, x3 and x4 and another network; which weights they have is printed.

    source: of the network's weights; the others are found as without `--weights`.
    Raises InputError if there are none, or the file exists and is not to be overwritten.
    """
    network = network._replace(quality=None)
    usual = [Network(scale=scale) for scale in SCALES]
    sources = {each: Source(None, source.checkpoint_dir) for each in usual} | {network: source}
    networks = [entry(each, found) for each, found in sources.items()]
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_text(page_of(networks), encoding="utf-8", newline="\n")


def page_of(networks: list[dict]) -> str:
    """The page, of networks as `entry` gives them. What it may run is named by its hash."""
    script = joined(SCRIPT)
    data = {
        "wasm": base64.b64encode((HERE / "srcnn.wasm").read_bytes()).decode(),
        "networks": networks,
        "workers": {worker: joined(names) for worker, names in WORKERS.items()},
    }
    parts = {
        "hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "style": (HERE / "page.css").read_text("utf-8"),
        "program": PROGRAM,
        "data": json.dumps(data).replace("</", "<\\/"),
        "script": script,
    }
    page = (HERE / "page.html").read_text("utf-8")
    for name, text in parts.items():
        page = page.replace("{{ " + name + " }}", text)
    return page


def joined(names: tuple[str, ...]) -> str:
    return "".join((HERE / f"{name}.js").read_text("utf-8") for name in names)


def entry(network: Network, source: Source) -> dict:
    """A network as plain values, for the page.

    by_strength: what the strength of JPEG adds to the weights, times it; of other networks there is none.
    """
    path = find_weights(network, source)
    values, settings = weights_of(path, network)
    say(f"weights for x{network.scale}: {path}")
    say_trust(path, unsaid(settings, network))
    inputs = 1, *network.channels
    outputs = *network.channels, 1
    layers = [
        {"size": size, "inputs": before, "outputs": after}
        for size, before, after in zip(network.kernels, inputs, outputs, strict=True)
    ]
    enlarging = f"{network.scale}x" if network.scale > 1 else "1x (clean only)"
    jpeg = " for JPEG" if network.degradation == "jpeg" else ""
    name = f"{enlarging}, {network.shape}{jpeg}"
    found = {"name": name, "scale": network.scale, "margin": network.margin, "layers": layers}
    if not network.is_conditioned:
        return found | {"weights": encoded(packed(values))}
    strong, weak = (packed(folded(values, quality)) for quality in QUALITIES)  # of strength 1 and -1
    return found | {"weights": encoded((strong + weak) / 2), "by_strength": encoded((strong - weak) / 2)}


def packed(values: dict[str, np.ndarray]) -> np.ndarray:
    """w1, b1, w2, ... in the order in which srcnn.c reads them, with zeros for what fills four channels."""
    found = []
    count = len(values) // 2
    for i in range(1, count + 1):
        kernel, bias = values[f"w{i}"], values[f"b{i}"]
        together = 1 if i == count else 4
        fill = -bias.size % together
        kernel = np.pad(kernel, ((0, 0), (0, 0), (0, 0), (0, fill)))
        h, w, inputs, outputs = kernel.shape
        fours = kernel.reshape(h, w, inputs, outputs // together, together).transpose(3, 2, 0, 1, 4)
        found += [fours.ravel(), np.pad(bias, (0, fill))]
    return np.concatenate(found)


def encoded(array: np.ndarray) -> str:
    """float32 as base64."""
    return base64.b64encode(array.astype("<f4").tobytes()).decode()
