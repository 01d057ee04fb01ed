"""`faceloom search`: search for generated faces that meet a description."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from faceloom.cli import options
from faceloom.cli.output import (
    note_rewordings,
    open_studio,
    print_json,
    print_line,
    progress,
    rewording_facts,
    save_picture_and_likeness,
)

if TYPE_CHECKING:
    from faceloom.images import Photo
    from faceloom.likeness import Likeness
    from faceloom.workflows.studio import Studio


def search(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder for pictures and likenesses.")],
    text: Annotated[str, typer.Argument(help="Description of the face, as in 'about 40, smiling, glasses'.")] = "",
    like: Annotated[str | None, typer.Option(help="A photo or a likeness file that the faces should resemble.")] = None,
    count: Annotated[int, typer.Option(min=1, max=64, help="Number of faces.")] = 6,
    seed: Annotated[int, typer.Option(min=0, max=40_000, help="Seed of the candidates.")] = 0,
    candidates: Annotated[
        int,
        typer.Option(
            min=1, max=10_000, help="Number of candidates that are generated and ranked before the best are refined."
        ),
    ] = 200,
    size: options.Sizes = None,
    generator: options.Generator = None,
    as_json: options.Json = False,
) -> None:
    """Search for generated faces that meet a description, or resemble a given face, by the readings of two networks.

    A face on which the networks disagree does not count as meeting the description. When too few faces meet it, the
    nearest others follow, and the last line says so.

    A description contains ages (about 40, 30-45, over 60, in her thirties, young), smiling, serious, glasses, beard,
    hat, makeup, man, woman, mouth or eyes open or closed, long or dark hair, looking left, right, up, down or straight;
    each after no or not, or after a word such as very or slightly. A word that it does not know is refused, with the
    words that it knows. With the extra 'words' and 'faceloom models pull minilm', words of similar meaning are taken
    for those, and are named.

    \b
    Examples:
      faceloom search "about 40, smiling, glasses" -o results
      faceloom search "woman over 60" --like me.jpg --count 3 -o results --json
      faceloom search "old man with a beard, a faint smile" -o results
    """
    from faceloom.edit.search import SearchConfig
    from faceloom.workflows.search import explain_misses
    from faceloom.workflows.words import reword

    reworded = reword(text, is_request=False)
    if not as_json:
        note_rewordings(reworded)
    studio = open_studio(generator=generator)
    face = _open(studio, like) if like else None
    config = SearchConfig(candidates=max(candidates, count))
    with progress(1.0, "searching") as draw:
        people = studio.search(reworded.text, like=face, count=count, seed=seed, config=config, callback=draw)
    facts = []
    for i, person in enumerate(people, start=1):
        facts.append(save_picture_and_likeness(studio, person, output / f"found{i}", size) | _facts(person))
    if as_json:
        met_by = sum(fact["met"] for fact in facts)
        misses = explain_misses(reworded.text, people)
        request = {"wanted": text, "like": like} | rewording_facts(reworded)
        print_json(request | {"people": facts, "met": met_by, "note": misses})
        return
    for fact in facts:
        met = _describe(fact)
        similarity = "" if fact["similarity"] is None else f", similarity {fact['similarity']:.2f}"
        print_line(f"{fact['picture']}: age {fact['traits']['age']:.0f}, {met}{similarity}")
    if note := explain_misses(reworded.text, people):
        print_line(note)


def _open(studio: Studio, name: str) -> Photo | Likeness:
    from faceloom.images import open_photo

    return studio.load(name) if name.endswith(".likeness") else open_photo(name)


def _describe(fact: dict[str, Any]) -> str:
    if fact["met"]:
        return "meets the description"
    if not fact["missed"]:
        return "the readings disagree about it"
    return f"misses the description by {fact['missed']:.2f}"


def _facts(person: Likeness) -> dict[str, Any]:
    traits = {name: round(value, 2) for name, value in person.provenance["traits"].items()}
    similarity = person.provenance["similarity"]
    return {
        "traits": traits,
        "spread": {name: round(value, 2) for name, value in person.provenance["spread"].items()},
        "missed": round(person.provenance["missed"], 3),
        "met": person.provenance["met"],
        "similarity": None if similarity is None else round(similarity, 3),
        "seed": person.provenance["candidate"],
        "steps": person.provenance["steps"],
    }
