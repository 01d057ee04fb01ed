"""What the Lab asks the worker for: any face of the generator, axes that nobody labelled, insight, and dragging.

A drag goes on for a moment at each call and is remembered between them, so that whoever stops it just asks no more.
"""

from __future__ import annotations

import io
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image

from faceloom.analyze.reading import read
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.discover import Component, name_direction, pca, read_people, sefa, shifts, trait_sigmas
from faceloom.edit.drag import DragConfig, DragStep, Point, drag
from faceloom.edit.generate import generate_latents
from faceloom.errors import LatentError
from faceloom.images import open_photo
from faceloom.latents import WPlus, layer_groups, parse_layers, truncate
from faceloom.likeness import Likeness
from faceloom.web.worker.previews import QUICK, Atelier, Json, Pause, Shown, Tell
from faceloom.workflows import inspect

AXES = 8  # that are offered of each method
NAMED_BY = 4  # people by whose pictures an axis gets its name
DRAGS = 4  # that are remembered
SPAN = 5.0  # seconds that a drag goes on for at each call: an encoding waits no longer than that
SHOWN_EVERY = 0.4  # seconds between pictures of it

BRIGHTEST = 1.2  # of the map of the distance: the same for everybody, so that it grows dark as a likeness improves
CORAL = np.array([255, 111, 77])

METHODS: Mapping[str, Callable[..., list[Component]]] = {
    "pca": lambda G, people: pca(people, AXES),
    "sefa": lambda G, people: sefa(G, people, AXES),
}


@dataclass
class Dragged:
    """A drag that may go on."""

    person: Likeness
    folder: str
    steps: Iterator[DragStep]
    last: DragStep


