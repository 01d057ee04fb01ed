"""Renaming of a foreign file's tensors by tables of rules, and the tensor changes that the rules apply."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from faceloom.checkpoints.check_state import refuse_names
from faceloom.errors import UnknownFormat, WrongShape

Target = str | Callable[[re.Match[str]], str] | None
Change = Callable[[Tensor], Tensor]
Rule = tuple[str, Target, Change]
"""Pattern of a whole foreign name; our name for it (None: known, but not needed); the change of the tensor."""


@dataclass
class RenamedTensors:
    """The tensors of a foreign file under our names, and the known names that a generator does not need."""

    state: dict[str, Tensor] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)


def rename(
    tensors: Mapping[str, Tensor], rules: Sequence[Rule], unread: Mapping[str, str] | None = None
) -> RenamedTensors:
    """Apply to each tensor the first rule whose pattern matches its whole name.

    Convention: `unread` maps the names of entries that could not be read to the reasons.
    Raises WrongShape when a tensor's shape does not fit its rule's change, when two tensors get one name, or when no
    rule matches a name: ignoring an unknown tensor would change the image. Raises UnknownFormat when the network needs
    an entry that could not be read.
    """
    result, unknown = RenamedTensors(), set()
    compiled = [(re.compile(pattern), target, change) for pattern, target, change in rules]
    _refuse_unread(unread or {}, compiled)
    for name, tensor in tensors.items():
        attempts = ((p.fullmatch(name), target, change) for p, target, change in compiled)
        match, target, change = next((attempt for attempt in attempts if attempt[0]), (None, None, unchanged))
        new_name = target(match) if callable(target) and match else target
        if match is None:
            unknown.add(name)
        elif new_name is None:
            result.unused.append(name)
        elif new_name in result.state:
            raise WrongShape(f"'{name}' and another tensor both mean {new_name}", "the file is not of this family")
        else:
            result.state[str(new_name)] = _apply_change(name, tensor, change)
    refuse_names("holds tensors that its family does not know:", unknown)
    return result


def _refuse_unread(unread: Mapping[str, str], rules: Sequence[tuple[re.Pattern[str], Target, Change]]) -> None:
    """Raise UnknownFormat for an entry that could not be read and that a rule needs."""
    for name, reason in unread.items():
        target = next((target for pattern, target, _ in rules if pattern.fullmatch(name)), None)
        if target is not None:
            raise UnknownFormat(
                f"'{name[:80]}', which the network needs, could not be read: {reason}",
                "save the network's state_dict() as plain tensors; nothing in the file was run",
            )


def _apply_change(name: str, tensor: Tensor, change: Change) -> Tensor:
    try:
        return change(tensor).contiguous()
    except (RuntimeError, IndexError) as error:
        raise WrongShape(
            f"'{name}' has the shape {list(tensor.shape)}: {error}", "the file is of another family"
        ) from error


def unchanged(tensor: Tensor) -> Tensor:
    """Return the tensor as it is."""
    return tensor


def drop_first_axis(tensor: Tensor) -> Tensor:
    """Remove the leading axis of size 1: `[1, ...]` -> `[...]`."""
    return tensor.squeeze(0)


def flatten(tensor: Tensor) -> Tensor:
    """Flatten to one axis."""
    return tensor.flatten()


def to_scalar(tensor: Tensor) -> Tensor:
    """Turn a tensor of one element into one without axes."""
    return tensor.reshape(())


def to_plane(tensor: Tensor) -> Tensor:
    """Remove the two leading axes: `[1, 1, r, r]` -> `[r, r]`."""
    return tensor.squeeze(0).squeeze(0)


def from_tf_order(tensor: Tensor) -> Tensor:
    """Reorder a weight's axes: TensorFlow's `[kh, kw, i, o]` or `[i, o]` -> torch's `[o, i, kh, kw]` or `[o, i]`."""
    return tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor.T


def rotate_180(tensor: Tensor) -> Tensor:
    """Rotate a kernel `[o, i, kh, kw]` by 180 degrees."""
    return tensor.flip(2, 3)


def add_one(tensor: Tensor) -> Tensor:
    """Add 1 to a style's bias: the foreign code adds it at run time, ours stores it."""
    return tensor + 1


def divide_by_sqrt2(tensor: Tensor) -> Tensor:
    """Divide a bias by sqrt(2): the foreign code applies the gain of sqrt(2) before the bias, ours after it."""
    return tensor / 2**0.5
