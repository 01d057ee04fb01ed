"""Precisions: the fastest one of this machine's processor, and the setting of a network's precision."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

Precision = Literal["fp32", "bf16"]


def fast_precision() -> Precision:
    """Return 'bf16' if the processor has instructions for it (x86 AVX-512 BF16 or AMX), else 'fp32'."""
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return "bf16" if any(getattr(torch.cpu, probe, bool)() for probe in probes) else "fp32"


def set_compute_dtype(network: nn.Module, dtype: torch.dtype) -> None:
    """Set the precision in which a generator's or discriminator's convolutions compute, for training.

    Weights, their gradients, styles, images and scores stay float32.
    """
    for module in network.modules():
        if "dtype" in vars(module):
            module.dtype = dtype  # type: ignore[assignment]
