"""Dragging: points of a face are taken to where they should be, and the latent follows. Knows a generator, no files.

Pan et al. 2023, "Drag Your GAN: Interactive Point-based Manipulation on the Generative Image Manifold". Every step
first pulls what lies around each handle a little towards its target, by the generator's own features (section 3.2.1),
then looks for where each handle went (section 3.2.2). Features come from whatever family, through hooks.

What differs: the paper moves each layer's style freely by Adam. Our default generator, distilled on W alone, tears to
pieces on that way, so here one change is shared by all layers that may change, and it is measured in standard
deviations of the generator's own people: every step is the steepest of a fixed length there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import get_ident
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from faceloom.edit.latent_statistics import LatentStatistics, measure_latents
from faceloom.errors import LatentError
from faceloom.latents import WPlus
from faceloom.networks.generator import Generator
from faceloom.networks.tuned import network_of

Point = tuple[float, float]
"""(x, y) in the image, as parts of its side: (0, 0) is its top-left corner, (1, 1) its bottom-right."""

Mask = Float[Tensor, "h w"]

PEOPLE = 2000  # that a generator's spread is measured on, where nobody has done so
GRID = 256  # lengths are counted in steps of 1 / GRID of the image's side


@dataclass(frozen=True)
class DragConfig:
    """How to drag. Lengths and the mask's weight are the paper's."""

    steps: int = 100  # at most
    stride: float = 0.15  # standard deviations of w that a step moves
    patch: int = 3  # GRID steps around a handle that are pulled (r1)
    reach: int = 12  # GRID steps around a handle that it is looked for in (r2)
    mask_weight: float = 20.0  # of what should not move (lambda)
    arrived: float = 1.0  # GRID steps from its target at which a handle is there
    side: int = 128  # pixels of the features that are pulled
    finest: int = 16  # pixels: only layers up to this resolution change, so that the look stays


@dataclass(frozen=True, eq=False)
class DragStep:
    """Where a drag has come to.

    Convention: w_plus `[1, num_ws, w_dim]`; `handles` as they were found again in it; `distance` is the farthest
    handle's to its target, as a part of the image's side; `arrived` says that all are there.
    """

    w_plus: WPlus
    handles: tuple[Point, ...]
    distance: float
    number: int
    arrived: bool


def drag(
    G: Generator,
    w_plus: WPlus,
    handles: Sequence[Point],
    targets: Sequence[Point],
    *,
    mask: Mask | None = None,
    people: LatentStatistics | None = None,
    config: DragConfig | None = None,
) -> Iterator[DragStep]:
    """Take every handle to its target, step by step; whoever iterates draws, and stops when it is enough.

    Convention: w_plus `[1, num_ws, w_dim]`; as many targets as handles; `mask [h, w]`, of any size, is 1 where the
    picture may change, 0 where it should not; `people` are the generator's, measured here unless given. The first step
    yielded is the start, number 0; the last one has arrived or is number `config.steps`.
    Raises LatentError for points outside the image or that have no partner, ShapeError.
    """
    config = config or DragConfig()
    _check(handles, targets)
    dragging = _Dragging(G, w_plus, handles, targets, mask, people or measure_latents(G, PEOPLE), config)
    yield dragging.here(0)
    for number in range(1, config.steps + 1):
        if dragging.arrived:
            return
        dragging.pull()
        dragging.look()
        yield dragging.here(number)


class _Dragging:
    """One drag. Points inside are `[k, 2]`, lengths in GRID steps."""

    def __init__(
        self,
        G: Generator,
        w_plus: WPlus,
        handles: Sequence[Point],
        targets: Sequence[Point],
        mask: Mask | None,
        people: LatentStatistics,
        config: DragConfig,
    ) -> None:
        self.config, self.features = config, Features(G, config.side)
        self.handles, self.targets = (torch.tensor(points) * GRID for points in (handles, targets))
        free = torch.tensor([side <= config.finest for side in G.layer_resolutions])
        self.begin, self.free = w_plus.detach(), free[:, None].to(w_plus)
        self.deviations = (people.axes * people.variances.sqrt()).to(w_plus)  # [w_dim w_dim], a column an axis
        self.change = torch.zeros(w_plus.shape[-1], requires_grad=True)  # along them
        with torch.no_grad():
            self.start = self.now = self.features(self.w_plus)
        self.looks = sampled(self.start, self.handles)  # [k c]: what each handle looked like at first
        self.held = None if mask is None else 1 - _fitted(mask.float(), self.start)

    @property
    def w_plus(self) -> WPlus:
        """The latent, with a gradient to the change."""
        return self.begin + self.free * (self.deviations @ self.change)

    @property
    def arrived(self) -> bool:
        """Whether every handle is at its target."""
        return bool((self._lengths() <= self.config.arrived).all())

    def pull(self) -> None:
        """Move what lies around the handles by one GRID step towards the targets (eq. 1)."""
        way = self.targets - self.handles
        lengths = self._lengths()[:, None]
        towards = torch.where(lengths > self.config.arrived, way / lengths.clamp_min(1e-6), 0.0)  # [k 2]
        around = self.handles[:, None] + square(self.config.patch)  # [k p 2]
        features = self.features(self.w_plus)
        here, there = sampled(features, around).detach(), sampled(features, around + towards[:, None])
        loss = (there - here).abs().mean(dim=(1, 2)).sum()
        if self.held is not None:
            loss = loss + self.config.mask_weight * ((features - self.start).abs() * self.held).mean()
        (gradient,) = torch.autograd.grad(loss, [self.change])
        with torch.no_grad():
            self.change -= self.config.stride * F.normalize(gradient.nan_to_num(0.0, 0.0, 0.0), dim=0)

    @torch.no_grad()
    def look(self) -> None:
        """Find each handle again: the place nearby that looks most as it did at first (eq. 2)."""
        self.now = self.features(self.w_plus)
        around = self.handles[:, None] + square(self.config.reach)  # [k q 2]
        apart = (sampled(self.now, around) - self.looks[:, None]).abs().sum(-1)
        nearest = apart.argmin(dim=1)
        self.handles = around[torch.arange(len(around)), nearest].clamp(0, GRID)

    def here(self, number: int) -> DragStep:
        """What whoever iterates wants to know."""
        handles = tuple((float(x), float(y)) for x, y in self.handles / GRID)
        distance = float(self._lengths().max()) / GRID
        return DragStep(self.w_plus.detach(), handles, distance, number, self.arrived)

    def _lengths(self) -> Tensor:
        lengths: Tensor = (self.targets - self.handles).norm(dim=1)
        return lengths


class Features:
    """A generator's features of about a side, whatever its family: the last styled layer's not larger than that.

    Convention: a call takes w_plus `[1, num_ws, w_dim]` to float32 `[1, c, r, r]` that covers the image exactly; layers
    after it are not computed.
    """

    def __init__(self, G: Generator, side: int) -> None:
        self.G, self.module = G, _layer_of(network_of(G), side)

    def __call__(self, w_plus: WPlus) -> Tensor:
        me = get_ident()

        def stop(module: nn.Module, _: object, out: Tensor) -> None:
            if get_ident() == me:  # somebody else's thread may draw with the same network meanwhile
                raise _Reached(out)

        hook = self.module.register_forward_hook(stop)
        try:
            self.G.synthesis_at(w_plus, self.G.img_resolution)
        except _Reached as reached:
            return _within(reached.features).float()
        finally:
            hook.remove()
        raise LatentError("this generator shows no features", "use --engine torch")


class _Reached(Exception):
    """Carries features out of a network that need not go on."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features


