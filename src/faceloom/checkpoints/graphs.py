"""Traced graphs of a generator for other runtimes: ONNX, OpenVINO and torch.export files, written and opened.

The optional libraries are imported where they are needed.
"""

from __future__ import annotations

import copy
import importlib
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from faceloom.errors import CorruptFile, EngineError, MissingExtra
from faceloom.networks.generator import Generator, NoiseMode

WeightPrecision = Literal["fp32", "fp16", "int8"]
"""Storage of weights: float32, float16, or int8 with one scale per row. Computation is always in float32."""

GraphFunction = Callable[[Tensor], Tensor]
"""A graph as a function, float32 on the CPU.

Convention: `w_plus [n, num_ws, w_dim]` -> `img [n, c, r, r]`, or `z [n, z_dim]` -> `w [n, w_dim]`.
"""

LIBRARIES = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("openvino", "onnx", "onnxscript")}
EXTRAS = {"onnx": "export", "openvino": "openvino"}

MIN_COMPRESSED_SIZE = 1024
"""Tensors with fewer numbers stay float32 in every precision: biases, filters, noise strengths."""


class Synthesis(nn.Module):
    """A module that computes `w_plus` -> `img`."""

    def __init__(self, G: Generator, noise_mode: NoiseMode = "const") -> None:
        super().__init__()
        self.G, self.noise_mode = G, noise_mode

    def forward(self, w_plus: Tensor) -> Tensor:
        return self.G.synthesis(w_plus, self.noise_mode)


class Mapping(nn.Module):
    """A module that computes `z` (and, for a conditional generator, a label `c [n, c_dim]`) -> `w`."""

    def __init__(self, G: Generator) -> None:
        super().__init__()
        self.G = G

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.G.mapping(z, c)


def trace_synthesis(G: Generator) -> ExportedProgram:
    """Trace `w_plus` -> `img` with constant noise, for any number of images."""
    return _trace(Synthesis(G), (torch.zeros(2, G.num_ws, G.w_dim),))


def trace_mapping(G: Generator) -> ExportedProgram:
    """Trace `z` (and `c`) -> `w`, for any number of images."""
    inputs = (torch.zeros(2, G.z_dim), torch.zeros(2, G.c_dim)) if G.c_dim else (torch.zeros(2, G.z_dim),)
    return _trace(Mapping(G), inputs)


def _trace(module: nn.Module, inputs: tuple[Tensor, ...]) -> ExportedProgram:
    n = Dim("n")
    with torch.no_grad(), silence_exporters():
        return torch.export.export(module.eval(), inputs, dynamic_shapes=tuple({0: n} for _ in inputs))


# -- ONNX -------------------------------------------------------------------------------------------------------------


def write_onnx(program: ExportedProgram, path: Path, output: str, precision: WeightPrecision = "fp32") -> None:
    """Write a traced graph to one ONNX file, its output named `output`. Raises MissingExtra."""
    onnx = import_library("onnx", "ONNX files", "export")
    names = [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
    with silence_exporters():
        exported = torch.onnx.export(
            program, input_names=names, output_names=[output], dynamo=True, external_data=False, verbose=False
        )
    assert exported is not None
    model = exported.model_proto
    for node in model.graph.node:
        del node.metadata_props[:]  # remove source locations, half of a small file's size
    if precision != "fp32":
        _compress_onnx(onnx, model.graph, precision)
    path.write_bytes(model.SerializeToString())


def _compress_onnx(onnx: Any, graph: Any, precision: WeightPrecision) -> None:
    """Compress large weights, and insert a node that converts each back to float32 before its use."""
    kept, compressed, nodes = [], [], []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < MIN_COMPRESSED_SIZE:
            kept.append(tensor)
        elif precision == "fp16":
            compressed.append(onnx.numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}.half"))
            nodes.append(onnx.helper.make_node("Cast", [compressed[-1].name], [tensor.name], to=onnx.TensorProto.FLOAT))
        else:
            rows, scale = quantize_rows(values)
            names = [f"{tensor.name}.int8", f"{tensor.name}.scale"]
            compressed += [onnx.numpy_helper.from_array(a, n) for a, n in zip((rows, scale), names, strict=True)]
            nodes.append(onnx.helper.make_node("DequantizeLinear", names, [tensor.name], axis=0))
    original_nodes = list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend([*kept, *compressed])
    graph.node.extend([*nodes, *original_nodes])


def open_onnx(path: Path, device: str = "cpu") -> GraphFunction:
    """Open an ONNX file in onnxruntime. Raises MissingExtra, CorruptFile, EngineError."""
    runtime = import_library("onnxruntime", "rendering with ONNX", "export")
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "mps": "CoreMLExecutionProvider"}
    if provider[device] not in runtime.get_available_providers():
        raise EngineError(f"this onnxruntime cannot use '{device}'", "install onnxruntime-gpu, or use --device cpu")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors only
    try:
        session = runtime.InferenceSession(str(path), options, providers=[provider[device]])
    except Exception as error:  # onnxruntime's errors have no common base class
        raise CorruptFile(f"onnxruntime cannot open {path.name}: {error}", "export the generator again") from error
    names = [entry.name for entry in session.get_inputs()]
    return lambda x: torch.from_numpy(session.run(None, {names[0]: x.numpy()})[0])


