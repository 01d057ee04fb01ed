"""Reader for the default generator's published files: OpenVINO IR version 10, an XML graph and a binary of constants.

OpenVINO itself is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from torch import Tensor

from faceloom.errors import CorruptFile

_DTYPES = {"f32": np.float32, "i32": np.int32, "i64": np.int64}


class Graph:
    """The graph of an IR file: nodes by id, their inputs and outputs, and the constants."""

    def __init__(self, xml: Path, binary: Path) -> None:
        root = ElementTree.parse(xml).getroot()
        self._binary = binary.read_bytes()
        self.nodes = {layer.attrib["id"]: layer for layer in root.iter("layer")}
        self.inputs: dict[str, list[str]] = {node: [] for node in self.nodes}
        self.outputs: dict[str, list[str]] = {node: [] for node in self.nodes}
        edges = sorted(root.iter("edge"), key=lambda e: int(e.attrib["to-port"]))
        self.edges = [(e.attrib["from-layer"], int(e.attrib["from-port"]), e.attrib["to-layer"]) for e in edges]
        for source, _, target in self.edges:
            self.inputs[target].append(source)
            self.outputs[source].append(target)
        self.by_name = {layer.attrib["name"]: node for node, layer in self.nodes.items()}

    def kind(self, node: str) -> str:
        """Return the node's operation, such as 'Convolution'."""
        return self.nodes[node].attrib["type"]

    def tensor(self, node: str) -> Tensor:
        """Return the value of a constant. Raises CorruptFile for another node or a truncated binary."""
        data = self.nodes[node].find("data")
        if data is None or self.kind(node) != "Const":
            raise CorruptFile(f"node {node} of the graph is {self.kind(node)}, not a constant", "get the file again")
        shape = [int(size) for size in data.attrib["shape"].split(",") if size.strip()]
        dtype = np.dtype(_DTYPES[data.attrib["element_type"]])
        count, offset = int(data.attrib["size"]) // dtype.itemsize, int(data.attrib["offset"])
        if offset + count * dtype.itemsize > len(self._binary):
            raise CorruptFile("the binary of constants is truncated", "faceloom models pull mobilestylegan-ffhq")
        return torch.from_numpy(np.frombuffer(self._binary, dtype, count, offset).reshape(shape).copy())

    def constant_inputs(self, node: str) -> Iterator[Tensor]:
        """Yield the constants among a node's inputs."""
        return (self.tensor(i) for i in self.inputs[node] if self.kind(i) == "Const")

    def computed_input(self, node: str) -> str:
        """Return the first input of a node that is not a constant."""
        return next(i for i in self.inputs[node] if self.kind(i) != "Const")


def read_mobilestylegan(folder: Path) -> dict[str, Tensor]:
    """Read `MappingNetwork.{xml,bin}` and `SynthesisNetwork.{xml,bin}` into the names of our `MobileStyleGAN`.

    `w_avg` is not in the files: the caller measures it.
    """
    mapping = Graph(folder / "MappingNetwork.xml", folder / "MappingNetwork.bin")
    synthesis = Graph(folder / "SynthesisNetwork.xml", folder / "SynthesisNetwork.bin")
    return _read_mapping(mapping) | _read_synthesis(synthesis)


def _read_mapping(graph: Graph) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    layers = [node for node in graph.nodes if graph.kind(node) == "MatMul"]
    for i, matmul in enumerate(layers):
        add = next(out for out in graph.outputs[matmul] if graph.kind(out) == "Add")
        reshape = next(node for node in graph.inputs[add] if graph.kind(node) == "Reshape")
        state[f"mapping_network.fc.{i}.weight"] = next(graph.constant_inputs(matmul))
        state[f"mapping_network.fc.{i}.bias"] = next(graph.constant_inputs(reshape))
    return state


def _read_synthesis(graph: Graph) -> dict[str, Tensor]:
    state = {"const": graph.tensor(graph.by_name["m.input.input"])}
    state |= _read_styled_conv(graph, "m.conv1", "first")
    blocks = sum(name.endswith(".up.modulation.weight") for name in graph.by_name)
    for i in range(blocks):
        state |= _read_affine(graph, f"m.layers.{i}.up", f"blocks.{i}.up_affine")
        for conv in ("conv1", "conv2"):
            state |= _read_styled_conv(graph, f"m.layers.{i}.{conv}", f"blocks.{i}.{conv}")
    to_img = f"m.layers.{blocks - 1}.to_img"
    state |= _read_affine(graph, f"{to_img}.conv", "to_img_affine")
    state["to_img.weight"] = graph.tensor(graph.by_name[f"{to_img}.conv.weight"])
    state["to_img.bias"] = graph.tensor(graph.by_name[f"{to_img}.bias"]).flatten()
    return _sort_bands(state, blocks)


def _read_styled_conv(graph: Graph, source: str, target: str) -> dict[str, Tensor]:
    """Follow the graph from the bias upstream: noise <- convolution (<- depthwise convolution) <- modulation."""
    bias = graph.by_name[f"{source}.bias"]
    noise = graph.computed_input(graph.outputs[bias][0])
    conv = graph.computed_input(noise)
    before = graph.computed_input(conv)
    separable = graph.kind(before) == "GroupConvolution"
    state = _read_affine(graph, f"{source}.conv", f"{target}.affine")
    state[f"{target}.noise"] = next(graph.constant_inputs(noise))[0, 0]
    last = f"{target}.conv.1" if separable else f"{target}.conv"
    state[f"{last}.weight"] = next(graph.constant_inputs(conv))
    state[f"{last}.bias"] = graph.tensor(bias).flatten()
    if separable:
        state[f"{target}.conv.0.weight"] = next(graph.constant_inputs(before))[:, 0]  # [groups 1 1 3 3] -> [c 1 3 3]
    return state


def _read_affine(graph: Graph, source: str, target: str) -> dict[str, Tensor]:
    """Read a style's linear layer; a constant factor that follows it is folded into its weights."""
    weight = graph.by_name[f"{source}.modulation.weight"]
    bias = graph.by_name[f"{source}.modulation.bias"]
    reshape = next(out for out in graph.outputs[graph.outputs[bias][0]] if graph.kind(out) == "Reshape")
    scales = [scale for out in graph.outputs[reshape] for scale in graph.constant_inputs(out) if scale.numel() == 1]
    scale = scales[0].item() if scales else 1.0
    return {
        f"{target}.weight": graph.tensor(weight) * scale,
        f"{target}.bias": graph.tensor(bias).flatten() * scale,
    }


def _sort_bands(state: dict[str, Tensor], blocks: int) -> dict[str, Tensor]:
    """Reorder the channels that an inverse wavelet transform reads.

    The file holds c mean channels, then three detail channels for each of them; we store one band after another.
    """
    writing_layers = ["first.conv", *(f"blocks.{i}.conv2.conv.1" for i in range(blocks - 1)), "to_img"]
    reading_layers = [f"blocks.{i}.up_affine" for i in range(blocks)]
    for layer in (*writing_layers, *reading_layers):
        order = _band_order(len(state[f"{layer}.bias"]))
        for key in (f"{layer}.weight", f"{layer}.bias"):
            state[key] = state[key][order].contiguous()
    return state


def _band_order(channels: int) -> Tensor:
    c = channels // 4
    details = c + torch.arange(3 * c).view(c, 3).T.flatten()
    return torch.cat((torch.arange(c), details))
