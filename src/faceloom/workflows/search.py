"""Search for generated faces that meet a description or resemble a face."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from faceloom._version import __version__
from faceloom.analyze.attributes import TABLE
from faceloom.analyze.ensemble import correct_ages, read_both, read_latents, read_opinions
from faceloom.checkpoints.load import DEFAULT_GENERATOR
from faceloom.checkpoints.shipped import load_analyzer, load_latent_reader, load_second_analyzer
from faceloom.edit.description import Bound, parse_description
from faceloom.edit.search import Callback, SearchConfig, SearchResult, search
from faceloom.edit.targets import to_units
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

    Two networks read every picture, and with the default generator a third one reads the latents. A face on whose
    described attributes they disagree does not count as meeting the description.

    Convention: `identity [1, 128]` as the analyzer reads it. The `provenance` of each face holds what was read from it:
    traits (the mean readings of its attributes), spread (their standard deviations), missed (0: the mean readings meet
    the description), met (they do, and agree) and similarity.
    Raises as `edit.description.parse_description` and `edit.search.search`.
    """
    bounds = parse_description(text) if text or identity is None else ()
    networks = load_analyzer(), load_second_analyzer()
    is_default = renderer.generator.name == DEFAULT_GENERATOR
    results = search(
        renderer.fast_generator.G,
        bounds,
        partial(read_both, *networks),
        statistics=renderer.latent_statistics,
        judge=partial(read_opinions, *networks),
        guess=partial(read_latents, load_latent_reader()) if is_default else None,
        correct=correct_ages,
        count=count,
        seed=seed,
        like=identity,
        config=config,
        callback=callback,
    )
    return [_make_likeness(renderer, result, text, seed) for result in results]


def explain_misses(text: str, people: Sequence[Likeness]) -> str:
    """Return a sentence that says how many faces do not meet a description and how near they come; empty for none."""
    missing = [person.provenance for person in people if not person.provenance["met"]]
    if not text or not missing:
        return ""
    who = "No face" if len(missing) == len(people) else f"{len(people) - len(missing)} of {len(people)} faces"
    verb = "meets" if who == "No face" else "meet"
    nearest = min(missing, key=lambda facts: float(facts["missed"]))
    reasons = "; ".join(_explain(bound, nearest) for bound in parse_description(text))
    nearest_one = "The nearest one" if who == "No face" else "The nearest other one"
    return f"{who} {verb} '{text}'. {nearest_one}: {reasons}."


def _explain(bound: Bound, facts: Mapping[str, Any]) -> str:
    """Return what was read of one attribute, as 'age 71 +- 4'."""
    name, unit = bound.attribute, TABLE[bound.attribute].unit
    value, spread = to_units({name: facts["traits"][name]})[name], facts["spread"][name]
    digits = 2 if unit == "probability" else 0
    return f"{name.replace('_', ' ')} {value:.{digits}f} +- {spread:.{digits}f}"


def _make_likeness(renderer: Renderer, result: SearchResult, text: str, seed: int) -> Likeness:
    provenance = {
        "faceloom": __version__,
        "method": "find",
        "wanted": text,
        "seed": seed,
        "candidate": result.seed,
        "steps": result.steps,
        "traits": result.attributes,
        "spread": result.spread,
        "missed": result.missed,
        "met": result.met,
        "similarity": None if math.isnan(result.similarity) else result.similarity,
    }
    generator = renderer.generator
    return Likeness(result.w_plus, generator.hash, generator.name, provenance=provenance)
