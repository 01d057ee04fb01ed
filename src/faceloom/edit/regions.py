"""Edits of some regions of the portrait only: what an edit must not change is generated from the latent before it.

The edited and the unedited latent are drawn together, see `networks.blended`. The mask follows from the regions of both
pictures and from the regions that the edited attributes may change. An attribute that may change all regions, such as
the turn of the head, moves both latents. Works on latents; the function that reads regions is an argument.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import cached_property, partial

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.analyze.attributes import AROUND_LIPS, REGIONS, TABLE
from faceloom.edit.apply import apply
from faceloom.edit.bystanders import Clearing, find_clearing, shows_bystander
from faceloom.edit.directions import Direction
from faceloom.latents import WPlus
from faceloom.likeness import Likeness
from faceloom.networks.blended import Blended, Features, compute_features
from faceloom.networks.early_exit import ExitHead, end_early
from faceloom.networks.generator import Generator

RegionReader = Callable[[Generator, WPlus], Tensor]
"""Function that takes a generator and w_plus `[1, num_ws, w_dim]` and returns the probabilities of the regions.

They are `[1, 10, 64, 64]`, in the order of the table's REGIONS.
"""

FeatureReader = Callable[[Generator, WPlus], tuple[Sequence[Tensor], Tensor]]
"""Function that takes the same and returns the features that regions are read from, and the logits of the regions."""

BACKGROUND, SKIN, LIPS = (REGIONS.index(region) for region in ("background", "skin", "lips"))
REACH, EDGE = 8, 4  # pixels of 64 per side: how far from the lips the skin may move with them, and its soft edge
FAINT = 0.5
"""Strength of a region that an attribute changes faintly.

