"""Training of a generator: starts a run on a dataset or resumes one, and measures it while it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from faceloom._version import __version__
from faceloom.datasets import Dataset
from faceloom.errors import AssetError, TrainingError
from faceloom.images.tensors import pixels_to_img
from faceloom.metrics import VggFeatures, extract
from faceloom.metrics.frechet import frechet_distance
from faceloom.networks.precision import fast_precision
from faceloom.train import run as runs
from faceloom.train.data import TrainingImages, open_training_images, shuffled_indices
from faceloom.train.distributed import Ranks
from faceloom.train.loop import Trainer
from faceloom.train.plan import Plan, TrainingFacts, plan
from faceloom.train.run import Outcome, Run, RunControl
from faceloom.train.snapshot import generate_images, spread_labels
from faceloom.train.transfer import Origin, copy_weights, open_origin, settings_for

FRECHET_IMAGES = 1000
"""Number of images on each side of the Frechet distance that is measured during a run."""

LoadCallback = Callable[[int], None]
"""Function that receives the number of images loaded so far."""


@dataclass(frozen=True)
class NewRun:
    """The dataset, folder and preset of a new run."""

    data: Path
    out: Path
    preset: str = "auto"
    cond: bool = False  # train a generator conditioned on the dataset's labels
    metrics: bool = True  # measure the Frechet distance (VGG16) at every snapshot


def plan_run(start: NewRun, ranks: Ranks, **requested: Any) -> Plan:
    """Choose the settings of a new run: `requested` ones first, then the preset's, then suggested ones.

    Raises StoreError when `data` is not a dataset, TrainingError when the settings do not fit each other.
    """
    return _choose_settings(start, Dataset.open(start.data), ranks, requested, _open_origin(requested))


def start_run(
    start: NewRun, ranks: Ranks, control: RunControl, loading: LoadCallback | None = None, **requested: Any
) -> Outcome:
    """Start a run in a new folder and train until it ends; `requested` are settings of TrainConfig.

    Raises TrainingError when the folder already holds a run or the settings do not fit each other, StoreError when
    `data` is not a dataset or the disk cannot be written.
    """
    dataset = Dataset.open(start.data)
    origin = _open_origin(requested)
    chosen = _choose_settings(start, dataset, ranks, requested, origin)
    trainer = Trainer(chosen.config, open_training_images(dataset, with_labels=start.cond, callback=loading), ranks)
    if origin:
        control.on_message(f"{copy_weights(trainer, origin):.0%} of the generator comes from {origin.name}")
    if ranks.is_first:
        facts: dict[str, Any] = {
            "faceloom": __version__,
            "preset": start.preset,
            "pictures": len(dataset),
            "metrics": start.metrics,
            "processes": ranks.size,
        }
        runs.create_run(start.out, chosen.config, chosen.advice, classes=list(dataset.classes), **facts)
    ranks.wait()
    return Run(trainer, start.out, ranks, _make_measure(start.metrics and ranks.is_first, control), control).train()


def resume_run(
    folder: Path,
    ranks: Ranks,
    control: RunControl,
    loading: LoadCallback | None = None,
    *,
    metrics: bool = True,
    **changed: Any,
) -> Outcome:
    """Resume a run from its last checkpoint, with results identical to those of an uninterrupted run.

    `changed` are new values of kimg, snap_kimg and tick_kimg. Raises the same errors as `start_run`.
    """
    config = runs.read_config(folder, **changed)
    dataset = Dataset.open(Path(config.data))
    if dataset.resolution != (config.width, config.height):
        raise TrainingError(
            f"{config.data} has pictures of another size now", "restore the dataset that the run was started with"
        )
    images = open_training_images(dataset, with_labels=config.c_dim > 0, callback=loading)
    trainer = Trainer(config, images, ranks)
    runs.restore_checkpoint(trainer, folder)
    if ranks.is_first and changed:
        runs.record_changes(folder, **changed)
    return Run(trainer, folder, ranks, _make_measure(metrics and ranks.is_first, control), control).train()


def _open_origin(requested: Mapping[str, Any]) -> Origin | None:
    return open_origin(requested["source"], runs.read_config) if requested.get("source") else None


def _choose_settings(
    start: NewRun, dataset: Dataset, ranks: Ranks, requested: Mapping[str, Any], origin: Origin | None
) -> Plan:
    if start.cond and not dataset.c_dim:
        raise TrainingError(f"{start.data} has no labels", "omit --cond, or make the dataset with --labels folders")
    width, height = dataset.resolution
    on_gpu = ranks.device.startswith("cuda")
    has_bf16 = torch.cuda.is_bf16_supported() if on_gpu else fast_precision() == "bf16"
    c_dim = dataset.c_dim if start.cond else 0
    facts = TrainingFacts(str(start.data.resolve()), len(dataset), height, width, c_dim, on_gpu, has_bf16, ranks.size)
    adopted = settings_for(origin, height, width) if origin else {}
    return plan(
        facts, start.preset, **adopted | {name: value for name, value in requested.items() if value is not None}
    )


def _make_measure(enabled: bool, control: RunControl) -> runs.Measure | None:
    if not enabled:
        return None
    from faceloom.checkpoints.load import load_lpips

    try:
        return FrechetVgg(VggFeatures(load_lpips("vgg16")))
    except AssetError as error:
        control.on_message(f"the Frechet distance will not be measured: {error}")
        return None


class FrechetVgg:
    """The Frechet distance in VGG16 features between generated and training images, equally many of each.

    It is not FID, and is comparable only within a run or with the same number of images.
    """

    def __init__(self, net: VggFeatures, count: int = FRECHET_IMAGES) -> None:
        self.net, self.count = net, count
        self.real: Tensor | None = None

    def __call__(self, G: Any, trainer: Trainer) -> Mapping[str, float]:
        """Measure a generator; the result is empty for fewer than two training images."""
        images, count = trainer.images, min(self.count, len(trainer.images))
        if count < 2:
            return {}
        self.net.net.to(trainer.device)
        if self.real is None:
            self.real = extract(self.net, _real_images(images, count))
        labels = spread_labels(images, count)
        fakes = (generate_images(G, 1, None if labels is None else labels[i : i + 1], first=i) for i in range(count))
        return {"frechet_vgg16": frechet_distance(extract(self.net, fakes), self.real)}


def _real_images(images: TrainingImages, count: int) -> Iterator[Tensor]:
    for index in shuffled_indices(len(images), 0, 0, count):
        yield pixels_to_img(images.load([index]))
