"""Export of latents as plain NumPy files for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from faceloom.errors import StoreError
from faceloom.files import atomic_write


def save_arrays(path: Path, arrays: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write `.npz` with every array by name and the card as JSON text under 'card', or `.npy` with the first array.

    Convention: float32; nothing is pickled, so `numpy.load` opens the file with its defaults. Raises StoreError for
    another suffix, or when the file cannot be written.
    """
    numpy_arrays = {name: tensor.detach().cpu().float().numpy() for name, tensor in arrays.items()}
    if path.suffix not in (".npy", ".npz"):
        raise StoreError(f"'{path.suffix}' is no NumPy file: expected .npy or .npz", "end the name in .npy or .npz")
    with atomic_write(path) as draft, draft.open("wb") as file:
        if path.suffix == ".npy":
            np.save(file, next(iter(numpy_arrays.values())), allow_pickle=False)
        else:
            text = json.dumps(dict(card), ensure_ascii=False)
            np.savez(file, allow_pickle=False, **numpy_arrays, card=np.array(text))
