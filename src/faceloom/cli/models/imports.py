"""`faceloom models import`, `convert` and `remove`: generators that others trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.models.show import show_generator
from faceloom.cli.output import print_json, tell

Bgr = Annotated[bool, typer.Option("--bgr", help="It draws blue first, as what was trained with MMGeneration does.")]


def import_(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .pkl, .pt, .pth, or a folder of 'models convert'.")],
    name: Annotated[str, typer.Option("--name", help="What to call it.")],
    licence: Annotated[str, typer.Option("--licence", help="On what terms you have it; kept with it.")] = "",
    bgr: Bgr = False,
    as_json: options.Json = False,
) -> None:
    """Take a StyleGAN 1, 2 or 3 generator into the models folder. Nothing in the file is run.

    \b
    Examples:
      faceloom models import network-snapshot-025000.pkl --name cats
      faceloom models import 550000.pt --name mine --licence "CC BY 4.0, by me"
    """
    from faceloom.checkpoints.library import import_checkpoint

    import_checkpoint(file, name, licence=licence, bgr=bgr)
    show_generator(name, as_json)


def convert(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .pkl, .pt or .pth.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder that is empty or not there.")],
    bgr: Bgr = False,
    as_json: options.Json = False,
) -> None:
    """Convert a generator to safetensors with a JSON card, in any folder.

    \b
    Examples:
      faceloom models convert stylegan2-ffhq-config-f.pkl -o ffhq
      faceloom models convert own-mmgeneration.pth --bgr -o own
    """
    from faceloom.checkpoints.library import convert_checkpoint

    folder = convert_checkpoint(file, output, bgr=bgr)
    tell({"output": str(folder)}, as_json)


def remove(name: Annotated[str, typer.Argument(help="An imported generator.")], as_json: options.Json = False) -> None:
    """Delete an imported generator; likenesses found in it can no longer be drawn.

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
        print(f"{name} is gone")
