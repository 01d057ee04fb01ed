"""StyleGAN2 checkpoints of MMGeneration: rosinality's structure under other names. Knows names, not files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import rosinality
from faceloom.checkpoints.readers.rename import Rule, same, scalar
from faceloom.checkpoints.readers.rename import plane as plane_of_noise
from faceloom.checkpoints.sandbox.process import Content

SOURCE = "mmgeneration"

_PREFIXES = ("state_dict.generator_ema.", "state_dict.generator.", "generator_ema.", "generator.", "state_dict.", "")

_LAYER = r"(conv1|to_rgb1|convs\.\d{1,2}|to_rgbs\.\d{1,2})\."

_RULES: tuple[Rule, ...] = (
    (r"style_mapping\.(\d+)\.linear\.weight(?:_orig)?", lambda m: f"mapping.fc{int(m[1]) - 1}.weight", same),
    (r"style_mapping\.(\d+)\.bias", lambda m: f"mapping.fc{int(m[1]) - 1}.bias", same),
    (r"constant_input\.input", "synthesis.b4.const", lambda t: t.squeeze(0)),
    (_LAYER + r"conv\.weight_orig", lambda m: f"{rosinality.block(m[1])}.weight", lambda t: t.squeeze(0)),
    (
        _LAYER + r"conv\.style_modulation\.linear\.weight(?:_orig)?",
        lambda m: f"{rosinality.block(m[1])}.affine.weight",
        same,
    ),
    (_LAYER + r"conv\.style_modulation\.bias", lambda m: f"{rosinality.block(m[1])}.affine.bias", same),
    (
        r"(conv1|convs\.\d{1,2})\.noise_injector\.weight",
        lambda m: f"{rosinality.block(m[1])}.noise_strength",
        scalar,
    ),
    (r"injected_noise_(\d{1,2})", lambda m: rosinality.noise(int(m[1])), plane_of_noise),
    (r"state_dict\..*|(generator|discriminator|perceptual_loss)\..*", None, same),
)


def find(names: Mapping[str, Tensor]) -> str | None:
    """The prefix of the averaged generator, else of the generator; None when the names are not MMGeneration's."""
    return next((prefix for prefix in _PREFIXES if f"{prefix}constant_input.input" in names), None)


def read(content: Content, prefix: str, bgr: bool) -> LoadedNetwork:
    """Understand the generator; `bgr` says that it draws blue first, as networks trained with MMGeneration do.

    Raises WrongShape or CorruptFile.
    """
    tensors = {name.removeprefix(prefix): tensor for name, tensor in content.tensors.items()}
    foreign = rosinality.read_generator(tensors, SOURCE, _RULES)
    if not bgr:
        note = "taken to draw red first, as converted networks do; if faces are blue, import it again with bgr"
        return replace(foreign, notes=(*foreign.notes, note))
    state = dict(foreign.state_dict)
    for name in state:
        if ".torgb.weight" in name or ".torgb.bias" in name:
            state[name] = state[name].flip(0)
    return replace(foreign, state_dict=state, notes=(*foreign.notes, "blue and red were exchanged"))
