"""`python -m bench.sheets -o DIR [PERSON ...]`: contact sheets of edited people, for inspection.

PERSON is a likeness file or seed:N; the default is five generated faces that differ in age, sex and skin. Each
attribute gives a sheet with seven strengths. NAME.s are directions of StyleSpace, in their standard deviations; 'age,
kept' stops where the similarity would fall below .7.

With --data (a folder with faces.csv and faces.zip) the people are --count portraits of the val split, balanced over
age, sex and skin tone, and encoded once into DIR/people; --people takes a folder of NAME.likeness and NAME.png instead.
They are drawn with every edit of `bench.edits` and at seven strengths of every slider, four people a sheet.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bench.edits import AGES_AND_POSES, EXPRESSIONS, TABLE_EDITS, apply_edit, describe, name_limits
from bench.people import Subject, choose_balanced, encode_people, load_people, read_traits
from bench.portraits import person_ids
from faceloom.analyze.attributes import SLIDERS, TABLE
from faceloom.cli.output import open_person
from faceloom.images import make_contact_sheet, save_picture
from faceloom.invert.budget import EncodeConfig
from faceloom.likeness import Likeness
from faceloom.workflows.studio import Studio

PEOPLE = ("seed:11", "seed:25", "seed:38", "seed:64", "seed:77")
STRENGTHS: dict[str, tuple[float, ...]] = {
    "age": (-30, -20, -10, 0, 10, 20, 30),
    "smile": (0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97),
    "gender": (0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97),
    "glasses": (0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97),
    "mouth_open": (0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97),
    "yaw": (-24, -16, -8, 0, 8, 16, 24),
    "pitch": (-15, -10, -5, 0, 5, 10, 15),
}
KEPT = "age, kept"
STYLES = dict.fromkeys(("smile.s", "mouth_open.s"), (-1.5, -1, -0.5, 0, 0.5, 1, 1.5))
SIDE = 192  # of a picture on a sheet, in pixels
COLUMNS = 7
PEOPLE_A_SHEET = 4  # so that a sheet of seven columns is read at its full size on a screen
POOL = 50  # portraits of the val split from which a balanced choice is made
GROUPS = {"expressions": EXPRESSIONS, "ages-and-poses": AGES_AND_POSES}  # the sheets of the table's edits

Tile = tuple[Image.Image, str]
"""A picture and its label."""


@dataclass(frozen=True, eq=False)
class Row:
    """A person's pictures on the sheets of the table, by the name of the edit; `before` is the one without edits."""

    person: Subject
    before: Image.Image
    edited: Mapping[str, Tile]


