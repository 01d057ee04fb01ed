"""`python -m bench.sheets -o DIR [PERSON ...]`: one contact sheet per attribute with seven strengths, for inspection.

PERSON is a likeness file or seed:N; the default is five generated faces that differ in age, sex and skin. NAME.s are
directions of StyleSpace, in their standard deviations; 'age, kept' stops where the similarity would fall below .7.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from faceloom.cli.output import open_person
from faceloom.images import make_contact_sheet, save_picture
from faceloom.likeness import Likeness
from faceloom.workflows.studio import Studio

PEOPLE = ("seed:11", "seed:25", "seed:38", "seed:64", "seed:77")
STRENGTHS = {
    "age": (-30, -20, -10, 0, 10, 20, 30),
    "smile": (0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97),
    "gender": (0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97),
    "glasses": (0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97),
    "mouth_open": (0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97),
    "yaw": (-24, -16, -8, 0, 8, 16, 24),
    "pitch": (-15, -10, -5, 0, 5, 10, 15),
}
KEPT = "age, kept"
STRENGTHS[KEPT] = STRENGTHS["age"]
STYLES = dict.fromkeys(("smile.s", "mouth_open.s"), (-1.5, -1, -0.5, 0, 0.5, 1, 1.5))
SIDE = 192


def main() -> None:
    """Save a sheet for each attribute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", nargs="*", default=PEOPLE)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--attributes", nargs="*", default=[*STRENGTHS, *STYLES])
    args = parser.parse_args()
    studio = Studio()
    people = [open_person(studio, name) for name in args.people]
    for name in args.attributes:
        tiles = [row for person in people for row in sheet_row(studio, person, name)]
        pictures, labels = zip(*tiles, strict=True)
        save_picture(make_contact_sheet(pictures, 7, SIDE, labels), args.out / f"{name}.png", ai_generated=True)
        print(args.out / f"{name}.png", flush=True)


def sheet_row(studio: Studio, person: Likeness, name: str) -> Iterator[tuple[Image.Image, str]]:
    """Yield a person at seven strengths, each with the measured result."""
    if name in STYLES:
        sigma = studio.direction(name).sigma
        for strength in STYLES[name]:
            yield studio.render(studio.step(person, {name: strength * sigma}), SIDE), f"{strength:+} sigma"
        return
    attribute, keep_identity = name.partition(",")[0], 0.7 if name == KEPT else None
    for strength in STRENGTHS[name]:
        result = studio.edit(person, {attribute: strength}, keep_identity=keep_identity)
        label = f"{result.before[attribute]:.2f} > {result.after[attribute]:.2f}, {result.identity:.2f}"
        yield studio.render(result.person, SIDE), label


if __name__ == "__main__":
    main()
