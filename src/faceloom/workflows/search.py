"""Search for generated faces that meet a description or resemble a face."""

from __future__ import annotations

import math

from torch import Tensor

from faceloom._version import __version__
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.description import parse_description
from faceloom.edit.search import Callback, SearchConfig, SearchResult, search
from faceloom.likeness import Likeness
from faceloom.rendering import Renderer


def search_people(
    renderer: Renderer,
    text: str = "",
    *,
    identity: Tensor | None = None,
    count: int = 6,
    seed: int = 0,
    config: SearchConfig | None = None,
    callback: Callback | None = None,
) -> list[Likeness]:
    """Search for generated faces that meet the description or have an identity similar to a given one, best first.

    Convention: `identity [1, 128]` as the analyzer reads it. The `provenance` of each face holds what was read from it:
    traits (its attributes), missed (0: the description is met) and similarity.
    Raises as `edit.description.parse_description` and `edit.search.search`.
    """
    bounds = parse_description(text) if text or identity is None else ()
    results = search(
        renderer.fast_generator.G,
        bounds,
        load_analyzer(),
        statistics=renderer.latent_statistics,
        count=count,
        seed=seed,
        like=identity,
        config=config,
        callback=callback,
    )
    return [_make_likeness(renderer, result, text, seed) for result in results]


def _make_likeness(renderer: Renderer, result: SearchResult, text: str, seed: int) -> Likeness:
    provenance = {
        "faceloom": __version__,
        "method": "find",
        "wanted": text,
        "seed": seed,
        "candidate": result.seed,
        "steps": result.steps,
        "traits": result.attributes,
        "missed": result.missed,
        "similarity": None if math.isnan(result.similarity) else result.similarity,
    }
    generator = renderer.generator
    return Likeness(result.w_plus, generator.hash, generator.name, provenance=provenance)
