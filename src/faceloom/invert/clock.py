"""The clock of a search: deals out steps until a deadline, or a number of them."""

from __future__ import annotations

import time
from collections.abc import Iterator


class Clock:
    """Deals out steps and says how far the search has come; leaves time for a last measurement."""

    def __init__(self, seconds: float | None, steps: int | None = None) -> None:
        self.begin = time.perf_counter()
        self.seconds, self.limit = seconds, steps
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
        by_time = (self.elapsed() + 1.5 * a_step) / max(self.seconds, 1e-9) if self.done else 0.0
        return max(by_steps, by_time)
