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

from faceloom.checkpoints.load import load_generator
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit import directions, stylespace
from faceloom.edit.directions import Direction
from faceloom.edit.generate import generate_latents
from faceloom.edit.stylespace import StyleDirection
from faceloom.images import area_resize, make_contact_sheet, save_picture, to_pixels
from faceloom.likeness import Likeness
from faceloom.networks.analyzer import ATTRIBUTES
from faceloom.networks.tuned import Delta

PSI = 0.8
ANSWERED = range(100, 109)  # seeds of the people whose pictures were differentiated
CALIBRATED = range(7000, 7004)
HELD_OUT = range(7100, 7108)
SEEN = ATTRIBUTES[:8]  # roll and sharpness are not held
PROBES = 1  # random mixtures of the identity's numbers that are differentiated, one a person
COUNT = {"age": 120, "gender": 120}  # channels; of all others:
CHANNELS = 60
CORRECTIONS = 1  # how often a fit is corrected by what pictures show ...
CAUTION = {"smile": 0.35}  # ... and by how much of it: a smile with the lips held shut is a grin; all others:
CORRECTED = 0.7
LEAST = {"eyes_open": 2.8}  # a standard deviation that no shipped direction knows, of 6,000 invented people

Either = Direction | StyleDirection


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True, help="folder for answers, tables and sheets")
    arguments.add_argument("-o", "--out", type=Path, required=True, help="folder for the directions")
    arguments.add_argument("--people", type=Path, help="folder of likenesses to measure on")
    arguments.add_argument("--names", default="smile,mouth_open", help="which ones")
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
    return [Person(w_plus, {}) for w_plus in generate_latents(G, seeds, PSI).split(1)]


def real(folder: Path, most: int = 6) -> list[Person]:
    """The first people of a folder of likenesses."""
    people = [Likeness.load(path) for path in sorted(folder.glob("*.likeness"))[:most]]
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

        found.append(stylespace.responses(G, generate_latents(G, [seed], PSI), seen))
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
    people, excess, asked = generate_latents(G, CALIBRATED, PSI), torch.zeros(len(SEEN)), torch.eye(len(SEEN))[wanted]
    for _ in range(1 + CORRECTIONS):
        rough = stylespace.fit(G, guide, answers, wanted, sigmas=sigmas(), held=len(SEEN), count=count, excess=excess)
        seen = stylespace.effect(G, rough, people, look)
        excess += CAUTION.get(name, CORRECTED) * (seen / sigmas()[: len(SEEN)] - asked)
    true = stylespace.calibrated(rough, float(seen[wanted]))
    held = ", ".join(seen for seen in SEEN if seen != name)
    notes = f"{guide.notes.partition('. Held:')[0]}, in StyleSpace. Held: {held}."
    return dataclasses.replace(true, notes=notes)


@torch.no_grad()
def compare(who: str, name: str, pair: Mapping[str, Either], people: Sequence[Person], work: Path) -> None:
    """Print what directions do to people, one sigma either way, and draw a sheet with a row a person."""
    rows: dict[str, list[Change]] = {title: [] for title in pair}
    tiles, labels = [], []
    for person in people:
        for title, direction in pair.items():
            pictures, change = changed(person, direction)
            rows[title].append(change)
            tiles += [to_pixels(area_resize(img, 160)) for img in pictures.split(1)]
            labels += [f"{title} {sign:+d}" for sign in (-1, 0, 1)]
    sheet = make_contact_sheet(tiles, 3 * len(pair), 160, labels)
    save_picture(sheet, work / f"{who}-{name}.png", ai_generated=True)
    print(f"{who:30}" + "".join(f"{seen[:7]:>8}" for seen in SEEN) + "   mean size aside  frame  identity")
    for title, changes in rows.items():
        moved = torch.stack([change.traits for change in changes])
        gain, held = moved[:, SEEN.index(name)].mean(), torch.tensor([seen != name for seen in SEEN])
        means = "".join(f"{value:+8.2f}" for value in moved.mean(0).tolist())
        frame, alike = (sum(getattr(c, key) for c in changes) / len(changes) for key in ("frame", "identity"))
        print(
            f"{title:30}{means}{float(moved[:, held].abs().mean() / gain):18.3f}{frame:7.4f}{alike:10.3f}", flush=True
        )


@dataclass(frozen=True, eq=False)
class Change:
    """What one sigma changed: traits in sigmas, the picture's frame (0...1), the cosine to the face before."""

    traits: Tensor
    frame: float
    identity: float


def changed(person: Person, direction: Either) -> tuple[Tensor, Change]:
    """Draw a person one sigma down, as they are, and one up, `[3, 3, 256, 256]`, and measure."""
    G = load_generator(precision="bf16").G
    steps = (-direction.sigma, 0.0, direction.sigma)
    pictures = torch.cat([stylespace.drawn(G, person.w_plus, direction, step, person.delta) for step in steps])
    reading = load_analyzer()(pictures)
    traits = (reading.traits[2] - reading.traits[0])[: len(SEEN)] / 2 / sigmas()[: len(SEEN)]
    around = torch.ones(pictures.shape[-2:], dtype=torch.bool)
    around[32:, 48:-48] = False
    frame = (pictures[[0, 2]] - pictures[1:2])[..., around].abs().mean() / 2
    return pictures, Change(traits, float(frame), float((reading.identity[[0, 2]] @ reading.identity[1]).mean()))


if __name__ == "__main__":
    main()
