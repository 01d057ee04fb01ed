"""Jobs: work that goes on after its request was answered, and reports its progress."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from faceloom.store.models import Failure
from faceloom.web.booth.job_views import CastIdView, FilmView, JobKind, JobState, JobView, LikenessView

JobResult = LikenessView | FilmView | CastIdView

MIN_PROGRESS = 0.02  # finished part of a job from which its time left is told


@dataclass
class Job:
    """A job of a visit.

    `api` is the path before the API's addresses; `file` is the name, without a suffix, of the download that it writes,
    or ''.
    """

    id: str
    visit: str
    kind: JobKind
    api: str
    state: JobState = "running"
    progress: float = 0.0
    result: JobResult | None = None
    error: Failure | None = None
    file: str = ""
    began: float = field(default_factory=time.monotonic)

    def finish(self, result: JobResult) -> None:
        """Mark the job as done."""
        self.state, self.progress, self.result = "done", 1.0, result

    def fail(self, error: Failure) -> None:
        """Mark the job as failed."""
        self.state, self.error = "failed", error

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the job is done, by its speed so far, or None before that is known."""
        if self.state != "running" or self.progress < MIN_PROGRESS:
            return None
        return round((time.monotonic() - self.began) * (1 - self.progress) / self.progress, 1)

    def view(self) -> JobView:
        """Return the view of the job."""
        return JobView(
            id=self.id,
            kind=self.kind,
            state=self.state,
            progress=self.progress,
            seconds_left=self.seconds_left,
            error=self.error,
            url=self._url(),
            result=self.result,
        )

    def _url(self) -> str | None:
        """Return the address of what was made, if it has one of its own."""
        match self.result:
            case FilmView():
                return f"{self.api}/downloads/{self.result.take}"
            case CastIdView():
                return f"{self.api}/casts/{self.result.cast}"
        return None
