"""Creation of the engine for a loaded generator. Graphs for other runtimes are made once and cached on disk."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

from faceloom.checkpoints import graphs
from faceloom.checkpoints.load import GeneratorModel
from faceloom.engines.compiled import CompiledEngine, has_compiler
from faceloom.engines.engine import ENGINES, SUPPORTED_PRECISIONS, Choice, Engine, GraphEngine, copy_network
from faceloom.errors import CorruptFile
from faceloom.files import atomic_write
from faceloom.networks.generator import Generator
from faceloom.settings import Settings


def open_engine(model: GeneratorModel, choice: Choice) -> GeneratorModel:
    """Return the generator with the chosen engine as `G`; its name, hash and license stay.

    `model` is in float32. Raises EngineError for an unsupported choice, MissingExtra for a missing library.
    """
    choice.check()
    if choice == Choice():
        return model
    return replace(model, G=_make_engine(model, choice))


def available_engines(device: str = "cpu") -> tuple[str, ...]:
    """Return the engines that can run on this machine, on this device."""
    supported = [engine for engine in ENGINES if device in SUPPORTED_PRECISIONS[engine]]
    libraries = {engine: all(map(importlib.util.find_spec, names)) for engine, names in graphs.LIBRARIES.items()}
    return tuple(
        engine for engine in supported if libraries.get(engine, True) and (engine != "compile" or has_compiler(device))
    )


def _make_engine(model: GeneratorModel, choice: Choice) -> Generator:
    if choice.engine == "torch":
        return Engine(model.G, choice)
    if choice.engine == "compile":
        return CompiledEngine(model.G, choice)
    return GraphEngine(model.G, choice, _load_graph(model, choice))


def _load_graph(model: GeneratorModel, choice: Choice) -> Callable[[Tensor], Tensor]:
    """Open the cached graph; make it if it is missing or damaged."""
    graphs.require_libraries(choice.engine)
    path = graph_path(model, choice)
    if path.exists():
        try:
            return _open_graph(path, choice)
        except CorruptFile as error:
            warnings.warn(f"{error.message}; the graph is made again", stacklevel=2)
    _make_graph(model.G, path, choice)
    return _open_graph(path, choice)


def _open_graph(path: Path, choice: Choice) -> Callable[[Tensor], Tensor]:
    if choice.engine == "onnx":
        return graphs.open_onnx(path, choice.device)
    return graphs.open_openvino(path, choice.precision)


def _make_graph(G: Generator, path: Path, choice: Choice) -> None:
    """Trace the network and write it: ONNX in the chosen precision, OpenVINO in float32 for all precisions."""
    if choice.engine == "onnx":
        network = copy_network(G, Choice(precision=choice.precision)) if choice.precision != "fp32" else G
        with atomic_write(path) as draft:
            graphs.write_onnx(graphs.trace_synthesis(network), draft, "img")
        return
    with atomic_write(path) as draft, atomic_write(path.with_suffix(".bin")) as weights:
        graphs.write_openvino(graphs.trace_synthesis(G), draft, "img")
        draft.with_suffix(".bin").replace(weights)


def graph_path(model: GeneratorModel, choice: Choice) -> Path:
    """Return the path of a generator's cached graph, named by its hash and the versions that made it."""
    versions = f"{version('faceloom')}-torch{torch.__version__.split('+')[0]}"
    precision = choice.precision if choice.engine == "onnx" else "fp32"
    ending = ".onnx" if choice.engine == "onnx" else ".xml"
    return Settings().home / "engines" / f"{model.hash[:16]}-{versions}-{precision}{ending}"
