"""Export of a generator to other formats; each file is read back in its own runtime and compared with ours."""

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
from faceloom.checkpoints.graphs import GraphFunction, WeightPrecision
from faceloom.checkpoints.load import GeneratorModel
from faceloom.checkpoints.loaded_network import LoadedNetwork, build
from faceloom.checkpoints.readers import native
from faceloom.errors import CheckpointError, StoreError, UnknownFormat
from faceloom.label_columns import to_json
from faceloom.latents import broadcast, truncate, z_from_seeds
from faceloom.marks.signatures import SUFFIX, sign_files
from faceloom.networks.generator import Generator

Format = Literal["safetensors", "onnx", "openvino", "rosinality", "torch-export"]

PRECISIONS: dict[str, tuple[WeightPrecision, ...]] = {
    "safetensors": ("fp32",),
    "onnx": ("fp32", "fp16", "int8"),
    "openvino": ("fp32", "fp16", "int8"),
    "rosinality": ("fp32",),
    "torch-export": ("fp32",),
}
"""Precisions in which each format can store its weights."""

MIN_PSNR_DB: dict[WeightPrecision, float] = {"fp32": 80.0, "fp16": 55.0, "int8": 36.0}
"""Minimum PSNR in dB between exported and float32 images, of values clamped to -1...1."""

IMG_WORDS = {1: "gray, -1...1", 3: "RGB, -1...1", 4: "R, G and B times alpha (0...1), and alpha; all scaled to -1...1"}
"""The meaning of an image's channels, by their number, as the card states it."""

SEEDS = (0, 1, 2)
"""Seeds of the faces that are compared, with truncation psi 0.7."""


@dataclass(frozen=True)
class ExportResult:
    """The exported files, and the difference of their images from ours in float32."""

    format: str
    path: Path
    bytes: int  # total size of all files
    precision: WeightPrecision
    max_abs: float  # largest absolute difference of a value, in the image's range -1...1
    psnr_db: float  # over all compared images, at most 120
    seconds: float  # time to write, read back and compare


def export_generator(
    model: GeneratorModel,
    format: Format,
    path: Path,
    precision: WeightPrecision = "fp32",
    *,
    allow_loss: bool = False,
) -> ExportResult:
    """Write a float32 generator to `path` (for 'safetensors': a folder) with a card beside it, and compare its images.

    ONNX, OpenVINO and torch.export get a second graph for z -> w beside the first, and every format a signature file.
    Nothing is left behind on failure.
    Raises UnknownFormat for a precision or family that the format does not support, MissingExtra, WrongShape,
    StoreError, and CheckpointError when the PSNR is below MIN_PSNR_DB and `allow_loss` is not set.
    """
    start, path = time.perf_counter(), Path(path)
    _check_supported(model, format, precision)
    target_folder = path if format == "safetensors" else path.parent
    with _draft_folder(target_folder) as folder:
        exported = WRITERS[format](model, folder / path.name, precision)
        if format != "safetensors":
            _write_card(model, format, precision, folder / f"{path.stem}.json")
        max_abs, psnr_db = compare(model.G, exported)
        if not psnr_db >= MIN_PSNR_DB[precision] and not allow_loss:
            raise CheckpointError(
                f"{precision} images are {psnr_db:.1f} dB from float32, less than {MIN_PSNR_DB[precision]:.0f}",
                "choose a higher precision, or accept the loss with --allow-loss",
            )
        _sign_files(model, format, precision, folder, path)
        size = sum(file.stat().st_size for file in folder.iterdir())
    return ExportResult(format, path, size, precision, max_abs, psnr_db, round(time.perf_counter() - start, 2))


@torch.no_grad()
def compare(G: Generator, exported: GraphFunction) -> tuple[float, float]:
    """Return the largest absolute difference and the PSNR in dB between our images and another runtime's.

    Draws one image at a time. The PSNR is at most 120, and -infinity when an image is not finite.
    """
    largest, squared_errors = 0.0, []
    for w_plus in make_test_latents(G).split(1):
        expected, actual = G.synthesis(w_plus), exported(w_plus)
        largest = max(largest, (expected - actual).abs().max().item())
        squared_errors.append((expected.clamp(-1, 1) - actual.clamp(-1, 1)).square().mean().item())
    mse = sum(squared_errors) / len(squared_errors)
    return largest, 10 * math.log10(4 / max(mse, 4e-12)) if math.isfinite(mse) else -math.inf


@torch.no_grad()
def make_test_latents(G: Generator) -> Tensor:
    """Return `w_plus` of the faces of SEEDS; a conditional generator uses its first label."""
    c = torch.eye(G.c_dim)[:1].expand(len(SEEDS), -1) if G.c_dim else None
    return truncate(broadcast(G.mapping(z_from_seeds(SEEDS, G.z_dim), c), G.num_ws), G.w_avg, 0.7)


