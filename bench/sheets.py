"""`python -m bench.sheets -o DIR [PERSON ...]`: a contact sheet an attribute, seven strengths, to be looked at.

A person is a likeness file or seed:N; without any, five invented people who differ in age, sex and skin.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from faceloom.cli.output import open_person
from faceloom.images import contact_sheet, save_picture
from faceloom.studio import Studio

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
SIDE = 192


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", nargs="*", default=PEOPLE)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--attributes", nargs="*", default=list(STRENGTHS))
    args = parser.parse_args()
    studio = Studio()
    people = [open_person(studio, name) for name in args.people]
    for name in args.attributes:
        pictures, labels = [], []
        for person in people:
            for strength in STRENGTHS[name]:
                done = studio.control(person, {name: strength})
                pictures.append(studio.render(done.person, SIDE))
                labels.append(f"{done.before[name]:.2f} > {done.after[name]:.2f}, {done.steered.identity:.2f}")
        save_picture(contact_sheet(pictures, 7, SIDE, labels), args.out / f"{name}.png", ai_generated=True)
        print(args.out / f"{name}.png", flush=True)


if __name__ == "__main__":
    main()
