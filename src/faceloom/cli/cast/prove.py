"""`faceloom cast prove`: measure what generated faces teach a small network about real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from faceloom.cli.output import note, open_studio, print_json, print_line, progress

GENERATED = "generated.safetensors"


def prove(
    real: Annotated[Path, typer.Argument(help="A folder of real portraits with a table labels.csv.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write the report into.")],
    count: Annotated[int, typer.Option(min=100, max=20_000, help="Number of generated faces.")] = 2000,
    seeds: Annotated[int, typer.Option(min=1, max=20, help="Number of seeds that everything is repeated with.")] = 5,
    real_counts: Annotated[
        str, typer.Option("--real", help="Numbers of real faces to train on, with commas.", metavar="NUMBERS")
    ] = "20,100",
    steps: Annotated[int, typer.Option(min=10, help="Training steps on generated faces.")] = 700,
    aligned: Annotated[bool, typer.Option("--aligned", help="The portraits are aligned squares already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train small networks on generated faces only, on a few real ones only, and on both; test them on real people.

    labels.csv has the columns file, person, and any of smile (0 or 1), glasses (0 or 1), age (years), matte (a picture
    that is white where the person is), mask (a gray picture with the numbers of the regions) and split (train,
    validation or test). Without a split, 40 % of the people are set aside for testing, by their names. The folder gets
    report.md, plot.svg, results.json and the generated faces, which a second run does not draw again.

    \b
    Examples:
      faceloom cast prove portraits/ -o proof
      faceloom cast prove portraits/ -o proof --count 5000 --real 20,50,200 --seeds 5
    """
    import json

    from faceloom.files import atomic_write
    from faceloom.workflows.prove import ProofConfig
    from faceloom.workflows.prove import prove as run
    from faceloom.workflows.prove_data import generate_faces, load_faces, read_folder, save_faces
    from faceloom.workflows.prove_report import to_json, to_markdown, to_svg

    config = ProofConfig(seeds=tuple(range(seeds)), real_counts=_numbers(real_counts), steps=steps)
    studio = open_studio(measure_threads=True)
    with progress(1.0, "proof") as draw:
        faces, notes = read_folder(studio, real, aligned=aligned, callback=lambda p, text: draw(0.1 * p, text))
        kept = output / GENERATED
        generated = load_faces(kept) if kept.exists() else None
        if generated is None or len(generated) != count:
            generated = generate_faces(studio, count, callback=lambda p, text: draw(0.1 + 0.4 * p, text))
            save_faces(generated, kept)
        proof = run(generated, faces, config=config, callback=lambda p, text: draw(0.5 + 0.5 * p, text))
    facts = to_json(proof)
    texts = {"report.md": to_markdown(proof), "plot.svg": to_svg(proof), "results.json": json.dumps(facts, indent=2)}
    for name, text in texts.items():
        with atomic_write(output / name) as draft:
            draft.write_text(text, encoding="utf-8")
    for line in notes:
        note(line)
    if as_json:
        print_json({"output": str(output), **facts})
    else:
        print_line(texts["report.md"])
        print_line(f"{output / 'report.md'}, {output / 'plot.svg'}, {output / 'results.json'}")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(sorted({int(part) for part in text.split(",") if part.strip()}))
    except ValueError:
        numbers = ()
    if not numbers or numbers[0] < 2:
        raise typer.BadParameter(f"'{text}' does not list numbers from 2 on, as 20,100", param_hint="--real")
    return numbers
