"""Choice of a run's settings from facts about the dataset and the machine, each with its reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faceloom.errors import TrainingError
from faceloom.train.config import TrainConfig

GROUP = 4
"""Number of images that the discriminator compares with each other; a part's size is a multiple of it."""


FIXED_P = 0.3  # default probability of a fixed augmentation


@dataclass(frozen=True)
class Preset:
    """Settings that a run starts from, before those that depend on the data."""

    description: str  # one sentence for users
    settings: Mapping[str, Any] = field(default_factory=dict)


SMALL = {"channel_base": 4096, "channel_max": 128, "z_dim": 128, "w_dim": 128, "mapping_layers": 4}
MEDIUM = {"channel_base": 8192, "channel_max": 256, "z_dim": 256, "w_dim": 256, "mapping_layers": 6}
LARGE = {"channel_base": 16384, "channel_max": 512}

PRESETS: dict[str, Preset] = {
    "auto": Preset("sizes by the machine: small networks on a CPU, StyleGAN2-ADA's on a GPU"),
    "small": Preset("narrow StyleGAN2, with first results within an hour on a CPU", SMALL),
    "medium": Preset("StyleGAN2 of a few million weights, for a day on a CPU or an hour on a GPU", MEDIUM),
    "large": Preset("StyleGAN2 as wide as StyleGAN2-ADA's below 512 px, for GPUs", LARGE),
    "wavelet": Preset(
        "the architecture of the default generator: it generates wavelets at half the resolution, fast on CPUs",
        {"family": "mobilestylegan", "channel_base": 4096, "channel_max": 256, "z_dim": 256, "w_dim": 256},
    ),
    "faces": Preset(
        "portraits on a CPU, from a few thousand pictures: wavelets, narrow, mirrored",
        {
            "family": "mobilestylegan",
            "channel_base": 3072,
            "channel_max": 256,
            "z_dim": 256,
            "w_dim": 256,
            "mapping_layers": 4,
            "path_weight": 0.0,
            "mirror": True,
        },
    ),
    "stylegan3": Preset(
        "details that move with the face, for films; several times slower",
        {"family": "stylegan3", "channel_base": 16384, "channel_max": 256, "mapping_layers": 2},
    ),
}


@dataclass(frozen=True)
class TrainingFacts:
    """Facts about the dataset and the machine."""

    data: str
    images: int
    height: int
    width: int
    c_dim: int = 0
    img_channels: int = 3
    bits: int = 8  # of a level in the pictures' files
    label_means: tuple[float, ...] = ()  # as in TrainConfig
    label_stds: tuple[float, ...] = ()
    sound: Mapping[str, Any] = field(default_factory=dict)
    on_gpu: bool = False
    has_bf16: bool = False  # whether the machine computes faster in bf16
    processes: int = 1


@dataclass(frozen=True)
class Advice:
    """A chosen setting and its reason."""

    name: str
    value: Any
    why: str


@dataclass(frozen=True)
class Plan:
    """The config of a run, with the reasons for all settings that the user did not request."""

    config: TrainConfig
    advice: tuple[Advice, ...]


def plan(facts: TrainingFacts, preset: str = "auto", **requested: Any) -> Plan:
    """Choose every setting: `requested` ones first, then the preset's, then those that the facts suggest.

    Raises TrainingError for an unknown preset or settings that do not fit each other.
    """
    if preset not in PRESETS:
        raise TrainingError(f"'{preset}' is not a preset", f"choose one of {', '.join(PRESETS)}")
    chosen: dict[str, Any] = dict(PRESETS[preset].settings)
    chosen |= {name: value for name, value in requested.items() if value is not None}
    advice: list[Advice] = []
    for suggest in (
        _widths,
        _family,
        _sound,
        _precision,
        _batch,
        _part,
        _rate,
        _gamma,
        _augment,
        _averaging,
        _intervals,
    ):
        for suggestion in suggest(facts, chosen):
            if suggestion.name not in chosen:
                chosen[suggestion.name] = suggestion.value
                advice.append(suggestion)
    kept = ("height", "width", "c_dim", "img_channels", "bits", "label_means", "label_stds", "sound", "data")
    chosen |= {name: getattr(facts, name) for name in kept}
    return Plan(TrainConfig(**chosen), tuple(advice))


def check_used(config: TrainConfig, requested: Mapping[str, Any]) -> None:
    """Check that a run with this config uses every requested setting. Raises TrainingError that names one it ignores.

    `requested` holds only what the user asked for, without defaults.
    """
    augment = config.augment
    reasons = {
        "p": "" if augment in ("ada", "fixed") else f"--augment {augment} has no probability",
        "target": "" if augment == "ada" else f"--augment {augment} has no target",
        "ada_kimg": "" if augment == "ada" else f"--augment {augment} does not adapt",
        "pipe": "" if augment in ("ada", "fixed") else f"--augment {augment} has no pipe",
        "freeze_d": "" if config.source else "without --from the frozen weights would be random",
        "channels": "" if config.family != "stylegan3" else "StyleGAN3's widths follow --width and --base",
    }
    if requested.get("channels") and requested.get("d_channels"):
        reasons |= dict.fromkeys(("channel_max", "channel_base"), "--channels and --d-channels give all widths")
    for name, reason in reasons.items():
        if reason and requested.get(name) is not None and (name != "freeze_d" or requested[name]):
            raise TrainingError(f"the option for {name} has no effect: {reason}", "omit one of them")


