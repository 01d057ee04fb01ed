"""Control: steering with the directions that we ship, seen through the analyzer. Joins the two; knows no files.

What a person says ('+20 years, a smile of 80 %') goes in, a changed latent and what became of the wishes come out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from faceloom.edit import directions
from faceloom.edit.directions import SUFFIX, Direction
from faceloom.edit.steer import Look, SteerConfig, Steered, apply, steer
from faceloom.edit.targets import compute_targets
from faceloom.latents import WPlus
from faceloom.networks.analyzer import ATTRIBUTES, Analyzer
from faceloom.networks.generator import Generator, image_at

READING_RESOLUTION = 256  # of the pictures that are looked at


def shipped_basis() -> tuple[Direction, ...]:
    """The default generator's directions that the analyzer can see."""
    return tuple(directions.load_shipped(name) for name in directions.shipped() if name in ATTRIBUTES)


def basis_in(folder: Path) -> tuple[Direction, ...]:
    """Those that lie in a folder, as `faceloom direction traits` keeps them beside a generator; none is no error."""
    return tuple(
        found for path in sorted(folder.glob(f"*{SUFFIX}")) if (found := directions.load(path)).name in ATTRIBUTES
    )


def attribute_reader(G: Generator, analyzer: Analyzer, basis: Sequence[Direction]) -> Look:
    """What steering looks through: draw small, read, and give the attributes in the order of the basis."""
    order = [ATTRIBUTES.index(direction.name) for direction in basis]

    @torch.no_grad()
    def look(w_plus: WPlus) -> tuple[Tensor, Tensor]:
        reading = analyzer(image_at(G, w_plus, READING_RESOLUTION))
        return reading.traits[0, order], reading.identity[0]

    return look


def edit_attributes(
    G: Generator,
    analyzer: Analyzer,
    w_plus: WPlus,
    wishes: Mapping[str, float],
    *,
    basis: Sequence[Direction],
    keep_identity: float | None = None,
    config: SteerConfig | None = None,
) -> Steered:
    """Make a face what is wished for, and leave the rest of it alone.

    Convention: w_plus `[1, num_ws, w_dim]`; wishes as in `edit.wishes`: changes in years and degrees, probabilities
    0...1 of the rest; `keep_identity` is the least cosine to the face before. Raises LatentError for other wishes.
    """
    look = attribute_reader(G, analyzer, basis)
    attributes, _ = look(w_plus)
    before = dict(zip((direction.name for direction in basis), attributes.tolist(), strict=True))
    return steer(look, w_plus, basis, compute_targets(wishes, before), keep_identity=keep_identity, config=config)


def random_edits(
    basis: Sequence[Direction], far: float = SteerConfig.reach, aside: float = 0.5
) -> Callable[[WPlus, torch.Generator], WPlus]:
    """Edits at random, as steering makes them: where a person's generator must go on drawing people.

    Convention: each goes up to `far` standard deviations either way in one attribute, more often far than near, and
    about `aside` in the others. More than half of them are in age, in which edits go furthest.
    """
    ages = [i for i, direction in enumerate(basis) if direction.name == "age"]

    def edited(w_plus: WPlus, random: torch.Generator) -> WPlus:
        lengths = aside * torch.randn(len(basis), generator=random)
        among = ages if ages and torch.rand((), generator=random) < 0.5 else range(len(basis))
        one = among[int(torch.randint(len(among), (), generator=random))]
        way = 2 * torch.rand((), generator=random) - 1
        lengths[one] = far * way.sign() * way.abs().sqrt()
        at = {direction.name: float(x) * direction.sigma for direction, x in zip(basis, lengths, strict=True)}
        return apply(w_plus, basis, at)

    return edited
