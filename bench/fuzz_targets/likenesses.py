"""Fuzzing of likenesses, directions of both kinds, and other programs' latent codes."""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch

from faceloom.checkpoints.sandbox import process
from faceloom.checkpoints.sandbox.containers import detect_container
from faceloom.checkpoints.sandbox.flatten import select_part
from faceloom.edit import directions, stylespace
from faceloom.edit.directions import Direction
from faceloom.edit.stylespace import StyleDirection
from faceloom.errors import FaceloomError
from faceloom.likeness import Geometry, Likeness


def seeds(folder: Path) -> dict[str, bytes]:
    """Return small files of every kind that holds latent codes or directions."""
    path, w_plus = folder / "seed", torch.linspace(-1, 1, 8).reshape(1, 2, 4)
    geometry = Geometry(((0.0, 0.0), (0.0, 9.0), (9.0, 9.0), (9.0, 0.0)), (10, 10), 9)
    person = Likeness(w_plus, "0" * 64, "tiny", {"lpips": 0.1, "identity": 0.9}, geometry, {"seconds": 1.5})
    mask = torch.ones(1, 1, 64, 64)
    edited = Likeness(w_plus, "0" * 64, "tiny", origin=w_plus, base=w_plus, mask=mask, regions={"hair": 0.5})
    contents = {}
    for name, likeness in {"likeness": person, "edited likeness": edited}.items():
        likeness.save(path)
        contents[name] = path.read_bytes()
    unit = torch.tensor([1.0, 0, 0, 0])
    directions.save(Direction("age", unit, 0.5, "years", 15.0, "0" * 64, "tiny", (0, 1), "notes"), path)
    contents["direction"] = path.read_bytes()
    styled = StyleDirection("makeup", ((0, 1), (1, 2)), torch.ones(2), "step", 1.0, "0" * 64, "tiny", "notes")
    stylespace.save(styled, path)
    contents["direction of StyleSpace"] = path.read_bytes()
    array = w_plus.numpy()
    one, several = io.BytesIO(), io.BytesIO()
    np.save(one, array)
    np.savez(several, w=array, other=array[0])
    contents |= {"npy": one.getvalue(), "npz": several.getvalue()}
    contents["pickle"] = pickle.dumps({"w": array, "names": ["a"]}, protocol=4)
    torch.save({"latent": w_plus}, path)
    return contents | {"torch": path.read_bytes()}


def words() -> Iterable[str]:
    """Return keys of cards, and numbers that are hard to read."""
    return (
        "kind", "likeness", "direction", "style direction", "version", "card", "quality", "geometry", "quad",
        "layers", "places", "per_unit", "sigma", "NaN", "Infinity", "1e999", "9" * 40, "null", "true", "F32", "F16",
        "BF16", "data_offsets", "shape",
    )  # fmt: skip


@contextmanager
def reading(scratch: Path) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that reads a file as every kind; our own errors are the only ones that it may raise."""
    path = scratch / "file"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(FaceloomError):
            person = Likeness.load(path)
            assert all(map(math.isfinite, person.quality.values()))
        with suppress(FaceloomError):
            direction = directions.load(path)
            assert math.isfinite(direction.per_unit)
            assert math.isfinite(direction.sigma)
        with suppress(FaceloomError):
            assert math.isfinite(stylespace.load(path).sigma)
        with suppress(FaceloomError):
            if detect_container(path) != "safetensors":
                tree, size = process.read_tree_of(path, allow_arrays=True)
                process.flatten_tree(select_part(tree, "latents")[0], size)

    yield read
