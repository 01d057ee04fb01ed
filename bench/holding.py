"""`python -m bench.holding DATA --work DIR --evaluators DIR`: do edits change only what was asked for?

Every portrait is encoded once, or loaded from --people (NAME.likeness and NAME.png), edited by every row of the table
in `bench.edits`, and judged by networks that took no part in any training here: dlib's and SFace's identity, an age
network, and MODNet's matte for the change of background and clothes. Pictures, edits and readings are saved in --work;
a second run continues there, and prints the table again. --evaluators needs the files that `bench.evaluators`,
`bench.sface` and `bench.mattes` name.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.edits import TABLE_EDITS, TableEdit, apply_edit, describe, held_changes, is_reached
from bench.evaluators import SAME
from bench.jury import Jury, to_judged
from bench.people import Subject, encode_people, load_people, open_picture
from bench.sface import SAME_COSINE
from bench.sheets import PEOPLE_A_SHEET, Row, save_table_sheets
from faceloom.analyze.attributes import HELD
from faceloom.analyze.reading import read_attributes
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.images import to_img
from faceloom.invert.budget import EncodeConfig
from faceloom.workflows.studio import Studio

SAVED_SIDE = 512  # of the pictures, in pixels
BEFORE = "before"  # name of the picture before all edits
Record = dict[str, Any]


def main() -> None:
    """Edit and judge all people, save sheets of the pictures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="folder with faces.csv and faces.zip")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--evaluators", type=Path, help="folder with the judges' weights; without it no table")
    parser.add_argument("--people", type=Path, help="folder of likenesses and portraits, in place of DATA")
    parser.add_argument("--split", choices=("val", "train"), default="val")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--steps", type=int, help="steps of an encoding, in place of seconds, for a busy machine")
    parser.add_argument("--edits", nargs="*", default=[edit.name for edit in TABLE_EDITS])
    parser.add_argument("--free", action="store_true", help="edit without bounds")
    args = parser.parse_args()
    studio = Studio()
    if args.people:
        people = load_people(args.people)[: args.count]
    else:
        config = EncodeConfig(None, args.steps) if args.steps else EncodeConfig(args.seconds)
        people = encode_people(
            studio, args.data, args.work / "people", count=args.count, config=config, split=args.split
        )
    edits = [edit for edit in TABLE_EDITS if edit.name in args.edits]
    editor = Editor(studio, args.work, is_free=args.free)
    for number, person in enumerate(people, 1):
        editor.run(person, edits)
        if number % PEOPLE_A_SHEET == 0 or number == len(people):
            sheet = (number - 1) // PEOPLE_A_SHEET
            rows = [open_row(args.work, person, edits) for person in people[sheet * PEOPLE_A_SHEET : number]]
            save_table_sheets(rows, args.work / "sheets", sheet + 1)
    if args.evaluators:
        jury = Jury(args.evaluators)
        print(format_table(edits, [judge_person(jury, args.work, person, edits) for person in people]))


@dataclass(frozen=True, eq=False)
class Editor:
    """The studio that edits people, and saves every picture with a record of the edit beside it."""

    studio: Studio
    work: Path
    is_free: bool = False  # edit without bounds

    def run(self, person: Subject, edits: Sequence[TableEdit]) -> None:
        """Save the person before all edits and after each one; those of an earlier run are left as they are."""
        folder = self.work / "pictures" / person.name
        before = folder / f"{BEFORE}.json"
        if not before.exists():
            save_picture_and_record(folder / BEFORE, self.studio.render(person.likeness), {})
        for edit in edits:
            path = folder / f"{edit.name}.json"
            if path.exists() or read_record(before)["read"]["age"] < edit.min_age:
                continue
            start, start_cpu = time.perf_counter(), time.process_time()
            result = apply_edit(self.studio, person.likeness, edit.values, is_free=self.is_free)
            picture = self.studio.render(result.person)
            record: Record = {
                "seconds": time.perf_counter() - start,
                "cpu_seconds": time.process_time() - start_cpu,
                "before": dict(result.before),
                "after": dict(result.after),
                "identity": result.identity,
                "limited_by": list(result.limited_by),
            }
            save_picture_and_record(folder / edit.name, picture, record)
            print(f"{person.name} {describe(edit, result.before, result.after, record['limited_by'])}, "
                  f"identity {result.identity:.2f}, {record['cpu_seconds']:.1f} CPU s", flush=True)  # fmt: skip


def save_picture_and_record(path: Path, picture: Image.Image, record: Record) -> None:
    """Save a picture, and a record with the attributes that the analyzer reads from it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = picture.reduce(max(1, picture.width // SAVED_SIDE))
    picture.save(path.with_suffix(".png"))
    reading = read_attributes(load_analyzer(), to_img(to_judged(picture)))[0]
    write_record(path.with_suffix(".json"), record | {"read": reading.rounded()})


def read_record(path: Path) -> Record:
    """Read a record."""
    record: Record = json.loads(path.read_text(encoding="utf-8"))
    return record


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record completely or not at all, so that an interrupted run can continue."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def open_row(work: Path, person: Subject, edits: Sequence[TableEdit]) -> Row:
    """Open a person's saved pictures as a row of the sheets."""
    folder, edited = work / "pictures" / person.name, {}
    for edit in edits:
        if (folder / f"{edit.name}.json").exists():
            record = read_record(folder / f"{edit.name}.json")
            label = describe(edit, record["before"], record["after"], record["limited_by"])
            edited[edit.name] = (open_picture(folder / f"{edit.name}.png"), label)
    return Row(person, open_picture(folder / f"{BEFORE}.png"), edited)


