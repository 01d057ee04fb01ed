"""From a loaded generator and a choice to an engine. Graphs for other runtimes are made once and kept."""

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
from faceloom.engines.compiled import CompiledEngine, compiler_is_there
from faceloom.engines.engine import ABLE, ENGINES, Choice, Engine, GraphEngine, adapted
from faceloom.errors import CorruptFile
from faceloom.files import replacing
from faceloom.networks.generator import Generator
from faceloom.settings import Settings


def open_engine(model: GeneratorModel, choice: Choice) -> GeneratorModel:
    """The same generator, drawn by another engine: name, hash and licence stay, `G` is the engine.

    `model` is in float32. Raises EngineError for what cannot be here, MissingExtra for a library that is missing.
    """
    choice.check()
    if choice == Choice():
        return model
    return replace(model, G=_engine(model, choice))


def available(device: str = "cpu") -> tuple[str, ...]:
    """The engines that can run on this machine, on this device."""
    found = [engine for engine in ENGINES if device in ABLE[engine]]
    libraries = {engine: all(map(importlib.util.find_spec, names)) for engine, names in graphs.LIBRARIES.items()}
    return tuple(
        engine for engine in found if libraries.get(engine, True) and (engine != "compile" or compiler_is_there(device))
    )


def _engine(model: GeneratorModel, choice: Choice) -> Generator:
    if choice.engine == "torch":
        return Engine(model.G, choice)
    if choice.engine == "compile":
        return CompiledEngine(model.G, choice)
    return GraphEngine(model.G, choice, _graph(model, choice))


def _graph(model: GeneratorModel, choice: Choice) -> Callable[[Tensor], Tensor]:
    """Open the kept graph, or make it: if it is not there, or damaged."""
    graphs.require(choice.engine)
    path = graph_path(model, choice)
    if path.exists():
        try:
            return _open(path, choice)
        except CorruptFile as error:
            warnings.warn(f"{error.message}; made again", stacklevel=2)
    _make(model.G, path, choice)
    return _open(path, choice)


def _open(path: Path, choice: Choice) -> Callable[[Tensor], Tensor]:
    if choice.engine == "onnx":
        return graphs.open_onnx(path, choice.device)
    return graphs.open_openvino(path, choice.precision)


def _make(G: Generator, path: Path, choice: Choice) -> None:
    """Trace the network and write it: ONNX in the precision that it computes in, OpenVINO in float32 for all."""
    if choice.engine == "onnx":
        network = adapted(G, Choice(precision=choice.precision)) if choice.precision != "fp32" else G
        with replacing(path) as draft:
            graphs.write_onnx(graphs.trace_synthesis(network), draft, "img")
        return
    with replacing(path) as draft, replacing(path.with_suffix(".bin")) as weights:
        graphs.write_openvino(graphs.trace_synthesis(G), draft, "img")
        draft.with_suffix(".bin").replace(weights)


def graph_path(model: GeneratorModel, choice: Choice) -> Path:
    """Where a generator's graph is kept: by its hash, and by the versions that made it."""
    versions = f"{version('faceloom')}-torch{torch.__version__.split('+')[0]}"
    precision = choice.precision if choice.engine == "onnx" else "fp32"
    ending = ".onnx" if choice.engine == "onnx" else ".xml"
    return Settings().home / "engines" / f"{model.hash[:16]}-{versions}-{precision}{ending}"
