"""Targets of the fuzzer: one module for each kind of input. `bench.fuzz` runs them, and tests run their seeds.

Every module has `seeds(folder)`, which returns valid and hostile inputs by name; `reading(scratch)`, a context manager
that yields a function, which reads one input and raises for a finding only; and `words()`, which the fuzzer inserts.
"""

from __future__ import annotations

MODULES = {
    "checkpoints": ("pickle", "faceloom.checkpoints"),
    "pictures": ("PIL", "faceloom.images"),
    "likenesses": ("pickle", "faceloom.tensorfile", "faceloom.likeness", "faceloom.edit", "faceloom.checkpoints"),
    "plans": ("tomllib", "faceloom.workflows.cast"),
    "datasets": ("zipfile", "tarfile", "csv", "faceloom.datasets"),
    "requests": ("faceloom.web", "faceloom.store", "starlette", "fastapi", "python_multipart"),
}
"""Targets, and the modules whose coverage guides the fuzzer."""

PAUSE, RESUME = "faceloom.fuzz.pause", "faceloom.fuzz.resume"
"""Audit events with which a target tells the canary that it works for itself, for instance that it cleans up."""
