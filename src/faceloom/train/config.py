"""What a training run is told, in plain numbers. Knows no files, no networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from faceloom.errors import TrainingError

Family = Literal["stylegan2", "stylegan3", "mobilestylegan"]
Augmentation = Literal["ada", "fixed", "none", "diffaugment"]

FAMILIES = ("stylegan2", "stylegan3", "mobilestylegan")
AUGMENTATIONS = ("ada", "fixed", "none", "diffaugment")
PRECISIONS = ("fp32", "bf16")
VERSION = 1


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides what a run learns; two runs with one config learn the same numbers."""

    data: str  # the dataset's path
    height: int  # of the images, in pixels
    width: int
    c_dim: int = 0  # numbers in a label, 0: labels are not learned
    family: Family = "stylegan2"
    channel_base: int = 16384  # a layer has channel_base / side features ...
    channel_max: int = 512  # ... and at most so many
    channels: tuple[int, ...] = ()  # G's features from the first ones up, said outright
    d_channels: tuple[int, ...] = ()  # D's, likewise
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    batch: int = 32  # images between two steps of the optimisers, of all processes together
    part: int = 16  # images in one pass; randomness belongs to parts, so that it does not matter who computes them
    kimg: float = 5000  # thousands of real images to see
    loss: str = "nonsaturating"  # or 'relativistic'
    gamma: float = 1.0  # weight of the gradient penalty
    penalty_every: int = 16  # steps between two gradient penalties
    path_weight: float = 2.0  # of the path length penalty, 0: none
    path_every: int = 4  # steps between two path length penalties
    style_mixing: float = 0.9  # chance that an image has the styles of two latents
    augment: Augmentation = "ada"
    pipe: str = "bgc"  # which augmentations: blit, geometry, colour ...
    policy: str = "color,translation,cutout"  # those of DiffAugment
    p: float = 0.0  # chance of every augmentation: ADA's first, or the fixed one
    target: float = 0.6  # ADA's, for the mean sign of D on real images
    ada_kimg: float = 500  # in which ADA may go from 0 to 1
    mirror: bool = False  # show images mirrored, too
    rate: float = 0.0025  # both optimisers' learning rate
    ema_kimg: float = 10  # half life of the averaged generator
    ema_ramp: float = 0.05  # its half life is at most this share of the images seen so far
    precision: str = "fp32"  # of convolutions: fp32 or bf16
    seed: int = 0
    freeze_d: int = 0  # of D's first blocks that do not learn, in a transfer
    source: str = ""  # what the run starts from: a run, a snapshot, a generator's name; empty: from nothing
    tick_kimg: float = 4  # between two lines of statistics
    snap_kimg: float = 200  # between two snapshots

    def __post_init__(self) -> None:
        """Raise TrainingError for what cannot be."""
        for name, known in (("family", FAMILIES), ("augment", AUGMENTATIONS), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise TrainingError(f"{name} '{getattr(self, name)}' is none of {', '.join(known)}")
        if self.part < 1 or self.batch % self.part:
            raise TrainingError(
                f"a batch of {self.batch} cannot be shown in parts of {self.part}", "choose a part that divides it"
            )
        positive = ("kimg", "penalty_every", "path_every", "rate", "tick_kimg", "snap_kimg", "ada_kimg")
        if wrong := [name for name in positive if not getattr(self, name) > 0]:
            raise TrainingError(f"{wrong[0]} is {getattr(self, wrong[0])}", "it must be above zero")
        if not 0 <= self.p <= 1 or self.gamma < 0:
            raise TrainingError(f"p {self.p} or gamma {self.gamma} is out of range", "p is 0...1, gamma 0 or more")


def to_json(config: TrainConfig) -> dict[str, Any]:
    """A config as JSON data."""
    return {"version": VERSION, **asdict(config)}


def from_json(card: Mapping[str, Any]) -> TrainConfig:
    """Read what `to_json` gave. Raises TrainingError for a newer faceloom's, or a damaged one."""
    if card.get("version", VERSION) > VERSION:
        raise TrainingError("the run was started by a newer faceloom", "update faceloom")
    known = {field.name for field in fields(TrainConfig)}
    try:
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in card.items()
        }
        return TrainConfig(**{name: value for name, value in plain.items() if name in known})
    except TypeError as error:
        raise TrainingError(f"the run's options are damaged: {error}", "start a new run") from error


def dumps(config: TrainConfig) -> str:
    """A config as a text that a person can read."""
    return json.dumps(to_json(config), indent=2)