@torch.no_grad()
def _layer_of(network: Any, side: int) -> nn.Module:
    """The last module with a style of its own whose features, without their margin, are `side` pixels or less."""
    found: list[nn.Module] = []

    def note(module: nn.Module, _: object, out: object) -> None:
        if isinstance(out, Tensor) and out.ndim == 4 and out.shape[1] > 3 and _own_side(out.shape[-1]) <= side:
            found.append(module)

    styled = {id(affine) for layer in range(network.num_ws) for affine in network.affines(layer)}
    parents = [module for module in network.modules() if any(id(child) in styled for child in module.children())]
    hooks = [module.register_forward_hook(note) for module in parents]
    try:
        network.synthesis(network.w_avg.expand(1, network.num_ws, -1))
    finally:
        for hook in hooks:
            hook.remove()
    return found[-1]


def _own_side(side: int) -> int:
    """The part of features that the image shows: StyleGAN3's reach beyond it by ten pixels on every side."""
    return 1 << (side.bit_length() - 1)


def _within(features: Tensor) -> Tensor:
    margin = (features.shape[-1] - _own_side(features.shape[-1])) // 2
    return features[..., margin:-margin, margin:-margin] if margin else features


def sampled(features: Tensor, points: Tensor) -> Tensor:
    """Read features between their pixels, bilinearly: `[1, c, r, r]` at points `[..., 2]` in GRID steps: `[..., c]`."""
    grid = (points * (2 / GRID) - 1).reshape(1, 1, -1, 2).to(features)
    found = F.grid_sample(features, grid, padding_mode="border", align_corners=False)
    return found[0, :, 0].T.reshape(*points.shape[:-1], -1)


def square(radius: int) -> Tensor:
    """The offsets of a square around a point, in GRID steps: `[(2 radius + 1)^2, 2]`, its own place first among equals.

    Sorted by distance, so that `argmin` takes the nearest of places that look alike.
    """
    line = torch.arange(-radius, radius + 1.0)
    offsets = torch.cartesian_prod(line, line)
    return offsets[offsets.square().sum(1).argsort(stable=True)]


def _fitted(mask: Mask, features: Tensor) -> Tensor:
    """A mask at the features' size."""
    return F.interpolate(mask[None, None], size=features.shape[-2:], mode="area").clamp(0, 1)


def _check(handles: Sequence[Point], targets: Sequence[Point]) -> None:
    if not handles or len(handles) != len(targets):
        raise LatentError(
            f"{len(handles)} handles and {len(targets)} targets", "give every point that is dragged its target"
        )
    for point in (*handles, *targets):
        if not all(math.isfinite(part) and 0 <= part <= 1 for part in point):
            raise LatentError(f"{point} is not in the image", "points are parts of its side, from 0 to 1")
