"""StyleSpace: edits of single channels of s, the output of the affine maps of w.

A step in s is a change of the affine maps' biases. It is stored in the likeness's `delta`, so that an edited person is
saved, rendered and morphed like a tuned one. A direction is a few channels, with a unit, and belongs to one generator.
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
from faceloom.edit.directions import SUFFIX, Direction, read_finite
from faceloom.errors import CorruptFile, LatentError, ShapeError
from faceloom.latents import WPlus
from faceloom.likeness import Likeness
from faceloom.networks.generator import Generator
from faceloom.networks.tuned import Delta, Tuned, network_of

KIND = "style direction"
VERSION = 1
ANALYSIS_RESOLUTION = 256  # side in pixels of the pictures that are read
MIN_EFFECT = 0.05  # least measured effect of a direction, as a part of the expected one

Channel = tuple[int, int]
"""A channel of s: its layer, and its number among all channels of the layer's affine maps."""

PictureReader = Callable[[Tensor], Tensor]
"""Function that takes pictures `[n, 3, h, w]` and returns k readings of each, `[n, k]`."""


@dataclass(frozen=True, eq=False)
class StyleDirection:
    """A direction in StyleSpace: a few channels that change one attribute of a face.

    Convention: a strength of 1 is one `unit` and adds `step[i]` to the channel `channels[i]`; `sigma` is one standard
    deviation of the attribute among the generator's faces, in units.
    """

    name: str
    channels: tuple[Channel, ...]
    step: Float[Tensor, " k"]
    unit: str
    sigma: float
    generator_hash: str
    generator_name: str
    notes: str = ""

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers of the channels."""
        return tuple(sorted({layer for layer, _ in self.channels}))


def step_delta(G: Generator, direction: StyleDirection, strength: float, layers: Sequence[int] | None = None) -> Delta:
    """Return the change of the generator's weights by a step: the biases of the affine maps, by name.

    Convention: `strength` in the direction's units; `layers` are indices of num_ws, by default all of the direction.
    Raises LatentError for a strength that is not a finite number, ShapeError for a direction of another generator.
    """
    if not math.isfinite(strength):
        raise LatentError(f"strength {strength} is not a finite number", f"give a number of {direction.unit}")
    biases = {layer: affine_biases(G, layer) for layer in direction.layers if 0 <= layer < G.num_ws}
    delta = {name: torch.zeros(size) for maps in biases.values() for name, size in maps}
    for (layer, channel), step in zip(direction.channels, direction.step.tolist(), strict=True):
        name, index = _find_bias(biases.get(layer, ()), channel, direction.name)
        if layers is None or layer in layers:
            delta[name][index] += strength * step
    return {name: change for name, change in delta.items() if change.any()}


def step(
    G: Generator, person: Likeness, direction: StyleDirection, strength: float, layers: Sequence[int] | None = None
) -> Likeness:
    """Move a person along a direction and keep the tuned weights and earlier edits. A step and its opposite cancel.

    Raises as `step_delta` does. Does not check that direction and person belong to this generator, see
    `likeness.require_generator`.
    """
    delta = add_deltas(person.delta, step_delta(G, direction, strength, layers))
    return replace(person.with_w_plus(person.w_plus, person.base, person.mask, person.regions), delta=delta)


def step_generator(G: Generator, direction: StyleDirection, strength: float, delta: Delta | None = None) -> Generator:
    """Return a generator, tuned by `delta`, whose faces are all moved `strength` units along a direction."""
    return _apply_delta(G, add_deltas(delta or {}, step_delta(G, direction, strength)))


def render_step(
    G: Generator,
    w_plus: WPlus,
    direction: Direction | StyleDirection,
    strength: float,
    delta: Delta | None = None,
) -> Tensor:
    """Render small pictures of people `[n, num_ws, w_dim]` moved along a direction of W or StyleSpace.

    Convention: `delta` holds the tuned weights; img `[n, 3, h, h]` with h at most ANALYSIS_RESOLUTION.
    """
    if isinstance(direction, StyleDirection):
        G = step_generator(G, direction, strength, delta)
    else:
        w_plus, G = directions.step(w_plus, direction, strength), _apply_delta(G, delta or {})
    return G.synthesis_at(w_plus, min(ANALYSIS_RESOLUTION, G.img_resolution))


def _apply_delta(G: Generator, delta: Delta) -> Generator:
    return Tuned(G, delta) if delta else G


def add_deltas(delta: Delta, change: Delta) -> dict[str, Tensor]:
    """Add a change of biases to a delta; biases whose sum is zero are left out."""
    sums = {name: delta[name].float() + bias if name in delta else bias for name, bias in change.items()}
    return {name: total for name, total in {**delta, **sums}.items() if name not in sums or total.any()}


def affine_biases(G: Generator, layer: int) -> list[tuple[str, int]]:
    """Return the names of the biases of one layer's affine maps, each with its number of channels."""
    names = {module: name for name, module in network_of(G).named_modules()}
    maps: list[nn.Module] = list(G.affines(layer))
    return [(f"{names[affine]}.bias", len(affine.get_parameter("bias"))) for affine in maps]


