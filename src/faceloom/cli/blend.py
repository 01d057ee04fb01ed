"""`faceloom blend`: blend two generators of one family layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.output import print_json, print_line


def blend(
    a: Annotated[str, typer.Argument(help="The generator of the coarse layers: a name or a checkpoint file.")],
    b: Annotated[
        str,
        typer.Argument(help="The generator of the fine layers, trained from A: a name, a file, or a style of A."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder for the new generator.")],
    switch: Annotated[
        int, typer.Option(min=1, max=4096, help="Resolution in pixels from which on the layers are B's.")
    ] = 32,
    ramp: Annotated[
        float,
        typer.Option(min=0, max=10, help="Doublings of the resolution over which A goes over into B; 0 switches."),
    ] = 0.0,
    as_json: options.Json = False,
) -> None:
    """Blend two generators of one family layer by layer: the shapes of A with the textures of B.

    Both draw related faces for the same latent only if one was trained from the other. The new generator is a folder:
    use it with --generator FOLDER, or import it by a name.

    \b
    Examples:
      faceloom blend ffhq cartoons -o soft-cartoons --switch 32 --ramp 2
      faceloom blend mobilestylegan-ffhq ink.style -o ink-lines --switch 128
    """
    from faceloom.workflows.blending import blend_generators

    done = blend_generators(a, b, output, switch=switch, ramp=ramp)
    if as_json:
        print_json({"output": str(done.path), "hash": done.hash, "licence": done.license})
    else:
        print_line(f"{done.path}: {a} below {switch} px, {b} from there on")
