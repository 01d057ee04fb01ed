"""Directions: straight lines in W along which one attribute of a face changes, in units, while others are held.

Works on latents and small files, without networks or images. A direction belongs to one generator, as a latent does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from faceloom import tensorfile
from faceloom.edit.latent_statistics import LatentStatistics
from faceloom.edit.mix import layer_mask
from faceloom.errors import CorruptFile, LatentError, ShapeError
from faceloom.latents import W, WPlus
from faceloom.likeness import NamedGenerator
from faceloom.settings import Settings

KIND = "direction"
VERSION = 1
SUFFIX = ".safetensors"
MAX_NUMBER = 1e12  # largest absolute value of a number in a direction's card

Labels = Float[Tensor, " n"]


@dataclass(frozen=True, eq=False)
class Direction:
    """A line in latent space along which one attribute of a face changes.

    Convention: `vector [w_dim]`, the same for every layer, or `[num_ws, w_dim]`; unit length (of a matrix: the longest
    row). A strength of 1 is one `unit` ("years", "sigma"): it moves `w` by `per_unit`. `sigma` is one standard
    deviation of the attribute among the people of the fit, in units. `layers` are the layers that it is applied to by
    default, None for all.
    """

    name: str
    vector: Tensor
    per_unit: float
    unit: str
    sigma: float
    generator_hash: str
    generator_name: str
    layers: tuple[int, ...] | None = None
    notes: str = ""


@dataclass(frozen=True, eq=False)
class Regression:
    """A joint ridge regression of several attributes on w.

    Convention: `coefficients [w_dim, k]`, `covariance [w_dim, k]` between w and the labels, `w_mean [w_dim]`,
    `means [k]` and `sigmas [k]` of the labels; float64.
    """

    names: tuple[str, ...]
    coefficients: Tensor
    covariance: Tensor
    w_mean: Tensor
    means: Tensor
    sigmas: Tensor

    def predict(self, w: W) -> Float[Tensor, "n k"]:
        """Predict the attributes of `w [n, w_dim]`, in the labels' units."""
        predictions: Tensor = (w.double() - self.w_mean) @ self.coefficients + self.means
        return predictions


def regress(w: W, labels: Mapping[str, Labels], ridge: float = 0.05) -> Regression:
    """Fit `label = coefficients . (w - mean) + mean` for every label by ridge regression.

    Convention: w `[n, w_dim]`, each label `[n]`; rows with a NaN among their labels are left out; `ridge` is in
    units of the mean variance of w.
    Raises ShapeError when the counts differ, LatentError when a label does not vary among the other rows.
    """
    counts = [list(column.shape) for column in labels.values()]
    if w.ndim != 2 or not counts or any(count != [len(w)] for count in counts):
        raise ShapeError(f"expected w [n, w_dim] and labels [n], got {list(w.shape)} and {counts}")
    table = torch.stack([column.double() for column in labels.values()], 1)  # [n k]
    complete = torch.isfinite(table).all(1)
    x, y = w[complete].double(), table[complete]
    if len(x) < 2 or (y.std(0) == 0).any():
        raise LatentError("the labels do not vary", "give labeled people who differ")
    w_mean, means = x.mean(0), y.mean(0)
    x, centered = x - w_mean, y - means
    sigma = x.T @ x / len(x)  # [w_dim w_dim]
    sigma += ridge * sigma.diagonal().mean() * torch.eye(len(sigma), dtype=sigma.dtype)
    covariance = x.T @ centered / len(x)  # [w_dim k]
    return Regression(tuple(labels), torch.linalg.solve(sigma, covariance), covariance, w_mean, means, y.std(0))