class Laboratory:
    """The Lab's side of an atelier."""

    def __init__(self, atelier: Atelier) -> None:
        self.atelier, self.studio = atelier, atelier.studio
        self.drags: OrderedDict[str, Dragged] = OrderedDict()
        self.components = cache(self._components)
        self.names = cache(self._names)

    def tasks(self) -> dict[str, Callable[..., Any]]:
        """What the worker knows of it, by name."""
        return {
            "lab.generator": lambda a, tell, pause: self.generator(),
            "lab.axes": lambda a, tell, pause: self.axes(a["method"], pause),
            "lab.face": lambda a, tell, pause: self.face(a),
            "lab.seen": lambda a, tell, pause: self.seen(Shown.of(a["shown"]), a["photo"]),
            "lab.distance": lambda a, tell, pause: self.distance(Shown.of(a["shown"]), a["photo"]),
            "lab.drag": lambda a, tell, pause: self.drag(a, tell, pause),
            "lab.keep": lambda a, tell, pause: self.keep(a["id"], Shown.of(a["shown"]), a["base"]),
        }

    def forget(self, folder: str) -> None:
        """Drop what is remembered of a visit."""
        for name in [name for name, dragged in self.drags.items() if dragged.folder == folder]:
            self.drags.pop(name, None)

    # -- the generator ------------------------------------------------------------------------------------------------

    def generator(self) -> Json:
        """Its layers: what each shapes, and at which resolution."""
        model = self.studio.generator
        groups = layer_groups(model.G.layer_resolutions)
        group_of = {layer: name for name, layers in groups.items() for layer in layers}
        layers = [{"resolution": side, "group": group_of[i]} for i, side in enumerate(model.G.layer_resolutions)]
        return {"name": model.name, "resolution": model.G.img_resolution, "layers": layers, "methods": [*METHODS]}

    def axes(self, method: str, pause: Pause) -> list[Json]:
        """The strongest axes of a method, named by what the analyzer sees them move."""
        pause()
        found = zip(self.components(method), self.names(method), strict=True)
        return [{"number": c.number, "name": name, "explained": round(c.explained, 4)} for c, name in found]

    def _components(self, method: str) -> list[Component]:
        return METHODS[method](self.studio.generator.G, self.studio.latent_statistics)

    def _names(self, method: str) -> list[str]:
        G, analyzer = self.studio.fast_generator.G, load_analyzer()
        people = generate_latents(G, range(NAMED_BY), 0.7)
        sigmas = trait_sigmas(
            read_people(G, generate_latents(G, range(4 * NAMED_BY), 1.0), lambda img: read(analyzer, img))
        )
        directions = [component.direction(self.studio.generator) for component in self.components(method)]
        return [name_direction(shifts(G, one, people, lambda img: read(analyzer, img), sigmas)) for one in directions]

    def face(self, wanted: Mapping[str, Any]) -> bytes:
        """Draw a seed's face or a person, truncated, moved along axes by standard deviations."""
        person = self.somebody(wanted)
        w_plus = truncate(person.w_plus, self.studio.generator.G.w_avg, wanted["psi"], wanted["cutoff"])
        moved = self.moved(w_plus, wanted["method"], wanted["along"], wanted["layers"])
        return self.atelier.jpeg(self.atelier.draw(replace(person, w_plus=moved), wanted["size"]), QUICK)

    def moved(self, w_plus: WPlus, method: str, along: Sequence[tuple[int, float]], layers: str) -> WPlus:
        """Move a latent by standard deviations along axes, on some layers."""
        chosen = parse_layers(layers, self.studio.generator.G.layer_resolutions)
        w_plus = w_plus.clone()
        for number, amount in along:
            if not 1 <= number <= len(self.components(method)):
                raise LatentError(f"there is no axis {number}", f"there are 1 to {len(self.components(method))}")
            axis = self.components(method)[number - 1]
            w_plus[:, chosen] += amount * axis.sigma * axis.vector.to(w_plus)
        return w_plus

    def somebody(self, wanted: Mapping[str, Any]) -> Likeness:
        """A person of a visit as they are shown, or the invented one of a seed."""
        shown = wanted.get("shown")
        return self.atelier.seen(Shown.of(shown)) if shown else self.studio.generate(wanted["seed"], 1.0)

    # -- what the networks saw ----------------------------------------------------------------------------------------

    def seen(self, shown: Shown, photo: str) -> Json:
        """What the detector saw on the photo, how far the person is from it, and their styles."""
        person = self.atelier.load(shown)
        opened = open_photo(f"{shown.folder}/{photo}")
        detected = inspect.detected(opened.image)
        distance = inspect.compared(self.studio, person, self.atelier.target_of(person, opened)).distance
        layers = [asdict(layer) for layer in inspect.styles(self.studio, self.atelier.seen(shown))]
        return {"detector": asdict(detected), "distance": distance, "quality": dict(person.quality), "layers": layers}

    def distance(self, shown: Shown, photo: str) -> bytes:
        """The map of the distance between photo and likeness, as a picture: from black over coral to white."""
        person = self.atelier.load(shown)
        crop = self.atelier.target_of(person, open_photo(f"{shown.folder}/{photo}"))
        where = inspect.compared(self.studio, person, crop).where
        buffer = io.BytesIO()
        Image.fromarray(heat(where / BRIGHTEST)).save(buffer, "JPEG", quality=90)
        return buffer.getvalue()

    # -- dragging -----------------------------------------------------------------------------------------------------

    def drag(self, wanted: Mapping[str, Any], tell: Tell, pause: Pause) -> Json:
        """Begin a drag, or go on with it for a while, and tell how far it is now and then.

        Raises LatentError when it is not known any more.
        """
        dragged = self.drags.get(wanted["id"])
        if dragged is None:
            if not wanted["begin"]:
                raise LatentError("this drag is over", "begin again")
            dragged = self.begin(wanted)
        until, shown, going = time.perf_counter() + SPAN, 0.0, True
        while going and time.perf_counter() < until:
            pause()
            step = next(dragged.steps, None)
            going, dragged.last = step is not None, step or dragged.last
            if time.perf_counter() - shown > SHOWN_EVERY:
                tell(self.how_far(dragged, wanted["size"]))
                shown = time.perf_counter()
        return self.how_far(dragged, wanted["size"]) | {"going": going}

    def how_far(self, dragged: Dragged, size: int) -> Json:
        """A drag's figures, and its picture."""
        last = dragged.last
        picture = self.atelier.jpeg(self.atelier.draw(replace(dragged.person, w_plus=last.w_plus), size), QUICK)
        figures = {"number": last.number, "distance": last.distance, "arrived": last.arrived}
        return figures | {"handles": last.handles, "jpeg": picture}

    def begin(self, wanted: Mapping[str, Any]) -> Dragged:
        """Begin a drag where a face is now."""
        person = self.somebody(wanted)
        if not wanted.get("shown"):
            w_plus = truncate(person.w_plus, self.studio.generator.G.w_avg, wanted["psi"], wanted["cutoff"])
            person = replace(person, w_plus=self.moved(w_plus, wanted["method"], wanted["along"], wanted["layers"]))
        handles, targets = wanted["handles"], wanted["targets"]
        mask = around(handles, targets, wanted["around"]) if wanted["around"] else None
        G = self.studio.tuned_to(person)
        config = DragConfig(side=min(128, G.img_resolution // 2))
        steps = drag(G, person.w_plus, handles, targets, mask=mask, people=self.studio.latent_statistics, config=config)
        folder = wanted["shown"]["folder"] if wanted.get("shown") else ""
        dragged = self.drags[wanted["id"]] = Dragged(person, folder, steps, next(steps))
        while len(self.drags) > DRAGS:
            self.drags.popitem(last=False)
        return dragged

    def keep(self, name: str, shown: Shown, base: str) -> Json:
        """Make what a drag came to a person's new base."""
        dragged = self.drags.pop(name, None)
        if dragged is None:
            raise LatentError("this drag is over", "begin again")
        changed = self.atelier.load(shown).changed(dragged.last.w_plus)
        self.atelier.keep(replace(shown, base=base, coefficients={}), changed)
        return self.atelier.facts(changed)


def around(handles: Sequence[Point], targets: Sequence[Point], radius: float, side: int = 64) -> torch.Tensor:
    """A mask `[side, side]` that is 1 within a radius of the ways from handles to targets; in parts of the image."""
    centres = (torch.arange(side) + 0.5) / side
    places = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), -1)  # [h w 2]
    mask = torch.zeros(side, side)
    for a, b in zip(torch.tensor(handles), torch.tensor(targets), strict=True):
        way = b - a
        along = (((places - a) @ way) / way.square().sum().clamp_min(1e-9)).clamp(0, 1)
        apart = (places - a - along[..., None] * way).norm(dim=-1)
        mask = torch.maximum(mask, (apart <= radius).float())
    return mask


def heat(values: np.ndarray) -> np.ndarray:
    """Colour numbers 0...1: black, coral in the middle, white. `[h, w]` -> uint8 `[h, w, 3]`."""
    lit, white = np.clip(values[..., None] * 2 - np.arange(2)[:, None, None, None], 0, 1)
    colours: np.ndarray = CORAL * lit + (255 - CORAL) * white
    return (colours + 0.5).astype(np.uint8)
