"""Children of two people. The provenance of each child names the parents."""

from __future__ import annotations

from faceloom import likeness
from faceloom._version import __version__
from faceloom.edit import children
from faceloom.edit.mix import W_PULL_MIXING
from faceloom.likeness import Likeness
from faceloom.rendering import Renderer


def make_child(
    renderer: Renderer,
    a: Likeness,
    b: Likeness,
    number: int,
    *,
    seed: int = 0,
    variation: float = 0.3,
    pull: float = W_PULL_MIXING,
) -> Likeness:
    """Make child `number` of two people; it does not depend on the number of children.

    Raises LatentError for a parent of another generator, otherwise as `edit.children.make_child`.
    """
    for parent in (a, b):
        likeness.require_generator(parent, renderer.generator)
    child = children.make_child(
        a.w_plus,
        b.w_plus,
        number,
        seed=seed,
        layer_resolutions=renderer.generator.G.layer_resolutions,
        statistics=renderer.latent_statistics,
        variation=variation,
        pull=pull,
    )
    provenance = {
        "faceloom": __version__,
        "method": "child",
        "parents": [likeness.digest(a), likeness.digest(b)],
        "seed": seed,
        "number": number,
        "variation": variation,
        "inherited": child.inherited,
    }
    return Likeness(child.w_plus, renderer.generator.hash, renderer.generator.name, provenance=provenance)
