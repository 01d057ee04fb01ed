"""Fit the directions that faceloom ships: attributes that the analyzer reads and the default generator can change.

    python recipes/directions/fit.py --data DIR -o src/faceloom/data/directions

DIR holds labels.npz and generated.zip. Needs the default generator in the models folder; ten minutes on two cores.
`--names` fits some of them; `--library FILE` writes the people and their readings, near which `edit.nearby` fits again.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from labels import READ, People, read, read_people
from torch import Tensor

from faceloom.checkpoints.load import load_generator
from faceloom.edit import directions
from faceloom.edit.generate import generate_latents
from faceloom.edit.nearby import Library, save_library
from faceloom.images import to_pixels
from faceloom.networks.analyzer import DETAILS

SEED = 0  # seed of the split
HELD_OUT = 1200  # people for measuring
RIDGE = 0.05
# Chosen by inspection: earlier layers change hair and pose, later ones clothes and colors.
LAYERS = {
    "age": range(2, 17),
    "smile": range(2, 11),
    "gender": range(2, 14),
    "glasses": range(0, 12),
    "mouth_open": range(2, 11),
    "yaw": range(0, 7),
    "pitch": range(0, 7),
    "skin_tone": range(8, 23),
    "hair_lightness": range(5, 23),
    "hair_warmth": range(5, 23),
    "hair_length": range(0, 12),
    "beard": range(3, 14),
    "brows": range(3, 14),
    "eye_opening": range(3, 12),
    "mouth_gap": range(2, 11),
    "face_fullness": range(0, 10),
}
# The first directions hold each other and these colors. Later ones hold all that is read. Refitted so, the first ones
# changed the background more and nothing else less (see README.md).
FIRST = ("age", "smile", "gender", "glasses", "mouth_open", "yaw", "pitch")
FIRST_COLORS = ("skin brightness", "skin warmth", "light from the side", "background", "clothes")
# Directions that hold less: with all readings held the step becomes half as long again.
LOOSE = ("hair_length",)
LOOSE_HELD, LOOSE_COLORS = ("skin_tone", "hair_lightness", "hair_warmth"), ("background", "clothes")
MIN_GAIN = 0.5  # least part of the expected change to which a unit is scaled: faces that cannot change lower the mean
# Readings of the same thing as a direction, which it cannot hold.
SAME = {
    "skin_tone": ("skin brightness", "skin warmth"),
    "mouth_gap": ("mouth_open",),
    "eye_opening": ("eyes_open",),
}
# Directions that suppress changes of identity. On 12 generated people made 20 years older, dlib's distance fell from
# .54 to .51, and 11 instead of 9 remained the same person; the suppression was chosen on them, from 0-240.
STEADY = {"age": 60.0, "brows": 200.0}
UNITS = {"age": "years", "yaw": "degrees", "pitch": "degrees", "skin_tone": "degrees"}
UNITS |= dict.fromkeys(
    ("hair_lightness", "hair_warmth", "brows", "eye_opening", "mouth_gap", "face_fullness"), "points"
)
# All others are logits of a probability.
NOTES = {
    "age": "Apparent age in years.",
    "smile": "Smile: the logit of its probability.",
    "gender": "Gender presentation: the logit of being read as masculine.",
    "glasses": "Glasses: the logit of their probability.",
    "mouth_open": "Lips apart: the logit of their probability.",
    "yaw": "Degrees; positive looks to the viewer's right.",
    "pitch": "Degrees; positive looks down.",
    "skin_tone": "Individual typology angle of the cheeks in degrees; positive is lighter.",
    "hair_lightness": "CIELAB lightness of the hair.",
    "hair_warmth": "CIELAB b of the hair: low is gray or black, high is blond or red.",
    "hair_length": "Hair down to the shoulders: the logit of its probability.",
    "beard": "Beard or mustache: the logit of its probability.",
    "brows": "Height of the brows over the eyes in hundredths of an eye's width.",
    "eye_opening": "Distance of the lids in hundredths of an eye's width.",
    "mouth_gap": "Distance of the inner lips in hundredths of the mouth's width.",
    "face_fullness": "Width of the jaw in hundredths of the face's height.",
}
CALIBRATED_ON = range(7000, 7040)  # seeds of people that were not in the fit
FEWER = 12  # of them for the later directions


def main() -> None:
    """Fit, calibrate and save all directions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with labels.npz and generated.zip")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the directions")
    parser.add_argument("--names", default=",".join(LAYERS), help="directions to fit, separated by commas")
    parser.add_argument("--library", type=Path, help="file for the people, src/faceloom/data/people.safetensors")
    args = parser.parse_args()
    people = read_people(args.data)
    if args.library:
        save_library(make_library(people), args.library)
    order = np.random.RandomState(SEED).permutation(len(people.w))
    report(people, order[HELD_OUT:], order[:HELD_OUT])
    fitted = [fit(people, order[HELD_OUT:], name) for name in args.names.split(",")]
    changes = responses(fitted)
    print_cross_talk(changes, fitted)
    for index, direction in enumerate(fitted):
        gain = float(changes[index, READ.index(direction.name)]) / direction.sigma
        gain = gain if direction.name in FIRST else max(gain, MIN_GAIN)
        true = dataclasses.replace(direction, per_unit=direction.per_unit / gain)
        directions.save(true, args.out / f"{direction.name}{directions.SUFFIX}")
        print(f"{direction.name}: {true.per_unit:.4f} a unit of {true.unit}, sigma {true.sigma:.2f}, gain {gain:.2f}")


