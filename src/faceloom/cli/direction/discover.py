"""`faceloom direction discover`: find unsupervised directions, name them and draw a sheet of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import open_studio, print_json, print_line, progress

if TYPE_CHECKING:
    from faceloom.edit.directions import Direction
    from faceloom.edit.discover import Component
    from faceloom.edit.stylespace import StyleDirection
    from faceloom.workflows.studio import Studio

    Measure = Callable[[Direction], dict[str, float]]


def discover(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for directions and sheets.")],
    method: Annotated[
        str, typer.Option(help="sefa (closed-form factorization of the styles) or pca (principal axes of W).")
    ] = "sefa",
    count: Annotated[int, typer.Option(min=1, max=512, help="Number of directions.")] = 10,
    layers: Annotated[str | None, typer.Option(help="Layers: coarse, middle, fine, all, or numbers.")] = None,
    seeds: Annotated[str, typer.Option(help="Seeds of the faces on the sheets.")] = "3,5,11,24",
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Discover directions without labels, draw a sheet of each, and name it by the attributes that it changes.

    \b
    Examples:
      faceloom direction discover --method sefa --layers middle --count 10 -o directions
      faceloom direction discover --method pca --count 5 -o axes --json
    """
    from faceloom.cli.generate import parse_seeds
    from faceloom.edit.discover import pca, sefa

    if method not in ("sefa", "pca"):
        raise typer.BadParameter(f"'{method}' is neither sefa nor pca", param_hint="--method")
    studio = open_studio(generator=generator)
    chosen = parse_layers(studio, layers)
    G, people = studio.fast_generator.G, studio.latent_statistics
    found = sefa(G, people, count, chosen) if method == "sefa" else pca(people, count, chosen)
    shown = [studio.generate(seed, 0.8).w_plus for seed in parse_seeds(seeds)]
    index: list[dict[str, Any]] = []
    with progress(len(found) + 1, "drawing") as draw:
        measure = _measure(studio)
        for component in found:
            draw(component.number, f"{component.method}-{component.number}")
            index.append(_describe(studio, component, measure, shown, output))
    _write_index(output, index)
    if as_json:
        print_json({"output": str(output), "method": method, "directions": index})
    else:
        for entry in index:
            print_line(f"{entry['file']:<20} {100 * entry['explained']:5.1f} %  {entry['moves']}")


def _describe(
    studio: Studio, component: Component, measure: Measure, shown: Sequence[Any], folder: Path
) -> dict[str, Any]:
    """Name a component, save its file and its sheet, and return its entry in the index."""
    from faceloom.edit import directions
    from faceloom.edit.discover import name_direction
    from faceloom.images import save_picture

    direction = component.to_direction(studio.generator)
    moved = measure(direction)
    direction = replace(direction, notes=name_direction(moved))
    directions.save(direction, folder / f"{direction.name}.safetensors")
    sheet = direction_sheet(studio, direction, shown)
    save_picture(sheet, folder / f"{direction.name}.png", ai_generated=True, origin=studio.made_by)
    return {
        "file": f"{direction.name}.safetensors",
        "moves": direction.notes,
        "explained": round(component.explained, 4),
        "per_unit": round(component.sigma, 4),
        "shifts": {trait: round(by, 3) for trait, by in moved.items()},
    }


def _measure(studio: Studio) -> Measure:
    """Return a function that measures how a direction changes each attribute."""
    import torch

    from faceloom.checkpoints.shipped import load_analyzer
    from faceloom.edit.discover import attribute_sigmas, measure_shifts, read_faces
    from faceloom.edit.generate import generate_latents

    G, read = studio.fast_generator.G, load_analyzer()
    c = torch.eye(G.c_dim)[:1] if G.c_dim else None
    people = generate_latents(G, range(9000, 9040), 1.0, c=c)
    sigmas = attribute_sigmas(read_faces(G, people, read))

    def measured(direction: Direction) -> dict[str, float]:
        return measure_shifts(G, direction, people[:12], read, sigmas)

    return measured


STRENGTHS = (-3.0, -1.5, 0.0, 1.5, 3.0)  # standard deviations
TILE = 160  # pixels; side of a picture on a sheet


def direction_sheet(studio: Studio, direction: Direction | StyleDirection, people: Sequence[Any]) -> Any:
    """Draw a contact sheet: one person per row, one strength (in standard deviations) per column."""
    import torch

    from faceloom.edit.stylespace import render_step
    from faceloom.images import area_resize, make_contact_sheet, to_pixels

    G, tiles, labels = studio.fast_generator.G, [], []
    sigma = direction.sigma or 1.0
    for w_plus in people:
        for strength in STRENGTHS:
            with torch.no_grad():
                img = render_step(G, w_plus, direction, strength * sigma)
            tiles.append(to_pixels(area_resize(img, TILE)))
            labels.append(f"{strength * sigma:+.3g} {direction.unit}")
    return make_contact_sheet(tiles, len(STRENGTHS), TILE, labels)


def _write_index(folder: Path, index: list[dict[str, Any]]) -> None:
    import json

    from faceloom.files import atomic_write

    with atomic_write(folder / "index.json") as draft:
        draft.write_text(json.dumps({"directions": index}, indent=2) + "\n", encoding="utf-8")


def parse_layers(studio: Studio, text: str | None) -> list[int] | None:
    """Parse a choice of layers; None stands for the default."""
    from faceloom import latents

    return latents.parse_layers(text, studio.generator.G.layer_resolutions) if text else None
