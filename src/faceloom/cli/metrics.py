"""`faceloom metrics`: compare two sets of pictures, and measure a generator's perceptual path length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, open_studio, print_json, print_line, progress

if TYPE_CHECKING:
    from torch import Tensor

    from faceloom.label_columns import Columns
    from faceloom.metrics import Comparison, FeatureNet
    from faceloom.networks.generator import Generator

DEFAULT_COUNT = 1000  # generated faces when --count is not given
PATH_LENGTH_STEPS = 200  # default number of steps of the path length


def metrics(
    a: Annotated[
        str, typer.Argument(help="The pictures to measure: a folder, a dataset zip, or a generator's name or file.")
    ],
    b: Annotated[Path, typer.Argument(help="The real pictures to compare with: a folder or a dataset zip.")],
    count: Annotated[
        int | None, typer.Option(min=4, help="Maximum number of pictures of each set; 1000 by default for a generator.")
    ] = None,
    features: Annotated[str, typer.Option(help="vgg16, or inception with --weights.")] = "vgg16",
    weights: Annotated[
        Path | None, typer.Option(help="File of Inception-v3 weights: safetensors or a state dict.")
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="The sha256 of the weights file.")] = None,
    psi: Annotated[float, typer.Option(help="Truncation of the generated faces; papers use 1.")] = 1.0,
    ppl: Annotated[
        int, typer.Option(min=0, help="Number of steps of the generator's perceptual path length; 0 leaves it out.")
    ] = PATH_LENGTH_STEPS,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Seed of the first generated face.")] = 0,
    device: options.Device = "cpu",
    as_json: options.Json = False,
) -> None:
    """Compare pictures with real ones: Frechet and kernel distance, precision, recall; path length of a generator.

    Distances on VGG16 features are not FID and cannot be compared with it. FID and KID need the Inception-v3 weights
    pt_inception-2015-12-05 as a file, given by --features inception --weights FILE --sha256 HEX.

    \b
    Examples:
      faceloom metrics generated.zip real.zip
      faceloom metrics mobilestylegan-ffhq faces.zip --count 2000 --json
      faceloom metrics snapshot.pkl real.zip --features inception --weights inception.pth --sha256 6726825d...
    """
    from faceloom.metrics import compare, extract, open_pictures

    collection = _is_collection(a)
    studio = open_studio(generator=None if collection else a, device=device)
    net = _network(features, weights, sha256, studio.device)
    G = None if collection else studio.generator.G
    columns = () if collection else studio.generator.label_columns
    with _report_progress(a, _count_of(Path(a), count) if G is None else count or DEFAULT_COUNT) as report:
        pictures = (
            _drawn(G, count or DEFAULT_COUNT, seed, psi, columns, report)
            if G
            else open_pictures(Path(a), count, report, _report_broken)
        )
        features_a = extract(net, pictures)
    with _report_progress(str(b), _count_of(b, count)) as report:
        features_b = extract(net, open_pictures(b, count, report, _report_broken))
    comparison = compare(net, features_a, features_b)
    length = _path_length(G, ppl, seed, columns, studio.device) if G and ppl else None
    facts = {
        "a": a,
        "b": str(b),
        **asdict(comparison),
        "ppl": length,
        "ppl_steps": ppl if G else 0,
        "psi": psi if G else None,
    }
    if as_json:
        print_json(facts)
    else:
        _print_comparison(comparison, length, ppl)


def _network(features: str, weights: Path | None, sha256: str | None, device: str) -> FeatureNet:
    if features == "vgg16":
        from faceloom.checkpoints.load import load_lpips
        from faceloom.metrics import VggFeatures

        return VggFeatures(load_lpips("vgg16").to(device))
    if features != "inception":
        raise typer.BadParameter(f"'{features}' is not one of vgg16, inception", param_hint="--features")
    if not (weights and sha256):
        raise typer.BadParameter("inception needs --weights FILE and --sha256 HEX", param_hint="--features")
    from faceloom.checkpoints.load import load_inception
    from faceloom.metrics import InceptionFeatures

    return InceptionFeatures(load_inception(weights, sha256).to(device))


def _is_collection(name: str) -> bool:
    """Return whether a name is a folder of pictures, a zip, a tar or a film; other names are generators."""
    from faceloom.datasets.sources import VIDEO_ENDINGS

    path = Path(name)
    return (path.is_dir() and not any(path.glob("*.safetensors"))) or path.suffix.lower() in (
        ".zip",
        ".tar",
        *VIDEO_ENDINGS,
    )


def _count_of(path: Path, count: int | None) -> int:
    from faceloom.datasets import SourceConfig, open_source

    there = open_source(path, SourceConfig(labels="none")).count
    return min(there, count) if count else there


def _drawn(
    G: Generator, count: int, seed: int, psi: float, columns: Columns, report: Callable[[int, str], None]
) -> Iterator[Tensor]:
    from faceloom.metrics import generate_pictures

    return generate_pictures(G, count, seed=seed, psi=psi, callback=report, label_columns=columns)


@contextmanager
def _report_progress(name: str, total: int) -> Iterator[Callable[[int, str], None]]:
    with progress(total or 1, f"reading {Path(name).name}") as draw:
        yield lambda done, detail: draw(done, detail)


def _report_broken(_: int, name: str) -> None:
    note(f"left out: {name}")


def _path_length(G: Generator, steps: int, seed: int, columns: Columns, device: str) -> float:
    from faceloom.checkpoints.load import load_lpips
    from faceloom.metrics import path_length

    with progress(steps, "path length") as draw:
        lpips = load_lpips("vgg16").to(device)
        return path_length(G, lpips, steps, seed=seed, callback=lambda done: draw(done, ""), label_columns=columns)


def _print_comparison(comparison: Comparison, length: float | None, steps: int) -> None:
    rows: list[tuple[str, Any]] = [
        (comparison.frechet_name, f"{comparison.frechet:.4g}"),
        (comparison.kernel_name, f"{comparison.kernel.mean:.4g} +- {comparison.kernel.std:.2g}"),
        ("precision, recall", f"{comparison.manifolds.precision:.3f}, {comparison.manifolds.recall:.3f}"),
    ]
    if length is not None:
        rows.append((f"perceptual path length ({steps} steps in W)", f"{length:.1f}"))
    print_line(f"{comparison.counts[0]} pictures against {comparison.counts[1]}")
    for name, value in rows:
        print_line(f"{name}: {value}")
    for sentence in comparison.notes:
        print_line(sentence)
