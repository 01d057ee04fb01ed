"""Children of two people. Needs the studio; keeps nothing. The parents are recorded in each child's provenance."""

from __future__ import annotations

from faceloom import likeness
from faceloom._version import __version__
from faceloom.edit import children
from faceloom.edit.mix import W_PULL_MIXING
from faceloom.likeness import Likeness
from faceloom.workflows.studio import Studio


def child(
    studio: Studio, a: Likeness, b: Likeness, number: int, *, seed: int = 0, variation: float = 0.3, pull: float = W_PULL_MIXING
) -> Likeness:
    """Have child `number` of two people; it does not depend on how many there are. Raises as `edit.children`."""
    for parent in (a, b):
        likeness.require(parent, studio.generator)
    made = children.child(
        a.w_plus,
        b.w_plus,
        number,
        seed=seed,
        layer_resolutions=studio.generator.G.layer_resolutions,
        people=studio.latent_statistics,
        variation=variation,
        pull=pull,
    )
    lineage = {
        "faceloom": __version__,
        "method": "child",
        "parents": [likeness.digest(a), likeness.digest(b)],
        "seed": seed,
        "number": number,
        "variation": variation,
        "inherited": made.inherited,
    }
    return Likeness(made.w_plus, studio.generator.hash, studio.generator.name, provenance=lineage)
