"""Fit the directions of StyleSpace that faceloom ships, and say what they do beside those of W.

    python recipes/directions/styles.py --work DIR -o src/faceloom/data/directions/styles [--people DIR]

No data: the default generator invents the people. DIR keeps the answers, so that a second run only fits. `--people` is
a folder of likenesses to measure on, besides the invented. Two minutes of one idle core for the answers, one a table.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from faceloom import likeness
from faceloom.checkpoints.load import load_generator
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit import directions, stylespace
from faceloom.edit.directions import Direction
from faceloom.edit.sample import sample
from faceloom.edit.stylespace import StyleDirection
from faceloom.images import area_resize, contact_sheet, save_picture, to_pixels
from faceloom.networks.analyzer import TRAITS
from faceloom.networks.tuned import Delta

PSI = 0.8
ANSWERED = range(100, 148)  # seeds of the people whose pictures were differentiated
CALIBRATED = range(7000, 7006)
HELD_OUT = range(7100, 7116)
SEEN = TRAITS[:8]  # roll and sharpness are not held
PROBES = 1  # random mixtures of the identity's numbers that are differentiated, one a person
COUNT = {"age": 120, "gender": 120}  # channels; of all others:
CHANNELS = 60
CORRECTIONS, CAUTION = 1, 0.7  # how often a fit is corrected by what pictures show, and by how much of it
LEAST = {"eyes_open": 2.8}  # a standard deviation that no shipped direction knows, of 6,000 invented people

Either = Direction | StyleDirection


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True, help="folder for answers, tables and sheets")
    arguments.add_argument("-o", "--out", type=Path, required=True, help="folder for the directions")
    arguments.add_argument("--people", type=Path, help="folder of likenesses to measure on")
    arguments.add_argument("--names", default="smile,mouth_open,glasses,age,gender", help="which ones")
    arguments.add_argument("--answered", type=int, default=len(ANSWERED), help="how many people to differentiate")
    given = arguments.parse_args()
    answers = answered(given.work / "answers.pt", ANSWERED[: given.answered])
    fitted = {name: fit(name, answers) for name in given.names.split(",")}
    for name, direction in fitted.items():
        stylespace.save(direction, given.out / f"{direction.name}{directions.SUFFIX}")
        print(f"{direction.name}: {len(direction.places)} channels in layers {direction.layers}", flush=True)
        pair: dict[str, Either] = {name: directions.load_shipped(name), direction.name: direction}
        compare("invented", name, pair, invented(HELD_OUT), given.work)
        if given.people:
            compare("real", name, pair, real(given.people), given.work)


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody to measure on: where they are, and what their tuning changed."""

    w_plus: Tensor
    delta: Delta


def invented(seeds: Sequence[int]) -> list[Person]:
    """People from seeds."""
    G = load_generator(precision="bf16").G
    return [Person(w_plus, {}) for w_plus in sample(G, seeds, PSI).split(1)]


def real(folder: Path, most: int = 8) -> list[Person]:
    """The first people of a folder of likenesses."""
    people = [likeness.load(path) for path in sorted(folder.glob("*.likeness"))[:most]]
    return [Person(person.w_plus, person.delta) for person in people]


def look(img: Tensor) -> Tensor:
    """What is held: `[n, 8]`."""
    traits: Tensor = load_analyzer()(img).traits
    return traits[:, : len(SEEN)]


def answered(path: Path, seeds: Sequence[int]) -> Tensor:
    """How people answer to every channel `[n, 8 + PROBES, c]`; kept in a file, and gone on with."""
    G, random = load_generator(precision="bf16").G, torch.Generator().manual_seed(0)
    found = list(torch.load(path)) if path.exists() else []
    mixtures = torch.randn(len(seeds), PROBES, 128, generator=random)
    for seed, mixture in list(zip(seeds, mixtures, strict=True))[len(found) :]:

        def seen(img: Tensor, mixture: Tensor = mixture) -> Tensor:
            reading = load_analyzer().requires_grad_(False)(img)
            return torch.cat((reading.traits[:, : len(SEEN)], reading.identity @ mixture.T), 1)

        found.append(stylespace.responses(G, sample(G, [seed], PSI), seen))
        torch.save(torch.stack(found), path)
    return torch.stack(found[: len(seeds)])


def sigmas() -> Tensor:
    """One standard deviation of all that is seen; an identity probe's is what a face changes by when it is another."""
    known = {name: directions.load_shipped(name).sigma for name in directions.shipped()}
    return torch.tensor([known.get(name) or LEAST[name] for name in SEEN] + [1.0] * PROBES)


def fit(name: str, answers: Tensor) -> StyleDirection:
    """Fit one direction, look at what it does, correct what gradients did not tell; a unit is then what is seen."""
    G, wanted = load_generator(precision="bf16").G, SEEN.index(name)
    guide, count = directions.load_shipped(name), COUNT.get(name, CHANNELS)
    people, excess, asked = sample(G, CALIBRATED, PSI), torch.zeros(len(SEEN)), torch.eye(len(SEEN))[wanted]
    for _ in range(1 + CORRECTIONS):
        rough = stylespace.fit(G, guide, answers, wanted, sigmas=sigmas(), held=len(SEEN), count=count, excess=excess)
        seen = stylespace.effect(G, rough, people, look)
        excess += CAUTION * (seen / sigmas()[: len(SEEN)] - asked)
    true = stylespace.calibrated(rough, float(seen[wanted]))
    held = ", ".join(seen for seen in SEEN if seen != name)
    notes = f"{guide.notes.partition('Held:')[0].strip()} In StyleSpace. Held: {held}."
    return dataclasses.replace(true, notes=notes)


@torch.no_grad()
def compare(who: str, name: str, pair: Mapping[str, Either], people: Sequence[Person], work: Path) -> None:
    """Print what both directions do to people at the same change of the attribute, and draw a sheet."""
    G, analyzer, tiles, labels = load_generator(precision="bf16").G, load_analyzer(), [], []
    print(f"{who:10} {'':14} one sigma:" + "".join(f"{seen[:7]:>9}" for seen in SEEN) + "   mean size  identity")
    for title, direction in pair.items():
        rows, alike = [], []
        for person in people:
            pictures = [
                stylespace.drawn(G, person.w_plus, direction, sign * direction.sigma, person.delta)
                for sign in (-1, 0, 1)
            ]
            reading = analyzer(torch.cat(pictures))
            rows.append((reading.traits[2] - reading.traits[0])[: len(SEEN)] / 2 / sigmas()[: len(SEEN)])
            alike += [float(reading.identity[1] @ reading.identity[end]) for end in (0, 2)]
            tiles += [to_pixels(area_resize(img, 160)) for img in pictures]
            labels += [f"{title} {sign:+d}" for sign in (-1, 0, 1)]
        moved = torch.stack(rows)
        gain, aside = moved[:, SEEN.index(name)].mean(), moved.mean(0)
        held = torch.tensor([other != name for other in SEEN])
        print(
            f"{who:10} {title:24} "
            + "".join(f"{value:+9.2f}" for value in aside.tolist())
            + f"{float(moved[:, held].abs().mean() / gain):11.3f}{sum(alike) / len(alike):10.2f}",
            flush=True,
        )
    half = len(tiles) // 2
    order = [i for row in range(0, half, 3) for start in (row, half + row) for i in range(start, start + 3)]
    sheet = contact_sheet([tiles[i] for i in order], 6, 160, [labels[i] for i in order])
    save_picture(sheet, work / f"{who}-{name}.png", ai_generated=True)


if __name__ == "__main__":
    main()
