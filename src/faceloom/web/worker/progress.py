"""What a search calls at each step: it lets the quicker go first, and tells the page now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

SHOWN_EVERY, READ_EVERY = 0.25, 1.5  # seconds between pictures of a search, and between looks at how alike it is


class Progress:
    """The callback of a search that is to take `seconds` from `begin` (`time.perf_counter`); without `tell` silent.

    `picture` makes a JPEG of a step's img, `alike` says how much it shows `target`.
    """

    def __init__(
        self,
        picture: Callable[[Tensor], bytes],
        alike: Callable[[Tensor, Tensor], float],
        target: Tensor,
        begin: float,
        seconds: float,
        tell: Callable[[dict[str, Any]], None] | None,
        pause: Callable[[], None],
    ) -> None:
        self.picture, self.alike, self.target = picture, alike, target
        self.begin, self.seconds, self.tell, self.pause = begin, seconds, tell, pause
        self.shown = self.read = 0.0
        self.identity: float | None = None

    def __call__(self, step: Mapping[str, Any]) -> None:
        self.pause()
        now = time.perf_counter()
        if self.tell is None or now - self.shown < SHOWN_EVERY:
            return
        self.shown, img = now, step["img"]
        if now - self.read > READ_EVERY:
            self.read, self.identity = now, self.alike(img, self.target)
        spent = now - self.begin
        facts = {"seconds": spent, "seconds_left": max(self.seconds - spent, 0.0), "identity": self.identity}
        self.tell(facts | {"jpeg": self.picture(img)})
