"""Progress of an inversion: a callback that reports pictures to the page and lets more urgent tasks run first."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from PIL import Image
from torch import Tensor

from faceloom.images import to_pixels
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import EncodeProgress
from faceloom.web.worker.studio import PREVIEW_QUALITY, BoothStudio, to_jpeg

ENCODE_REPORT_INTERVAL = 0.25  # seconds between two reports
IDENTITY_INTERVAL = 1.5  # seconds between two measurements of the identity similarity


class InversionProgress:
    """The callback of an inversion that started at `start` (`time.perf_counter`) and has `seconds`.

    With `silent` it reports nothing, and only checks whether the task was canceled.
    `target` is the aligned photo `[1, 3, 256, 256]`, -1...1, to which the identity similarity is measured.
    """

    def __init__(
        self,
        studio: BoothStudio,
        target: Tensor,
        start: float,
        seconds: float,
        context: TaskContext,
        *,
        silent: bool = False,
    ) -> None:
        self.studio, self.target, self.context, self.silent = studio, target, context, silent
        self.start, self.seconds = start, seconds
        self.reported_at = self.measured_at = 0.0
        self.identity: float | None = None

    def __call__(self, step: Mapping[str, Any]) -> None:
        """Report a step of the inversion, at most every ENCODE_REPORT_INTERVAL. Raises `Cancelled`."""
        self.context.check_cancelled()
        now = time.perf_counter()
        if self.silent or now - self.reported_at < ENCODE_REPORT_INTERVAL:
            return
        self.reported_at, img = now, step["img"]
        if now - self.measured_at > IDENTITY_INTERVAL:
            self.measured_at, self.identity = now, self.studio.identity_similarity(img, self.target)
        elapsed = now - self.start
        jpeg = to_jpeg(Image.fromarray(to_pixels(img)), PREVIEW_QUALITY)
        seconds_left = max(self.seconds - elapsed, 0.0)
        self.context.report(EncodeProgress(False, elapsed, seconds_left, self.identity, jpeg))
