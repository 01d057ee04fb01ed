"""The numbers that an optimizer changes when it tunes a generator: changes and low-rank factors of some weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from faceloom.networks.tuned import LEFT_FACTOR, RIGHT_FACTOR, Delta


class DeltaParameters:
    """The change of some weights, in root mean squares of each weight, so that one learning rate fits all of them.

    A weight with more than `whole_below` numbers changes by two factors of `rank` if these are smaller than the weight;
    rank 0 stands for no factors. `delta` is the change to start from. `random` draws the right factors.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        rank: int,
        random: torch.Generator,
        delta: Delta | None = None,
        *,
        whole_below: int = 0,
    ) -> None:
        self.rank, self.whole_below = rank, whole_below
        self.scale = {name: float(weight.float().square().mean().sqrt()) + 1e-3 for name, weight in weights.items()}
        initial = self._initial_parameters(weights, delta or {}, random)
        self.parameters = {name: parameter.requires_grad_() for name, parameter in initial.items()}

    def values(self) -> list[Tensor]:
        """Return the parameters that the optimizer changes."""
        return list(self.parameters.values())

    def set_gradients(self, loss: Tensor) -> None:
        """Store the gradients of a loss in the parameters, with 0 in place of numbers that are not finite."""
        gradients = torch.autograd.grad(loss, self.values(), allow_unused=True)
        for parameter, gradient in zip(self.values(), gradients, strict=True):
            parameter.grad = torch.zeros_like(parameter) if gradient is None else gradient.nan_to_num(0.0, 0.0, 0.0)

    def delta(self) -> dict[str, Tensor]:
        """Return the change of the weights, through which gradients flow."""
        return {
            name: parameter if name.endswith(RIGHT_FACTOR) else parameter * self.scale[name.removesuffix(LEFT_FACTOR)]
            for name, parameter in self.parameters.items()
        }

    def copy_delta(self) -> dict[str, Tensor]:
        """Return a copy of the change of the weights, without gradients."""
        return {name: part.detach().clone() for name, part in self.delta().items()}

    def _initial_parameters(
        self, weights: Mapping[str, Tensor], delta: Delta, random: torch.Generator
    ) -> dict[str, Tensor]:
        parameters = {}
        for name, weight in weights.items():
            if self._is_whole(weight):
                change = delta.get(name)
                parameters[name] = torch.zeros(weight.shape) if change is None else change.float() / self.scale[name]
                continue
            rows, columns = weight.shape[0], weight[0].numel()
            right = torch.randn(self.rank, columns, generator=random) / self.rank**0.5
            left = delta.get(name + LEFT_FACTOR, torch.zeros(rows, self.rank))
            parameters[name + LEFT_FACTOR] = left.float() / self.scale[name]
            parameters[name + RIGHT_FACTOR] = delta.get(name + RIGHT_FACTOR, right).float()
        return parameters

    def _is_whole(self, weight: Tensor) -> bool:
        """Return whether a weight changes as a whole, because two factors would not be smaller."""
        if weight.ndim < 2 or weight.numel() <= self.whole_below:
            return True
        rows, columns = weight.shape[0], weight[0].numel()
        return not 0 < self.rank * (rows + columns) < rows * columns
