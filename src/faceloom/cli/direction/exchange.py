"""`faceloom direction export` and `import`: directions in the formats of other programs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.direction.show import direction_facts
from faceloom.cli.output import note, open_studio, print_json, print_line, print_result


def export(
    direction: options.NamedDirection,
    output: options.Output,
    as_json: options.Json = False,
) -> None:
    """Write a direction for other programs: .npy (the step of one unit) or .npz (also its facts).

    \b
    Examples:
      faceloom direction export smile -o smile.npy
      faceloom direction export beard.safetensors -o beard.npz --json
    """
    import numpy as np

    from faceloom.edit import stylespace
    from faceloom.edit.stylespace import StyleDirection
    from faceloom.files import atomic_write

    if output.suffix not in (".npy", ".npz"):
        raise typer.BadParameter(f"'{output.suffix}' is neither .npy nor .npz", param_hint="--output")
    found = stylespace.load_named(direction)
    if isinstance(found, StyleDirection):
        raise typer.BadParameter(
            f"'{direction}' is a StyleSpace direction, which other programs cannot read", param_hint="DIRECTION"
        )
    step = (found.vector * found.per_unit).numpy()
    with atomic_write(output) as draft:
        if output.suffix == ".npy":
            np.save(draft, step)
        else:
            facts = {key: np.array(str(value)) for key, value in direction_facts(found).items()}
            np.savez(draft, step=step, **facts)  # type: ignore[arg-type]
    print_result({"output": str(output), **direction_facts(found)}, as_json)


def import_directions(
    file: Annotated[
        Path, typer.Argument(help="A .npy, .npz, .pt or .pkl of InterFaceGAN, GANSpace, Puzer or another.")
    ],
    name: Annotated[str | None, typer.Option(help="Name of the direction; by default the file's.")] = None,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Import directions that another program found in the same generator.

    A strength of 1 is the vector as stored. No code in the file is run.

    \b
    Examples:
      faceloom direction import stylegan_ffhq_age_w_boundary.npy --generator ffhq --name other-age
      faceloom direction import smile.npy --json
    """
    from faceloom.checkpoints.readers.latent_files import read_directions
    from faceloom.edit import directions
    from faceloom.settings import Settings

    studio = open_studio(generator=generator)
    steps = read_directions(file)
    imported = []
    for key, step in steps.items():
        stem = name or file.stem
        label = re.sub(r"[^\w.+-]", "_", stem if len(steps) == 1 else f"{stem}-{key}")
        direction = directions.from_vector(
            label, step, studio.generator, studio.latent_statistics, studio.generator.G.num_ws
        )
        path = Settings().directions / f"{label}{directions.SUFFIX}"
        directions.save(direction, path)
        imported.append({"output": str(path), **direction_facts(direction)})
    note(f"imported for {studio.generator.name}: a direction works only in the generator that it was fitted in")
    if as_json:
        print_json({"directions": imported})
    else:
        for facts in imported:
            print_line(facts["name"])
