"""Checks of a state dict against the network that a configuration describes: names, shapes and finite values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from faceloom.checkpoints.sandbox.bounds import check_bounds
from faceloom.errors import CorruptFile, WrongShape


def check_state(network: Callable[[Any], nn.Module], config: Any, state: Mapping[str, Tensor]) -> None:
    """Compare a state dict with the network that `config` describes, without allocating the network's weights.

    Raises WrongShape naming a tensor that is missing, unexpected or of another shape, CorruptFile for a value that is
    not finite.
    """
    check_bounds(config)
    try:
        with torch.device("meta"):
            expected = {name: tensor.shape for name, tensor in network(config).state_dict().items()}
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise WrongShape(
            f"the file describes a network that cannot be built: {error}", "the file is of another variant"
        ) from error
    refuse_names("lacks", expected.keys() - state.keys())
    refuse_names("holds tensors that the network does not know:", state.keys() - expected.keys())
    for name, shape in expected.items():
        if state[name].shape != shape:
            raise WrongShape(
                f"{name}: expected {list(shape)}, got {list(state[name].shape)}",
                "the file is of another size or family",
            )
        if not torch.isfinite(state[name]).all():
            raise CorruptFile(
                f"{name} holds numbers that are not finite", "the training went wrong, or the file is damaged"
            )


def refuse_names(problem: str, names: Iterable[str]) -> None:
    """Raise WrongShape that lists the first three names; return when there are none."""
    ordered = sorted(names)
    if ordered:
        more = f" and {len(ordered) - 3} more" if len(ordered) > 3 else ""
        raise WrongShape(
            f"the file {problem} {', '.join(ordered[:3])}{more}", "the file is of another size, family or variant"
        )
