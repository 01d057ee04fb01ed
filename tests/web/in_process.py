"""A worker client without a process: tasks run at once in the server's thread. Used by the fuzzer and by fast tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faceloom.errors import Cancelled, FaceloomError
from faceloom.store.models import Failure
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import CalibrateSlider, Improve, Prerender, Priority, Ready, Task, WorkerError
from faceloom.web.worker.process import CANCELED, NO_MEMORY, failure_of
from faceloom.web.worker.state import WorkerState
from faceloom.web.worker.tasks import run_task

SKIPPED = (Improve, Prerender)
"""Tasks of the background, which would take most of the time; they fail."""


class InProcessClient:
    """A `WorkerClient` that runs every task where it is called. An exception that is not ours reaches the caller."""

    def __init__(self, make_studio: Callable[[], Any]) -> None:
        self.make_studio = make_studio
        self.restarted: Callable[[], None] = lambda: None
        self.facts: Ready | None = None
        self.error: Failure | None = None
        self.restarts, self.encodings_waiting, self.pid = 0, 0, None

    @property
    def alive(self) -> bool:
        """Whether the studio is there."""
        return self.facts is not None

    async def start(self) -> None:
        """Make the studio."""
        self.state = WorkerState(self.make_studio())
        self.facts = self.state.ready()

    async def close(self) -> None:
        """Do nothing."""

    async def run(
        self,
        task: Task[Any],
        *,
        priority: Priority = Priority.INTERACTIVE,
        visit: str = "",
        key: str = "",
        sequence: int = 0,
        client: str = "",
        progress: Callable[[Any], None] | None = None,
    ) -> Any:
        """Run a task. Raises WorkerError for an error of faceloom and for too little memory."""
        if isinstance(task, SKIPPED):
            raise WorkerError(NO_MEMORY)
        if isinstance(task, CalibrateSlider):
            return False  # there is nothing left to measure
        try:
            return run_task(self.state, task, TaskContext(progress or (lambda report: None), lambda: None))
        except Cancelled as error:
            raise WorkerError(CANCELED) from error
        except FaceloomError as error:
            raise WorkerError(failure_of(error)) from error
        except MemoryError as error:
            raise WorkerError(NO_MEMORY) from error

    async def forget(self, visit: str, folder: str, prefix: str = "") -> None:
        """Drop what is cached of a folder, or of its files that begin with `prefix`."""
        self.state.forget(folder, prefix)
