"""Turns of people that walks found: changes of the latent, stored in a file beside a base, and named in coefficients.

Steps along directions are numbers, which a step of the history holds. A walk ends at a latent of its own: the history
holds its name, with the part of the way that is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from faceloom import tensorfile
from faceloom.errors import FaceloomError
from faceloom.latents import WPlus

SUFFIX = ".turns"  # of the file
KIND, VERSION = "turns", 1
MARK = "turn "  # begins the names of turns, and of no direction


def turn_name(number: int, values: Mapping[str, float]) -> str:
    """Return the name of a base's turn by changes in degrees, as 'turn 3: pitch -5 yaw +20'."""
    return f"{MARK}{number}: " + " ".join(f"{name} {value:+g}" for name, value in sorted(values.items()))


def is_turn(name: str) -> bool:
    """Return whether a coefficient is the part of a turn, and not a step along a direction."""
    return name.startswith(MARK)


def load_turns(path: Path) -> dict[str, WPlus]:
    """Load the turns of a base by name; none when the file is missing or damaged."""
    try:
        return tensorfile.load(path, KIND, VERSION)[0]
    except FaceloomError:
        return {}


def save_turns(path: Path, turns: Mapping[str, WPlus]) -> None:
    """Save the turns of a base. Raises StoreError."""
    tensorfile.save(path, KIND, VERSION, turns, {})


def sum_turns(turns: Mapping[str, WPlus], coefficients: Mapping[str, float]) -> WPlus | None:
    """Return the change of the latent `[1, num_ws, w_dim]` by the turns among some coefficients; None without any.

    A turn that is not in `turns` changes nothing.
    """
    parts = [part * turns[name] for name, part in coefficients.items() if part and name in turns]
    return torch.stack(parts).sum(0) if parts else None
