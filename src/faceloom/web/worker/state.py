"""State that the worker's handlers share: the studio, its caches, running drags and mirrors."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from PIL import Image

from faceloom.edit.drag import DragStep
from faceloom.edit.regions import RegionalEdit
from faceloom.likeness import Likeness
from faceloom.web.worker.axes import AxisCache
from faceloom.web.worker.cache import ErasedFiles, LikenessCache, PreviewCache
from faceloom.web.worker.messages import Look, PersonRef, Ready
from faceloom.web.worker.studio import BoothStudio, draw, to_jpeg
from faceloom.workflows.live import LiveFrame, LiveSession

PREVIEW_SIZE = 512  # pixels of a preview's side
STYLE_STRENGTH = 0.9  # of a style in the booth
MAX_COEFFICIENT = 3.2  # standard deviations; coefficients are clipped here, because pictures break beyond


@dataclass
class RunningDrag:
    """A drag that can be continued; `folder` is the visit's, or `''` for a generated face."""

    person: Likeness
    folder: str
    steps: Iterator[DragStep]
    last: DragStep


@dataclass(eq=False)
class Mirror:
    """A stream of a camera that moves a person: the look, the session that follows the frames, and its newest picture.

    `newest` is the picture that may still be drawn while the next frame is read.
    """

    look: Look
    session: LiveSession
    newest: Future[LiveFrame] | None = None

    def shows(self, folder: str, prefix: str = "") -> bool:
        """Return whether a person of a visit's folder, whose name begins with `prefix`, is seen in it."""
        people = (self.look.person, self.look.friend)
        return any(ref is not None and ref.folder == folder and ref.person.startswith(prefix) for ref in people)


class WorkerState:
    """The studio, the caches, and the drags of one worker. Safe for several threads."""

    def __init__(self, studio: BoothStudio) -> None:
        self.studio = studio
        self.erased = ErasedFiles()
        self.likenesses = LikenessCache(
            studio.load, studio.tuned_generator, studio.read_regions, self.erased, studio.exit_heads
        )
        self.previews = PreviewCache(self.erased)
        self.axes = AxisCache(studio)
        self.drags: OrderedDict[str, RunningDrag] = OrderedDict()
        self.mirrors: OrderedDict[str, Mirror] = OrderedDict()  # by viewer

    def warm_up(self) -> None:
        """Load all networks and draw once, so that the first visitor does not wait for it."""
        self.studio.warm_up()
        person = self.studio.generate(1)
        if self.studio.basis:
            self.studio.attribute_reader(self.studio.regional_edit(person, ("smile",)))({})
        to_jpeg(self.studio.draw(person, PREVIEW_SIZE))

    def ready(self) -> Ready:
        """Return the facts that the worker reports when it can serve."""
        return Ready(self.studio.generator.name, bool(self.studio.basis), styles=self.studio.booth_styles)

    def load_drawn(self, person: PersonRef) -> Likeness:
        """Return a person as `load`, drawn in their style. Raises StoreError, and LatentError for an unknown style."""
        likeness = self.load(person)
        return self.studio.draw_in_style(likeness, person.style, STYLE_STRENGTH) if person.style else likeness

    def load(self, person: PersonRef) -> Likeness:
        """Return a person's base without a style, moved by the coefficients. Raises StoreError without its file."""
        base = self.likenesses.load(person)
        return self._exact_edit(person).move(base, self._clip(person)) if any(person.coefficients.values()) else base

    def regional_edit(self, person: PersonRef) -> RegionalEdit:
        """Return the edit of a person's base, turned by the coefficients of turns.

        It changes the regions of the edited attributes only.
        """
        base, picture = self.likenesses.load(person), self.likenesses.picture_of(person)
        basis = self.studio.basis_near(base)
        edit = RegionalEdit(picture, base.w_plus, person.edited, basis=basis, regions=base.regions)
        change = self.likenesses.turn_of(person)
        return edit if change is None else edit.moved_by(change)

    def draw(self, person: PersonRef, size: int) -> Image.Image:
        """Draw a person of a visit with the cached tuned generator; `size` is the side in pixels."""
        if person.style:
            return self.studio.draw(self.load_drawn(person), size)
        base = self.likenesses.load(person)
        if base.mask is None and not person.coefficients:
            return draw(self.likenesses.generator_of(person), base.w_plus, size)
        return draw(*self._exact_edit(person).draw_with(self._clip(person)), size)

    def _exact_edit(self, person: PersonRef) -> RegionalEdit:
        """Return the edit of a person's base without other people beside a turned head; the first time takes longer."""
        return self.regional_edit(person).without_bystanders(self._clip(person), self.studio.read_region_features)

    def draw_preview(self, person: PersonRef, size: int) -> Image.Image:
        """Draw a person of a visit as `draw` for a passing preview, for which the generator may end early."""
        if person.style:
            return self.draw(person, size)
        return draw(*self.regional_edit(person).of_side(size).draw_with(self._clip(person)), size)

    def _clip(self, person: PersonRef) -> dict[str, float]:
        """Return the coefficients of a person, each clipped to MAX_COEFFICIENT standard deviations."""
        limits = {direction.name: MAX_COEFFICIENT * direction.sigma for direction in self.studio.basis}
        return {
            name: min(max(value, -limits[name]), limits[name])
            for name, value in person.coefficients.items()
            if name in limits and value
        }

    def forget(self, folder: str, prefix: str = "") -> None:
        """Drop what is cached of a visit, or of its files that begin with `prefix`; they are not written again."""
        with self.erased.lock:
            self.erased.add(folder, prefix)
            self.likenesses.forget(folder, prefix)
            self.previews.forget(folder, prefix)
        for name in [name for name, drag in self.drags.items() if drag.folder == folder]:
            self.drags.pop(name, None)
        for viewer in [viewer for viewer, mirror in self.mirrors.items() if mirror.shows(folder, prefix)]:
            self.mirrors.pop(viewer, None)
