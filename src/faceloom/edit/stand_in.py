"""Stand-ins: generated people who take the place of a person in a photo, with the same attributes and another identity.

The latent of the photo's inversion keeps its coarsest and its fine layers, which hold the frame, the light and the
colors. The layers between, which hold the identity, become those of a generated person. Then steps along the
directions of attributes bring pose, smile, age and the others back to what the photo shows. Works on latents; the
functions that read pictures are arguments.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from faceloom.edit.attributes import READABLE
from faceloom.edit.directions import Direction
from faceloom.edit.directions import step as step_along
from faceloom.edit.discover import READ_SIDE, FaceReader
from faceloom.errors import LatentError
from faceloom.latents import WPlus, broadcast
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.generator import Generator, image_at

PersonW = Float[Tensor, "1 w_dim"]
"""The latent of one generated person."""

MAX_RESOLUTION = 128  # pixels of the largest features whose layers hold the identity, but for the last of them
FIRST_LAYER = 1  # the first layer holds the frame and stays

GROUPS: dict[str, tuple[str, ...]] = {
    "age": ("age",),
    "sex": ("gender",),
    "pose": ("yaw", "pitch"),
    "smile": ("smile", "mouth_open", "eyes_open"),
}
"""Names of what can be kept of a person, with the attributes of each. Glasses and a beard are always kept."""

ALWAYS = ("glasses", "beard")
SCALES = {"age": 6.0, "gender": 2.0, "yaw": 6.0, "pitch": 5.0, "smile": 2.0, "mouth_open": 2.0, "eyes_open": 3.0}
SCALES |= {"glasses": 1.2, "beard": 1.5}
"""Differences of attributes, in the analyzer's units, that cost as much as each other."""

STEP_LIMIT = 1.0  # standard deviations: longest step along a direction at a time
LENGTH_LIMIT = 2.5  # standard deviations: longest sum of steps along a direction
CERTAIN_LOGIT = 3.0  # logits beyond which more of the same does not matter
CANDIDATE_SIDE = 128  # pixels of the side of the pictures of candidates, which are only read
IDENTITY_WEIGHT = 18.0  # cost of an identity similarity of 1 to the person in the photo


@dataclass(frozen=True, eq=False)
class Candidate:
    """A generated person who could stand in: `w [1, w_dim]`, its cost, and the identity similarity to the person."""

    w: PersonW
    cost: float
    similarity: float


def kept_attributes(keep: Collection[str]) -> tuple[str, ...]:
    """Return the attributes to keep by the names of GROUPS. Raises LatentError for another name."""
    if unknown := set(keep) - set(GROUPS):
        raise LatentError(f"'{min(unknown)}' cannot be kept", f"name some of {', '.join(GROUPS)}")
    return tuple(name for group in GROUPS if group in keep for name in GROUPS[group]) + ALWAYS


def identity_layers(G: Generator) -> list[int]:
    """Return the layers that hold the identity."""
    layers = [i for i, side in enumerate(G.layer_resolutions) if i >= FIRST_LAYER and side <= MAX_RESOLUTION]
    return layers[:-1]


def mix_in(G: Generator, base: WPlus, w: PersonW) -> WPlus:
    """Give latents `[n, num_ws, w_dim]` the identity of a generated person."""
    mixed = base.clone()
    layers = identity_layers(G)
    mixed[:, layers] = broadcast(w, G.num_ws)[:, layers].to(mixed)
    return mixed


def shortlist(pool: Tensor, guesses: Tensor, shown: Reading, names: Sequence[str], count: int) -> list[int]:
    """Return the indices of the people of a pool `[n, w_dim]` whose guessed attributes `[n, 10]` are nearest."""
    costs = torch.zeros(len(pool))
    for name in names:
        if name in ATTRIBUTES:
            index = ATTRIBUTES.index(name)
            difference = _clip(name, guesses[:, index]) - _clip(name, shown.attributes[:, index])
            costs = costs + (difference.nan_to_num() / SCALES[name]).square()
    return costs.topk(min(count, len(pool)), largest=False).indices.tolist()


def attribute_cost(reading: Reading, shown: Reading, names: Sequence[str]) -> Tensor:
    """Return how far attributes are from those that the photo shows: `[n]`."""
    values, wanted = (torch.cat((r.attributes, r.details), 1) for r in (reading, shown))
    costs = torch.zeros(len(values))
    for name in names:
        index = READABLE.index(name)
        difference = _clip(name, values[:, index]) - _clip(name, wanted[:, index])
        costs = costs + (difference / SCALES[name]).square()
    return costs


@torch.no_grad()
def judge_candidates(
    G: Generator, base: WPlus, people: Sequence[PersonW], shown: Reading, read: FaceReader, names: Sequence[str]
) -> list[Candidate]:
    """Draw the mixed face of every person, read it, and return the candidates, the best first."""
    found = []
    for w in people:
        reading = read(image_at(G, mix_in(G, base, w), CANDIDATE_SIDE))
        similarity = float((reading.identity * shown.identity).sum())
        cost = float(attribute_cost(reading, shown, names)[0]) + IDENTITY_WEIGHT * max(similarity, 0.0)
        found.append(Candidate(w, cost, similarity))
    return sorted(found, key=lambda candidate: candidate.cost)


@torch.no_grad()
def match_attributes(
    G: Generator,
    start: WPlus,
    shown: Reading,
    read: FaceReader,
    basis: Sequence[Direction],
    names: Collection[str],
    *,
    rounds: int = 2,
) -> WPlus:
    """Step along directions until the picture shows the attributes of the photo; return the nearest of all rounds.

    Convention: `G` may blend the picture outside a mask; start `[1, num_ws, w_dim]`.
    """
    basis = [direction for direction in basis if direction.name in names]
    moved = {direction.name: 0.0 for direction in basis}
    best, least = start, float("inf")
    w_plus = start
    for turn in range(rounds + 1):
        reading = read(image_at(G, w_plus, READ_SIDE))
        cost = float(attribute_cost(reading, shown, list(names))[0])
        if cost < least:
            best, least = w_plus, cost
        if turn == rounds or not basis:
            break
        for direction in basis:
            w_plus = _correct(w_plus, direction, reading, shown, moved)
    return best


def _correct(w_plus: WPlus, direction: Direction, reading: Reading, shown: Reading, moved: dict[str, float]) -> WPlus:
    """Take a bounded step along a direction against the error of its attribute."""
    values, wanted = (
        torch.cat((r.attributes, r.details), 1)[0, READABLE.index(direction.name)] for r in (reading, shown)
    )
    error = float(_clip(direction.name, wanted) - _clip(direction.name, values)) / direction.sigma
    step = min(max(error, -STEP_LIMIT), STEP_LIMIT)
    step = min(max(moved[direction.name] + step, -LENGTH_LIMIT), LENGTH_LIMIT) - moved[direction.name]
    moved[direction.name] += step
    return step_along(w_plus, direction, step * direction.sigma)


def _clip(name: str, values: Tensor) -> Tensor:
    """Limit logits to those that matter; other values stay."""
    is_logit = name in (*ALWAYS, "gender", "smile", "mouth_open", "eyes_open")
    return values.clamp(-CERTAIN_LOGIT, CERTAIN_LOGIT) if is_logit else values
