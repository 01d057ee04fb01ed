"""A generator in other codes' formats, each read back in its own runtime and compared before it is given away.

Knows files and networks; faces, people and screens are for others.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from faceloom.checkpoints import graphs, rosinality_writer
from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.graphs import Run, WeightPrecision
from faceloom.checkpoints.load import GeneratorModel
from faceloom.checkpoints.loaded_network import LoadedNetwork, build
from faceloom.checkpoints.readers import native
from faceloom.errors import CheckpointError, StoreError, UnknownFormat
from faceloom.latents import broadcast, truncate, z_from_seeds
from faceloom.networks.generator import Generator

Format = Literal["safetensors", "onnx", "openvino", "rosinality", "torch-export"]

PRECISIONS: dict[str, tuple[WeightPrecision, ...]] = {
    "safetensors": ("fp32",),
    "onnx": ("fp32", "fp16", "int8"),
    "openvino": ("fp32", "fp16", "int8"),
    "rosinality": ("fp32",),
    "torch-export": ("fp32",),
}
"""Which precisions a format's weights may be stored in."""

FLOORS: dict[WeightPrecision, float] = {"fp32": 80.0, "fp16": 55.0, "int8": 36.0}
"""How far from float32 a picture may be: PSNR in dB, of values clamped to -1...1."""

SEEDS = (0, 1, 2)
"""The people who are drawn to compare, with psi 0.7."""


@dataclass(frozen=True)
class Exported:
    """What was written, and how far its images are from our own in float32."""

    format: str
    path: Path
    bytes: int  # of all files
    precision: WeightPrecision
    max_abs: float  # the largest difference of a value, the image's range being -1...1
    psnr_db: float  # of all images together; 120 is the most that is told
    seconds: float  # to write, read back and compare


def export_generator(
    model: GeneratorModel,
    format: Format,
    path: Path,
    precision: WeightPrecision = "fp32",
    *,
    allow_loss: bool = False,
) -> Exported:
    """Write a float32 generator as `path` (of 'safetensors': a folder) with a card beside it, and compare.

    ONNX, OpenVINO and torch.export get a second graph for z -> w beside the first. Nothing is left behind on failure.
    Raises UnknownFormat for a precision or family that the format does not have, MissingExtra, WrongShape,
    StoreError, and CheckpointError when the images are below the floor and `allow_loss` does not say to keep them.
    """
    begin, path = time.perf_counter(), Path(path)
    _check(model, format, precision)
    home = path if format == "safetensors" else path.parent
    with _drafts(home) as folder:
        run = WRITERS[format](model, folder / path.name, precision)
        if format != "safetensors":
            _write_card(model, format, precision, folder / f"{path.stem}.json")
        max_abs, psnr_db = compare(model.G, run)
        if not psnr_db >= FLOORS[precision] and not allow_loss:
            raise CheckpointError(
                f"{precision} pictures are {psnr_db:.1f} dB from float32, less than {FLOORS[precision]:.0f}",
                "choose a finer precision, or take them as they are with --allow-loss",
            )
        size = sum(file.stat().st_size for file in folder.iterdir())
    return Exported(format, path, size, precision, max_abs, psnr_db, round(time.perf_counter() - begin, 2))


@torch.no_grad()
def compare(G: Generator, run: Run) -> tuple[float, float]:
    """The largest difference, and PSNR in dB, between our images and another runtime's, one person at a time."""
    largest, squares = 0.0, []
    for w_plus in some_people(G).split(1):
        ours, theirs = G.synthesis(w_plus), run(w_plus)
        largest = max(largest, (ours - theirs).abs().max().item())
        squares.append((ours.clamp(-1, 1) - theirs.clamp(-1, 1)).square().mean().item())
    mse = sum(squares) / len(squares)
    return largest, 10 * math.log10(4 / max(mse, 4e-12)) if math.isfinite(mse) else -math.inf


