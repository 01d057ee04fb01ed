"""Dragging: points of a face move to targets, and the latent follows.

Pan et al. 2023, "Drag Your GAN: Interactive Point-based Manipulation on the Generative Image Manifold". Each step first
moves the surroundings of each handle a little towards its target, by the generator's own features (section 3.2.1), and
then finds the handle again (section 3.2.2). Features come from a generator of any family, through hooks. Does not open
files.

One thing differs. The paper moves each layer's style freely by Adam. Our default generator was distilled on W alone and
breaks faces that way, so here one change is shared by all layers that may change. It is measured in standard
deviations of the generator's latents, and every step is the steepest one of a fixed length there.
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
"""(x, y) in fractions of the image's side: (0, 0) is the top-left corner, (1, 1) the bottom-right."""

Mask = Float[Tensor, "h w"]

SAMPLES = 2000  # number of latents whose statistics are measured when none are given
GRID = 256  # number of grid steps along the image's side; lengths are counted in them


@dataclass(frozen=True)
class DragConfig:
    """Settings of a drag. Lengths and the weight of the mask are those of the paper."""

    steps: int = 100  # maximum number of steps
    step_length: float = 0.15  # length of a step in standard deviations of w
    patch_radius: int = 3  # grid steps around a handle that are moved (r1)
    search_radius: int = 12  # grid steps around a handle in which it is searched for (r2)
    mask_weight: float = 20.0  # weight of the change outside the mask (lambda)
    tolerance: float = 1.0  # distance from its target, in grid steps, at which a handle has arrived
    side: int = 128  # side in pixels of the features that are moved
    max_resolution: int = 16  # in pixels: only layers up to this resolution change, which keeps colors and textures


@dataclass(frozen=True, eq=False)
class DragStep:
    """The state of a drag after a step.

    Convention: w_plus `[1, num_ws, w_dim]`; `handles` as they were found again in its picture; `distance` is that of
    the farthest handle to its target, in fractions of the image's side; `arrived` is true when all handles arrived.
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
    statistics: LatentStatistics | None = None,
    config: DragConfig | None = None,
) -> Iterator[DragStep]:
    """Drag every handle to its target and yield each step; the caller renders it and may stop at any step.

    Convention: w_plus `[1, num_ws, w_dim]`; as many targets as handles; `mask [h, w]`, of any size, is 1 where the
    picture may change, 0 where it should not; `statistics` of the generator are measured here unless given. The first
    step is the start, number 0; the last one has arrived or is number `config.steps`.
    Raises LatentError for points outside the image and for handles without targets, ShapeError.
    """
    config = config or DragConfig()
    _check_points(handles, targets)
    dragging = _Dragging(G, w_plus, handles, targets, mask, statistics or measure_latents(G, SAMPLES), config)
    yield dragging.make_step(0)
    for number in range(1, config.steps + 1):
        if dragging.arrived:
            return
        dragging.move()
        dragging.track()
        yield dragging.make_step(number)


class _Dragging:
    """The state of one drag. Points inside are `[k, 2]` and lengths are in grid steps."""

    def __init__(
        self,
        G: Generator,
        w_plus: WPlus,
        handles: Sequence[Point],
        targets: Sequence[Point],
        mask: Mask | None,
        statistics: LatentStatistics,
        config: DragConfig,
    ) -> None:
        self.config, self.features = config, Features(G, config.side)
        self.handles, self.targets = (torch.tensor(points) * GRID for points in (handles, targets))
        free = torch.tensor([side <= config.max_resolution for side in G.layer_resolutions])
        self.start_w_plus, self.free = w_plus.detach(), free[:, None].to(w_plus)
        self.deviations = (statistics.axes * statistics.variances.sqrt()).to(
            w_plus
        )  # [w_dim w_dim], one axis in each column
        self.change = torch.zeros(w_plus.shape[-1], requires_grad=True)  # along the axes
        with torch.no_grad():
            self.start = self.current = self.features(self.w_plus)
        self.handle_features = sample_features(self.start, self.handles)  # [k c]: of each handle at the start
        self.held = None if mask is None else 1 - _resize_mask(mask.float(), self.start)

    @property
    def w_plus(self) -> WPlus:
        """The latent, with a gradient to the change."""
        return self.start_w_plus + self.free * (self.deviations @ self.change)

    @property
    def arrived(self) -> bool:
        """Return whether every handle is at its target."""
        return bool((self._distances() <= self.config.tolerance).all())

    def move(self) -> None:
        """Move the surroundings of the handles by one grid step towards the targets (eq. 1)."""
        distances = self._distances()[:, None]
        units = (self.targets - self.handles) / distances.clamp_min(1e-6)
        towards = torch.where(distances > self.config.tolerance, units, 0.0)  # [k 2]
        around = self.handles[:, None] + square_offsets(self.config.patch_radius)  # [k p 2]
        features = self.features(self.w_plus)
        here = sample_features(features, around).detach()
        ahead = sample_features(features, around + towards[:, None])
        loss = (ahead - here).abs().mean(dim=(1, 2)).sum()
        if self.held is not None:
            loss = loss + self.config.mask_weight * ((features - self.start).abs() * self.held).mean()
        (gradient,) = torch.autograd.grad(loss, [self.change])
        with torch.no_grad():
            self.change -= self.config.step_length * F.normalize(gradient.nan_to_num(0.0, 0.0, 0.0), dim=0)

    @torch.no_grad()
    def track(self) -> None:
        """Find each handle again, at the nearby point whose features are most similar to those at the start (eq. 2)."""
        self.current = self.features(self.w_plus)
        around = self.handles[:, None] + square_offsets(self.config.search_radius)  # [k q 2]
        differences = (sample_features(self.current, around) - self.handle_features[:, None]).abs().sum(-1)
        nearest = differences.argmin(dim=1)
        self.handles = around[torch.arange(len(around)), nearest].clamp(0, GRID)

    def make_step(self, number: int) -> DragStep:
        """Return the current state as step `number`."""
        handles = tuple((float(x), float(y)) for x, y in self.handles / GRID)
        distance = float(self._distances().max()) / GRID
        return DragStep(self.w_plus.detach(), handles, distance, number, self.arrived)

    def _distances(self) -> Tensor:
        distances: Tensor = (self.targets - self.handles).norm(dim=1)
        return distances


class Features:
    """The features of a generator of any family: those of the last styled layer that is not larger than a given side.

    Convention: a call takes w_plus `[1, num_ws, w_dim]` and returns float32 `[1, c, r, r]` that covers the image;
    the layers after it are not computed.
    """

    def __init__(self, G: Generator, side: int) -> None:
        self.G, self.module = G, _find_layer(network_of(G), side)

    def __call__(self, w_plus: WPlus) -> Tensor:
        thread = get_ident()

        def stop(module: nn.Module, _: object, out: Tensor) -> None:
            if get_ident() == thread:  # another thread may use the same network at this time
                raise _FeaturesReady(out)

        hook = self.module.register_forward_hook(stop)
        try:
            self.G.synthesis_at(w_plus, self.G.img_resolution)
        except _FeaturesReady as ready:
            return _crop_margin(ready.features).float()
        finally:
            hook.remove()
        raise LatentError("this generator gives no features", "use --engine torch")


class _FeaturesReady(Exception):
    """Carries features out of a network whose later layers are not needed."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features


