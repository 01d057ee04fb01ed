"""Peers of the default generator: its published graph node by node in torch, and OpenVINO on either graph.

The published graph without modules of ours is the baseline. OpenVINO is timed on the published graph, as its users run
it, and on the graph that we export, because a part of our gain comes from the graph and not from the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.checkpoints.load import GeneratorModel
from faceloom.checkpoints.readers.openvino_ir import Graph
from faceloom.engines import Choice, open_engine

Draw = Callable[[], object]
"""Function that generates one image."""

PRECISIONS = ("fp32", "bf16")
_HINTS = {"fp32": "f32", "bf16": "bf16"}  # precision -> OpenVINO's name


def open_openvino_peers(folder: Path, model: GeneratorModel, w: Tensor, w_plus: Tensor) -> dict[str, Draw]:
    """Return functions that generate one image with OpenVINO, from the published graph and from ours.

    Convention: `w [1, 512]` for the published graph, which broadcasts it itself; `w_plus [1, 23, 512]` for ours.
    """
    import openvino

    core, xml, array = openvino.Core(), folder / "SynthesisNetwork.xml", w.numpy()
    peers: dict[str, Draw] = {}
    for precision in PRECISIONS:
        published = core.compile_model(xml, "CPU", {"INFERENCE_PRECISION_HINT": _HINTS[precision]})
        ours = open_engine(model, Choice("openvino", precision)).G
        peers[f"OpenVINO {precision}, published graph"] = partial(published, array)
        peers[f"OpenVINO {precision}, our graph"] = partial(ours.synthesis, w_plus)
    return peers


class NodeByNode:
    """Runs `SynthesisNetwork` as the file defines it. `w_plus [1, 23, 512]` gives each modulation its own style."""

    def __init__(self, folder: Path) -> None:
        self.graph = Graph(folder / "SynthesisNetwork.xml", folder / "SynthesisNetwork.bin")
        kind = self.graph.kind
        self.constants = {node: self.graph.tensor(node) for node in self.graph.nodes if kind(node) == "Const"}
        self.order = [node for node in self._sort_nodes() if kind(node) not in ("Const", "Parameter", "Result")]
        self.parameter = next(node for node in self.graph.nodes if kind(node) == "Parameter")
        styled = [n for n in self.order if kind(n) == "MatMul" and self.parameter in self.graph.inputs[n]]
        self.layer = {node: i for i, node in enumerate(styled)}

    def __call__(self, w_plus: Tensor) -> Tensor:
        values: dict[str, Any] = dict(self.constants)
        out = w_plus
        for node in self.order:
            values[self.parameter] = w_plus[:, self.layer.get(node, 0)]
            data = self.graph.nodes[node].find("data")
            operate = getattr(self, f"_{self.graph.kind(node)}")
            out = operate(data.attrib if data is not None else {}, *self._inputs(node, values))
            values[node] = out
        return out

    def _inputs(self, node: str, values: dict[str, Any]) -> list[Any]:
        """Return the inputs of a node; for a split, the part that the edge names."""
        inputs = []
        for source, port in self._edges[node]:
            value = values[source]
            inputs.append(value[port] if isinstance(value, tuple) else value)
        return inputs

    def _sort_nodes(self) -> list[str]:
        """Return all nodes in topological order."""
        self._edges: dict[str, list[tuple[str, int]]] = {node: [] for node in self.graph.nodes}
        for source, from_port, target in self.graph.edges:
            first = min(
                int(p.attrib["id"]) for p in self.graph.nodes[source].iter("port") if p in self._output_ports(source)
            )
            self._edges[target].append((source, from_port - first))
        done: dict[str, None] = {}
        waiting = list(self.graph.nodes)
        while waiting:
            ready = [node for node in waiting if all(source in done for source, _ in self._edges[node])]
            done.update(dict.fromkeys(ready))
            waiting = [node for node in waiting if node not in done]
        return list(done)

    def _output_ports(self, node: str) -> list[Any]:
        output = self.graph.nodes[node].find("output")
        return list(output.iter("port")) if output is not None else []

    def _Add(self, _: Any, a: Tensor, b: Tensor) -> Tensor:  # noqa: N802
        return a + b

    def _Multiply(self, _: Any, a: Tensor, b: Tensor) -> Tensor:  # noqa: N802
        return a * b

    def _MatMul(self, data: Any, a: Tensor, b: Tensor) -> Tensor:  # noqa: N802
        return a @ (b.T if data["transpose_b"] == "true" else b)

    def _ShapeOf(self, _: Any, a: Tensor) -> Tensor:  # noqa: N802
        return torch.tensor(a.shape)

    def _Gather(self, _: Any, a: Tensor, index: Tensor, axis: Tensor) -> Tensor:  # noqa: N802
        return a.index_select(int(axis), index.long().reshape(-1)).reshape(index.shape)

    def _Unsqueeze(self, _: Any, a: Tensor, dims: Tensor) -> Tensor:  # noqa: N802
        return a.unsqueeze(int(dims))

    def _Squeeze(self, _: Any, a: Tensor, dims: Tensor) -> Tensor:  # noqa: N802
        return a.squeeze(int(dims))

    def _Concat(self, data: Any, *parts: Tensor) -> Tensor:  # noqa: N802
        return torch.cat([part.reshape(-1) for part in parts], int(data["axis"]))

    def _Reshape(self, _: Any, a: Tensor, shape: Tensor) -> Tensor:  # noqa: N802
        return a.reshape(shape.tolist())

    def _Broadcast(self, data: Any, a: Tensor, shape: Tensor) -> Tensor:  # noqa: N802
        return a.expand(torch.broadcast_shapes(a.shape, tuple(shape.tolist())))

    def _Tile(self, _: Any, a: Tensor, repeats: Tensor) -> Tensor:  # noqa: N802
        return a.tile(repeats.tolist())

    def _PReLU(self, _: Any, a: Tensor, slope: Tensor) -> Tensor:  # noqa: N802
        return F.prelu(a, slope)

    def _VariadicSplit(self, _: Any, a: Tensor, axis: Tensor, sizes: Tensor) -> tuple[Tensor, ...]:  # noqa: N802
        parts: tuple[Tensor, ...] = a.split(sizes.tolist(), int(axis))
        return parts

    def _Convolution(self, data: Any, a: Tensor, weight: Tensor) -> Tensor:  # noqa: N802
        return F.conv2d(a, weight, padding=int(data["pads_begin"].split(",")[0]))

    def _GroupConvolution(self, data: Any, a: Tensor, weight: Tensor) -> Tensor:  # noqa: N802
        return F.conv2d(a, weight.flatten(0, 1), padding=int(data["pads_begin"].split(",")[0]), groups=len(weight))

    def _GroupConvolutionBackpropData(self, data: Any, a: Tensor, weight: Tensor) -> Tensor:  # noqa: N802
        stride = tuple(int(s) for s in data["strides"].split(","))
        return F.conv_transpose2d(a, weight.flatten(0, 1), stride=stride, groups=len(weight))