def fit(
    name: str,
    w: W,
    labels: Labels,
    *,
    unit: str,
    generator: NamedGenerator,
    hold: Mapping[str, Labels] | None = None,
    suppress: Tensor | None = None,
    suppression: float = 60.0,
    ridge: float = 0.05,
    layers: Sequence[int] | None = None,
    notes: str = "",
) -> Direction:
    """Fit the most natural step that raises one attribute by one unit and does not change the held ones.

    With B the ridge regression of all attributes on w and S the covariance of w, the step d minimizes
    `d' S^-1 d` subject to `B' d = e_1`; as `S B = C` is the covariance of w with the labels, `d = C (B' C)^-1 e_1`.
    Without `hold` this is the plain covariance direction, scaled. `suppress` are many numbers that should change as
    little as possible (the identity). With R their regression and K their covariance with w, the step minimizes
    `d' (S^-1 + suppression R R') d`: by Woodbury's identity C becomes `C - K (I / suppression + R' K)^-1 K' B`.

    Convention: w `[n, w_dim]`, labels `[n]` in `unit`s, `hold` further labels `[n]` by name, `suppress [n, d]`.
    Raises as `regress` does, and LatentError when this attribute cannot change while the others are held.
    """
    table = regress(w, {"": labels, **(hold or {})}, ridge)
    natural = table.covariance if suppress is None else _suppress(table, w, suppress, suppression, ridge)  # [w_dim k]
    mixing = table.coefficients.T @ natural  # [k k]
    scale = table.sigmas.outer(table.sigmas)
    if torch.linalg.cond(mixing / scale) > 1e8:
        raise LatentError(f"{name} cannot move while {', '.join(hold or {})} are held", "hold fewer attributes")
    step = natural @ torch.linalg.inv(mixing)[:, 0]  # [w_dim]
    length = step.norm()
    return Direction(
        name=name,
        vector=(step / length).float(),
        per_unit=float(length),
        unit=unit,
        sigma=float(table.sigmas[0]),
        generator_hash=generator.hash,
        generator_name=generator.name,
        layers=None if layers is None else tuple(layers),
        notes=notes,
    )


def _suppress(table: Regression, w: W, numbers: Tensor, suppression: float, ridge: float) -> Tensor:
    """Return the covariance of w with the labels, without the part that would change the `numbers [n, d]`."""
    held = regress(w, {str(k): column for k, column in enumerate(numbers.T)}, ridge)
    inner = held.coefficients.T @ held.covariance  # [d d]
    inner += torch.eye(len(inner), dtype=inner.dtype) / suppression
    removed: Tensor = torch.linalg.solve(inner, held.covariance.T @ table.coefficients)  # [d k]
    return table.covariance - held.covariance @ removed


def step(w_plus: WPlus, direction: Direction, strength: float, layers: Sequence[int] | None = None) -> WPlus:
    """Move a face along a direction: `w_plus + strength * per_unit * vector` on the chosen layers.

    Convention: `w_plus [n, num_ws, w_dim]`; `strength` in the direction's units, negative for the opposite; `layers`
    are indices of num_ws, by default the direction's own. A step and its opposite cancel.
    Raises ShapeError when the direction has another shape, LatentError for a strength that is not a finite number or a
    layer out of range. Does not check the generator, see `likeness.require_generator`.
    """
    if not math.isfinite(strength):
        raise LatentError(f"strength {strength} is not a finite number", f"give a number of {direction.unit}")
    if w_plus.ndim != 3 or direction.vector.shape not in (w_plus.shape[1:], w_plus.shape[2:]):
        raise ShapeError(
            f"direction '{direction.name}' {list(direction.vector.shape)} does not fit w_plus {list(w_plus.shape)}",
            "it is from another generator",
        )
    num_ws = w_plus.shape[1]
    default = range(num_ws) if direction.layers is None else direction.layers
    mask = layer_mask(default if layers is None else layers, num_ws).to(w_plus)
    return w_plus + strength * direction.per_unit * mask[:, None] * direction.vector.to(w_plus)