@torch.no_grad()
def _find_layer(network: Any, side: int) -> nn.Module:
    """Return the last styled module whose features, without their margin, have at most `side` pixels a side."""
    layers: list[nn.Module] = []

    def collect(module: nn.Module, _: object, out: object) -> None:
        if isinstance(out, Tensor) and out.ndim == 4 and out.shape[1] > 3 and _image_side(out.shape[-1]) <= side:
            layers.append(module)

    styled = {id(affine) for layer in range(network.num_ws) for affine in network.affines(layer)}
    parents = [module for module in network.modules() if any(id(child) in styled for child in module.children())]
    hooks = [module.register_forward_hook(collect) for module in parents]
    try:
        network.synthesis(network.w_avg.expand(1, network.num_ws, -1))
    finally:
        for hook in hooks:
            hook.remove()
    return layers[-1]


def _image_side(side: int) -> int:
    """Return the side of the features inside the image; those of StyleGAN3 have a margin of 10 pixels."""
    return 1 << (side.bit_length() - 1)


def _crop_margin(features: Tensor) -> Tensor:
    margin = (features.shape[-1] - _image_side(features.shape[-1])) // 2
    return features[..., margin:-margin, margin:-margin] if margin else features


def sample_features(features: Tensor, points: Tensor) -> Tensor:
    """Sample features `[1, c, r, r]` bilinearly at points `[..., 2]` in grid steps: `[..., c]`."""
    grid = (points * (2 / GRID) - 1).reshape(1, 1, -1, 2).to(features)
    samples = F.grid_sample(features, grid, padding_mode="border", align_corners=False)
    return samples[0, :, 0].T.reshape(*points.shape[:-1], -1)


def square_offsets(radius: int) -> Tensor:
    """Return the offsets of a square around a point, in grid steps: `[(2 radius + 1)^2, 2]`.

    They are sorted by distance, so that `argmin` takes the nearest of several points with equal features.
    """
    line = torch.arange(-radius, radius + 1.0)
    offsets = torch.cartesian_prod(line, line)
    return offsets[offsets.square().sum(1).argsort(stable=True)]


def _resize_mask(mask: Mask, features: Tensor) -> Tensor:
    """Resize a mask to the size of the features."""
    return F.interpolate(mask[None, None], size=features.shape[-2:], mode="area").clamp(0, 1)


def _check_points(handles: Sequence[Point], targets: Sequence[Point]) -> None:
    if not handles or len(handles) != len(targets):
        raise LatentError(f"{len(handles)} handles and {len(targets)} targets", "give one target for each handle")
    for point in (*handles, *targets):
        if not all(math.isfinite(part) and 0 <= part <= 1 for part in point):
            raise LatentError(f"{point} is not in the image", "give points in fractions of its side, from 0 to 1")
