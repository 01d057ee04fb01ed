"""Distances between generated and training images that are measured while a generator trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from faceloom.errors import AssetError
from faceloom.images.channels import levels_to_img, to_rgb
from faceloom.metrics import InceptionFeatures, VggFeatures, extract
from faceloom.metrics.frechet import frechet_distance
from faceloom.train.data import TrainingImages, shuffled_indices
from faceloom.train.distributed import Ranks
from faceloom.train.loop import Trainer
from faceloom.train.run import Measure, RunControl
from faceloom.train.snapshot import generate_images, spread_labels

FRECHET_IMAGES = 1000
"""Number of images on each side of the Frechet distance that is measured during a run."""

FID_IMAGES = 50_000
"""Number of generated images of the FID, as in most papers."""


@dataclass(frozen=True)
class Measures:
    """The distances between generated and training images that are measured at every snapshot."""

    vgg: bool = True  # the Frechet distance (VGG16)
    inception: Path | None = None  # Inception-v3 weights, with which the FID is measured
    sha256: str = ""  # of the Inception weights
    fid_images: int = FID_IMAGES  # generated images of the FID


def inception_facts(measures: Measures) -> dict[str, Any]:
    """Return the settings of the FID as they are recorded in a run's options; empty without Inception weights."""
    if not measures.inception:
        return {}
    path = str(measures.inception.resolve())
    return {"inception": path, "sha256": measures.sha256, "fid_images": measures.fid_images}


def recorded_measures(options: Mapping[str, Any]) -> Measures:
    """Return the distances that a run measured before it is resumed."""
    inception, sha256 = options.get("inception"), str(options.get("sha256", ""))
    count = int(options.get("fid_images", FID_IMAGES))
    return Measures(bool(options.get("metrics", True)), Path(inception) if inception else None, sha256, count)


def make_measure(measures: Measures, ranks: Ranks, control: RunControl) -> Measure | None:
    """Return the function that measures a generator at every snapshot; None when nothing is measured here."""
    if not ranks.is_first:
        return None
    distances: list[FrechetToData] = []
    if measures.vgg:
        from faceloom.checkpoints.load import load_lpips

        try:
            distances.append(FrechetToData(VggFeatures(load_lpips("vgg16")), "frechet_vgg16"))
        except AssetError as error:
            control.on_message(f"the Frechet distance will not be measured: {error}")
    if measures.inception:
        from faceloom.checkpoints.load import load_inception

        net = InceptionFeatures(load_inception(measures.inception, measures.sha256))
        count = measures.fid_images
        name = f"fid{count // 1000}k_full" if count % 1000 == 0 else f"fid{count}_full"
        distances.append(FrechetToData(net, name, count, uses_all_images=True))
    if not distances:
        return None
    return lambda G, trainer: {name: value for distance in distances for name, value in distance(G, trainer).items()}


class FrechetToData:
    """The Frechet distance between generated and training images in the features of a network.

    By default it compares equally many of both, at most `count`. The number is then comparable only within a run or
    with the same number of images. `uses_all_images` compares `count` generated images with all training images, and
    with their mirror images in a run that mirrors, as StyleGAN2-ADA's fid50k_full does. Gray images are repeated in
    three channels, and transparency is shown on white.
    """

    def __init__(
        self,
        net: VggFeatures | InceptionFeatures,
        name: str,
        count: int = FRECHET_IMAGES,
        *,
        uses_all_images: bool = False,
    ) -> None:
        self.net, self.name, self.count, self.uses_all_images = net, name, count, uses_all_images
        self.real: Tensor | None = None

    def __call__(self, G: Any, trainer: Trainer) -> Mapping[str, float]:
        """Measure a generator; the result is empty for fewer than two training images."""
        images = trainer.images
        real_count = len(images) if self.uses_all_images else min(self.count, len(images))
        count = self.count if self.uses_all_images else real_count
        if real_count < 2:
            return {}
        self.net.net.to(trainer.device)
        if self.real is None:
            mirrors = self.uses_all_images and trainer.config.mirror
            self.real = extract(self.net, _real_images(images, real_count, mirrors))
        fakes = generate_one_by_one(G, count, spread_labels(images, count))
        return {self.name: frechet_distance(extract(self.net, fakes), self.real)}


def generate_one_by_one(G: Any, count: int, labels: Tensor | None) -> Iterator[Tensor]:
    """Yield the images of the seeds 0 ... count - 1 in RGB, each `[1, 3, h, w]`; transparency is shown on white."""
    for i in range(count):
        yield to_rgb(generate_images(G, 1, None if labels is None else labels[i : i + 1], first=i))


def _real_images(images: TrainingImages, count: int, mirrors: bool) -> Iterator[Tensor]:
    for index in shuffled_indices(len(images), 0, 0, count):
        img = to_rgb(levels_to_img(images.load([index])))
        yield img
        if mirrors:
            yield img.flip(3)
