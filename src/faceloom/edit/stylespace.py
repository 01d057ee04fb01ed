"""StyleSpace: edits of single channels of s, what the affine maps make of w. Knows the generator protocol and latents.

A step in s is a change of the affine maps' biases, so an edited person is kept, drawn and morphed as a tuned one is:
the change goes into the likeness's `delta`. A direction is a few channels, with a unit, and belongs to one generator.
Source: Wu, Lischinski and Shechtman 2021, "StyleSpace Analysis".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from faceloom import tensorfile
from faceloom.edit import directions
from faceloom.edit.directions import SUFFIX, Direction
from faceloom.errors import CorruptFile, LatentError, ShapeError
from faceloom.latents import WPlus
from faceloom.likeness import Likeness
from faceloom.networks.generator import Generator
from faceloom.networks.tuned import Delta, Tuned, network_of

KIND = "style direction"
VERSION = 1
ANALYSIS_RESOLUTION = 256  # of the pictures that are looked at

Place = tuple[int, int]
"""A channel of s: its layer, and its number among all channels of the layer's affine maps."""


@dataclass(frozen=True, eq=False)
class StyleDirection:
    """One thing about a face, as a few channels of StyleSpace.

    Convention: a strength of 1 is one `unit` and adds `step[i]` to the channel at `places[i]`; `sigma` is one standard
    deviation of the attribute among the generator's people, in units.
    """

    name: str
    places: tuple[Place, ...]
    step: Float[Tensor, " k"]
    unit: str
    sigma: float
    generator_hash: str
    generator_name: str
    notes: str = ""

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that have a channel in it."""
        return tuple(sorted({layer for layer, _ in self.places}))


def shift(G: Generator, direction: StyleDirection, strength: float, layers: Sequence[int] | None = None) -> Delta:
    """What a step changes in the generator's weights: the biases of the affine maps, by name.

    Convention: `strength` in the direction's units; `layers` are indices of num_ws, by default all that it has.
    Raises LatentError for a strength that is no finite number, ShapeError for a direction of another generator.
    """
    if not math.isfinite(strength):
        raise LatentError(f"strength {strength} is no finite number", f"give a number of {direction.unit}")
    biases = {layer: affine_biases(G, layer) for layer in direction.layers if 0 <= layer < G.num_ws}
    delta = {name: torch.zeros(size) for maps in biases.values() for name, size in maps}
    for (layer, channel), step in zip(direction.places, direction.step.tolist(), strict=True):
        name, index = _bias_at(biases.get(layer, ()), channel, direction.name)
        if layers is None or layer in layers:
            delta[name][index] += strength * step
    return {name: change for name, change in delta.items() if change.any()}


def step(
    G: Generator, person: Likeness, direction: StyleDirection, strength: float, layers: Sequence[int] | None = None
) -> Likeness:
    """Move a person along a direction; what tuning changed for them stays. An edit and its opposite return.

    Raises as `shift` does. Whether direction and person are of this generator is for `likeness.require_generator` to say.
    """
    delta = add(person.delta, shift(G, direction, strength, layers))
    return replace(person.with_w_plus(person.w_plus), delta=delta)


def moved(G: Generator, direction: StyleDirection, strength: float, delta: Delta | None = None) -> Generator:
    """The generator, tuned by `delta` if given, in which everybody is `strength` units further along a direction."""
    return _tuned(G, add(delta or {}, shift(G, direction, strength)))


def drawn(
    G: Generator,
    w_plus: WPlus,
    direction: Direction | StyleDirection,
    strength: float,
    delta: Delta | None = None,
) -> Tensor:
    """Draw people `[n, num_ws, w_dim]` so far along a direction of either space, small; `delta` is their tuning."""
    if isinstance(direction, StyleDirection):
        G = moved(G, direction, strength, delta)
    else:
        w_plus, G = directions.step(w_plus, direction, strength), _tuned(G, delta or {})
    return G.synthesis_at(w_plus, min(ANALYSIS_RESOLUTION, G.img_resolution))


def _tuned(G: Generator, delta: Delta) -> Generator:
    return Tuned(G, delta) if delta else G


def add(delta: Delta, shift: Delta) -> dict[str, Tensor]:
    """A delta with a shift's biases added; biases that come to nothing are left out."""
    sums = {name: delta[name].float() + change if name in delta else change for name, change in shift.items()}
    return {name: change for name, change in {**delta, **sums}.items() if name not in sums or change.any()}


