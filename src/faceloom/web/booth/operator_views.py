"""Models of the REST API's answers to the operator."""

from __future__ import annotations

from pydantic import Field

from faceloom.store.models import Failure
from faceloom.web.booth.views import View


class ModelView(View):
    """The worker: its generator, whether it is ready, and how often it was restarted."""

    generator: str | None
    sliders: bool | None
    workers: int | None
    ready: bool
    restarts: int


class DiskView(View):
    """Bytes of the disk; `low` is whether the operator should free some."""

    free: int
    total: int
    low: bool


class MemoryView(View):
    """Bytes of memory that the server and the worker use."""

    server: int
    worker: int | None = None


class OperatorView(View):
    """The state of the booth for its operator."""

    version: str
    uptime: int = Field(description="Seconds since the start")
    model: ModelView
    error: Failure | None
    disk: DiskView
    memory: MemoryView
    queue: int = Field(description="Number of encodings that wait or run")
    visits: int
    unerased: int = Field(description="Number of things that could not be erased yet")
    takes: int = Field(description="Number of downloads")
    gallery: int
    address: str
    lan: str | None
    counts: dict[str, float] = Field(description="Counts over all days, without personal data")
    own_pin: bool = Field(description="Whether the operator has set a PIN")
    artwork: list[str] = Field(description="Which of logo and frame are there")


class ShutdownView(View):
    """The answer of a booth that ends; `machine` is whether a command that may switch the machine off was run."""

    machine: bool


class LogsView(View):
    """The last lines of the log."""

    lines: list[str]
