"""State that the worker's handlers share: the studio, its caches, and running drags."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from PIL import Image

from faceloom.edit.drag import DragStep
from faceloom.edit.steer import apply
from faceloom.likeness import Likeness
from faceloom.web.worker.axes import AxisCache
from faceloom.web.worker.cache import ErasedFiles, LikenessCache, PreviewCache
from faceloom.web.worker.messages import PersonRef, Ready
from faceloom.web.worker.studio import BoothStudio, draw_likeness, to_jpeg

PREVIEW_SIZE = 512  # pixels of a preview's side
MAX_COEFFICIENT = 2.5  # standard deviations; coefficients are clipped here, because pictures break beyond


@dataclass
class RunningDrag:
    """A drag that can be continued; `folder` is the visit's, or `''` for a generated face."""

    person: Likeness
    folder: str
    steps: Iterator[DragStep]
    last: DragStep


class WorkerState:
    """The studio, the caches, and the drags of one worker. Safe for several threads."""

    def __init__(self, studio: BoothStudio) -> None:
        self.studio = studio
        self.erased = ErasedFiles()
        self.likenesses = LikenessCache(studio.load, studio.tuned_generator, self.erased)
        self.previews = PreviewCache(self.erased)
        self.axes = AxisCache(studio)
        self.drags: OrderedDict[str, RunningDrag] = OrderedDict()

    def warm_up(self) -> None:
        """Load all networks and draw once, so that the first visitor does not wait for it."""
        self.studio.warm_up()
        person = self.studio.generate(1)
        if self.studio.basis:
            self.studio.attribute_reader(self.studio.fast_generator.G)(person.w_plus)
        to_jpeg(self.studio.draw(person, PREVIEW_SIZE))

    def ready(self) -> Ready:
        """Return the facts that the worker reports when it can serve."""
        return Ready(self.studio.generator.name, bool(self.studio.basis))

    def load(self, person: PersonRef) -> Likeness:
        """Return a person's base, moved by the coefficients. Raises StoreError when the file is gone."""
        return self.move(self.likenesses.load(person), person.coefficients)

    def move(self, base: Likeness, coefficients: Mapping[str, float]) -> Likeness:
        """Return a base moved by coefficients, each clipped to MAX_COEFFICIENT standard deviations."""
        limits = {direction.name: MAX_COEFFICIENT * direction.sigma for direction in self.studio.basis}
        clipped = {
            name: min(max(value, -limits[name]), limits[name])
            for name, value in coefficients.items()
            if name in limits and value
        }
        return base.with_w_plus(apply(base.w_plus, self.studio.basis, clipped)) if clipped else base

    def draw(self, person: PersonRef, size: int) -> Image.Image:
        """Draw a person of a visit with the cached tuned generator; `size` is the side in pixels."""
        return draw_likeness(self.likenesses.generator_of(person), self.load(person), size)

    def forget(self, folder: str, prefix: str = "") -> None:
        """Drop what is cached of a visit, or of its files that begin with `prefix`; they are not written again."""
        with self.erased.lock:
            self.erased.add(folder, prefix)
            self.likenesses.forget(folder, prefix)
            self.previews.forget(folder, prefix)
        for name in [name for name, drag in self.drags.items() if drag.folder == folder]:
            self.drags.pop(name, None)
