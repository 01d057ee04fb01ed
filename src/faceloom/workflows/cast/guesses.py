"""Guesses of attributes from latents, before anything is drawn: thousands of candidates in the time of one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from faceloom.analyze.ensemble import LATENT_ATTRIBUTES, correct_ages, read_latents
from faceloom.checkpoints.shipped import load_latent_reader
from faceloom.edit.directions import Direction
from faceloom.edit.nearby import load_library
from faceloom.latents import W
from faceloom.networks.analyzer import ATTRIBUTES
from faceloom.workflows.cast.ranges import Range
from faceloom.workflows.cast.raw import to_raw_limits

RIDGE = 0.05  # of the regressions, in units of the mean variance of w
NEVER = 1e-9  # added to probabilities before their logarithm


@dataclass(frozen=True, eq=False)
class Guesses:
    """Predictions of attributes from w of the default generator.

    Two kinds: the latent reader for the attributes that it knows, and linear regressions on the library of generated
    people for all others. Convention: `mean [w_dim]`, `weights [w_dim, k]` and `offset [k]` are the regressions of
    `names`, in the analyzer's units; `errors` are standard deviations of both kinds of prediction.
    """

    names: tuple[str, ...]
    mean: Tensor
    weights: Tensor
    offset: Tensor
    errors: dict[str, float]

    @torch.no_grad()
    def predict(self, w: W, names: Sequence[str]) -> dict[str, Tensor]:
        """Predict attributes of latents `[n, w_dim]`: `[n]` for each name, in the analyzer's units."""
        result = {}
        if set(names) & set(LATENT_ATTRIBUTES):
            read = correct_ages(read_latents(load_latent_reader(), w))
            result = {name: read[:, ATTRIBUTES.index(name)] for name in names if name in LATENT_ATTRIBUTES}
        linear = [name for name in names if name in self.names and name not in result]
        if linear:
            columns = [self.names.index(name) for name in linear]
            values = (w - self.mean) @ self.weights[:, columns] + self.offset[columns]
            result |= dict(zip(linear, values.unbind(1), strict=True))
        return result

    def log_likelihood(self, w: W, ranges: Sequence[Range]) -> Tensor:
        """Return the logarithm of the probability that faces lie in all ranges, `[n]`, with normal errors."""
        total = torch.zeros(len(w))
        predicted = self.predict(w, [part.attribute for part in ranges])
        for part in ranges:
            if part.attribute in predicted:
                value, error = predicted[part.attribute], self.errors[part.attribute]
                low, high = to_raw_limits(part)
                inside = _normal_cdf((high - value) / error) - _normal_cdf((low - value) / error)
                total += (inside.clamp_min(0) + NEVER).log()
        return total

    def edit_length(self, w: W, ranges: Sequence[Range], basis: Sequence[Direction]) -> Tensor:
        """Return the length of the edits that seem to bring latents into all ranges, `[n]`, in standard deviations.

        An attribute without a direction counts by the error of its guess instead.
        """
        total = torch.zeros(len(w))
        sigmas = {direction.name: direction.sigma for direction in basis}
        predicted = self.predict(w, [part.attribute for part in ranges])
        for part in ranges:
            if part.attribute in predicted:
                low, high = to_raw_limits(part)
                value, unit = predicted[part.attribute], sigmas.get(part.attribute, self.errors[part.attribute])
                total += (((low - value).clamp_min(0) + (value - high).clamp_min(0)) / unit).square()
        return total.sqrt()


@lru_cache(maxsize=1)
def load_guesses() -> Guesses:
    """Fit the guesses of the default generator to its library of people. Takes about a second."""
    library = load_library()
    mean = library.w.mean(0)
    x = library.w - mean
    gram = x.T @ x
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
    offset = library.labels.mean(0)
    weights = torch.linalg.solve(gram, x.T @ (library.labels - offset))
    errors = (library.labels - offset - x @ weights).std(0).tolist()
    by_name = dict(zip(library.names, errors, strict=True))
    guesses = Guesses(library.names, mean, weights, offset, by_name)
    for name, values in guesses.predict(library.w, LATENT_ATTRIBUTES).items():
        by_name[name] = float((library.labels[:, library.names.index(name)] - values).std())
    return guesses


def _normal_cdf(x: Tensor) -> Tensor:
    result: Tensor = torch.special.ndtr(x)
    return result