def affine_biases(G: Generator, layer: int) -> list[tuple[str, int]]:
    """The biases of one layer's affine maps, with how many channels each has."""
    names = {module: name for name, module in network_of(G).named_modules()}
    maps: list[nn.Module] = list(G.affines(layer))
    return [(f"{names[affine]}.bias", len(affine.get_parameter("bias"))) for affine in maps]


def all_places(G: Generator) -> list[Place]:
    """Every channel of StyleSpace, in order."""
    sizes = [sum(size for _, size in affine_biases(G, layer)) for layer in range(G.num_ws)]
    return [(layer, channel) for layer, size in enumerate(sizes) for channel in range(size)]


Look = Callable[[Tensor], Tensor]
"""Pictures `[n, 3, h, w]` -> what is seen in each, `[n, k]`."""


def responses(G: Generator, w_plus: WPlus, look: Look) -> Float[Tensor, "k c"]:
    """How what is seen of one person answers to each channel of s: gradients, through the picture.

    Convention: w_plus `[1, num_ws, w_dim]`; channels in the order of `all_places`. One backward pass a reading.
    """
    maps = [affine for layer in range(G.num_ws) for affine in G.affines(layer)]
    offsets = [torch.zeros_like(affine.get_parameter("bias"), requires_grad=True) for affine in maps]
    hooks = [
        affine.register_forward_hook(lambda _module, _inputs, s, offset=offset: s + offset)
        for affine, offset in zip(maps, offsets, strict=True)
    ]
    try:
        with torch.enable_grad():
            seen = look(G.synthesis_at(w_plus, min(ANALYSIS_RESOLUTION, G.img_resolution)))[0]
            rows = [torch.autograd.grad(one, offsets, retain_graph=True) for one in seen]
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack([torch.cat(row) for row in rows])


@torch.no_grad()
def in_styles(G: Generator, direction: Direction) -> Float[Tensor, " c"]:
    """What one unit of a direction in W adds to each channel of s."""
    step = (direction.vector * direction.per_unit).expand(G.num_ws, -1).to(G.w_avg)
    chosen = range(G.num_ws) if direction.layers is None else direction.layers
    rows = [
        (affine(step[layer : layer + 1]) - affine(torch.zeros_like(step[:1])))[0] * (layer in chosen)
        for layer in range(G.num_ws)
        for affine in G.affines(layer)
    ]
    return torch.cat(rows).float()


def fit(
    G: Generator,
    direction: Direction,
    answers: Float[Tensor, "n k c"],
    wanted: int,
    *,
    sigmas: Float[Tensor, " k"],
    held: int,
    count: int = 60,
    excess: Float[Tensor, " held"] | None = None,
) -> StyleDirection:
    """Find the few channels that do what a direction in W does, and little else.

    Let d be what one unit of it adds to each channel, and E `[k, c]` what its part in each channel does to what is
    seen: the mean answer times d. The step `y d` minimises `sum y^2 (q + mean q)` subject to `E y = e_wanted` in the
    first `held` rows, where q is how much a channel's answers differ from person to person, and how much it changes
    what comes after the held rows (whose face it is). Channels that would have to go against the direction are left
    out: among people they do not go with the attribute, and so would only please whoever reads it. Of the others the
    `count` that contribute most stay, and the step is found anew.

    Convention: answers `[n, k, c]` as `responses` gives them for n people; row `wanted` is in the direction's units;
    `sigmas [k]` are standard deviations of what is seen, that of `wanted` the direction's. `excess [held]` is what one
    sigma of an earlier fit was seen to do too much, in sigmas: gradients do not tell all.
    Raises LatentError when no such channels are left.
    """
    moves = in_styles(G, direction)
    effects = answers * moves / sigmas[:, None]  # [n k c], in sigmas by one unit
    mean = effects.mean(0)
    doubt = (effects - mean * (torch.arange(len(sigmas)) < held)[:, None]).square().mean(0).sum(0)
    weights = 1 / (doubt + doubt[moves != 0].mean())
    goal = torch.eye(held)[wanted] if excess is None else torch.eye(held)[wanted] - excess
    goal = goal / direction.sigma
    kept = mean[wanted] > 0
    for most in (16 * count, 4 * count, 2 * count, count, count):
        shares = _shares(mean[:held], weights * kept, goal)
        gains = (shares * mean[wanted]).clamp_min(0) * kept
        kept = gains >= gains.topk(min(most, len(gains))).values[-1].clamp_min(1e-12)
    if int(kept.sum()) <= held:
        raise LatentError(f"no channels do what '{direction.name}' does and little else", "ask for more channels")
    shares = _shares(mean[:held], weights * kept, goal)
    places = all_places(G)
    chosen = kept.nonzero()[:, 0]
    return StyleDirection(
        name=f"{direction.name}.s",
        places=tuple(places[i] for i in chosen.tolist()),
        step=(shares * moves)[chosen],
        unit=direction.unit,
        sigma=direction.sigma,
        generator_hash=direction.generator_hash,
        generator_name=direction.generator_name,
        notes=direction.notes,
    )


