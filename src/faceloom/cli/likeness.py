"""`faceloom likeness`: import latent codes of other programs as likeness files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import note, open_studio, print_json, print_line

if TYPE_CHECKING:
    from faceloom.checkpoints.people import ForeignPeople
    from faceloom.workflows.studio import Studio

app = typer.Typer(help="Likeness files: people as latent codes of a generator.", no_args_is_help=True)

SPACES = ("z", "w", "w_plus")


@app.callback()
def _likeness() -> None:
    """Likeness files: people as latent codes of a generator."""


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="Latent codes: projected_w.npz, .npy, or a .pt of pSp, e4e, rosinality or PTI.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The likeness file; with --all a folder.")],
    person: Annotated[
        str | None,
        typer.Option(
            help="Number, from 0, or name of the person in a file of several; 0 by default.", metavar="PERSON"
        ),
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Import every person in the file into a folder.")] = False,
    space: Annotated[
        str | None,
        typer.Option(help="Space of the numbers: z, w or w_plus; by default decided by their names and shape."),
    ] = None,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Import latent codes that another program found in the same generator as likenesses.

    \b
    Examples:
      faceloom likeness import projected_w.npz --generator ffhq -o me.likeness
      faceloom likeness import latents.pt --person 3 --generator ffhq -o friend.likeness
      faceloom likeness import projector.pt --all --generator ffhq -o friends
    """
    if everyone and person is not None:
        raise typer.BadParameter("--all imports every person, --person one: give one of them")
    if space not in (None, *SPACES):
        raise typer.BadParameter(f"--space {space}: expected {', '.join(SPACES)}")
    studio = open_studio(generator=generator)
    people = studio.read_people(file, space)  # type: ignore[arg-type]  # checked above
    for sentence in people.notes:
        note(sentence)
    if everyone:
        _import_all(studio, people, file, output, as_json)
        return
    index = people.find(person or 0)
    found = studio.make_imported(file, people, index)
    found.save(output)
    facts = _describe(people, index, output)
    if as_json:
        print_json({**facts, "of": len(people.names), "generator": found.generator_name, "notes": list(people.notes)})
    else:
        print_line(f"{output}: {_title(people, index)}")


def _import_all(studio: Studio, people: ForeignPeople, file: Path, folder: Path, as_json: bool) -> None:
    """Save every person as a likeness named by number and name, so that the files sort in the source's order."""
    imported = []
    digits = len(str(len(people.names) - 1))
    for index, name in enumerate(people.names):
        label = re.sub(r"[^\w+-]+", "_", name).strip("_")[:60]
        number = f"{index:0{digits}d}"
        path = folder / f"{number if label in ('', str(index)) else f'{number}-{label}'}.likeness"
        studio.make_imported(file, people, index).save(path)
        imported.append(_describe(people, index, path))
        if not as_json:
            print_line(f"{path}: {_title(people, index)}")
    if as_json:
        generator = studio.generator.name
        print_json({"people": imported, "of": len(imported), "generator": generator, "notes": list(people.notes)})


def _describe(people: ForeignPeople, index: int, path: Path) -> dict[str, Any]:
    return {"output": str(path), "person": index, "name": people.names[index], "space": people.spaces[index]}


def _title(people: ForeignPeople, index: int) -> str:
    name = people.names[index]
    return f"person {index} of {len(people.names)}" + ("" if name == str(index) else f" ({name})")
