"""Generated faces from seeds. Works on latents, without images or files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch

from faceloom import latents
from faceloom.errors import LatentError
from faceloom.label_columns import Columns, describe_example, encode_values, scale_vector
from faceloom.latents import WPlus
from faceloom.networks.generator import Generator

MAX_PSI = 2.0  # largest absolute value of the truncation
MAX_LABEL = 1e6  # largest absolute value of a number in a label
MAX_LABEL_TEXT = 100_000  # characters of a label

Label = int | Sequence[float] | Mapping[str, str]
"""A class, the vector of a generator that was trained on numbers, or the values of the label's columns by name."""


@torch.no_grad()
def generate_latents(
    G: Generator, seeds: Sequence[int], psi: float = 0.7, cutoff: int | None = None, c: torch.Tensor | None = None
) -> WPlus:
    """Generate the latent of one face for each seed: `[len(seeds), num_ws, w_dim]`.

    Convention: z is `numpy.random.RandomState(seed).randn(1, z_dim)`; `psi` truncates the first `cutoff` layers (all by
    default) towards the mean face, 1 = off, 0 = the mean face; `c [1, c_dim]` is one label for all. Each seed is mapped
    alone, so that a latent does not depend on the other seeds, to the last bit.
    Raises LatentError for a seed out of range or a `psi` outside -2...2.
    """
    if not -MAX_PSI <= psi <= MAX_PSI:
        raise LatentError(f"psi {psi} is out of range", f"use {-MAX_PSI} to {MAX_PSI}; 0.7 gives clean faces")
    z = latents.z_from_seeds(seeds, G.z_dim).to(G.w_avg.device)
    rows = [G.mapping(row, c) for row in z.split(1)]
    w = torch.cat(rows) if rows else G.w_avg.new_empty(0, G.w_dim)
    return latents.truncate(latents.broadcast(w, G.num_ws), G.w_avg, psi, cutoff)


def parse_label(text: str) -> Label:
    """Parse a label: '2' is a class, '0.3,1,0' or '0.3' is a vector of numbers, 'kind=star,size=0.3' names the values.

    Raises LatentError for text that is neither, and for numbers that are not finite or larger than MAX_LABEL.
    """
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return int(text)
    if "=" in text and len(text) <= MAX_LABEL_TEXT:
        return _parse_values(text)
    try:
        if len(text) > MAX_LABEL_TEXT:
            raise ValueError
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise LatentError(f"'{text[:40]}' is not a label", "give a class such as 2, or numbers as 0.3,1,0") from error
    if len(numbers) == 1 and "." not in text and "e" not in text.lower():
        raise LatentError(f"label {text[:40]} is out of range", "classes count from 0; numbers have a point, as -5.0")
    _check_numbers(numbers)
    return numbers


def _parse_values(text: str) -> Mapping[str, str]:
    """Parse 'kind=star,size=0.3'; a part without '=' belongs to the value before it, because names may have commas."""
    values: dict[str, str] = {}
    name = ""
    for part in text.split(","):
        start, equals, value = part.partition("=")
        if not equals and name:
            values[name] += f",{part}"
            continue
        name = start.strip()
        if not equals or not name or name in values:
            raise LatentError(f"'{text[:40]}' is not a label", "give each value once, as kind=star,size=0.3")
        values[name] = value.strip()
    return values


def make_label(label: Label | None, c_dim: int, columns: Columns = ()) -> torch.Tensor | None:
    """Return the label `c [1, c_dim]` of a class or a vector of numbers, or None for a generator without labels.

    `columns` are the parts of the label, where they have names: numbers are then given in the columns' own units.

    Raises LatentError for a label that is missing, out of range or of another length, and for one that is given to a
    generator without labels.
    """
    if not c_dim:
        if label is not None:
            raise LatentError("this generator takes no labels", "leave --label out")
        return None
    if columns:
        return torch.tensor([_encode_named(label, c_dim, columns)], dtype=torch.float32)
    if isinstance(label, Mapping):
        raise LatentError("the parts of this generator's label have no names", "give a class, or numbers as 0.3,1,0")
    hint = f"give a class, --label 0 to {c_dim - 1}, or {c_dim} numbers, as --label {','.join(['0.5'] * min(c_dim, 4))}"
    if label is None:
        raise LatentError("no label was given, and this generator takes labels", hint)
    if isinstance(label, int) and c_dim == 1:
        raise LatentError(
            f"label {label} may be a class or a number, and this generator takes one number",
            f"give the number, as --label {label}.0; its only class is 1.0",
        )
    if isinstance(label, int):
        if not 0 <= label < c_dim:
            raise LatentError(f"label {label} is out of range, and this generator takes labels", hint)
        return torch.eye(c_dim)[label : label + 1]
    _check_numbers(label)
    if len(label) != c_dim:
        raise LatentError(f"label: expected {c_dim} numbers, got {len(label)}", hint)
    return torch.tensor([list(label)], dtype=torch.float32)


def _encode_named(label: Label | None, c_dim: int, columns: Columns) -> list[float]:
    """Return the vector of a label whose parts have names: of values by name, or of numbers in the columns' units."""
    hint = f"give --label {describe_example(columns)}"
    if label is None:
        raise LatentError("no label was given, and this generator takes labels", hint)
    if isinstance(label, Mapping):
        return encode_values(label, columns)
    numbers = [float(label)] if isinstance(label, int) else list(label)
    _check_numbers(numbers)
    if len(numbers) != c_dim:
        raise LatentError(f"label: expected {c_dim} numbers, got {len(numbers)}", hint)
    return scale_vector(numbers, columns)


def _check_numbers(numbers: Sequence[float]) -> None:
    """Check the numbers of a label. Raises LatentError for one that is not finite or too large."""
    for number in numbers:
        if not abs(number) <= MAX_LABEL:  # true for NaN, too
            raise LatentError(f"label {number} is out of range", f"give numbers from {-MAX_LABEL:g} to {MAX_LABEL:g}")
