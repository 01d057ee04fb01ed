"""Latents as plain NumPy files, for other people's tools. Knows arrays and a card, not what they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from faceloom.errors import StoreError
from faceloom.files import replacing


def save_arrays(path: Path, arrays: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write `.npz` with every array by name and the card as JSON text under 'card', or `.npy` with the first alone.

    Convention: float32; nothing is pickled, so `numpy.load` opens it as it is. Raises StoreError for another ending.
    """
    plain = {name: tensor.detach().cpu().float().numpy() for name, tensor in arrays.items()}
    if path.suffix not in (".npy", ".npz"):
        raise StoreError(f"'{path.suffix}' is no NumPy file", "end the name in .npy or .npz")
    with replacing(path) as draft, draft.open("wb") as file:
        if path.suffix == ".npy":
            np.save(file, next(iter(plain.values())), allow_pickle=False)
        else:
            text = json.dumps(dict(card), ensure_ascii=False)
            np.savez(file, allow_pickle=False, **plain, card=np.array(text))
