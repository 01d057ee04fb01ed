"""`faceloom encode`: a person's likeness from a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from faceloom.cli.align import FaceNumber
from faceloom.cli.output import AsJson, Device, GeneratorName, Precision, note, open_studio, print_json, progress


def encode(
    photo: Annotated[Path, typer.Argument(help="A picture with a face.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The likeness file; PHOTO's name with .likeness by default.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="The deadline of the search.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Stop after so many steps; repeatable to the bit.")] = None,
    face: FaceNumber = None,
    space: Annotated[str, typer.Option(help="w_plus (closer) or w (plainer, edits more freely).")] = "w_plus",
    seed: Annotated[int, typer.Option(help="Of the search's randomness.")] = 0,
    preview: Annotated[Path | None, typer.Option(help="Also save the reproduced face as a picture.")] = None,
    precision: Precision = None,
    device: Device = "cpu",
    generator: GeneratorName = None,
    as_json: AsJson = False,
) -> None:
    """Find a person's likeness: search the generator for the face in a photo until the deadline (120 s).

    Ctrl-C ends the search early and keeps the best so far.

    \b
    Examples:
      faceloom encode me.jpg --seconds 60 -o me.likeness
      faceloom encode party.jpg --face 1 --steps 100 --preview second.png --json
    """
    from faceloom import likeness
    from faceloom.images import open_photo, save_picture
    from faceloom.invert.optimize import OptimizeConfig

    if space not in ("w", "w_plus"):
        raise typer.BadParameter(f"'{space}' is neither w nor w_plus", param_hint="--space")
    if seconds is None and steps is None:
        seconds = 120.0
    output = output or Path(f"{photo.stem}.likeness")
    studio = open_studio(precision, generator, device=device)
    opened = open_photo(photo)
    config = OptimizeConfig(seconds=seconds, steps=steps, space="w" if space == "w" else "w_plus", seed=seed)
    with progress(1.0, "searching") as draw:
        person = studio.encode(opened, face=face, config=config, callback=lambda step: draw(*_progress(step)))
    likeness.save(person, output)
    if preview:
        save_picture(studio.render(person), preview, ai_generated=True)
    _report(output, person.quality, person.provenance, as_json)


def _progress(step: dict[str, Any]) -> tuple[float, str]:
    return step["progress"], f"step {step['step'] + 1}, loss {step['best']:.3f}"


def _report(output: Path, quality: Any, provenance: Any, as_json: bool) -> None:
    for text in provenance["notes"]:
        note(text)
    if provenance["interrupted"]:
        note("interrupted: the best so far was kept")
    if as_json:
        keys = ("seconds", "steps", "face", "interrupted", "precision", "notes")
        print_json({"output": str(output), **quality, **{key: provenance[key] for key in keys}})
    else:
        print(f"{output}: LPIPS {quality['lpips']:.3f}, MSE {quality['mse']:.4f}, {provenance['steps']} steps")
