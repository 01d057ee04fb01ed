"""`faceloom metrics`: how like two sets of pictures are, and how smooth a generator's space is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.dataset import shown
from faceloom.cli.output import note, open_studio, print_json, progress

if TYPE_CHECKING:
    from torch import Tensor

    from faceloom.metrics import Comparison, FeatureNet
    from faceloom.networks.generator import Generator

DRAWN = 1000  # people of a generator where --count says nothing
STEPS = 200  # of the path length


def metrics(
    a: Annotated[str, typer.Argument(help="What is measured: a folder, a dataset zip, or a generator's name or file.")],
    b: Annotated[Path, typer.Argument(help="What it is measured against: a folder or a dataset zip of real pictures.")],
    count: Annotated[
        int | None, typer.Option(min=4, help="Pictures of each at most; of a generator 1000 by default.")
    ] = None,
    features: Annotated[str, typer.Option(help="vgg16, or inception with its weights' file.")] = "vgg16",
    weights: Annotated[Path | None, typer.Option(help="Inception-v3: safetensors or a state dict.")] = None,
    sha256: Annotated[str | None, typer.Option(help="The sha256 of that file.")] = None,
    psi: Annotated[float, typer.Option(help="Truncation of a generator's people; papers state 1.")] = 1.0,
    ppl: Annotated[
        int, typer.Option(min=0, help="Steps of the perceptual path length of a generator; 0 for none.")
    ] = STEPS,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="The first person's seed.")] = 0,
    device: options.Device = "cpu",
    as_json: options.Json = False,
) -> None:
    """Compare pictures with real ones: Frechet and kernel distance, precision, recall; path length of a generator.

    Distances through VGG16 are no FID and cannot be compared with one. FID and KID need Inception-v3's weights
    (pt_inception-2015-12-05), which you give as a file, with --features inception --weights FILE --sha256 HEX.

    \b
    Examples:
      faceloom metrics generated.zip real.zip
      faceloom metrics mobilestylegan-ffhq faces.zip --count 2000 --json
      faceloom metrics snapshot.pkl real.zip --features inception --weights inception.pth --sha256 6726825d...
    """
    from faceloom.metrics import compare, extract, opened

    collection = _is_collection(a)
    studio = open_studio(generator=None if collection else a, device=device)
    net = _network(features, weights, sha256, studio.device)
    G = None if collection else studio.generator.G
    with _told(a, _count_of(Path(a), count) if G is None else count or DRAWN) as tell:
        pictures = _drawn(G, count or DRAWN, seed, psi, tell) if G else opened(Path(a), count, tell, _broken)
        seen_a = extract(net, pictures)
    with _told(str(b), _count_of(b, count)) as tell:
        seen_b = extract(net, opened(b, count, tell, _broken))
    found = compare(net, seen_a, seen_b)
    length = _path_length(G, ppl, seed, studio.device) if G and ppl else None
    facts = {
        "a": a,
        "b": str(b),
        **asdict(found),
        "ppl": length,
        "ppl_steps": ppl if G else 0,
        "psi": psi if G else None,
    }
    if as_json:
        print_json(facts)
    else:
        _tell(found, length, ppl)


def _network(features: str, weights: Path | None, sha256: str | None, device: str) -> FeatureNet:
    if features == "vgg16":
        from faceloom.checkpoints.load import load_lpips
        from faceloom.metrics import VggFeatures

        return VggFeatures(load_lpips("vgg16").to(device))
    if features != "inception":
        raise typer.BadParameter(f"'{features}' is none of vgg16, inception", param_hint="--features")
    if not (weights and sha256):
        raise typer.BadParameter("inception needs --weights FILE and --sha256 HEX", param_hint="--features")
    from faceloom.checkpoints.readers.inception import load_inception
    from faceloom.metrics import InceptionFeatures

    return InceptionFeatures(load_inception(weights, sha256).to(device))


def _is_collection(name: str) -> bool:
    """A folder of pictures, a zip, a tar, a film; anything else is a generator."""
    from faceloom.datasets.sources import FILMS

    path = Path(name)
    return (path.is_dir() and not any(path.glob("*.safetensors"))) or path.suffix.lower() in (".zip", ".tar", *FILMS)


def _count_of(path: Path, count: int | None) -> int:
    from faceloom.datasets import SourceConfig, open_source

    there = open_source(path, SourceConfig(labels="none")).count
    return min(there, count) if count else there


def _drawn(G: Generator, count: int, seed: int, psi: float, tell: Callable[[int, str], None]) -> Iterator[Tensor]:
    from faceloom.metrics import drawn

    return drawn(G, count, seed=seed, psi=psi, callback=tell)


@contextmanager
def _told(what: str, total: int) -> Iterator[Callable[[int, str], None]]:
    with progress(total or 1, shown(f"looking at {Path(what).name}")) as draw:
        yield lambda done, detail: draw(done, shown(detail))


def _broken(_: int, what: str) -> None:
    note(shown(f"left out: {what}"))


def _path_length(G: Generator, steps: int, seed: int, device: str) -> float:
    from faceloom.checkpoints.load import load_lpips
    from faceloom.metrics import path_length

    with progress(steps, "path length") as draw:
        return path_length(G, load_lpips("vgg16").to(device), steps, seed=seed, callback=lambda done: draw(done, ""))


def _tell(found: Comparison, length: float | None, steps: int) -> None:
    rows: list[tuple[str, Any]] = [
        (found.frechet_name, f"{found.frechet:.4g}"),
        (found.kernel_name, f"{found.kernel.mean:.4g} +- {found.kernel.std:.2g}"),
        ("precision, recall", f"{found.manifolds.precision:.3f}, {found.manifolds.recall:.3f}"),
    ]
    if length is not None:
        rows.append((f"perceptual path length ({steps} steps in W)", f"{length:.1f}"))
    print(f"{found.counts[0]} pictures against {found.counts[1]}")
    for name, value in rows:
        print(f"{name}: {value}")
    for sentence in found.notes:
        print(sentence)
