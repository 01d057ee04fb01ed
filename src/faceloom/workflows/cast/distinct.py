"""People of a cast who look alike, by the identities that the analyzer reads."""

from __future__ import annotations

import math

import torch
from torch import Tensor

ROWS_AT_ONCE = 2000
SMALLEST_LIMIT, LARGEST_LIMIT, TENFOLD = 0.5, 0.92, 0.13  # of the limits below, and their rise


def alike_limit(people: int) -> float:
    """Return the identity similarity from which two people count as alike: 0.63 of ten people, 0.89 of a thousand.

    Of many people some always resemble each other, as among real ones: of a thousand, only doubles can be avoided.
    """
    return min(LARGEST_LIMIT, SMALLEST_LIMIT + TENFOLD * math.log10(max(people, 1)))


def find_alike(identities: Tensor, limit: float) -> list[int]:
    """Return the people who resemble an earlier one who stays, by index.

    Convention: identities `[n, d]` of unit length. The first person always stays; a person who resembles only people
    who go, stays.
    """
    goes = torch.zeros(len(identities), dtype=torch.bool)
    for start in range(0, len(identities), ROWS_AT_ONCE):
        rows = identities[start : start + ROWS_AT_ONCE]
        near = (rows @ identities[: start + len(rows)].T > limit).tril(start - 1)
        for i in near.any(1).nonzero()[:, 0].tolist():
            goes[start + i] = bool((near[i] & ~goes[: near.shape[1]]).any())
    return [int(index) for index in goes.nonzero()[:, 0]]
