"""The envelope of messages: requests, progress, results and the state of the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from faceloom.store.models import Failure
from faceloom.web.worker.messages.base import Priority, Task


@dataclass(frozen=True)
class Request:
    """A task, with the facts that decide its place in the queue.

    Among waiting requests with the same `key`, the one with the highest `sequence` replaces the others. `client` is the
    visit, or the address, that takes turns with others; '' is the visit.
    """

    id: int
    task: Task[Any]
    priority: Priority = Priority.INTERACTIVE
    visit: str = ""
    key: str = ""
    sequence: int = 0
    client: str = ""


@dataclass(frozen=True)
class Cancel:
    """Cancel request `id`."""

    id: int


@dataclass(frozen=True)
class Forget:
    """Cancel the requests of `visit`, and drop everything cached of `folder`, or of its files that begin with `prefix`.

    Afterwards the worker writes none of these files. The answer is Done.
    """

    id: int
    visit: str
    folder: str
    prefix: str = ""


@dataclass(frozen=True)
class Quit:
    """End the worker."""


@dataclass(frozen=True)
class Ready:
    """Facts of a ready worker: the generator's name, whether it has sliders, the number of workers, and its styles."""

    generator: str
    sliders: bool
    workers: int = 1
    styles: tuple[str, ...] = ()


@dataclass(frozen=True)
class CannotStart:
    """The worker cannot start."""

    failure: Failure


@dataclass(frozen=True)
class Progress:
    """Progress of request `id`."""

    id: int
    report: Any


@dataclass(frozen=True)
class Done:
    """Request `id` is done."""

    id: int
    result: Any


@dataclass(frozen=True)
class Failed:
    """Request `id` failed."""

    id: int
    failure: Failure


ToWorker = Request | Cancel | Forget | Quit
FromWorker = Ready | CannotStart | Progress | Done | Failed
