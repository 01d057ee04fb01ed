"""The clock of a search: deals out steps until a deadline, or a number of them, and what else may end it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

Callback = Callable[[dict[str, Any]], None]
"""Gets a dict a step: step, progress 0...1, seconds, loss, best (the least so far), img `[n, 3, 256, 256]`."""

Enough = Callable[[Tensor], bool]
"""img `[n, 3, 256, 256]` -> whether that will do."""

LOOKS = 8  # steps between two looks at whether it will do


class Descent(Protocol):
    """A search that goes step by step and keeps the best itself."""

    def step(self, number: int, progress: float) -> Tensor:
        """Measure, keep the better, move on. Returns the images measured `[n, 3, 256, 256]`."""
        ...

    def losses(self) -> tuple[float, float]:
        """The last step's loss, and the least so far."""
        ...


@dataclass(frozen=True)
class Ended:
    """Why a search ended, if not by the clock: by Ctrl-C, or because it was good enough."""

    interrupted: bool = False
    enough: bool = False


class Clock:
    """Deals out steps and says how far the search has come; leaves time for a last measurement, `last` steps long."""

    def __init__(self, seconds: float | None, steps: int | None = None, last: float = 0.5) -> None:
        self.begin = time.perf_counter()
        self.seconds, self.limit, self.last = seconds, steps, last
        self.done = 0

    def elapsed(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self.begin

    def laps(self) -> Iterator[tuple[int, float]]:
        """Yield (step, progress): the part of the deadline or of the steps that is used up, whichever is more."""
        while (progress := self._progress()) < 1:
            yield self.done, progress
            self.done += 1

    def _progress(self) -> float:
        by_steps = self.done / self.limit if self.limit is not None else 0.0
        if self.seconds is None:
            return by_steps if self.limit is not None else 1.0
        a_step = self.elapsed() / max(self.done, 1)
        by_time = (self.elapsed() + (1 + self.last) * a_step) / max(self.seconds, 1e-9) if self.done else 0.0
        return max(by_steps, by_time)


def descend(descent: Descent, clock: Clock, enough: Enough | None, callback: Callback | None) -> Ended:
    """Take steps until the clock ends it, `enough` says that it will do, or Ctrl-C, which is not raised again."""
    try:
        for step, progress in clock.laps():
            img = descent.step(step, progress)
            if callback:
                loss, best = descent.losses()
                told = {"step": step, "progress": progress, "seconds": clock.elapsed()}
                callback(told | {"loss": loss, "best": best, "img": img})
            if enough and step % LOOKS == LOOKS - 1 and enough(img):
                return Ended(enough=True)
    except KeyboardInterrupt:
        return Ended(interrupted=True)
    return Ended()
