"""Axes of the latent space that the Lab discovers, named by the attributes that they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from faceloom.analyze.reading import read
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.discover import Component, attribute_sigmas, measure_shifts, name_direction, pca, read_faces, sefa
from faceloom.edit.generate import generate_latents
from faceloom.edit.latent_statistics import LatentStatistics
from faceloom.networks.generator import Generator
from faceloom.web.worker.messages import AxisMethod
from faceloom.web.worker.studio import BoothStudio

AXES_PER_METHOD = 8  # strongest axes of each method that the Lab shows
NAMING_FACES = 4  # generated faces on which an axis is tried to name it
STATISTICS_FACES = 16  # generated faces whose readings give the attributes' standard deviations

METHODS: Mapping[AxisMethod, Callable[[Generator, LatentStatistics], list[Component]]] = {
    "pca": lambda G, statistics: pca(statistics, AXES_PER_METHOD),
    "sefa": lambda G, statistics: sefa(G, statistics, AXES_PER_METHOD),
}


class AxisCache:
    """The axes of each method and their names, computed when they are first needed."""

    def __init__(self, studio: BoothStudio) -> None:
        self.studio = studio
        self.components = cache(self._find_components)
        self.names = cache(self._name_components)

    def _find_components(self, method: AxisMethod) -> list[Component]:
        return METHODS[method](self.studio.generator.G, self.studio.latent_statistics)

    def _name_components(self, method: AxisMethod) -> list[str]:
        G, analyzer = self.studio.fast_generator.G, load_analyzer()
        people = generate_latents(G, range(NAMING_FACES), 0.7)
        readings = read_faces(G, generate_latents(G, range(STATISTICS_FACES), 1.0), lambda img: read(analyzer, img))
        sigmas = attribute_sigmas(readings)
        directions = [component.to_direction(self.studio.generator) for component in self.components(method)]
        return [
            name_direction(measure_shifts(G, direction, people, lambda img: read(analyzer, img), sigmas))
            for direction in directions
        ]
