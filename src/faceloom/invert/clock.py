"""The step loop that every optimization shares, and the clock that ends it at a deadline or after some steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from faceloom.errors import Cancelled

Callback = Callable[[dict[str, Any]], None]
"""Function called once a step with a dict: step, progress 0...1, seconds, loss, best (the lowest loss so far), img
`[n, 3, 256, 256]`. It may raise `Cancelled` to end the optimization."""

StopCondition = Callable[[Tensor], bool]
"""Function that takes img `[n, 3, 256, 256]` and returns whether the result is good enough to stop."""

STOP_CHECK_INTERVAL = 8  # steps between two calls of the stop condition


@runtime_checkable
class Optimization(Protocol):
    """An optimization that advances step by step and keeps its best result."""

    def step(self, number: int, progress: float) -> Tensor:
        """Evaluate the loss, keep the better result, move on. Return the evaluated images `[n, 3, 256, 256]`."""
        ...

    def losses(self) -> tuple[float, float]:
        """Return the loss of the last step, and the lowest so far."""
        ...


@dataclass(frozen=True)
class StopReason:
    """The reason that ended an optimization before the clock did; both fields are False if the clock ended it.

    `interrupted` means Ctrl-C or `Cancelled`; `good_enough` means that the stop condition was met.
    """

    interrupted: bool = False
    good_enough: bool = False


class Clock:
    """A clock that yields steps until the deadline or the step limit.

    It reserves time for a final evaluation, which takes as long as `final_steps` steps. With neither `seconds` nor a
    `limit` there are no steps.
    """

    def __init__(self, seconds: float | None, limit: int | None = None, final_steps: float = 0.5) -> None:
        self.start = time.perf_counter()
        self.seconds, self.limit, self.final_steps = seconds, limit, final_steps
        self.steps_done = 0

    def elapsed(self) -> float:
        """Return the seconds since the clock was started."""
        return time.perf_counter() - self.start

    def steps(self) -> Iterator[tuple[int, float]]:
        """Yield (step, progress); progress is the used part of the deadline or of the limit, whichever is larger."""
        while (progress := self._progress()) < 1:
            yield self.steps_done, progress
            self.steps_done += 1

    def _progress(self) -> float:
        by_steps = self.steps_done / self.limit if self.limit is not None else 0.0
        if self.seconds is None:
            return by_steps if self.limit is not None else 1.0
        seconds_per_step = self.elapsed() / max(self.steps_done, 1)
        needed = self.elapsed() + (1 + self.final_steps) * seconds_per_step  # after one more step and the evaluation
        by_time = needed / max(self.seconds, 1e-9) if self.steps_done else 0.0
        return max(by_steps, by_time)


def run_steps(
    optimization: Optimization, clock: Clock, stop_when: StopCondition | None, callback: Callback | None
) -> StopReason:
    """Take steps until the clock ends, `stop_when` returns True, or the work is interrupted.

    An interruption is KeyboardInterrupt (Ctrl-C) or `Cancelled` (raised by the callback). It is not raised again.
    """
    try:
        for step, progress in clock.steps():
            img = optimization.step(step, progress)
            if callback:
                loss, best = optimization.losses()
                report = {"step": step, "progress": progress, "seconds": clock.elapsed()}
                callback(report | {"loss": loss, "best": best, "img": img})
            if stop_when and step % STOP_CHECK_INTERVAL == STOP_CHECK_INTERVAL - 1 and stop_when(img):
                return StopReason(good_enough=True)
    except (KeyboardInterrupt, Cancelled):
        return StopReason(interrupted=True)
    return StopReason()