def _widths(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    if "channels" in chosen and "w_dim" in chosen:
        return []
    sizes, why = (LARGE, "a GPU is available") if facts.on_gpu else (MEDIUM, "this runs on a CPU")
    return [Advice(name, value, why) for name, value in sizes.items()]


def _family(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    if chosen.get("family") != "stylegan3":
        return []
    why = "StyleGAN3 does not use it"
    return [Advice("style_mixing", 0.0, why), Advice("path_weight", 0.0, why)]


def _sound(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    """Suggest augmentations that keep what a spectrogram means: none that turns, mirrors or scales it."""
    if not facts.sound:
        return []
    why = "a spectrogram that is turned, mirrored or scaled is another sound"
    return [
        Advice("augment", "diffaugment", why),
        Advice("policy", "translation,cutout", why),
        Advice("mirror", False, why),
        Advice("path_weight", 0.0, "it is for smooth films, and costs time"),
    ]


def _precision(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    if facts.has_bf16:
        return [Advice("precision", "bf16", "this machine computes faster in bf16 than in fp32")]
    return [Advice("precision", "fp32", "this machine has no fast bf16")]


def _batch(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    """Suggest StyleGAN2-ADA's batch for one GPU: 32 up to 128 px, and fewer for larger images."""
    side = max(facts.height, facts.width)
    per_process = max(min(4096 // side, 32), GROUP)
    batch = max(per_process, GROUP * facts.processes)
    batch += -batch % (GROUP * facts.processes)
    return [
        Advice("batch", batch, f"for pictures of {side} px; every process gets the same share, a multiple of {GROUP}")
    ]


def _part(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    """Suggest the largest part of which every process gets the same number.

    On a CPU its features are at most as many as those of 32 images of 64 px.
    """
    side = max(facts.height, facts.width) // (2 if chosen.get("family") == "mobilestylegan" else 1)
    max_part = 64 if facts.on_gpu else min(32, max(GROUP, 32 * 64**2 // side**2))
    batch = int(chosen["batch"])
    share = batch // facts.processes
    if batch % facts.processes or share % GROUP:
        raise TrainingError(
            f"a batch of {batch} does not split evenly among {facts.processes} processes in groups of {GROUP}",
            f"use a multiple of {GROUP * facts.processes}",
        )
    sizes = [size for size in range(GROUP, min(max_part, share) + 1, GROUP) if share % size == 0]
    return [Advice("part", sizes[-1], "images per forward pass: as many as suit this machine's speed and memory")]


def _rate(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    rate = 0.002 if max(facts.height, facts.width) >= 1024 else 0.0025
    return [Advice("rate", rate, "StyleGAN2-ADA's rate for this size")]


def _gamma(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    """Suggest 0.0002 * pixels / batch (Karras et al. 2020b, appendix C, as in its code), and more for few pictures."""
    pixels, batch = facts.height * facts.width, int(chosen["batch"])
    factor = 4 if facts.images < 5000 else 2 if facts.images < 20000 else 1
    gamma = float(f"{0.0002 * pixels / batch * factor:.3g}")
    why = f"0.0002 x {pixels} pixels / batch {batch}"
    if factor > 1:
        why += f", times {factor} because {facts.images} pictures are few and D memorizes them"
    more = [
        Advice(
            "gamma",
            gamma,
            why + "; lower it if colors wash out; raise it if shapes break up or all images look similar",
        )
    ]
    if chosen.get("loss") == "relativistic":
        more = [Advice("gamma", max(gamma, 0.05), "R3GAN needs a strong penalty")]
        more.append(
            Advice("penalty_every", 4, "R3GAN applies its penalties at every step; every fourth step is cheaper")
        )
        more.append(Advice("path_weight", 0.0, "R3GAN uses no path length penalty"))
    return more


def _augment(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    kimg = float(chosen.get("kimg", TrainConfig.kimg))
    speed = min(500.0, max(20.0, kimg / 25))
    why = f"ADA may raise p from 0 to 1 within {speed:g} of {kimg:g} kimg"
    advice = [Advice("ada_kimg", speed, why)]
    if facts.images >= 100_000:
        advice.append(Advice("augment", "none", f"{facts.images} pictures are enough without augmentation"))
    if chosen.get("augment") == "fixed":
        advice.append(Advice("p", FIXED_P, "a fixed probability that small datasets usually need"))
    return advice


def _averaging(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    kimg = int(chosen["batch"]) * 10 / 32
    return [Advice("ema_kimg", kimg, "half-life of the averaged generator: 10 kimg for a batch of 32")]


def _intervals(facts: TrainingFacts, chosen: Mapping[str, Any]) -> list[Advice]:
    if facts.on_gpu:
        return []
    why = "a CPU is slower than a GPU, so progress is reported more often"
    return [Advice("tick_kimg", 1.0, why), Advice("snap_kimg", 50.0, why)]