def from_vector(
    name: str, vector: Tensor, generator: NamedGenerator, statistics: LatentStatistics, num_ws: int
) -> Direction:
    """Make a direction of another program's vector; a strength of 1 adds the vector as it is.

    Convention: vector `[w_dim]` or `[num_ws, w_dim]`; `statistics` are those of the generator; `sigma` becomes one
    standard deviation of w along the longest row, in vectors. Raises ShapeError when it does not fit the generator.
    """
    rows = vector.float().reshape(-1, vector.shape[-1])
    lengths = rows.norm(dim=1)
    length = float(lengths.max())
    if vector.ndim > 2 or len(rows) not in (1, num_ws) or vector.shape[-1] != len(statistics.mean) or length == 0:
        shape = list(vector.shape)
        raise ShapeError(f"'{name}' {shape} is not a direction of {generator.name}", "name its --generator")
    sigma = statistics.sigma(rows[lengths.argmax()] / length) / length
    notes = "imported: a strength of 1 is the vector as it was stored"
    unit_vector = (rows / length).reshape(vector.shape)
    return Direction(name, unit_vector, length, "step", sigma, generator.hash, generator.name, None, notes)


def save(direction: Direction, path: Path) -> None:
    """Write a direction to a file, completely or not at all. Raises StoreError when the disk refuses."""
    card = {
        "name": direction.name,
        "per_unit": direction.per_unit,
        "unit": direction.unit,
        "sigma": direction.sigma,
        "generator": {"hash": direction.generator_hash, "name": direction.generator_name},
        "layers": None if direction.layers is None else list(direction.layers),
        "notes": direction.notes,
    }
    tensorfile.save(path, KIND, VERSION, {"vector": direction.vector.float()}, card)


def load(path: Path) -> Direction:
    """Read a direction.

    Raises StoreError when the file cannot be read, CorruptFile when it is damaged, LatentError when it is not a
    direction or was written by a newer faceloom.
    """
    tensors, card = tensorfile.load(path, KIND, VERSION)
    try:
        return Direction(
            name=str(card["name"]),
            vector=_check_unit_length(tensors["vector"]),
            per_unit=read_finite(card["per_unit"]),
            unit=str(card["unit"]),
            sigma=read_finite(card["sigma"]),
            generator_hash=str(card["generator"]["hash"]),
            generator_name=str(card["generator"]["name"]),
            layers=None if card["layers"] is None else tuple(int(layer) for layer in card["layers"]),
            notes=str(card["notes"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CorruptFile(f"{path} is damaged: {error}", "fit the direction again") from error


def read_finite(value: object) -> float:
    """Return a number of a card. Raises ValueError for text, such as 'nan', NaN, infinity, and beyond MAX_NUMBER."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_NUMBER:
        raise ValueError("expected a finite number")
    return float(value)


def list_shipped() -> tuple[str, ...]:
    """Return the names of the directions that come with faceloom."""
    files = (entry.name for entry in _folder().iterdir() if entry.name.endswith(SUFFIX))
    return tuple(sorted(name.removesuffix(SUFFIX) for name in files))


def load_shipped(name: str) -> Direction:
    """Load a direction that comes with faceloom. Raises LatentError for an unknown name."""
    if name not in list_shipped():
        raise LatentError(f"there is no direction '{name}'", f"there are {', '.join(list_shipped())}")
    with resources.as_file(_folder() / f"{name}{SUFFIX}") as path:
        return load(path)


def list_imported() -> dict[str, Path]:
    """Return the imported directions: the file of each by name."""
    folder = Settings().directions
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))} if folder.is_dir() else {}


def load_named(name: str) -> Direction:
    """Load a direction by the name of a shipped or an imported one, or by its file.

    Raises LatentError for an unknown name, and as `load`.
    """
    if name in list_shipped():
        return load_shipped(name)
    path = list_imported().get(name, Path(name))
    if not path.exists():
        raise LatentError(
            f"there is no direction '{name}'", f"use {', '.join((*list_shipped(), *list_imported()))}, or its file"
        )
    return load(path)


def _folder() -> Traversable:
    return resources.files("faceloom") / "data" / "directions"


def _check_unit_length(vector: Tensor) -> Tensor:
    length = vector.norm(dim=-1).max() if vector.ndim in (1, 2) and vector.numel() else torch.tensor(0.0)
    if not torch.isclose(length, torch.ones(()), atol=1e-3):
        raise ValueError(f"vector {list(vector.shape)} is not of unit length")
    return vector
