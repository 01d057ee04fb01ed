"""Discovery of unlabeled directions: SeFa and the principal axes of W, named by the attributes that they change.

Works on latents; the function that reads pictures is an argument. Does not open files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from faceloom.edit.directions import Direction, step
from faceloom.edit.fit_few import from_values
from faceloom.edit.latent_statistics import LatentStatistics, fix_signs, sample_w
from faceloom.errors import LatentError
from faceloom.latents import WPlus, broadcast
from faceloom.likeness import NamedGenerator
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.generator import Generator, image_at

Method = Literal["sefa", "pca"]
FaceReader = Callable[[Tensor], Reading]
"""Function that takes img `[n, 3, 256, 256]`, aligned faces, and returns what an analyzer reads from them."""

READ_SIDE = 256  # side in pixels of the pictures that are read
MIN_SIGMAS = {"age": 4.0, "yaw": 3.0, "pitch": 3.0, "roll": 1.0, "sharpness": 0.3}
"""Least standard deviation assumed for an attribute, in its units; generated faces hardly vary in some."""
MIN_LOGIT_SIGMA = 0.7  # the same for attributes that are logits


@dataclass(frozen=True, eq=False)
class Component:
    """A direction found by one of the methods.

    Convention: `vector [w_dim]`, unit length; `sigma` is one standard deviation of w along it; `explained` is its share
    of the variance of w (PCA) or of the squared lengths of the styles' responses (SeFa), 0...1; `layers` are those that
    it was found for, None for all; `number` counts from 1.
    """

    vector: Tensor
    sigma: float
    explained: float
    layers: tuple[int, ...] | None
    method: Method
    number: int

    def to_direction(self, generator: NamedGenerator, name: str | None = None, notes: str = "") -> Direction:
        """Make a direction of the component; a strength of 1 is one standard deviation of w."""
        return Direction(
            name=name or f"{self.method}-{self.number}",
            vector=self.vector.float(),
            per_unit=self.sigma,
            unit="sigma",
            sigma=1.0,
            generator_hash=generator.hash,
            generator_name=generator.name,
            layers=self.layers,
            notes=notes,
        )


def pca(statistics: LatentStatistics, count: int, layers: Sequence[int] | None = None) -> list[Component]:
    """Return the principal axes of w, the widest first.

    Raises LatentError for a count larger than w_dim. Source: Haerkoenen et al. 2020 (GANSpace), section 2.1.
    """
    return _make_components(statistics.axes, statistics.variances, count, statistics, layers, "pca")


@torch.no_grad()
def sefa(
    G: Generator, statistics: LatentStatistics, count: int, layers: Sequence[int] | None = None
) -> list[Component]:
    """Return the directions that change the styles of the layers most: eigenvectors of A^T A, A their affine weights.

    Every row of A is first normalized to unit length, so that all channels have the same weight.
    Raises LatentError for a count larger than w_dim, or a layer out of range.
    Source: Shen and Zhou 2021, eq. 6.
    """
    weights = torch.cat([style_weights(G, layer) for layer in (range(G.num_ws) if layers is None else layers)])
    rows = weights.double() / weights.double().norm(dim=1, keepdim=True).clamp_min(1e-12)  # [c w_dim]
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    return _make_components(fix_signs(vectors.flip(1)), values.flip(0).clamp_min(0), count, statistics, layers, "sefa")


def style_weights(G: Generator, layer: int) -> Tensor:
    """Return the matrix `[c, w_dim]` that maps w to all scales of one layer.

    Raises LatentError for a layer out of range.
    """
    if not 0 <= layer < G.num_ws:
        raise LatentError(f"there is no layer {layer}", f"layers go from 0 to {G.num_ws - 1}")
    basis = torch.cat([torch.eye(G.w_dim), torch.zeros(1, G.w_dim)]).to(G.w_avg)
    scales = torch.cat([affine(basis) for affine in G.affines(layer)], dim=1)  # [w_dim+1 c]
    return (scales[:-1] - scales[-1]).T


def _make_components(
    vectors: Tensor,
    values: Tensor,
    count: int,
    statistics: LatentStatistics,
    layers: Sequence[int] | None,
    method: Method,
) -> list[Component]:
    if not 1 <= count <= len(values):
        raise LatentError(f"{count} directions", f"ask for 1 to {len(values)}")
    indices = None if layers is None else tuple(layers)
    shares = values / values.sum()
    return [
        Component(vectors[:, i].float(), statistics.sigma(vectors[:, i]), float(shares[i]), indices, method, i + 1)
        for i in range(count)
    ]


@torch.no_grad()
def read_faces(G: Generator, w_plus: WPlus, read: FaceReader) -> Tensor:
    """Read the attributes of faces, one picture at a time: `[n, num_ws, w_dim]` -> `[n, 10]`, as the analyzer reads."""
    return torch.cat([read(image_at(G, face, READ_SIDE)).attributes for face in w_plus.split(1)])


def attribute_sigmas(readings: Tensor) -> Tensor:
    """Return the standard deviation of each attribute in `readings [n, 10]`, at least that of MIN_SIGMAS."""
    least = torch.tensor([MIN_SIGMAS.get(name, MIN_LOGIT_SIGMA) for name in ATTRIBUTES])
    return torch.maximum(readings.std(0).cpu(), least)


def measure_shifts(
    G: Generator, direction: Direction, people: WPlus, read: FaceReader, sigmas: Tensor, strength: float = 2.0
) -> dict[str, float]:
    """Measure the mean change of each attribute by one unit of a direction, in standard deviations.

    Convention: people `[n, num_ws, w_dim]`; each is generated at plus and minus `strength`; `sigmas [10]` as
    `attribute_sigmas` returns them.
    """
    ends = [read_faces(G, step(people, direction, sign * strength), read).cpu() for sign in (1, -1)]
    change = (ends[0] - ends[1]).mean(0) / (2 * strength * sigmas)
    return dict(zip(ATTRIBUTES, change.tolist(), strict=True))


def name_direction(shifts: Mapping[str, float], at_least: float = 0.25, most: int = 3) -> str:
    """Name a direction after the attributes that it changes most, as in 'age +, glasses +'.

    Convention: `shifts` as `measure_shifts` returns them; attributes that change by less than `at_least` standard
    deviations, or by less than a third of the first, are not named. With none: 'nothing the analyzer knows'.
    """
    ranked = sorted(shifts.items(), key=lambda item: -abs(item[1]))
    enough = max(at_least, abs(ranked[0][1]) / 3) if ranked else at_least
    names = [f"{name.replace('_', ' ')} {'+' if shift > 0 else '-'}" for name, shift in ranked if abs(shift) >= enough]
    return ", ".join(names[:most]) or "nothing the analyzer knows"


def fit_plain_directions(
    G: Generator,
    attributes: Sequence[str],
    read: FaceReader,
    *,
    statistics: LatentStatistics,
    generator: NamedGenerator,
    count: int = 200,
) -> list[Direction]:
    """Fit a direction for each attribute without holding the others; another fit can hold these directions.

    Reads `count` generated faces, of random classes when the generator takes labels.
    """
    w_plus = broadcast(sample_w(G, count, seed=1), G.num_ws)
    readings = read_faces(G, w_plus, read)
    columns = [(name, readings[:, ATTRIBUTES.index(name)]) for name in attributes]
    return [
        from_values(name, w_plus, values, unit="units", statistics=statistics, generator=generator).direction
        for name, values in columns
    ]
