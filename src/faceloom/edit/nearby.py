"""Directions fitted in the neighborhood of one person, from a library of generated people with their readings.

A direction of the whole latent space drags along what is common among all people. Near one person, fewer things change
together: people who resemble the person count more in the regression. Knows latents and one shipped file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import torch
from torch import Tensor

from faceloom import tensorfile
from faceloom.edit.directions import Direction
from faceloom.errors import CorruptFile
from faceloom.latents import WPlus

KIND = "people"
VERSION = 1
AXES = 40  # principal axes of w in which people are compared
EFFECTIVE = 500  # people that count in a fit: the squared sum of the weights over the sum of their squares
RIDGE = 0.05  # of the regression, in units of the mean variance of w


@dataclass(frozen=True, eq=False)
class Library:
    """Generated people and what was read from them.

    Convention: `w [n, w_dim]`, `labels [n, k]` in the order of `names`, `identity [n, d]`; `held` names the labels that
    each direction keeps constant; `suppression` holds the weight of changes of identity by direction, 0 for none.
    """

    w: Tensor
    labels: Tensor
    identity: Tensor
    names: tuple[str, ...]
    held: dict[str, tuple[str, ...]]
    suppression: dict[str, float]


def save_library(library: Library, path: Path) -> None:
    """Write a library in half precision."""
    tensors = {"w": library.w.half(), "labels": library.labels.half(), "identity": library.identity.half()}
    card = {
        "names": list(library.names),
        "held": {name: list(held) for name, held in library.held.items()},
        "suppression": library.suppression,
    }
    tensorfile.save(path, KIND, VERSION, tensors, card)


def read_library(path: Path) -> Library:
    """Read a library. Raises as `directions.load`."""
    tensors, card = tensorfile.load(path, KIND, VERSION)
    try:
        return Library(
            w=tensors["w"].float(),
            labels=tensors["labels"].float(),
            identity=tensors["identity"].float(),
            names=tuple(str(name) for name in card["names"]),
            held={str(name): tuple(map(str, held)) for name, held in card["held"].items()},
            suppression={str(name): float(value) for name, value in card["suppression"].items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFile(f"{path} is damaged: {error}", "install faceloom again") from error


@lru_cache(maxsize=1)
def load_library() -> Library:
    """Load the people of the default generator. Raises CorruptFile when the installation is damaged."""
    with resources.as_file(resources.files("faceloom") / "data" / "people.safetensors") as path:
        return read_library(path)


def localize(basis: Sequence[Direction], w_plus: WPlus, library: Library) -> tuple[Direction, ...]:
    """Fit directions again near a person; those that the library does not know stay as they are.

    Convention: w_plus `[1, num_ws, w_dim]`, compared by the mean of its layers. Name, unit, its length, sigma and
    layers stay: the length that the regression gives nearby is a quarter to a third too short.
    Source: locally weighted regression (Cleveland 1979), with the step of `directions.fit`.
    """
    nearby = _Fit(library, closeness(library, w_plus))
    return tuple(_localize(direction, nearby) if direction.name in library.held else direction for direction in basis)


def closeness(library: Library, w_plus: WPlus) -> Tensor:
    """Return the weight of each person of the library, `[n]`: 1 for the nearest, near 0 far away.

    The weights fall with the squared distance, so fast that EFFECTIVE people count.
    """
    mean = library.w.mean(0)
    _, widths, axes = torch.linalg.svd(library.w - mean, full_matrices=False)
    scale = axes[:AXES].T / (widths[:AXES] / len(library.w) ** 0.5)
    distance = ((library.w - mean) @ scale - (w_plus[0].mean(0) - mean) @ scale).square().sum(1)
    distance = (distance - distance.min()) / distance.quantile(0.1)
    low, high = 0.0, 100.0
    for _ in range(20):
        middle = (low + high) / 2
        weights = torch.exp(-middle * distance)
        count = float(weights.sum().square() / weights.square().sum())
        low, high = (middle, high) if count > EFFECTIVE else (low, middle)
    return weights


def _localize(direction: Direction, nearby: _Fit) -> Direction:
    step = nearby.step(direction.name)
    return dataclasses.replace(direction, vector=(step / step.norm()).float())


class _Fit:
    """Weighted ridge regressions of all labels and identities on w: `[w_dim, k]` and `[w_dim, d]`."""

    def __init__(self, library: Library, weights: Tensor) -> None:
        self.library = library
        share = (weights / weights.sum()).double()[:, None]  # [n 1]
        x = library.w.double() - (share * library.w).sum(0)
        covariance = x.T @ (share * x)
        covariance += RIDGE * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=torch.float64)
        self.labels, self.identity = (
            x.T @ (share * (y.double() - (share * y).sum(0))) for y in (library.labels, library.identity)
        )
        solved = torch.linalg.solve(covariance, torch.cat((self.labels, self.identity), 1))
        self.label_weights, self.identity_weights = solved.split((self.labels.shape[1], self.identity.shape[1]), 1)

    def step(self, name: str) -> Tensor:
        """Return the likeliest step in w that raises a label by one and keeps the held ones, as `directions.fit`."""
        rows = [self.library.names.index(label) for label in (name, *self.library.held[name])]
        natural, weights = self.labels[:, rows], self.label_weights[:, rows]
        if suppression := self.library.suppression.get(name, 0.0):
            inner = self.identity_weights.T @ self.identity
            inner += torch.eye(len(inner), dtype=inner.dtype) / suppression
            natural = natural - self.identity @ torch.linalg.solve(inner, self.identity.T @ weights)
        step: Tensor = natural @ torch.linalg.inv(weights.T @ natural)[:, 0]
        return step
