"""ONNX, for ONNX Runtime, OpenCV, OpenVINO: `images` (n, c, h, w) to `pred` of that shape, edges repeated."""

from pathlib import Path

import numpy as np

from srcnn.networks.network import Network
from srcnn.networks.weight_files import SETTINGS
from srcnn.system.errors import needing


def check(path: Path, network: Network) -> None:
    with needing("onnx", f"--export {path}"):
        import onnx  # noqa: F401


def write(values: dict[str, np.ndarray], path: Path, settings: str, network: Network) -> None:
    from onnx import TensorProto, helper, numpy_helper, save

    last = len(values) // 2
    padding = sum(values[f"w{i}"].shape[0] - 1 for i in range(1, last + 1)) // 2
    constants = {"pads": np.array([0, 0, padding, padding] * 2)}
    nodes, x = [helper.make_node("Pad", ["images", "pads"], ["padded"], mode="edge")], "padded"
    for i in range(1, last + 1):
        constants[f"w{i}"] = values[f"w{i}"].transpose(3, 2, 0, 1)
        constants[f"b{i}"] = values[f"b{i}"]
        output = "pred" if i == last else f"conv{i}"
        size = values[f"w{i}"].shape[:2]  # OpenCV 4.8 does not take it from the kernel
        nodes.append(helper.make_node("Conv", [x, f"w{i}", f"b{i}"], [output], kernel_shape=size))
        if i < last:
            nodes.append(helper.make_node("Relu", [output], [f"relu{i}"]))
            x = f"relu{i}"
    shape = ["n", values["w1"].shape[2], "h", "w"]
    images, pred = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("images", "pred")
    )
    arrays = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "SRCNN", [images], [pred], arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {SETTINGS: settings})
    save(model, str(path))
