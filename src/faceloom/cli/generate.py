"""`faceloom generate`: generate faces from seeds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from faceloom.cli import options
from faceloom.cli.output import draw_in_style, open_studio, print_json, print_line, progress


def generate(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder for the pictures or sounds.")],
    seeds: Annotated[
        str, typer.Option(help="Seeds and ranges of seeds, both ends included: 0-15 or 3,8,20-24.")
    ] = "0-15",
    psi: Annotated[
        float, typer.Option(help="Truncation: 0 draws the mean face, 0.7 typical faces, 1 the whole distribution.")
    ] = 0.7,
    size: options.Sizes = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="For a conditional generator: a class, as 2, the numbers of a label, as 0.3,1,0, or the values of its "
            "columns by name, as kind=star,size=0.3."
        ),
    ] = None,
    style: options.Style = None,
    strength: options.Strength = None,
    audio: Annotated[
        bool, typer.Option("--audio", help="Write WAV files, from a generator that was trained on sounds.")
    ] = False,
    sheet: Annotated[bool, typer.Option("--sheet", help="Also save a contact sheet.")] = False,
    engine: options.Engine = "torch",
    precision: options.Precision = None,
    device: options.Device = "cpu",
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Generate one face for each seed. Seed n is z = numpy.random.RandomState(n).randn(1, 512), as in NVIDIA's code.

    A generator that was trained on gray, 16-bit gray or transparent pictures writes PNGs of the same kind.
    With --audio, a generator that was trained on sounds writes WAV files. Its spectrograms are on the sheet.

    \b
    Examples:
      faceloom generate --seeds 0-15 --psi 0.7 -o people
      faceloom generate --seeds 7,42 --size 512 --sheet -o two --json
      faceloom generate --seeds 0-15 --style ink -o drawn
      faceloom generate --generator cats --label 1 -o cats
      faceloom generate --generator lights --label 0.3,1,0 -o lit
      faceloom generate --generator icons --label kind=star,hue=0.6 -o stars
      faceloom generate --generator digits --label 7 --audio --psi 1 -o sevens
    """
    from faceloom.edit.generate import parse_label
    from faceloom.images import make_contact_sheet, save_picture
    from faceloom.images.channels import resize
    from faceloom.sounds.save import save_sound

    if audio and size is not None:
        raise typer.BadParameter("sounds have no size in pixels", param_hint="--size")

    numbers = parse_seeds(seeds)
    label_value = None if label is None else parse_label(label)
    studio = open_studio(precision, generator, engine=engine, device=device, images=len(numbers))
    pictures, thumbnails = [], []
    with progress(len(numbers), "drawing") as draw:
        for i, seed in enumerate(numbers, start=1):
            person = draw_in_style(studio, studio.generate(seed, psi, label=label_value), style, strength)
            path, picture = output / f"seed{seed:04d}", studio.render(person, size) if sheet or not audio else None
            if audio:
                saved = save_sound(
                    studio.render_sound(person), path.with_suffix(".wav"), ai_generated=True, origin=person.made_by
                )
            elif picture:
                saved = save_picture(picture, path.with_suffix(".png"), ai_generated=True, origin=person.made_by)
            pictures.append({"seed": seed, "output": str(saved)})
            thumbnails += [resize(picture, (192, 192))] if sheet and picture else []
            draw(i, f"seed {seed}")
    if sheet:
        labels = [f"seed {seed}" for seed in numbers]
        drawn = make_contact_sheet(thumbnails, 8, 192, labels)
        save_picture(drawn, output / "sheet.png", ai_generated=True, origin=studio.made_by)
    if as_json:
        print_json({"pictures": pictures, "psi": psi})
    else:
        print_line(f"{len(pictures)} {'sounds' if audio else 'pictures'} in {output}")


def parse_seeds(text: str) -> list[int]:
    """Parse '3,8,20-24'; a range includes both ends. Raises typer.BadParameter for anything else."""
    numbers: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < 2**32 or last - first >= 100_000:
            raise typer.BadParameter(f"'{part}' is not a seed or a range of seeds", param_hint="--seeds")
        numbers.extend(range(first, last + 1))
    return numbers