def _check_supported(model: GeneratorModel, format: str, precision: str) -> None:
    """Raise UnknownFormat or MissingExtra unless the format, its precision and its libraries are available."""
    if format not in PRECISIONS:
        raise UnknownFormat(f"there is no format '{format}'", f"choose one of {', '.join(PRECISIONS)}")
    if precision not in PRECISIONS[format]:
        raise UnknownFormat(f"{format} is not written in {precision}", f"choose {' or '.join(PRECISIONS[format])}")
    if format == "rosinality" and model.family != "stylegan2":
        raise UnknownFormat(
            f"rosinality's code supports StyleGAN2 only, and {model.name} is {model.family}", "choose another format"
        )
    graphs.require_libraries(format)


# -- writers: each writes its files into a draft folder and returns the network as read back --------------------------


def _write_safetensors(model: GeneratorModel, path: Path, precision: WeightPrecision) -> GraphFunction:
    G: Any = model.G
    state = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in G.state_dict().items()}
    facts = {"licence": model.license, **_picture_facts(model)}
    native.write(LoadedNetwork(model.family, "faceloom", G.config, state), path.parent, facts)
    return _synthesis_of(build(native.read(path.parent)))


def _write_rosinality(model: GeneratorModel, path: Path, precision: WeightPrecision) -> GraphFunction:
    rosinality_writer.write(cast(Any, model.G), path)
    return _synthesis_of(build(read_checkpoint(path)))


def _write_onnx(model: GeneratorModel, path: Path, precision: WeightPrecision) -> GraphFunction:
    graphs.write_onnx(graphs.trace_synthesis(model.G), path, "img", precision)
    graphs.write_onnx(graphs.trace_mapping(model.G), mapping_path(path), "w")
    return graphs.open_onnx(path)


def _write_openvino(model: GeneratorModel, path: Path, precision: WeightPrecision) -> GraphFunction:
    graphs.write_openvino(graphs.trace_synthesis(model.G), path, "img", precision)
    graphs.write_openvino(graphs.trace_mapping(model.G), mapping_path(path), "w")
    return graphs.open_openvino(path)


def _write_torch_export(model: GeneratorModel, path: Path, precision: WeightPrecision) -> GraphFunction:
    graphs.write_torch_export(graphs.trace_synthesis(model.G), path)
    graphs.write_torch_export(graphs.trace_mapping(model.G), mapping_path(path))
    return graphs.open_torch_export(path)


WRITERS: dict[str, Callable[[GeneratorModel, Path, WeightPrecision], GraphFunction]] = {
    "safetensors": _write_safetensors,
    "onnx": _write_onnx,
    "openvino": _write_openvino,
    "rosinality": _write_rosinality,
    "torch-export": _write_torch_export,
}


def mapping_path(path: Path) -> Path:
    """Return the path of the second graph: 'face.onnx' -> 'face-mapping.onnx'."""
    return path.with_stem(f"{path.stem}-mapping")


def _synthesis_of(G: nn.Module) -> GraphFunction:
    return cast(GraphFunction, cast(Any, G).synthesis)


def _write_card(model: GeneratorModel, format: str, precision: str, path: Path) -> None:
    """Write what a graph does not hold and other tools need: sizes, the mean w for truncation, and the license."""
    sizes = ("z_dim", "c_dim", "w_dim", "num_ws", "img_resolution")
    card = {
        "format": format,
        "precision": precision,
        "generator": {"name": model.name, "family": model.family, "hash": model.hash},
        "licence": model.license,
        **{name: getattr(model.G, name) for name in sizes},
        "img": IMG_WORDS[model.img_channels],
        "img_channels": model.img_channels,
        **_picture_facts(model),
        "w_avg": [round(x, 7) for x in model.G.w_avg.tolist()],
    }
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def _picture_facts(model: GeneratorModel) -> dict[str, Any]:
    """Return the facts of a card that saving pictures and making labels need; empty for 8 bits and unnamed labels."""
    facts: dict[str, Any] = {} if model.bits == 8 else {"bits": model.bits}
    return facts | ({"label_columns": to_json(model.label_columns)} if model.label_columns else {})


def _sign_files(model: GeneratorModel, format: str, precision: str, folder: Path, path: Path) -> None:
    """Write the signed card that `faceloom verify` reads, beside the files that it covers."""
    facts = {"generator": {"name": model.name, "family": model.family, "hash": model.hash}, "licence": model.license}
    facts |= {"format": format, "precision": precision}
    sign_files(list(folder.iterdir()), folder / f"{path.stem}{SUFFIX}", facts)


@contextmanager
def _draft_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder; on success its files are moved into `target`, else they are deleted."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".export-", dir=target))
    except OSError as error:
        raise StoreError(f"cannot write into {target}: {error.strerror}", "choose another place with -o") from error
    try:
        yield folder
        for file in sorted(folder.iterdir()):
            file.replace(target / file.name)
    except OSError as error:
        raise StoreError(
            f"cannot write into {target}: {error.strerror or error}", "check that the disk has space"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