# -- judges -----------------------------------------------------------------------------------------------------------


def judge_person(jury: Jury, work: Path, person: Subject, edits: Sequence[TableEdit]) -> dict[str, Record]:
    """Return the records of a person's edits with the judges' opinions; those of an earlier run are only read."""
    folder = work / "pictures" / person.name
    path = folder / "judged.json"
    judged = read_record(path) if path.exists() else {}
    done = [edit for edit in (BEFORE, *(edit.name for edit in edits)) if (folder / f"{edit}.json").exists()]
    if missing := [name for name in done if name not in judged]:
        photo = jury.read(person.photo)
        before = jury.read(open_picture(folder / f"{BEFORE}.png"))
        for name in missing:
            judged[name] = jury.compare(photo, before, jury.read(open_picture(folder / f"{name}.png")))
        write_record(path, judged)
    start = read_record(folder / f"{BEFORE}.json")["read"]
    return {name: read_record(folder / f"{name}.json") | {"judged": judged[name], "start": start} for name in done}


# -- table ------------------------------------------------------------------------------------------------------------

COLUMNS = (
    "edit",
    "n",
    "reached",
    "reached or said",
    "change of the asked",
    "judge, years",
    "dlib same as photo",
    "SFace same as photo",
    "held in bounds",
    "held, read again",
    "all held",
    "skin within 6 degrees",
    "whole face within 6 degrees",
    "color of the whole face, 90th percentile",
    "background",
    "clothes",
    "background + clothes",
    "90th percentile",
    "s, median",
    "CPU s, median",
    "limited by",
)


def format_table(edits: Sequence[TableEdit], people: Sequence[Mapping[str, Record]]) -> str:
    """Return the table in Markdown, with a row for each edit and a first one for the people before it."""
    judged = [person[BEFORE]["judged"] for person in people]
    same = sum(judge["dlib"] < SAME for judge in judged), sum(judge["sface"] >= SAME_COSINE for judge in judged)
    lines = [f"before all edits: dlib says 'same as the photo' for {same[0]}, SFace for {same[1]} of {len(people)}", ""]
    lines += ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for edit in edits:
        records = [person[edit.name] for person in people if edit.name in person]
        if records:
            lines.append("| " + " | ".join(summarize(edit, records)) + " |")
    return "\n".join(lines)


def summarize(edit: TableEdit, records: Sequence[Record]) -> list[str]:
    """Return the cells of an edit's row."""
    judged = [record["judged"] for record in records]
    reached = [is_reached(edit, record["before"], record["after"]) for record in records]
    said = [bool(record["limited_by"]) for record in records]
    held = [held_use(edit, record, record["before"], record["after"]) for record in records]
    again = [held_use(edit, record, record["start"], record["read"]) for record in records]
    limits = Counter(name for record in records for name in record["limited_by"])
    changes = [record["after"][edit.attribute] - record["before"][edit.attribute] for record in records]
    return [
        edit.title,
        str(len(records)),
        _share(reached),
        _share([a or b for a, b in zip(reached, said, strict=True)]),
        f"{np.mean(changes):+.2f}",
        f"{np.mean([judge['years'] for judge in judged]):+.1f}",
        _share([judge["dlib"] < SAME for judge in judged]),
        _share([judge["sface"] >= SAME_COSINE for judge in judged]),
        _share([use <= 1 for uses in held for use in uses.values()]),
        _share([use <= 1 for uses in again for use in uses.values()]),
        _share([max(uses.values()) <= 1 for uses in held]),
        _share([abs(judge["skin"]) <= HELD["skin_tone"] for judge in judged]),
        _share([abs(judge["face_tone"]) <= HELD["skin_tone"] for judge in judged]),
        f"{np.percentile([judge['face_color'] for judge in judged], 90):.1f}",
        *(f"{np.nanmean([judge[region] for judge in judged]):.2f}" for region in ("background", "clothes", "both")),
        f"{np.nanpercentile([judge['both'] for judge in judged], 90):.2f}",
        f"{np.median([record['seconds'] for record in records]):.1f}",
        f"{np.median([record['cpu_seconds'] for record in records]):.1f}",
        ", ".join(f"{name} {count}" for name, count in limits.most_common()) or "-",
    ]


def held_use(
    edit: TableEdit, record: Record, before: Mapping[str, float], after: Mapping[str, float]
) -> dict[str, float]:
    """Return the used part of the bound of every held attribute, the skin tone as the judge measures it."""
    uses = held_changes(edit, before, after)
    return uses | {"skin_tone": abs(record["judged"]["skin"]) / HELD["skin_tone"]}


def _share(hits: Sequence[bool]) -> str:
    return f"{np.mean(hits):.0%}" if hits else "-"


if __name__ == "__main__":
    main()