def list_channels(G: Generator) -> list[Channel]:
    """Return every channel of StyleSpace, in order."""
    sizes = [sum(size for _, size in affine_biases(G, layer)) for layer in range(G.num_ws)]
    return [(layer, channel) for layer, size in enumerate(sizes) for channel in range(size)]


def measure_responses(G: Generator, w_plus: WPlus, read: PictureReader) -> Float[Tensor, "k c"]:
    """Compute the gradient of each reading of one person by each channel of s, through the picture.

    Convention: w_plus `[1, num_ws, w_dim]`; channels in the order of `list_channels`. Each reading costs a backward
    pass.
    """
    maps = [affine for layer in range(G.num_ws) for affine in G.affines(layer)]
    offsets = [torch.zeros_like(affine.get_parameter("bias"), requires_grad=True) for affine in maps]
    hooks = [
        affine.register_forward_hook(lambda _module, _inputs, s, offset=offset: s + offset)
        for affine, offset in zip(maps, offsets, strict=True)
    ]
    try:
        with torch.enable_grad():
            readings = read(G.synthesis_at(w_plus, min(ANALYSIS_RESOLUTION, G.img_resolution)))[0]
            rows = [torch.autograd.grad(reading, offsets, retain_graph=True) for reading in readings]
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack([torch.cat(row) for row in rows])


@torch.no_grad()
def to_styles(G: Generator, direction: Direction) -> Float[Tensor, " c"]:
    """Return the change of each channel of s by one unit of a direction in W."""
    step = (direction.vector * direction.per_unit).expand(G.num_ws, -1).to(G.w_avg)
    layers = range(G.num_ws) if direction.layers is None else direction.layers
    rows = [
        (affine(step[layer : layer + 1]) - affine(torch.zeros_like(step[:1])))[0] * (layer in layers)
        for layer in range(G.num_ws)
        for affine in G.affines(layer)
    ]
    return torch.cat(rows).float()


def fit(
    G: Generator,
    direction: Direction,
    responses: Float[Tensor, "n k c"],
    target: int,
    *,
    sigmas: Float[Tensor, " k"],
    held: int,
    count: int = 60,
    excess: Float[Tensor, " held"] | None = None,
) -> StyleDirection:
    """Fit a direction of a few channels that changes the same attribute as a direction in W, and little else.

    Let d be the change of each channel by one unit of it, and E `[k, c]` the effect of that change in each channel on
    the readings: the mean response times d. The step `y d` minimizes `sum y^2 (q + mean q)` subject to `E y = e_target`
    in the first `held` rows, where q is the variance of a channel's responses between people, plus its effect on the
    rows after the held ones (the identity). Channels that would have to go against the direction are left out: among
    people they do not vary with the attribute, and would only fool the reader. Of the others the `count` that
    contribute most stay, and the step is computed again.

    Convention: responses `[n, k, c]` as `measure_responses` returns them for n people; row `target` is in the
    direction's units; `sigmas [k]` are the standard deviations of the readings, that of `target` the direction's.
    `excess [held]` is the unwanted effect of one sigma of an earlier fit, in sigmas, which gradients do not predict.
    Raises LatentError when no such channels are left.
    """
    moves = to_styles(G, direction)
    effects = responses * moves / sigmas[:, None]  # [n k c], in sigmas by one unit
    mean = effects.mean(0)
    variance = (effects - mean * (torch.arange(len(sigmas)) < held)[:, None]).square().mean(0).sum(0)
    weights = 1 / (variance + variance[moves != 0].mean())
    goal = torch.eye(held)[target] if excess is None else torch.eye(held)[target] - excess
    goal = goal / direction.sigma
    selected = mean[target] > 0
    for limit in (16 * count, 4 * count, 2 * count, count, count):
        shares = _solve_shares(mean[:held], weights * selected, goal)
        gains = (shares * mean[target]).clamp_min(0) * selected
        selected = gains >= gains.topk(min(limit, len(gains))).values[-1].clamp_min(1e-12)
    if int(selected.sum()) <= held:
        raise LatentError(f"no channels do what '{direction.name}' does and little else", "ask for more channels")
    shares = _solve_shares(mean[:held], weights * selected, goal)
    channels, indices = list_channels(G), selected.nonzero()[:, 0]
    return StyleDirection(
        name=f"{direction.name}.s",
        channels=tuple(channels[i] for i in indices.tolist()),
        step=(shares * moves)[indices],
        unit=direction.unit,
        sigma=direction.sigma,
        generator_hash=direction.generator_hash,
        generator_name=direction.generator_name,
        notes=direction.notes,
    )