# -- OpenVINO ---------------------------------------------------------------------------------------------------------


def write_openvino(program: ExportedProgram, path: Path, output: str, precision: WeightPrecision = "fp32") -> None:
    """Write a traced graph as OpenVINO's `NAME.xml` and `NAME.bin`. Raises MissingExtra.

    The graph is converted through ONNX: OpenVINO's own reader of torch graphs folds noise and biases together, into
    files eight times as large.
    """
    require_libraries("openvino")
    openvino = importlib.import_module("openvino")
    draft = path.with_suffix(".onnx")
    try:
        write_onnx(program, draft, output, precision)
        openvino.save_model(openvino.Core().read_model(draft), path, compress_to_fp16=False)
    finally:
        draft.unlink(missing_ok=True)


def open_openvino(path: Path, precision: str = "fp32") -> GraphFunction:
    """Open `NAME.xml` in OpenVINO on the CPU, computing in 'fp32' or 'bf16'. Raises MissingExtra, CorruptFile."""
    openvino = import_library("openvino", "rendering with OpenVINO", "openvino")
    hints = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}[precision],
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    try:
        compiled = openvino.Core().compile_model(path, "CPU", hints)
    except RuntimeError as error:
        raise CorruptFile(f"OpenVINO cannot open {path.name}: {error}", "export the generator again") from error
    return lambda x: torch.from_numpy(compiled([x.numpy()])[0].copy())


# -- torch.export -----------------------------------------------------------------------------------------------------


def write_torch_export(program: ExportedProgram, path: Path) -> None:
    """Write a traced graph as torch's `NAME.pt2`."""
    with silence_exporters():
        torch.export.save(program, path)


def open_torch_export(path: Path) -> GraphFunction:
    """Open a `NAME.pt2`. Open only files that you wrote: the format is a program."""
    with silence_exporters():
        return cast(GraphFunction, torch.export.load(path).module())


# -- shared helpers ---------------------------------------------------------------------------------------------------


def quantize_rows(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantize weights to -127...127 with one scale per row of the first axis: `(int8 [o, ...], float32 [o])`."""
    rows = values.reshape(len(values), -1)
    scale = np.maximum(np.abs(rows).max(axis=1), 1e-12).astype(np.float32) / 127
    return np.rint(rows / scale[:, None]).astype(np.int8).reshape(values.shape), scale


def copy_in_precision(G: Generator, dtype: torch.dtype) -> Generator:
    """Return a copy of a network that computes its convolutions in `dtype`."""
    return cast(Generator, copy.deepcopy(cast(Any, G)).set_precision(dtype))


def require_libraries(format: str) -> None:
    """Raise MissingExtra unless the libraries of 'onnx' or 'openvino' are installed. Call it before long work."""
    for library in LIBRARIES.get(format, ()):
        import_library(library, format, EXTRAS[format])


def import_library(library: str, feature: str, extra: str) -> Any:
    """Import an optional library. Raises MissingExtra, which says how to install it."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise MissingExtra(feature, extra) from error


@contextmanager
def silence_exporters() -> Iterator[None]:
    """Suppress the exporters' warnings and log messages, which concern their own code."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
