"""The configuration of a training run, in plain numbers."""

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
    """All settings that determine what a run learns; two runs with the same config learn the same weights."""

    data: str  # the dataset's path
    height: int  # of the images in pixels
    width: int
    c_dim: int = 0  # numbers in a label; 0: unconditional
    family: Family = "stylegan2"
    channel_base: int = 16384  # a layer has channel_base / side channels ...
    channel_max: int = 512  # ... and at most this many
    channels: tuple[int, ...] = ()  # G's channels per resolution, the lowest first; empty: computed
    d_channels: tuple[int, ...] = ()  # D's channels, in the same order
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    batch: int = 32  # images per optimizer step, over all processes
    part: int = 16  # images per forward pass; random draws belong to parts, so any process may compute any part
    kimg: float = 5000  # length of the run in thousands of real images
    loss: str = "nonsaturating"  # or 'relativistic'
    gamma: float = 1.0  # weight of the gradient penalty
    penalty_every: int = 16  # steps between two gradient penalties
    path_weight: float = 2.0  # weight of the path length penalty; 0: none
    path_every: int = 4  # steps between two path length penalties
    style_mixing: float = 0.9  # probability that an image mixes the styles of two latents
    augment: Augmentation = "ada"
    pipe: str = "bgc"  # stages of ADA: blit, geometry, color ...
    policy: str = "color,translation,cutout"  # augmentations of DiffAugment
    p: float = 0.0  # probability of each augmentation: the initial value for ADA, or the fixed one
    target: float = 0.6  # ADA's target for the mean sign of D on real images
    ada_kimg: float = 500  # thousands of images in which ADA may raise p from 0 to 1
    mirror: bool = False  # also train on mirrored images
    rate: float = 0.0025  # learning rate of both optimizers
    ema_kimg: float = 10  # half-life of the averaged generator in thousands of images
    ema_ramp: float = 0.05  # the half-life is at most this share of the images seen so far
    precision: str = "fp32"  # precision of convolutions: fp32 or bf16
    seed: int = 0
    freeze_d: int = 0  # number of D's first blocks that stay frozen, in a transfer
    source: str = ""  # initial weights: a run, a snapshot or a generator's name; empty: random
    tick_kimg: float = 4  # thousands of images between two lines of statistics
    snap_kimg: float = 200  # thousands of images between two snapshots

    def __post_init__(self) -> None:
        """Validate the settings. Raises TrainingError when one is invalid."""
        for name, choices in (("family", FAMILIES), ("augment", AUGMENTATIONS), ("precision", PRECISIONS)):
            if getattr(self, name) not in choices:
                raise TrainingError(
                    f"{name} '{getattr(self, name)}' is not one of {', '.join(choices)}", "choose one of these"
                )
        if self.part < 1 or self.batch % self.part:
            raise TrainingError(
                f"a batch of {self.batch} is not divisible into parts of {self.part}", "choose a part that divides it"
            )
        positive = ("kimg", "penalty_every", "path_every", "rate", "tick_kimg", "snap_kimg", "ada_kimg")
        if wrong := [name for name in positive if not getattr(self, name) > 0]:
            raise TrainingError(f"{wrong[0]} is {getattr(self, wrong[0])}", "it must be above zero")
        if not 0 <= self.p <= 1 or self.gamma < 0:
            raise TrainingError(f"p {self.p} or gamma {self.gamma} is out of range", "p is 0...1, gamma 0 or more")


def to_json(config: TrainConfig) -> dict[str, Any]:
    """Convert a config to JSON data."""
    return {"version": VERSION, **asdict(config)}


def from_json(card: Mapping[str, Any]) -> TrainConfig:
    """Read a config from JSON data. Raises TrainingError when it is damaged or a newer faceloom wrote it."""
    if card.get("version", VERSION) > VERSION:
        raise TrainingError("the run was started by a newer faceloom", "update faceloom")
    names = {field.name for field in fields(TrainConfig)}
    try:
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in card.items()
        }
        return TrainConfig(**{name: value for name, value in plain.items() if name in names})
    except TypeError as error:
        raise TrainingError(f"the run's options are damaged: {error}", "start a new run") from error


def dumps(config: TrainConfig) -> str:
    """Return a config as indented JSON text."""
    return json.dumps(to_json(config), indent=2)
