"""Reader for MMGeneration's StyleGAN2 checkpoints: rosinality's structure under other names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from faceloom.checkpoints.loaded_network import LoadedNetwork
from faceloom.checkpoints.readers import rosinality
from faceloom.checkpoints.readers.rename import Rule, drop_first_axis, to_plane, to_scalar, unchanged
from faceloom.checkpoints.sandbox.process import FileContent

SOURCE = "mmgeneration"

_PREFIXES = ("state_dict.generator_ema.", "state_dict.generator.", "generator_ema.", "generator.", "state_dict.", "")

_LAYER = r"(conv1|to_rgb1|convs\.\d{1,2}|to_rgbs\.\d{1,2})\."

_RULES: tuple[Rule, ...] = (
    (r"style_mapping\.(\d+)\.linear\.weight(?:_orig)?", lambda m: f"mapping.fc{int(m[1]) - 1}.weight", unchanged),
    (r"style_mapping\.(\d+)\.bias", lambda m: f"mapping.fc{int(m[1]) - 1}.bias", unchanged),
    (r"constant_input\.input", "synthesis.b4.const", drop_first_axis),
    (_LAYER + r"conv\.weight_orig", lambda m: f"{rosinality.layer_name(m[1])}.weight", drop_first_axis),
    (
        _LAYER + r"conv\.style_modulation\.linear\.weight(?:_orig)?",
        lambda m: f"{rosinality.layer_name(m[1])}.affine.weight",
        unchanged,
    ),
    (_LAYER + r"conv\.style_modulation\.bias", lambda m: f"{rosinality.layer_name(m[1])}.affine.bias", unchanged),
    (
        r"(conv1|convs\.\d{1,2})\.noise_injector\.weight",
        lambda m: f"{rosinality.layer_name(m[1])}.noise_strength",
        to_scalar,
    ),
    (r"injected_noise_(\d{1,2})", lambda m: rosinality.noise_name(int(m[1])), to_plane),
    (r"state_dict\..*|(generator|discriminator|perceptual_loss)\..*", None, unchanged),
)


def find(names: Mapping[str, Tensor]) -> str | None:
    """Return the prefix of the averaged generator, else of the generator; None for other names than MMGeneration's."""
    return next((prefix for prefix in _PREFIXES if f"{prefix}constant_input.input" in names), None)


def read(content: FileContent, prefix: str, bgr: bool) -> LoadedNetwork:
    """Read the generator; `bgr` means that its images are BGR, as those of networks trained with MMGeneration.

    Raises WrongShape or CorruptFile.
    """
    loaded = rosinality.read_generator(content.without_prefix(prefix), SOURCE, _RULES)
    if not bgr:
        note = "assumed to draw RGB, as converted networks do; if faces are blue, import it again with bgr"
        return replace(loaded, notes=(*loaded.notes, note))
    state = dict(loaded.state_dict)
    for name in state:
        if ".torgb.weight" in name or ".torgb.bias" in name:
            state[name] = state[name].flip(0)
    return replace(loaded, state_dict=state, notes=(*loaded.notes, "the blue and red channels were swapped"))
