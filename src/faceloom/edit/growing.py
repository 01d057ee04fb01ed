"""Growing up: a person at another age, as far from the typical person of that age as they are from that of their own.

A step along one direction leaves the faces that a generator draws well when it is as long as from an adult to a child.
Here the mean of the generated people of one age is replaced by that of another age, which stays among such faces.
Knows latents and the library of generated people, no images.
"""

from __future__ import annotations

import torch
from torch import Tensor

from faceloom.edit.nearby import Library
from faceloom.errors import LatentError
from faceloom.latents import WPlus

AGE_SPREAD = (1.5, 0.08)  # years, and part of the age: the standard deviation of the ages that count in a mean
GENDER_SPREAD = 1.5  # logits: the standard deviation of the genders that count in a mean
MAX_GENDER = 3.0  # logits: a face is not more clearly of a man or a woman than this, as far as a mean is concerned
CLOSENESS = 0.85  # part of the distance to the mean that is kept: children differ less than their parents


def mean_person(library: Library, age: float, gender: float) -> Tensor:
    """Return the mean latent code `[w_dim]` of the generated people of about an age, in years, and gender, in logits.

    Raises LatentError for a library without these labels.
    """
    if not {"age", "gender"} <= set(library.names):
        raise LatentError("the library of people has no ages and genders", "install faceloom again")
    ages, genders = (library.labels[:, library.names.index(name)] for name in ("age", "gender"))
    spread = AGE_SPREAD[0] + AGE_SPREAD[1] * age
    limited = genders.clamp(-MAX_GENDER, MAX_GENDER) - max(-MAX_GENDER, min(gender, MAX_GENDER))
    weights = torch.exp(-0.5 * (((ages - age) / spread) ** 2 + (limited / GENDER_SPREAD) ** 2))
    return weights @ library.w / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)


def grow(
    w_plus: WPlus, library: Library, now: tuple[float, float], then: tuple[float, float], closeness: float = CLOSENESS
) -> WPlus:
    """Move a person of age and gender `now` to age and gender `then`, in years and logits.

    Convention: w_plus `[1, num_ws, w_dim]` of the generator of the library.
    """
    return mean_person(library, *then) + closeness * (w_plus - mean_person(library, *now))
