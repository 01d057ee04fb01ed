"""`faceloom style`: fit styles to pictures, and show them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, open_studio, print_json, print_line, progress

app = typer.Typer(help="Styles: fit one to a few pictures, list and show them.", no_args_is_help=True)


@app.command()
def fit(
    pictures: Annotated[
        list[Path],
        typer.Argument(help="1 to 50 pictures in one style, each with a face. A folder stands for its pictures."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The style file, NAME.style.")],
    seconds: Annotated[float, typer.Option(min=1, max=36000, help="Seconds of the fit.")] = 240.0,
    steps: Annotated[int | None, typer.Option(min=1, help="Stop after this many steps.")] = None,
    rank: Annotated[int, typer.Option(min=1, max=128, help="Rank of the changes of large weights.")] = 24,
    keep_identity: Annotated[
        float, typer.Option(min=0, max=10, help="Weight of the identity of random people while the style is fitted.")
    ] = 0.5,
    squares: Annotated[
        int, typer.Option(help="Draw pictures in this many one-colored squares a side: 16, 32, 64 or 128; 0 for none.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Fit a style to 1 to 50 pictures: a drawing, a painting, a comic, a mask.

    The generator's weights are changed a little until its faces look like the pictures. A picture with a likeness file
    of the same name beside it was drawn from that generated face, and is compared pixel by pixel.

    \b
    Examples:
      faceloom style fit drawing.jpg -o drawing.style
      faceloom style fit comics/ --seconds 300 -o comic.style
      faceloom edit me.likeness --style comic.style --strength 0.7 -o me-comic.png
    """
    from faceloom.invert.fit_style import StyleConfig

    studio = open_studio(generator=generator, measure_threads=True)
    config = StyleConfig(seconds=seconds, steps=steps, rank=rank, identity_weight=keep_identity, seed=seed)
    with progress(1, "fitting") as draw:
        fitted = studio.fit_style(
            list_pictures(pictures),
            name=output.stem,
            squares=squares,
            config=config,
            callback=lambda step: draw(step["progress"], f"step {step['step']}, loss {step['loss']:.3f}"),
        )
    fitted.style.save(output)
    facts = {"output": str(output), "steps": fitted.fit.steps, "seconds": fitted.fit.seconds, "loss": fitted.fit.loss}
    if as_json:
        print_json(facts | {"bytes": output.stat().st_size, "notes": list(fitted.notes)})
        return
    for sentence in fitted.notes:
        note(sentence)
    note(f"{fitted.fit.steps} steps in {fitted.fit.seconds:.0f} s, {output.stat().st_size / 1e6:.2f} MB")
    print_line(output)


@app.command("list")
def list_styles(as_json: options.Json = False) -> None:
    """List the styles that come with faceloom."""
    from faceloom.workflows.styling import list_styles

    names = list_styles()
    if as_json:
        print_json({"styles": list(names)})
        return
    for name in names:
        print_line(name)


@app.command()
def show(
    style: Annotated[str, typer.Argument(help="The name of a style that comes with faceloom, or a style file.")],
    as_json: options.Json = False,
) -> None:
    """Show a style's card: its generator, its examples, and how it was fitted."""
    from faceloom.workflows.styling import load_style

    card: dict[str, Any] = load_style(style).card
    if as_json:
        print_json(card)
        return
    provenance = card["provenance"]
    print_line(f"{card['name']}: a style of {card['generator']['name']} ({card['generator']['hash'][:8]})")
    print_line(
        f"fitted to {len(provenance.get('examples', ()))} pictures on {provenance.get('date', 'an unknown day')}"
    )


def list_pictures(paths: list[Path]) -> list[Path]:
    """Return the picture files; a folder stands for the pictures in it, sorted. Raises BadParameter without any."""
    from faceloom.images.save import FORMATS

    found = []
    for path in paths:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        found += [file for file in inside if not path.is_dir() or file.suffix.lower() in FORMATS]
    if not found:
        raise typer.BadParameter("there are no pictures", param_hint="PICTURES")
    return found
