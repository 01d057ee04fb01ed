"""From a foreign file's names to ours, by tables; and the check that every name was used and every shape fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from faceloom.checkpoints.sandbox.bounds import check_bounds
from faceloom.errors import CorruptFile, WrongShape

Target = str | Callable[[re.Match[str]], str] | None
Change = Callable[[Tensor], Tensor]
Rule = tuple[str, Target, Change]
"""Pattern of a whole foreign name; our name for it (None: known and not needed); what becomes of the tensor."""


@dataclass
class Renamed:
    """What a table made of a foreign file."""

    state: dict[str, Tensor] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)  # known names that a generator does not need


def rename(tensors: Mapping[str, Tensor], rules: Sequence[Rule]) -> Renamed:
    """Apply to each tensor the first rule whose pattern fits its whole name.

    Raises WrongShape when a tensor cannot be changed as its rule says, two become one, or no rule knows a name: what is
    not understood would be left out of the image.
    """
    out, unknown = Renamed(), set()
    compiled = [(re.compile(pattern), target, change) for pattern, target, change in rules]
    for name, tensor in tensors.items():
        found = ((p.fullmatch(name), target, change) for p, target, change in compiled)
        match, target, change = next((hit for hit in found if hit[0]), (None, None, same))
        ours = target(match) if callable(target) and match else target
        if match is None:
            unknown.add(name)
        elif ours is None:
            out.unused.append(name)
        elif ours in out.state:
            raise WrongShape(f"'{name}' and another tensor both mean {ours}", "this is no file of this family")
        else:
            out.state[str(ours)] = _changed(name, tensor, change)
    _refuse("holds, and its family does not know,", unknown)
    return out


def _changed(name: str, tensor: Tensor, change: Change) -> Tensor:
    try:
        return change(tensor).contiguous()
    except (RuntimeError, IndexError) as error:
        raise WrongShape(f"'{name}' has the shape {list(tensor.shape)}: {error}", "this is another family") from error


def check_state(network: Callable[[Any], nn.Module], config: Any, state: Mapping[str, Tensor]) -> None:
    """Hold a state dict against the network that `config` describes, without making its weights.

    Raises WrongShape naming what is missing, left over or of another shape, CorruptFile for what is no finite number.
    """
    check_bounds(config)
    try:
        with torch.device("meta"):
            expected = {name: tensor.shape for name, tensor in network(config).state_dict().items()}
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise WrongShape(
            f"no network is as the file describes it: {error}", "the file is of another variant"
        ) from error
    _refuse("lacks", expected.keys() - state.keys())
    _refuse("has, and the network does not know,", state.keys() - expected.keys())
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


def _refuse(what: str, names: set[str]) -> None:
    if names:
        few = ", ".join(sorted(names)[:3])
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise WrongShape(f"the file {what} {few}{more}", "it is of another size, family or variant")


def same(tensor: Tensor) -> Tensor:
    """The tensor as it is."""
    return tensor


def first(tensor: Tensor) -> Tensor:
    """Without the leading axis of one."""
    return tensor.squeeze(0)


def flat(tensor: Tensor) -> Tensor:
    """All numbers in a row."""
    return tensor.flatten()


def scalar(tensor: Tensor) -> Tensor:
    """The one number, without axes."""
    return tensor.reshape(())


def plane(tensor: Tensor) -> Tensor:
    """`[1, 1, r, r]` -> `[r, r]`."""
    return tensor.squeeze(0).squeeze(0)


def turned(tensor: Tensor) -> Tensor:
    """TensorFlow's `[kh, kw, i, o]` or `[i, o]` -> torch's `[o, i, kh, kw]` or `[o, i]`."""
    return tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor.T


def flipped(tensor: Tensor) -> Tensor:
    """A kernel turned by 180 degrees."""
    return tensor.flip(2, 3)


def plus_one(tensor: Tensor) -> Tensor:
    """A style's bias whose one is added at run time elsewhere, and stored here."""
    return tensor + 1


def over_sqrt2(tensor: Tensor) -> Tensor:
    """A bias of a layer whose gain of sqrt(2) is applied before the bias there, and after it here."""
    return tensor / 2**0.5