def _shares(effects: Tensor, weights: Tensor, goal: Tensor) -> Tensor:
    """The y `[c]` that minimises `sum y^2 / weights` subject to `effects y = goal`."""
    e, h = effects.double(), weights.double()
    inner = (e * h) @ e.T  # [k k]
    inner += 1e-6 * inner.diagonal().mean() * torch.eye(len(inner), dtype=inner.dtype)
    shares: Tensor = h * (e.T @ torch.linalg.solve(inner, goal.double()))
    return shares.float()


@torch.no_grad()
def effect(G: Generator, direction: Direction | StyleDirection, people: WPlus, look: Look) -> Float[Tensor, " k"]:
    """What one sigma of a direction does to what is seen, by pictures: the mean of people and of both ways."""
    ends = [
        torch.cat([look(drawn(G, one, direction, sign * direction.sigma)) for one in people.split(1)]).mean(0)
        for sign in (1, -1)
    ]
    return (ends[0] - ends[1]) / 2


def calibrated(direction: StyleDirection, by_one_sigma: float) -> StyleDirection:
    """Scale a direction of which one sigma was seen to move the attribute by so much, in its units.

    Raises LatentError when that is nothing, or the wrong way.
    """
    gain = by_one_sigma / direction.sigma
    if not gain > 0.05:
        raise LatentError(f"'{direction.name}' does not do what it should", "ask for more channels")
    return replace(direction, step=direction.step / gain)


def _bias_at(biases: Sequence[tuple[str, int]], channel: int, direction: str) -> tuple[str, int]:
    """The bias that a channel of a layer lies in, and where."""
    index = channel
    for name, size in biases:
        if 0 <= index < size:
            return name, index
        index -= size
    raise ShapeError(f"direction '{direction}' has a channel that is not there", "it is from another generator")


def save(direction: StyleDirection, path: Path) -> None:
    """Write a direction; the file is whole or absent. Raises StoreError when the disk refuses."""
    card = {
        "name": direction.name,
        "places": [list(place) for place in direction.places],
        "unit": direction.unit,
        "sigma": direction.sigma,
        "generator": {"hash": direction.generator_hash, "name": direction.generator_name},
        "notes": direction.notes,
    }
    tensorfile.save(path, KIND, VERSION, {"step": direction.step.float()}, card)


def load(path: Path) -> StyleDirection:
    """Read a direction.

    Raises StoreError when the file cannot be read, CorruptFile when it is damaged, LatentError when it is no
    direction of StyleSpace, or one from a newer faceloom.
    """
    tensors, card = tensorfile.load(path, KIND, VERSION)
    try:
        places = tuple((int(layer), int(channel)) for layer, channel in card["places"])
        if tensors["step"].shape != (len(places),) or not places:
            raise ValueError(f"{list(tensors['step'].shape)} steps for {len(places)} channels")
        return StyleDirection(
            name=str(card["name"]),
            places=places,
            step=tensors["step"],
            unit=str(card["unit"]),
            sigma=float(card["sigma"]),
            generator_hash=str(card["generator"]["hash"]),
            generator_name=str(card["generator"]["name"]),
            notes=str(card["notes"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CorruptFile(f"{path} is damaged: {error}", "fit the direction again") from error


def shipped() -> tuple[str, ...]:
    """Name the directions of StyleSpace that come with faceloom: 'smile.s'."""
    entries = _folder().iterdir() if _folder().is_dir() else ()
    files = (entry.name for entry in entries if entry.name.endswith(SUFFIX))
    return tuple(sorted(name.removesuffix(SUFFIX) for name in files))


def load_named(name: str) -> Direction | StyleDirection:
    """Read any direction, of W or of StyleSpace, by the name of a shipped or an imported one, or by its file.

    Raises LatentError when there is none, and as `load`.
    """
    if name in shipped():
        with resources.as_file(_folder() / f"{name}{SUFFIX}") as path:
            return load(path)
    path = directions.kept().get(name, Path(name))
    if name in directions.shipped() or not path.exists():
        return directions.load_named(name)
    try:
        return load(path)
    except LatentError:  # a direction of W, or nothing of ours
        return directions.load(path)


def _folder() -> Traversable:
    return resources.files("faceloom") / "data" / "directions" / "styles"