With years, hair turns gray by half of what its age shows. Around new glasses, the skin changes by half.
"""


class BasePicture:
    """The picture of a face before an edit: its features and its regions, computed when they are first needed.

    `heads` are those by which the generator may end early, for smaller pictures.
    """

    def __init__(
        self,
        G: Generator,
        read_regions: RegionReader | None,
        w_plus: WPlus,
        heads: Mapping[int, ExitHead] | None = None,
    ) -> None:
        self.G, self.read_regions, self.w_plus, self.heads = G, read_regions, w_plus, heads or {}
        self._smaller: dict[int, BasePicture] = {}
        self.clearings: dict[Hashable, Clearing | None] = {}  # by the coefficients of the edit

    @cached_property
    def features(self) -> Features:
        """The features that the generator computes."""
        return compute_features(self.G, self.w_plus)

    @cached_property
    def regions(self) -> Tensor:
        """The probabilities of the regions, `[1, 10, 64, 64]`."""
        assert self.read_regions is not None
        return self.read_regions(self.G, self.w_plus)

    def at(self, w_plus: WPlus) -> BasePicture:
        """Return the picture of another latent; this one, when it is the same."""
        return self if w_plus is self.w_plus else BasePicture(self.G, self.read_regions, w_plus, self.heads)

    def of_side(self, side: int) -> BasePicture:
        """Return this picture in `side` pixels, by a generator that ends early where a head allows it."""
        if side not in self._smaller:
            G = end_early(self.G, self.heads, side)
            smaller = self if G is self.G else BasePicture(G, self.read_regions, self.w_plus)
            if self.read_regions is not None:
                smaller.regions = self.regions
            self._smaller[side] = smaller
        return self._smaller[side]


class RegionalEdit:
    """Edits of one face that change only the regions that the edited attributes name.

    Convention: `w_plus` is the latent to edit; `base` the picture of what the unchanged regions show; `edited` the
    attributes; `regions` those that earlier edits changed, with their strengths, 0...1.
    """

    def __init__(
        self,
        base: BasePicture,
        w_plus: WPlus,
        edited: Collection[str],
        *,
        basis: Sequence[Direction],
        regions: Mapping[str, float] | None = None,
    ) -> None:
        self.base, self.w_plus, self.basis = base, w_plus, basis
        self.moving = tuple(name for name in edited if name in TABLE and set(TABLE[name].regions) == set(REGIONS))
        self.regions = allowed_regions([name for name in edited if name not in self.moving], regions or {})
        self.keeps_outline = "background" not in self.regions
        self.is_whole = base.read_regions is None or not self.regions
        self.clearing: Clearing | None = None

    @property
    def changing_regions(self) -> Collection[str]:
        """The regions that the edit may change."""
        if self.is_whole or self.moving:
            return REGIONS
        return tuple(region for region, strength in self.regions.items() if strength)

    def of_side(self, side: int) -> RegionalEdit:
        """Return this edit for pictures of `side` pixels, by a generator that ends early where a head allows it.

        It is this edit itself when there is no such head.
        """
        base = self.base.of_side(side)
        if base is self.base:
            return self
        small = copy.copy(self)
        small.base = base
        return small

    @property
    def outside(self) -> WPlus:
        """The latent that draws the unchanged regions; that of the whole picture where all of them change."""
        return self.w_plus if self.is_whole else self.base.w_plus

    def moved_by(self, change: WPlus) -> RegionalEdit:
        """Return the edit of a face whose latent is moved by a change; that outside the mask moves with turns only."""
        moved = copy.copy(self)
        moved.w_plus = self.w_plus + change
        if self.moving and not self.is_whole:
            moved.base = self.base.at(self.base.w_plus + change)
        return moved

    def without_bystanders(self, coefficients: Mapping[str, float], read: FeatureReader | None) -> RegionalEdit:
        """Return this edit without other people that it draws beside the person when it turns the head.

        It is this edit itself when there are none, or when the picture before the edit shows some, too. The base
        picture remembers the answer.
        """
        turn = {name: coefficients[name] for name in self.moving if coefficients.get(name)}
        if read is None or not turn:
            return self
        key = (self.moving, *sorted(coefficients.items()))
        if key not in self.base.clearings:
            self.base.clearings[key] = self._find_clearing(coefficients, turn, read)
        if self.base.clearings[key] is None:
            return self
        cleared = copy.copy(self)
        cleared.clearing = self.base.clearings[key]
        return cleared

    def _find_clearing(
        self, coefficients: Mapping[str, float], turn: Mapping[str, float], read: FeatureReader
    ) -> Clearing | None:
        w_plus, base, mask = self._layers(coefficients)
        if shows_bystander(self.base.regions):
            return None
        return find_clearing(partial(read, base.G), w_plus if mask is None else base.w_plus, turn)

    def draw_with(self, coefficients: Mapping[str, float]) -> tuple[Generator, WPlus]:
        """Return a generator and the latent that draw an edit with these coefficients, as `apply.apply` takes them."""
        w_plus, base, mask = self._layers(coefficients)
        return (base.G, w_plus) if mask is None else (Blended(base.G, base.features, mask), w_plus)

    def move(self, person: Likeness, coefficients: Mapping[str, float]) -> Likeness:
        """Return the person after an edit with these coefficients."""
        w_plus, base, mask = self._layers(coefficients)
        return (
            person.with_w_plus(w_plus) if mask is None else person.with_w_plus(w_plus, base.w_plus, mask, self.regions)
        )

    def _layers(self, coefficients: Mapping[str, float]) -> tuple[WPlus, BasePicture, Tensor | None]:
        """Return the edited latent, the picture outside the mask, and the mask; None when the whole picture changes."""
        w_plus = self._apply(self.w_plus, coefficients)
        if self.is_whole or self.base.read_regions is None:
            return w_plus, self.base, None
        moving = {name: coefficients[name] for name in self.moving if coefficients.get(name)}
        base = self.base.at(self._apply(self.base.w_plus, moving) if moving else self.base.w_plus)
        after = self.base.read_regions(self.base.G, w_plus)
        return w_plus, base, change_mask(base.regions, after, self.regions, keeps_outline=self.keeps_outline)

    def _apply(self, w_plus: WPlus, coefficients: Mapping[str, float]) -> WPlus:
        """Return an edited latent, without the people that a turn of the head draws beside the person."""
        edited = apply(w_plus, self.basis, coefficients)
        return edited if self.clearing is None else edited + self.clearing.for_turn(coefficients)


def allowed_regions(edited: Collection[str], before: Mapping[str, float]) -> dict[str, float]:
    """Return the regions that edits of some attributes may change, and how strongly, 0...1.

    Those that earlier edits changed, `before`, are among them. The background has strength 0 when it only gives way
    where an edit moves the outline of the person.
    """
    allowed = before
    for row in (TABLE[name] for name in edited if name in TABLE):
        outline = {"background": 0.0} if row.moves_outline else {}
        own = {region: FAINT if region in row.faint else 1.0 for region in row.regions}
        allowed = join_regions(allowed, outline | own)
    return dict(allowed)


def join_regions(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
    """Return the regions of two edits, each with the larger strength."""
    return dict(a) | {region: max(a.get(region, 0.0), strength) for region, strength in b.items()}


def change_mask(before: Tensor, after: Tensor, allowed: Mapping[str, float], *, keeps_outline: bool = False) -> Tensor:
    """Return where the picture may change: `[1, 1, 64, 64]`, 0...1.

    That is where either picture shows an allowed region, and neither shows another part of the person. The background
    gives way where hair grows or a face becomes slimmer, unless the edit keeps the outline of the person.

    Convention: probabilities of the regions before and after, `[1, 10, 64, 64]`; `allowed` regions with strengths,
    AROUND_LIPS among them.
    """
    strength = torch.tensor([allowed.get(region, 0.0) for region in REGIONS])
    around_lips = max(allowed.get(AROUND_LIPS, 0.0) - float(strength[SKIN]), 0.0)
    is_protected = strength == 0
    is_protected[BACKGROUND] &= keeps_outline
    is_protected[SKIN] &= not around_lips
    allowed_before, allowed_after = (
        torch.einsum("nrhw,r->nhw", x, strength)[:, None] + around_lips * skin_around_lips(x) for x in (before, after)
    )
    changing = _smooth(torch.maximum(allowed_before, allowed_after))
    protected = torch.maximum(before[:, is_protected].sum(1), after[:, is_protected].sum(1))[:, None]
    return (changing * (1 - protected)).clamp(0, 1)


def skin_around_lips(regions: Tensor) -> Tensor:
    """Return the probability of skin that is near the lips, with a soft edge: `[n, 1, 64, 64]`.

    Convention: probabilities of the regions `[n, 10, 64, 64]`.
    """
    lips, skin = regions[:, LIPS : LIPS + 1], regions[:, SKIN : SKIN + 1]
    near = F.max_pool2d(lips, 2 * REACH + 1, stride=1, padding=REACH)
    return skin * F.avg_pool2d(near, 2 * EDGE + 1, stride=1, padding=EDGE, count_include_pad=False)


def _smooth(mask: Tensor) -> Tensor:
    """Widen a mask by one pixel, and soften its edge."""
    widened = F.max_pool2d(mask, 3, stride=1, padding=1)
    return F.avg_pool2d(widened, 3, stride=1, padding=1, count_include_pad=False)