@torch.no_grad()
def some_people(G: Generator) -> Tensor:
    """Three people's `w_plus`, of the first label where there are labels."""
    c = torch.eye(G.c_dim)[:1].expand(len(SEEDS), -1) if G.c_dim else None
    return truncate(broadcast(G.mapping(z_from_seeds(SEEDS, G.z_dim), c), G.num_ws), G.w_avg, 0.7)


def _check(model: GeneratorModel, format: str, precision: str) -> None:
    if format not in PRECISIONS:
        raise UnknownFormat(f"there is no format '{format}'", f"choose one of {', '.join(PRECISIONS)}")
    if precision not in PRECISIONS[format]:
        raise UnknownFormat(f"{format} is not written in {precision}", f"choose {' or '.join(PRECISIONS[format])}")
    if format == "rosinality" and model.family != "stylegan2":
        raise UnknownFormat(f"rosinality's code draws StyleGAN2 alone, and {model.name} is {model.family}")
    graphs.require(format)


# -- one writer a format: it writes into a draft's folder and gives what was read back --------------------------------


def _safetensors(model: GeneratorModel, path: Path, precision: WeightPrecision) -> Run:
    G: Any = model.G
    state = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in G.state_dict().items()}
    native.write(LoadedNetwork(model.family, "faceloom", G.config, state), path.parent, licence=model.licence)
    return _network(build(native.read(path.parent)))


def _rosinality(model: GeneratorModel, path: Path, precision: WeightPrecision) -> Run:
    rosinality_writer.write(cast(Any, model.G), path)
    return _network(build(read_checkpoint(path)))


def _onnx(model: GeneratorModel, path: Path, precision: WeightPrecision) -> Run:
    graphs.write_onnx(graphs.trace_synthesis(model.G), path, "img", precision)
    graphs.write_onnx(graphs.trace_mapping(model.G), mapping_path(path), "w")
    return graphs.open_onnx(path)


def _openvino(model: GeneratorModel, path: Path, precision: WeightPrecision) -> Run:
    graphs.write_openvino(graphs.trace_synthesis(model.G), path, "img", precision)
    graphs.write_openvino(graphs.trace_mapping(model.G), mapping_path(path), "w")
    return graphs.open_openvino(path)


def _torch_export(model: GeneratorModel, path: Path, precision: WeightPrecision) -> Run:
    graphs.write_torch_export(graphs.trace_synthesis(model.G), path)
    graphs.write_torch_export(graphs.trace_mapping(model.G), mapping_path(path))
    return graphs.open_torch_export(path)


WRITERS: dict[str, Callable[[GeneratorModel, Path, WeightPrecision], Run]] = {
    "safetensors": _safetensors,
    "onnx": _onnx,
    "openvino": _openvino,
    "rosinality": _rosinality,
    "torch-export": _torch_export,
}


def mapping_path(path: Path) -> Path:
    """Where the second graph lies: 'face.onnx' -> 'face-mapping.onnx'."""
    return path.with_stem(f"{path.stem}-mapping")


def _network(G: nn.Module) -> Run:
    return cast(Run, cast(Any, G).synthesis)


def _write_card(model: GeneratorModel, format: str, precision: str, path: Path) -> None:
    """What another tool must know and no graph says: sizes, the mean w for truncation, whose it is."""
    sizes = ("z_dim", "c_dim", "w_dim", "num_ws", "img_resolution")
    card = {
        "format": format,
        "precision": precision,
        "generator": {"name": model.name, "family": model.family, "hash": model.hash},
        "licence": model.licence,
        **{name: getattr(model.G, name) for name in sizes},
        "img": "RGB, -1...1",
        "w_avg": [round(x, 7) for x in model.G.w_avg.tolist()],
    }
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _drafts(home: Path) -> Iterator[Path]:
    """A folder for files that belong together; on success they move into `home`, else they vanish."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".export-", dir=home))
    except OSError as error:
        raise StoreError(f"cannot write into {home}: {error.strerror}", "choose another place with -o") from error
    try:
        yield folder
        for file in sorted(folder.iterdir()):
            file.replace(home / file.name)
    except OSError as error:
        raise StoreError(f"cannot write into {home}: {error.strerror or error}", "is the disk full?") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