def main() -> None:
    """Save all sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=PEOPLE, metavar="PERSON")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--attributes", nargs="*", help="by default all; with people none leaves the table's edits")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--people", type=Path)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--steps", type=int, help="steps of an encoding, in place of 10 s")
    args = parser.parse_args()
    studio = Studio()
    if args.data or args.people:
        people = open_people(studio, args.data, args.people, args.out, args.count, args.steps)
        save_sheets_of_people(studio, people, args.out, args.attributes)
        return
    likenesses = [open_person(studio, name) for name in args.names]
    for name in [*all_strengths(), KEPT, *STYLES] if args.attributes is None else args.attributes:
        save_strengths(studio, likenesses, name, args.out / f"{name}.png")


def all_strengths() -> dict[str, tuple[float, ...]]:
    """Return seven strengths of every slider. Those without an entry in STRENGTHS are spread over the slider."""
    return {name: STRENGTHS.get(name) or spread(row.low, row.high) for name, row in SLIDERS.items()}


def spread(low: float, high: float, count: int = COLUMNS) -> tuple[float, ...]:
    """Return `count` values with equal distances from `low` to `high`."""
    return tuple(low + (high - low) * index / (count - 1) for index in range(count))


def open_people(
    studio: Studio, data: Path | None, folder: Path | None, out: Path, count: int, steps: int | None
) -> list[Subject]:
    """Return a balanced choice of the people of a folder, or of portraits of the val split, which are encoded."""
    config = EncodeConfig(10.0) if steps is None else EncodeConfig(None, steps)
    if folder is not None:
        pool = load_people(folder)
        ids = person_ids(data) if data else {}
        traits = [read_traits(person.photo, ids.get(person.name, "")) for person in pool]
        return [pool[index] for index in choose_balanced(traits, count)]
    assert data is not None
    return encode_people(studio, data, out / "people", count=POOL, config=config, balanced=count)


def save_sheets_of_people(studio: Studio, people: Sequence[Subject], out: Path, attributes: list[str] | None) -> None:
    """Save the sheets of the table's edits and of the sliders, or of the given attributes alone, four people each.

    A sheet that exists is left as it is, so that an interrupted run continues.
    """
    strengths = all_strengths()
    for number, start in enumerate(range(0, len(people), PEOPLE_A_SHEET), 1):
        group = people[start : start + PEOPLE_A_SHEET]
        if not all(path.exists() for path in table_paths(out, number).values()):
            for path in save_table_sheets([draw_row(studio, person) for person in group], out, number):
                print(path, flush=True)
        for name in strengths if attributes is None else attributes:
            if not (path := out / f"{name}-{number}.png").exists():
                save_strengths(studio, [person.likeness for person in group], name, path)


def draw_row(studio: Studio, person: Subject) -> Row:
    """Draw a person before and after every edit of the table."""
    edited = {}
    age = studio.attributes(person.likeness).age
    for edit in TABLE_EDITS:
        if age >= edit.min_age:
            result = apply_edit(studio, person.likeness, edit.values)
            label = describe(edit, result.before, result.after, result.limited_by)
            edited[edit.name] = (studio.render(result.person, SIDE), label)
    return Row(person, studio.render(person.likeness, SIDE), edited)


def table_paths(out: Path, number: int) -> dict[str, Path]:
    """Return the paths of the sheets of a group of people with the table's edits, by the name of the edits' group."""
    return {name: out / f"{name}-{number}.png" for name in GROUPS}


def save_table_sheets(rows: Sequence[Row], out: Path, number: int) -> list[Path]:
    """Save two sheets of a group of people: expressions beside the photo, and ages and poses. Return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    paths = table_paths(out, number)
    for name, edits in GROUPS.items():
        tiles: list[Tile] = []
        for row in rows:
            before = (row.before, f"{row.person.name} before")
            tiles += [(row.person.photo, f"{row.person.name} photo"), before] if edits is EXPRESSIONS else [before]
            tiles += [row.edited.get(edit.name, (_blank(), f"no {edit.title}")) for edit in edits]
        pictures, labels = zip(*tiles, strict=True)
        save_picture(make_contact_sheet(pictures, COLUMNS, SIDE, labels), paths[name], ai_generated=True)
    return list(paths.values())


def save_strengths(studio: Studio, people: Sequence[Likeness], name: str, path: Path) -> None:
    """Save a sheet of people, a row each, at seven strengths of an attribute."""
    tiles = [tile for person in people for tile in draw_strengths(studio, person, name)]
    pictures, labels = zip(*tiles, strict=True)
    save_picture(make_contact_sheet(pictures, COLUMNS, SIDE, labels), path, ai_generated=True)
    print(path, flush=True)


def draw_strengths(studio: Studio, person: Likeness, name: str) -> Iterator[Tile]:
    """Yield a person at seven strengths, each with the measured result and the bounds that limited it."""
    if name in STYLES:
        sigma = studio.direction(name).sigma
        for strength in STYLES[name]:
            yield studio.render(studio.step(person, {name: strength * sigma}), SIDE), f"{strength:+} sigma"
        return
    attribute = name.partition(",")[0]
    digits = 0 if TABLE[attribute].is_change else 2
    for strength in all_strengths()[attribute]:
        if name == KEPT:
            result = studio.edit(person, {attribute: strength}, keep_identity=0.7)
        else:
            result = apply_edit(studio, person, {attribute: strength})
        label = f"{result.before[attribute]:.{digits}f} > {result.after[attribute]:.{digits}f}, {result.identity:.2f}"
        yield studio.render(result.person, SIDE), " ".join((label, *name_limits(result.limited_by)))


def _blank() -> Image.Image:
    return Image.new("RGB", (SIDE, SIDE), "white")


if __name__ == "__main__":
    main()
