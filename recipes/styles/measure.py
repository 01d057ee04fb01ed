"""Measure how much of a person's identity the styles keep, on generated people that no style was fitted to.

    python recipes/styles/measure.py STYLE [STYLE ...] [--people 40]

A style is the name of a shipped one, or a file. Prints for each style the identity similarity of the drawn face to the
face without the style, by faceloom's analyzer: its mean, its lowest value, and how often the drawn face is nearer to
its own person than to all the other people.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from faceloom.workflows.studio import Studio
from faceloom.workflows.styling import load_style, read_identity

FIRST_SEED, PEOPLE, PSI = 7000, 40, 0.7


def main() -> None:
    """Measure and print one line a style."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("styles", nargs="+", help="names or files of styles")
    parser.add_argument("--people", type=int, default=PEOPLE, help="number of people")
    parser.add_argument("--strengths", default="1,0.7", help="strengths, separated by commas")
    args = parser.parse_args()
    studio = Studio()
    people = [studio.generate(seed, PSI) for seed in range(FIRST_SEED, FIRST_SEED + args.people)]
    plain = read_people(studio, people)
    print("style | strength | mean | lowest | nearest to its own person")
    for name in args.styles:
        style = load_style(name)
        for strength in map(float, args.strengths.split(",")):
            drawn = read_people(studio, [studio.draw_in_style(person, style, strength) for person in people])
            table = drawn @ plain.T  # [drawn plain]
            own = table.diagonal()
            nearest = (table.argmax(1) == torch.arange(len(people))).float().mean()
            print(f"{style.name} | {strength:g} | {own.mean():.2f} | {own.min():.2f} | {nearest:.0%}", flush=True)


@torch.no_grad()
def read_people(studio: Studio, people: list) -> Tensor:
    """Return the identities `[n, 128]` of people as they are drawn."""
    rows = [
        read_identity(studio.person_generator(person).synthesis_at(person.w_plus, 256))  # type: ignore[arg-type]
        for person in people
    ]
    return torch.cat(rows)


if __name__ == "__main__":
    main()
