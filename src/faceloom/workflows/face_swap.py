"""A face in a photo that is swapped for another one: the new face as drawn in its place, and how well it would fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor

from faceloom.analyze.attributes import REGIONS
from faceloom.edit.regions import change_mask
from faceloom.faces.replace_face import Mask, measure_mismatch
from faceloom.images import to_pixels
from faceloom.invert.inversion import QUALITY_RESOLUTION
from faceloom.latents import WPlus
from faceloom.networks.blended import Blended, Features, generate_with_features
from faceloom.networks.generator import area_reduce

if TYPE_CHECKING:
    from faceloom.workflows.studio import Studio

FACE_REGIONS = ("skin", "brows", "eyes", "lips", "glasses")
"""The regions of the new face that are pasted; hair, ears, neck and clothes stay those of the photo."""
HAIR_WEIGHT = 6.0  # cost of hair over the whole face, which a paste would cut off
MISMATCH_WEIGHT = 20.0  # cost of a face of which all shows something else than the photo, where a paste has edges


@dataclass(frozen=True, eq=False)
class SwappedFace:
    """The inversion of a face in a photo: its picture, its regions, and the generator's features.

    Convention: `picture` has QUALITY_RESOLUTION px; `regions [1, 10, 64, 64]`, 0...1; `features` as those of
    `networks.blended.compute_features`.
    """

    studio: Studio
    picture: Image.Image
    regions: Tensor
    features: Features

    @classmethod
    @torch.no_grad()
    def draw(cls, studio: Studio, w_plus: WPlus) -> SwappedFace:
        """Draw the inversion `[1, num_ws, w_dim]`."""
        G, read_regions = studio.fast_generator.G, studio.read_regions
        assert read_regions is not None
        img, features = generate_with_features(G, w_plus)
        picture = Image.fromarray(to_pixels(area_reduce(img, QUALITY_RESOLUTION)))
        return cls(studio, picture, read_regions(G, w_plus), features)

    @torch.no_grad()
    def swap(self, other: WPlus, side: int) -> tuple[Image.Image, Mask]:
        """Draw the face of another latent in this place, `side` px wide; return it, and where it may be pasted."""
        after = self._regions_of(other)
        mask = change_mask(self.regions, after, dict.fromkeys(FACE_REGIONS, 1.0))
        blended = Blended(self.studio.fast_generator.G, self.features, mask)
        picture = Image.fromarray(to_pixels(blended.synthesis_at(other, side)))
        # where the new face is narrower than the old one, the picture shows its own background, which is not pasted
        shown = mask[0, 0] * (1 - after[0, REGIONS.index("background")])
        return picture, shown.numpy()

    @torch.no_grad()
    def measure_cost(self, other: WPlus) -> float:
        """Return what it costs to paste the face of another latent here: hair that is cut off, and edges."""
        face = self.regions[:, _indices(FACE_REGIONS)].sum(1)
        hair = self._regions_of(other)[:, REGIONS.index("hair")]
        covered = float((hair * face).sum() / face.sum().clamp_min(1))
        picture, mask = self.swap(other, QUALITY_RESOLUTION)
        return HAIR_WEIGHT * covered + MISMATCH_WEIGHT * measure_mismatch(self.picture, picture, mask)

    def _regions_of(self, other: WPlus) -> Tensor:
        assert self.studio.read_regions is not None
        return self.studio.read_regions(self.studio.fast_generator.G, other)


def _indices(regions: Sequence[str]) -> list[int]:
    return [REGIONS.index(region) for region in regions]
