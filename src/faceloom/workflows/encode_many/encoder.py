"""The encoder of photos that every worker has, with one generator: it reads a photo and writes its likenesses."""

from __future__ import annotations

from typing import Any

import torch

from faceloom.errors import Cancelled, FaceError, ImageError, MissingExtra, ShapeError, StoreError
from faceloom.images import open_photo
from faceloom.images.photo import MAX_BYTES
from faceloom.invert.clock import Callback
from faceloom.invert.quality import rate_quality
from faceloom.likeness import Likeness
from faceloom.memory import keep_memory
from faceloom.workflows.cast.executors import StudioRecipe
from faceloom.workflows.encode_many.job import EncodeJob, Outcome, PhotoTask
from faceloom.workflows.studio import Studio

PROVENANCE_KEYS = ("seconds", "steps", "method", "face", "interrupted", "precision", "notes")


class PhotoEncoder:
    """Encodes the photos of a job."""

    def __init__(self, studio: Studio, job: EncodeJob) -> None:
        self.studio, self.job = studio, job

    def encode(self, task: PhotoTask, callback: Callback | None = None) -> Outcome:
        """Encode a photo, unless its likenesses are there; return what became of it.

        Raises `Cancelled` when the encoding was interrupted, StoreError when a likeness cannot be written, and
        AssetError when a model is missing: these concern all photos.
        """
        photo = self.job.address(task)
        if self.job.output.exists(task.output(self.job.every_face)):  # a worker that was lost had finished it
            return Outcome(photo, self._count(task))
        try:
            people = self._encode(task, callback)
        except (FaceError, ImageError, ShapeError, MissingExtra) as error:
            return Outcome(photo, code=error.code, error=error.message, hint=error.hint)
        except (RuntimeError, ArithmeticError, ValueError, MemoryError) as error:  # of this photo; others may do
            text = " ".join(str(error).split())[:300]
            return Outcome(photo, code="unexpected", error=f"{type(error).__name__}: {text}")
        if any(person.provenance["interrupted"] for person in people):
            raise Cancelled(f"the encoding of {photo} was interrupted", "run the command again to continue")
        return Outcome(photo, len(people), tuple(self._save(task, people)))

    def _encode(self, task: PhotoTask, callback: Callback | None) -> list[Likeness]:
        try:
            content = self.job.sources[task.source].read(task.name, MAX_BYTES + 1)
        except StoreError as error:
            raise ImageError(error.message, error.hint) from error
        photo = open_photo(content)
        if self.job.every_face:
            return list(self.studio.encode_all(photo, self.job.config, callback))
        return [self.studio.encode(photo, config=self.job.config, callback=callback)]

    def _save(self, task: PhotoTask, people: list[Likeness]) -> list[dict[str, Any]]:
        """Write the likenesses, the first one last: when it is there, all of the photo are. Return facts about each."""
        facts = []
        for number in reversed(range(len(people))):
            name = task.output(self.job.every_face, number)
            self.job.output.write(name, people[number].to_bytes())
            facts.append(likeness_facts(self.job.output.address(name), people[number]))
        return facts[::-1]

    def _count(self, task: PhotoTask) -> int:
        count = 1
        while self.job.every_face and self.job.output.exists(task.output(True, count)):
            count += 1
        return count


def make_encoder(recipe: StudioRecipe, job: EncodeJob) -> PhotoEncoder:
    """Make the encoder of a worker with one thread, in the worker's process."""
    torch.set_num_threads(1)
    keep_memory()
    return PhotoEncoder(recipe.make(), job)


def likeness_facts(output: str, person: Likeness) -> dict[str, Any]:
    """Return what is reported about a likeness: where it is, its quality, and how it was found."""
    provenance = {key: person.provenance[key] for key in PROVENANCE_KEYS}
    return {"output": output, **person.quality, "quality": rate_quality(person.quality), **provenance}
