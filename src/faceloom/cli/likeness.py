"""`faceloom likeness`: import latent codes of other programs as likeness files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.output import open_studio, print_json

app = typer.Typer(help="Likeness files: people as latent codes of a generator.", no_args_is_help=True)


@app.callback()
def _likeness() -> None:
    """Likeness files: people as latent codes of a generator."""


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="Latent codes: projected_w.npz, .npy, or a .pt of pSp, e4e, rosinality or PTI.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The likeness file.")],
    person: Annotated[int, typer.Option(min=0, help="Index of the person in a file of several, from 0.")] = 0,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Import a latent code that another program found in the same generator as a likeness.

    \b
    Examples:
      faceloom likeness import projected_w.npz --generator ffhq -o me.likeness
      faceloom likeness import latents.pt --person 3 --generator ffhq -o friend.likeness
    """

    found, count = open_studio(generator=generator).load_latents(file, person)
    found.save(output)
    if as_json:
        print_json({"output": str(output), "person": person, "of": count, "generator": found.generator_name})
    else:
        print(f"{output}: person {person} of {count}")
