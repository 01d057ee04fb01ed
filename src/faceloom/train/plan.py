"""From a dataset's facts to a run's settings, each with its reason in words. Knows numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faceloom.errors import TrainingError
from faceloom.train.config import TrainConfig

GROUP = 4
"""Images that the discriminator compares with each other: a pass holds a multiple of it."""


@dataclass(frozen=True)
class Preset:
    """A starting point: what a run is made of before the data have their say."""

    what: str  # one sentence for people
    settings: Mapping[str, Any] = field(default_factory=dict)


SMALL = {"channel_base": 4096, "channel_max": 128, "z_dim": 128, "w_dim": 128, "mapping_layers": 4}
MEDIUM = {"channel_base": 8192, "channel_max": 256, "z_dim": 256, "w_dim": 256, "mapping_layers": 6}
LARGE = {"channel_base": 16384, "channel_max": 512}

PRESETS: dict[str, Preset] = {
    "auto": Preset("sizes by the machine: small networks on a processor, the field's on a GPU"),
    "small": Preset("narrow StyleGAN2, to see something within an hour on a processor", SMALL),
    "medium": Preset("StyleGAN2 of a few million weights, for a day on a processor or an hour on a GPU", MEDIUM),
    "large": Preset("StyleGAN2 as wide as StyleGAN2-ADA's own below 512 px, for GPUs", LARGE),
    "wavelet": Preset(
        "the default generator's kind: it draws wavelets at half the side, cheap on processors",
        {"family": "mobilestylegan", "channel_base": 4096, "channel_max": 256, "z_dim": 256, "w_dim": 256},
    ),
    "faces": Preset(
        "portraits on a processor, from a few thousand pictures on: wavelets, narrow, mirrored",
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
        "details that move with what they belong to, for films; several times as slow",
        {"family": "stylegan3", "channel_base": 16384, "channel_max": 256, "mapping_layers": 2},
    ),
}


@dataclass(frozen=True)
class Facts:
    """What the data and the machine are."""

    data: str
    images: int
    height: int
    width: int
    c_dim: int = 0
    on_gpu: bool = False
    has_bf16: bool = False  # whether the machine multiplies bf16 faster
    processes: int = 1


@dataclass(frozen=True)
class Advice:
    """A setting that was chosen, and why."""

    name: str
    value: Any
    why: str


@dataclass(frozen=True)
class Plan:
    """What a run will do, with the reasons of what nobody asked for."""

    config: TrainConfig
    advice: tuple[Advice, ...]


def plan(facts: Facts, preset: str = "auto", **asked: Any) -> Plan:
    """Choose every setting: what was `asked` for first, then the preset's, then what the facts suggest.

    Raises TrainingError for an unknown preset or settings that do not fit each other.
    """
    if preset not in PRESETS:
        raise TrainingError(f"'{preset}' is no preset", f"there are {', '.join(PRESETS)}")
    chosen: dict[str, Any] = dict(PRESETS[preset].settings)
    chosen |= {name: value for name, value in asked.items() if value is not None}
    advice: list[Advice] = []
    for suggest in (_widths, _family, _precision, _batch, _part, _rate, _gamma, _augment, _averaging, _rhythm):
        for found in suggest(facts, chosen):
            if found.name not in chosen:
                chosen[found.name] = found.value
                advice.append(found)
    chosen |= {"height": facts.height, "width": facts.width, "c_dim": facts.c_dim, "data": facts.data}
    return Plan(TrainConfig(**chosen), tuple(advice))


def _widths(facts: Facts, chosen: Mapping[str, Any]) -> list[Advice]:
    if "channels" in chosen and "w_dim" in chosen:
        return []
    sizes, why = (LARGE, "a GPU is there") if facts.on_gpu else (MEDIUM, "this runs on a processor")
    return [Advice(name, value, why) for name, value in sizes.items()]


def _family(facts: Facts, chosen: Mapping[str, Any]) -> list[Advice]:
    if chosen.get("family") != "stylegan3":
        return []
    why = "StyleGAN3 was published without it"
    return [Advice("style_mixing", 0.0, why), Advice("path_weight", 0.0, why)]


def _precision(facts: Facts, chosen: Mapping[str, Any]) -> list[Advice]:
    if facts.has_bf16:
        return [Advice("precision", "bf16", "this machine multiplies bf16 faster than fp32")]
    return [Advice("precision", "fp32", "this machine has no fast bf16")]


def _batch(facts: Facts, chosen: Mapping[str, Any]) -> list[Advice]:
    """StyleGAN2-ADA's own choice for a GPU: 32 up to 128 px, and less for larger ones."""
    side = max(facts.height, facts.width)
    one = max(min(4096 // side, 32), GROUP)
    batch = max(one, GROUP * facts.processes)
    batch += -batch % (GROUP * facts.processes)
    return [Advice("batch", batch, f"pictures of {side} px; every process takes the same share, in groups of {GROUP}")]


def _part(facts: Facts, chosen: Mapping[str, Any]) -> list[Advice]:
    """The largest pass that all processes get equally many of, on a processor of features as of 32 images of 64 px."""
    side = max(facts.height, facts.width) // (2 if chosen.get("family") == "mobilestylegan" else 1)
    most = 64 if facts.on_gpu else min(32, max(GROUP, 32 * 64**2 // side**2))
    batch = int(chosen["batch"])
    share = batch // facts.processes
    if batch % facts.processes or share % GROUP:
        raise TrainingError(
            f"a batch of {batch} does not split into {facts.processes} processes with groups of {GROUP}",
            f"use a multiple of {GROUP * facts.processes}",
        )
    sizes = [size for size in range(GROUP, min(most, share) + 1, GROUP) if share % size == 0]
    return [
        Advice("part", sizes[-1], "images in one pass: as many as this machine computes well, and its memory holds")
    ]


def _rate(facts: Facts, chosen: Mapping[str, Any]) -> list[Advice]:
    rate = 0.002 if max(facts.height, facts.width) >= 1024 else 0.0025
    return [Advice("rate", rate, "StyleGAN2-ADA's own for this size")]


def _gamma(facts: Facts, chosen: Mapping[str, Any]) -> list[Advice]:
    """0.0002 pixels / batch (Karras et al. 2020b, appendix C, as its code has it), more for few pictures."""
    pixels, batch = facts.height * facts.width, int(chosen["batch"])
    factor = 4 if facts.images < 5000 else 2 if facts.images < 20000 else 1
    gamma = float(f"{0.0002 * pixels / batch * factor:.3g}")
    why = f"0.0002 x {pixels} pixels / batch {batch}"
    if factor > 1:
        why += f", times {factor} because {facts.images} pictures are few and D learns them by heart"
    more = [Advice("gamma", gamma, why + "; colours wash out: lower it; shapes break up or all look alike: raise it")]
    if chosen.get("loss") == "relativistic":
        more = [Advice("gamma", max(gamma, 0.05), "R3GAN needs a firm penalty")]
        more.append(Advice("penalty_every", 4, "R3GAN has its penalties at every step; at every fourth it is cheaper"))
        more.append(Advice("path_weight", 0.0, "R3GAN has no path length penalty"))
    return more


def _augment(facts: Facts, chosen: Mapping[str, Any]) -> list[Advice]:
    kimg = float(chosen.get("kimg", TrainConfig.kimg))
    speed = min(500.0, max(20.0, kimg / 25))
    why = f"ADA may go from nothing to everything within {speed:g} of {kimg:g} kimg"
    advice = [Advice("ada_kimg", speed, why)]
    if facts.images >= 100_000:
        advice.append(Advice("augment", "none", f"{facts.images} pictures are enough"))
    if chosen.get("augment") == "fixed":
        advice.append(Advice("p", 0.3, "a fixed strength that small collections usually need"))
    return advice


def _averaging(facts: Facts, chosen: Mapping[str, Any]) -> list[Advice]:
    kimg = int(chosen["batch"]) * 10 / 32
    return [Advice("ema_kimg", kimg, "the shown generator is a mean over the last images: 10 kimg for a batch of 32")]


def _rhythm(facts: Facts, chosen: Mapping[str, Any]) -> list[Advice]:
    if facts.on_gpu:
        return []
    why = "a processor is slower than a GPU: look more often"
    return [Advice("tick_kimg", 1.0, why), Advice("snap_kimg", 50.0, why)]
