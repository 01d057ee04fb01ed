"""Fit the directions that faceloom ships: age, smile and gender presentation of the default generator.

    python recipes/directions/fit.py --data DIR -o src/faceloom/data/directions

DIR holds labels.npz and generated.zip. Needs the default generator in the models folder (for its hash) and two minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch
from labels import People, read_people

from faceloom.checkpoints.load import load_generator
from faceloom.edit import directions

SEED = 0  # of the split
HELD_OUT = 1200
RIDGE = 0.05
UNITS = {"age": "years", "smile": "sigma", "gender": "sigma"}
# Chosen by looking and by what measure.py reads: earlier layers change hair and pose, later ones clothes and colours.
LAYERS = {"age": range(2, 17), "smile": range(2, 11), "gender": range(2, 14)}
# What measure.py reads for one unit on these layers, mean of both ways (smile: -1.3, +0.9); a step is divided by it.
GAIN = {"age": 0.89, "smile": 1.0, "gender": 0.8}
NOTES = {
    "age": "Apparent age in years, as two networks see it.",
    "smile": "Smile; 1 is one standard deviation among generated people, who mostly smile a little.",
    "gender": "Gender presentation: positive reads as more masculine, negative as more feminine.",
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True, help="folder with labels.npz and generated.zip")
    arguments.add_argument("-o", "--out", type=Path, required=True, help="folder for the directions")
    given = arguments.parse_args()
    people = read_people(given.data)
    order = np.random.RandomState(SEED).permutation(len(people.w))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    report(people, train, test)
    for name in UNITS:
        direction = fit(people, train, name)
        directions.save(direction, given.out / f"{name}{directions.SUFFIX}")
        print(f"{name}: {direction.per_unit:.4f} a unit of {direction.unit}, sigma {direction.sigma:.2f}")


def fit(people: People, rows: np.ndarray, name: str) -> directions.Direction:
    """Fit one direction while all the other labels hold."""
    columns = {label: torch.from_numpy(values[rows]) for label, values in people.labels.items()}
    wanted = columns.pop(name)
    plain = directions.fit(
        name,
        torch.from_numpy(people.w[rows]),
        wanted,
        unit=UNITS[name],
        generator=load_generator(),
        hold=columns,
        ridge=RIDGE,
        layers=LAYERS[name],
        notes=f"{NOTES[name]} Held: {', '.join(columns)}.",
    )
    return dataclasses.replace(plain, per_unit=plain.per_unit / GAIN[name])


def report(people: People, train: np.ndarray, test: np.ndarray) -> None:
    """Print how well w tells each label of people held out, and what a plain direction would drag along."""
    columns = {label: torch.from_numpy(values[train]) for label, values in people.labels.items()}
    table = directions.regress(torch.from_numpy(people.w[train]), columns, RIDGE)
    read = table.predict(torch.from_numpy(people.w[test])).numpy()
    print("correlation of prediction and label, people held out")
    for index, (name, values) in enumerate(people.labels.items()):
        print(f"  {name:20} {np.corrcoef(read[:, index], values[test])[0, 1]:.3f}")
    held = directions.regress(
        torch.from_numpy(people.w[test]), {k: torch.from_numpy(v[test]) for k, v in people.labels.items()}, RIDGE
    )
    print("cross-talk: sigmas that one sigma drags along, read by a regression on the people held out")
    print(" " * 30 + " ".join(f"{name[:8]:>8}" for name in people.labels))
    for name in UNITS:
        step = fit(people, train, name)
        index = list(people.labels).index(name)
        plain = table.covariance[:, index] / (table.covariance[:, index] @ table.coefficients[:, index])
        for kind, vector in (
            ("plain", plain * table.sigmas[index]),
            ("held", step.vector.double() * step.per_unit * step.sigma),
        ):
            moved = (vector @ held.coefficients) / held.sigmas
            print(f"  {name:12} {kind:14} " + " ".join(f"{value:+8.2f}" for value in moved.tolist()))


if __name__ == "__main__":
    main()