def make_library(people: People) -> Library:
    """Return all people with what their directions hold."""
    labels = {name: column for name, column in people.attributes.items() if name not in ("roll", "sharpness")}
    labels |= people.colors
    return Library(
        w=torch.from_numpy(people.w).float(),
        labels=torch.from_numpy(np.stack(list(labels.values()), 1)).float(),
        identity=torch.from_numpy(people.identity).float(),
        names=tuple(labels),
        held={name: tuple(held_labels(people, name)) for name in LAYERS},
        suppression={name: STEADY.get(name, 0.0) for name in LAYERS},
    )


def fit(people: People, rows: np.ndarray, name: str) -> directions.Direction:
    """Fit one direction that keeps all other labels constant."""
    held = {label: torch.from_numpy(values[rows]) for label, values in held_labels(people, name).items()}
    return directions.fit(
        name,
        torch.from_numpy(people.w[rows]),
        torch.from_numpy(people.attributes[name][rows]),
        unit=UNITS.get(name, "logit"),
        generator=load_generator(),
        hold=held,
        suppress=torch.from_numpy(people.identity[rows]) if name in STEADY else None,
        suppression=STEADY.get(name, 0.0),
        ridge=RIDGE,
        layers=LAYERS[name],
        notes=f"{NOTES[name]} Held: {', '.join(held)}.",
    )


def held_labels(people: People, name: str) -> dict[str, np.ndarray]:
    """Return the labels that the direction of an attribute keeps constant."""
    attributes: tuple[str, ...]
    colors: tuple[str, ...]
    if name in FIRST:
        attributes, colors = FIRST, FIRST_COLORS
    elif name in LOOSE:
        attributes, colors = (*FIRST, *LOOSE_HELD), LOOSE_COLORS
    else:
        attributes, colors = (*FIRST, "eyes_open", *DETAILS, "skin_tone"), tuple(people.colors)
    held = {label: people.attributes[label] for label in attributes} | {label: people.colors[label] for label in colors}
    return {label: values for label, values in held.items() if label not in (name, *SAME.get(name, ()))}


@torch.no_grad()
def responses(fitted: list[directions.Direction]) -> np.ndarray:
    """Return the mean change of all attributes by one sigma of each direction: `[k, len(READ)]`."""
    w_plus = generate_latents(load_generator().G, CALIBRATED_ON)
    rows = []
    for direction in fitted:
        people = w_plus if direction.name in FIRST else w_plus[:FEWER]
        up, down = (read_attributes(directions.step(people, direction, sign * direction.sigma)) for sign in (1, -1))
        rows.append((up - down).mean(0) / 2)
    return np.stack(rows)


def read_attributes(w_plus: Tensor) -> np.ndarray:
    """Generate people at 256 px and read their attributes: `[n, len(READ)]`."""
    G: Any = load_generator(precision="bf16").G
    return read([to_pixels(G.synthesis_at(w_row, 256)) for w_row in w_plus.split(1)])[0]


def print_cross_talk(changes: np.ndarray, fitted: list[directions.Direction]) -> None:
    """Print the responses in sigmas (cross-talk)."""
    print("one sigma moves, in sigmas:" + " " * 4 + " ".join(f"{d.name[:8]:>8}" for d in fitted))
    for direction, row in zip(fitted, changes, strict=True):
        values = (row[READ.index(other.name)] / other.sigma for other in fitted)
        print(f"  {direction.name:28}" + " ".join(f"{value:+8.2f}" for value in values))


def report(people: People, train: np.ndarray, test: np.ndarray) -> None:
    """Print how well w predicts each label of held-out people."""
    labels = {attribute: people.attributes[attribute] for attribute in LAYERS} | people.colors
    columns = {label: torch.from_numpy(values[train]) for label, values in labels.items()}
    table = directions.regress(torch.from_numpy(people.w[train]), columns, RIDGE)
    guessed = table.predict(torch.from_numpy(people.w[test])).numpy()
    print("correlation of predictions from w with readings, held-out people")
    for index, (name, values) in enumerate(labels.items()):
        print(f"  {name:20} {np.corrcoef(guessed[:, index], values[test])[0, 1]:.3f}")


if __name__ == "__main__":
    main()
