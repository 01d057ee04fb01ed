"""`faceloom models import`, `convert` and `remove`: checkpoints of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.models.show import show_generator
from faceloom.cli.output import print_json, print_line, print_result

Bgr = Annotated[bool, typer.Option("--bgr", help="The generator draws BGR, as those trained with MMGeneration do.")]


def import_(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .pkl, .pt, .pth, or a folder of 'models convert'.")],
    name: Annotated[str, typer.Option("--name", help="Name of the generator.")],
    license: Annotated[str, typer.Option("--license", help="The terms of the checkpoint; stored with it.")] = "",
    bgr: Bgr = False,
    as_json: options.Json = False,
) -> None:
    """Import a StyleGAN 1, 2 or 3 generator into the models folder. No code in the file is run.

    \b
    Examples:
      faceloom models import network-snapshot-025000.pkl --name cats
      faceloom models import 550000.pt --name mine --license "CC BY 4.0, by me"
    """
    from faceloom.checkpoints.importing import import_checkpoint

    import_checkpoint(file, name, license=license, bgr=bgr)
    show_generator(name, as_json)


def convert(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .pkl, .pt or .pth.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A new or empty folder.")],
    bgr: Bgr = False,
    as_json: options.Json = False,
) -> None:
    """Convert a generator to safetensors with a JSON card, in any folder.

    \b
    Examples:
      faceloom models convert stylegan2-ffhq-config-f.pkl -o ffhq
      faceloom models convert own-mmgeneration.pth --bgr -o own
    """
    from faceloom.checkpoints.importing import convert_checkpoint

    folder = convert_checkpoint(file, output, bgr=bgr)
    print_result({"output": str(folder)}, as_json)


def remove(name: Annotated[str, typer.Argument(help="An imported generator.")], as_json: options.Json = False) -> None:
    """Delete an imported generator; its likenesses can then no longer be drawn.

    \b
    Examples:
      faceloom models remove cats
      faceloom models remove cats --json
    """
    from faceloom.checkpoints.library import remove_model

    remove_model(name)
    if as_json:
        print_json({"removed": name})
    else:
        print_line(f"{name} was removed")