def _solve_shares(effects: Tensor, weights: Tensor, goal: Tensor) -> Tensor:
    """Return the y `[c]` that minimizes `sum y^2 / weights` subject to `effects y = goal`."""
    e, h = effects.double(), weights.double()
    inner = (e * h) @ e.T  # [k k]
    inner += 1e-6 * inner.diagonal().mean() * torch.eye(len(inner), dtype=inner.dtype)
    shares: Tensor = h * (e.T @ torch.linalg.solve(inner, goal.double()))
    return shares.float()


@torch.no_grad()
def measure_effect(
    G: Generator, direction: Direction | StyleDirection, people: WPlus, read: PictureReader
) -> Float[Tensor, " k"]:
    """Measure the change of the readings by one sigma of a direction, as the mean over people and both signs."""
    ends = [
        torch.cat([read(render_step(G, person, direction, sign * direction.sigma)) for person in people.split(1)]).mean(
            0
        )
        for sign in (1, -1)
    ]
    return (ends[0] - ends[1]) / 2


def calibrate(direction: StyleDirection, effect: float) -> StyleDirection:
    """Scale a direction by the measured effect of one sigma on its attribute, in its units.

    Raises LatentError when the effect is zero or has the wrong sign.
    """
    gain = effect / direction.sigma
    if not gain > MIN_EFFECT:
        raise LatentError(f"'{direction.name}' does not change its attribute as it should", "ask for more channels")
    return replace(direction, step=direction.step / gain)


def _find_bias(biases: Sequence[tuple[str, int]], channel: int, direction: str) -> tuple[str, int]:
    """Return the bias that holds a channel of a layer, and the index in it."""
    index = channel
    for name, size in biases:
        if 0 <= index < size:
            return name, index
        index -= size
    raise ShapeError(
        f"direction '{direction}' has a channel that the generator does not have", "it is from another generator"
    )


def save(direction: StyleDirection, path: Path) -> None:
    """Write a direction to a file, completely or not at all. Raises StoreError when the disk refuses."""
    card = {
        "name": direction.name,
        "places": [list(channel) for channel in direction.channels],
        "unit": direction.unit,
        "sigma": direction.sigma,
        "generator": {"hash": direction.generator_hash, "name": direction.generator_name},
        "notes": direction.notes,
    }
    tensorfile.save(path, KIND, VERSION, {"step": direction.step.float()}, card)


def load(path: Path) -> StyleDirection:
    """Read a direction.

    Raises StoreError when the file cannot be read, CorruptFile when it is damaged, LatentError when it is not a
    direction of StyleSpace or was written by a newer faceloom.
    """
    tensors, card = tensorfile.load(path, KIND, VERSION)
    try:
        channels = tuple((int(layer), int(channel)) for layer, channel in card["places"])
        if tensors["step"].shape != (len(channels),) or not channels:
            raise ValueError(f"{list(tensors['step'].shape)} steps for {len(channels)} channels")
        return StyleDirection(
            name=str(card["name"]),
            channels=channels,
            step=tensors["step"],
            unit=str(card["unit"]),
            sigma=read_finite(card["sigma"]),
            generator_hash=str(card["generator"]["hash"]),
            generator_name=str(card["generator"]["name"]),
            notes=str(card["notes"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CorruptFile(f"{path} is damaged: {error}", "fit the direction again") from error


def list_shipped() -> tuple[str, ...]:
    """Return the names of the StyleSpace directions that come with faceloom, as in 'smile.s'."""
    entries = _folder().iterdir() if _folder().is_dir() else ()
    files = (entry.name for entry in entries if entry.name.endswith(SUFFIX))
    return tuple(sorted(name.removesuffix(SUFFIX) for name in files))


def load_named(name: str) -> Direction | StyleDirection:
    """Load a direction of W or of StyleSpace, by the name of a shipped or an imported one, or by its file.

    Raises LatentError for an unknown name, and as `load`.
    """
    if name in list_shipped():
        with resources.as_file(_folder() / f"{name}{SUFFIX}") as path:
            return load(path)
    path = directions.list_imported().get(name, Path(name))
    if name in directions.list_shipped() or not path.exists():
        return directions.load_named(name)
    try:
        return load(path)
    except LatentError:  # a direction of W, or another file
        return directions.load(path)


def _folder() -> Traversable:
    return resources.files("faceloom") / "data" / "directions" / "styles"
