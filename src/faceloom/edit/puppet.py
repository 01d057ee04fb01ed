"""A face that follows readings: pose, smile, lips, eyes and brows are moved to given values with one picture a frame.

The response of the face to its directions is measured once. After that, the steps that reach a set of readings follow
from a small linear system, without another reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from faceloom.edit.attributes import READABLE
from faceloom.edit.directions import Direction, step
from faceloom.edit.discover import READ_SIDE
from faceloom.latents import WPlus
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.generator import Generator, image_at

CONTROLS = ("yaw", "pitch", "smile", "mouth_gap", "eye_opening", "brows")
"""The attributes that a driver moves, in the order of all values here, in the analyzer's units."""
LIMITS = {"yaw": 28.0, "pitch": 15.0, "smile": 4.5, "mouth_gap": 45.0}
"""Largest absolute value to which an attribute is moved; the others move relative to the face's own."""
MAX_STEP = 2.2  # standard deviations that a direction is moved at most
PROBE = 0.8  # standard deviations of the steps by which the response is measured
DAMPING = 0.05  # of the linear system, in squared standard deviations

Values = Float[np.ndarray, " k"]


@dataclass(frozen=True, eq=False)
class Puppet:
    """A face and its response to steps along directions.

    Convention: `steps [k, num_ws, w_dim]` are one standard deviation each, along the directions of `names`; `rest [k]`
    are the readings of the face at rest; `response [k, k]` is the change of reading i by step j, in units of
    `scales [k]`, the directions' standard deviations.
    """

    G: Generator
    w_plus: WPlus
    names: tuple[str, ...]
    steps: Tensor
    rest: Values
    response: Float[np.ndarray, "k k"]
    scales: Values

    def solve(self, targets: Values) -> Values:
        """Return the lengths of the steps, in standard deviations, that bring the readings closest to the targets."""
        bound = np.array([LIMITS.get(name, np.inf) for name in self.names])
        wanted = (np.clip(targets, -bound, bound) - self.rest) / self.scales
        system = self.response.T @ self.response + DAMPING * np.eye(len(self.names))
        return np.clip(np.linalg.solve(system, self.response.T @ wanted), -MAX_STEP, MAX_STEP)

    @torch.no_grad()
    def draw(self, targets: Values, size: int) -> Tensor:
        """Draw the face with the readings `targets [k]`: img `[1, 3, size, size]`, -1...1."""
        lengths = torch.from_numpy(self.solve(targets)).to(self.w_plus)
        return image_at(self.G, self.w_plus + torch.einsum("k,kld->ld", lengths, self.steps), size).clamp(-1, 1)


@torch.no_grad()
def make_puppet(G: Generator, w_plus: WPlus, basis: Sequence[Direction], analyzer: Analyzer) -> Puppet:
    """Measure the response of a face to the directions of CONTROLS that `basis` has: two pictures for each.

    Convention: `w_plus [1, num_ws, w_dim]`.
    """
    chosen = [direction for name in CONTROLS for direction in basis if direction.name == name]
    names = tuple(direction.name for direction in chosen)
    zero = torch.zeros_like(w_plus)
    steps = torch.cat([step(zero, direction, direction.sigma) for direction in chosen])
    scales = np.array([direction.sigma for direction in chosen])

    def read(offset: Tensor) -> Values:
        return read_controls(analyzer, image_at(G, w_plus + offset, READ_SIDE).clamp(-1, 1), names)

    columns = [(read(PROBE * s) - read(-PROBE * s)) / (2 * PROBE * scales) for s in steps]
    return Puppet(G, w_plus, names, steps, read(zero[0]), np.stack(columns, axis=1), scales)


@torch.no_grad()
def read_controls(analyzer: Analyzer, img: Tensor, names: Sequence[str] = CONTROLS) -> Values:
    """Read the attributes `names` of one aligned face `[1, 3, h, h]`, -1...1, in the analyzer's units."""
    reading = analyzer(img)
    values = torch.cat((reading.attributes[0], reading.details[0])).double().numpy()
    return np.array([values[READABLE.index(name)] for name in names])
