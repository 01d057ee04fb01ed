"""Handler that reads the marks of an uploaded picture, film, sound or likeness. The file is not kept."""

from __future__ import annotations

from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import Verified, VerifiedLayer, VerifyUpload
from faceloom.web.worker.state import WorkerState
from faceloom.workflows.verify import verify_bytes


def verify_upload(state: WorkerState, task: VerifyUpload, context: TaskContext) -> Verified:
    """Return the verdict on a file and the state of each layer of marks."""
    found = verify_bytes(task.data, "the file")
    return Verified(
        verdict=found.verdict,
        layers=tuple(VerifiedLayer(layer.name, layer.state, layer.detail) for layer in found.layers),
        kind=found.kind,
        generator=found.generator,
        day=found.day.isoformat() if found.day else "",
    )
