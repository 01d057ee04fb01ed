"""Handlers of the Lab: generator facts, discovered axes, faces moved along them, and inspection of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from faceloom.errors import LatentError
from faceloom.images import open_photo
from faceloom.latents import WPlus, layer_groups, parse_layers, truncate
from faceloom.likeness import Likeness
from faceloom.store.models import Quality
from faceloom.web.worker.axes import METHODS
from faceloom.web.worker.context import TaskContext
from faceloom.web.worker.messages import (
    Axis,
    AxisMethod,
    DescribeGenerator,
    DetectorTrace,
    DiscoverAxes,
    GeneratorFacts,
    Inspection,
    InspectPerson,
    LabFace,
    LayerFacts,
    LayerStyleFacts,
    RenderDistanceMap,
    RenderLabFace,
)
from faceloom.web.worker.state import WorkerState
from faceloom.web.worker.studio import PREVIEW_QUALITY, to_jpeg, to_unmarked_jpeg
from faceloom.workflows import inspect

MAP_MAXIMUM = 1.2  # LPIPS distance drawn in white; a constant, so that the map darkens as a likeness improves
MAP_QUALITY = 90  # JPEG quality of a distance map
CORAL = np.array([255, 111, 77])


def describe_generator(state: WorkerState, task: DescribeGenerator, context: TaskContext) -> GeneratorFacts:
    """Describe the generator: its layers with their resolutions and groups, and the methods that discover axes."""
    model = state.studio.generator
    groups = layer_groups(model.G.layer_resolutions)
    group_of = {layer: name for name, layers in groups.items() for layer in layers}
    layers = tuple(LayerFacts(side, group_of[layer]) for layer, side in enumerate(model.G.layer_resolutions))
    return GeneratorFacts(model.name, model.G.img_resolution, layers, tuple(METHODS))


def discover_axes(state: WorkerState, task: DiscoverAxes, context: TaskContext) -> tuple[Axis, ...]:
    """Discover the strongest axes of a method, named by the attributes that they change. Raises `Cancelled`."""
    context.check_cancelled()
    components, names = state.axes.components(task.method), state.axes.names(task.method)
    return tuple(
        Axis(component.number, name, round(component.explained, 4))
        for component, name in zip(components, names, strict=True)
    )


def render_lab_face(state: WorkerState, task: RenderLabFace, context: TaskContext) -> bytes:
    """Draw a face of the Lab as JPEG."""
    person = resolve_lab_face(state, task.face)
    return to_jpeg(state.studio.draw(person, task.face.size), PREVIEW_QUALITY, person.made_by)


def resolve_lab_face(state: WorkerState, face: LabFace) -> Likeness:
    """Return the likeness of a face of the Lab: truncated, then moved along its axes. Raises LatentError."""
    w_avg = state.studio.generator.G.w_avg

    def move(w_plus: WPlus) -> WPlus:
        truncated = truncate(w_plus, w_avg, face.psi, face.cutoff)
        return _move_along_axes(state, truncated, face.method, face.along, face.layers)

    return state.studio.move(load_unmoved(state, face), move)


def load_unmoved(state: WorkerState, face: LabFace) -> Likeness:
    """Return the person of a face of the Lab, or the generated face of its seed, before truncation and axes."""
    return state.load(face.person) if face.person else state.studio.generate(face.seed, 1.0)


def _move_along_axes(
    state: WorkerState, w_plus: WPlus, method: AxisMethod, along: Sequence[tuple[int, float]], layers: str
) -> WPlus:
    """Move some layers of a latent code along axes: pairs of an axis number from 1 and standard deviations."""
    chosen = parse_layers(layers, state.studio.generator.G.layer_resolutions)
    w_plus = w_plus.clone()
    for number, amount in along:
        components = state.axes.components(method)
        if not 1 <= number <= len(components):
            raise LatentError(f"axis {number} does not exist", f"choose an axis from 1 to {len(components)}")
        axis = components[number - 1]
        w_plus[:, chosen] += amount * axis.sigma * axis.vector.to(w_plus)
    return w_plus


def inspect_person(state: WorkerState, task: InspectPerson, context: TaskContext) -> Inspection:
    """Return the detector's boxes in the photo, the LPIPS distance to the likeness, and the styles of all layers."""
    person = state.likenesses.load(task.person)
    photo = open_photo(f"{task.person.folder}/{task.photo}")
    trace = inspect.trace_detector(photo.image)
    distance = inspect.compare_to_photo(state.studio, person, state.studio.align_again(person, photo)).distance
    styles = inspect.layer_styles(state.studio, state.load(task.person))
    return Inspection(
        detector=DetectorTrace(trace.pnet_boxes, trace.rnet_boxes, trace.boxes, trace.scores, trace.landmarks),
        distance=distance,
        quality=_exact_quality(person.quality),
        layers=tuple(
            LayerStyleFacts(style.layer, style.resolution, style.group, style.rarity, style.channels)
            for style in styles
        ),
    )


def render_distance_map(state: WorkerState, task: RenderDistanceMap, context: TaskContext) -> bytes:
    """Draw the map of the LPIPS distance between photo and likeness as JPEG: black, coral and white for 0 to large."""
    person = state.likenesses.load(task.person)
    crop = state.studio.align_again(person, open_photo(f"{task.person.folder}/{task.photo}"))
    distances = inspect.compare_to_photo(state.studio, person, crop).distance_map
    return to_unmarked_jpeg(Image.fromarray(heat_colors(distances / MAP_MAXIMUM)), MAP_QUALITY)


def heat_colors(values: np.ndarray) -> np.ndarray:
    """Return colors for values 0...1: black for 0, coral for 0.5, white for 1. `[h, w]` -> uint8 `[h, w, 3]`."""
    coral, white = np.clip(values[..., None] * 2 - np.arange(2)[:, None, None, None], 0, 1)
    colors: np.ndarray = CORAL * coral + (255 - CORAL) * white
    return (colors + 0.5).astype(np.uint8)


def _exact_quality(quality: Mapping[str, float]) -> Quality:
    return Quality(lpips=quality.get("lpips"), mse=quality.get("mse"), identity=quality.get("identity"))
