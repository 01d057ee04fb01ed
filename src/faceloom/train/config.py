"""The configuration of a training run, in plain numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from faceloom.errors import TrainingError

Family = Literal["stylegan2", "stylegan3", "mobilestylegan"]
Augmentation = Literal["ada", "fixed", "none", "diffaugment"]

FAMILIES = ("stylegan2", "stylegan3", "mobilestylegan")
AUGMENTATIONS = ("ada", "fixed", "none", "diffaugment")
LOSS_NAMES = ("nonsaturating", "relativistic")
CRITICS = ("none", "alexnet")
ADA_STAGES = ("blit", "geom", "color", "filter", "noise", "cutout")
PIPE_NAMES = (*ADA_STAGES, "bg", "bgc", "bgcf", "bgcfn", "bgcfnc")  # a stage, or the initials of the first stages
PRECISIONS = ("fp32", "bf16")
VERSION = 1


@dataclass(frozen=True)
class TrainConfig:
    """All settings that determine what a run learns; two runs with the same config learn the same weights."""

    data: str  # the dataset's path
    height: int  # of the images in pixels
    width: int
    c_dim: int = 0  # numbers in a label; 0: unconditional
    img_channels: int = 3  # 1: gray, 3: RGB, 4: RGB times alpha, and alpha
    bits: int = 8  # of a level in the pictures' files: 8 or 16
    label_means: tuple[float, ...] = ()  # of each entry of a label with numbers, by which it is standardized; or empty
    label_stds: tuple[float, ...] = ()  # deviation of each entry
    sound: Mapping[str, Any] = field(default_factory=dict)  # settings of spectrograms, for a dataset of sounds
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
    critic: str = "none"  # frozen network of a second discriminator: none or 'alexnet'
    gamma: float = 1.0  # weight of the gradient penalty, which applies to D alone
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
    wait_kimg: float = 0.0  # thousands of images at the start in which only the discriminator is trained
    source: str = ""  # initial weights: a run, a snapshot or a generator's name; empty: random
    tick_kimg: float = 4  # thousands of images between two lines of statistics
    snap_kimg: float = 200  # thousands of images between two snapshots

    def __post_init__(self) -> None:
        """Validate the settings. Raises TrainingError when one is invalid."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise TrainingError(
                    f"{name} '{getattr(self, name)}' is not one of {', '.join(map(str, choices))}",
                    "choose one of these",
                )
        if self.part < 1 or self.batch % self.part:
            raise TrainingError(
                f"a batch of {self.batch} is not divisible into parts of {self.part}", "choose a part that divides it"
            )
        for name, (least, most) in LIMITS.items():
            if not least <= getattr(self, name) <= most:  # false for NaN, too
                raise TrainingError(f"{name} is {getattr(self, name)}", f"it must be {least:g} to {most:g}")


CHOICES: dict[str, tuple[str | int, ...]] = {
    "family": FAMILIES,
    "augment": AUGMENTATIONS,
    "precision": PRECISIONS,
    "loss": LOSS_NAMES,
    "critic": CRITICS,
    "pipe": PIPE_NAMES,
    "img_channels": (1, 3, 4),
    "bits": (8, 16),
}
"""The allowed values of each setting that has few."""

_POSITIVE = math.ulp(0.0)  # the smallest number above zero

LIMITS: dict[str, tuple[float, float]] = {
    "kimg": (_POSITIVE, 1e9),
    "tick_kimg": (_POSITIVE, 1e9),
    "snap_kimg": (_POSITIVE, 1e9),
    "ada_kimg": (_POSITIVE, 1e9),
    "wait_kimg": (0, 1e9),
    "penalty_every": (1, 1e9),
    "path_every": (1, 1e9),
    "rate": (_POSITIVE, 1),
    "gamma": (0, 1e9),
    "path_weight": (0, 1e9),
    "style_mixing": (0, 1),
    "p": (0, 1),
    "target": (-1, 1),
    "ema_kimg": (0, 1e9),
    "ema_ramp": (0, 1e9),
}
"""The smallest and largest value of each setting that is a number."""


RESUMABLE = (
    *("kimg", "snap_kimg", "tick_kimg", "gamma", "penalty_every", "path_weight", "path_every", "style_mixing"),
    *("augment", "pipe", "policy", "p", "target", "ada_kimg", "mirror", "rate", "ema_kimg", "ema_ramp"),
    "precision",
)
"""Settings that can change when a run is resumed: no weight's shape, random number or image order depends on them."""


def reason_fixed(name: str) -> str:
    """Return why a setting cannot change when a run is resumed."""
    if name in ("batch", "part", "seed"):
        return "the order of the images and all random numbers depend on it"
    if name in ("data", "out", "source", "freeze_d", "wait_kimg", "preset", "resolution", "dry_run"):
        return "it belongs to the start of a run"
    if name == "loss":
        return "the discriminator's scores mean something else with another loss"
    return "the checkpoint holds networks of one shape, trained on one dataset"


def to_json(config: TrainConfig) -> dict[str, Any]:
    """Convert a config to JSON data."""
    return {"version": VERSION, **asdict(config)}


def from_json(card: Mapping[str, Any]) -> TrainConfig:
    """Read a config from JSON data. Raises TrainingError when it is damaged or a newer faceloom wrote it."""
    if card.get("version", VERSION) > VERSION:
        raise TrainingError("the run was started by a newer faceloom", "update faceloom")
    names = {setting.name for setting in fields(TrainConfig)}
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
