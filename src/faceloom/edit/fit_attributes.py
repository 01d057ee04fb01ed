"""Directions of what the analyzer sees, in its units, for any generator of faces: its own people are the data.

Knows the generator protocol and latents: no files. What the pictures show is for an injected reader to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from faceloom.edit import directions
from faceloom.edit.directions import Direction
from faceloom.edit.discover import READ_SIDE, Read, read_people
from faceloom.edit.latent_statistics import sample_w
from faceloom.errors import LatentError
from faceloom.latents import W, broadcast
from faceloom.likeness import NamedGenerator
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.generator import Generator, image_at

PSI = 0.7  # of the people: the outermost are seldom whole faces
CALIBRATED_ON = 32  # people who were not in the fit
WHO = 64  # principal axes of the readings of who somebody is


@dataclass(frozen=True)
class Trait:
    """Something that the analyzer sees.

    Convention: `least` is the least standard deviation that can be learned from.
    """

    unit: str
    least: float


SEEN = {
    "age": Trait("years", 3.0),
    "smile": Trait("logit", 0.5),
    "gender": Trait("logit", 0.5),
    "glasses": Trait("logit", 0.5),
    "mouth_open": Trait("logit", 0.5),
    "yaw": Trait("degrees", 2.0),
    "pitch": Trait("degrees", 1.5),
}
"""What a generator is asked to move, on all layers: so people stay in W, where small generators draw whole faces."""
STEADY = ("age",)  # moves while whose face it is holds
TAUGHT = 0.8  # of the people; the others tell how well w tells an attribute
LEAST_TOLD = 0.6  # correlation there: with less the analyzer sees what is not in the picture
LEAST_GAIN = 0.3  # of what a fit promises: with less the generator cannot do it


@dataclass(frozen=True, eq=False)
class People:
    """A generator's people and what is seen of them: `w [n, w_dim]`, `traits [n, 10]`, `identity [n, d]`, `colours`.

    `colours [n, 3]` is the mean of each picture's channels.
    """

    w: W
    traits: Tensor
    identity: Tensor
    colours: Tensor


@dataclass(frozen=True, eq=False)
class FittedDirection:
    """Directions with a unit that was seen, and why others are missing.

    Convention: `moved [k, k]` is what one sigma of each was seen to do to each, in sigmas: the cross-talk.
    """

    directions: tuple[Direction, ...]
    moved: Float[Tensor, "k k"]
    missing: dict[str, str]


@torch.no_grad()
def read_generated(G: Generator, w: W, read: Read, callback: Callable[[int], None] | None = None) -> People:
    """Draw people one by one and read them; `callback` is told how many were read."""
    rows: list[tuple[Reading, Tensor]] = []
    for count, one in enumerate(w, start=1):
        img = image_at(G, broadcast(one[None], G.num_ws), READ_SIDE)
        rows.append((read(img), img.mean((2, 3))))
        if callback:
            callback(count)
    traits, identity = (torch.cat([getattr(row[0], key).cpu() for row in rows]) for key in ("traits", "identity"))
    return People(w.cpu(), traits, identity, torch.cat([row[1].cpu() for row in rows]))


def generated_faces(G: Generator, count: int, seed: int = 0) -> W:
    """People of a generator, a little truncated: `[count, w_dim]`."""
    return G.w_avg.lerp(sample_w(G, count, seed), PSI)


def fit(G: Generator, people: People, unseen: W, read: Read, *, generator: NamedGenerator) -> FittedDirection:
    """Fit a direction for each of SEEN while all others, and colours, hold; then look what one sigma does.

    Convention: `unseen [m, w_dim]` are people who are not among `people`. A direction whose attribute hardly varies,
    is hardly told by w, or hardly answers, is missing. Raises LatentError when none is left. Method: `directions.fit`.
    """
    labels = {name: people.traits[:, ATTRIBUTES.index(name)].double() for name in SEEN}
    missing = {
        name: f"its people hardly differ in it (standard deviation {values.std():.2f})"
        for name, values in labels.items()
        if values.std() < SEEN[name].least
    }
    told = _told(people.w, {name: values for name, values in labels.items() if name not in missing})
    missing |= {name: f"w hardly tells it (r = {r:.2f})" for name, r in told.items() if r < LEAST_TOLD}
    known = {name: values for name, values in labels.items() if name not in missing}
    held = {f"colour {i}": column / column.std() for i, column in enumerate(people.colours.double().T)}
    rough = [_fit(name, people, known | held, generator) for name in known]
    moved = {direction.name: _moved(G, direction, unseen, read) for direction in rough}
    gains = {one.name: float(moved[one.name][ATTRIBUTES.index(one.name)]) / one.sigma for one in rough}
    missing |= {name: f"it answers {gain:.0%} of what it should" for name, gain in gains.items() if gain < LEAST_GAIN}
    kept = tuple(replace(one, per_unit=one.per_unit / gains[one.name]) for one in rough if one.name not in missing)
    if not kept:
        why = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
        raise LatentError(f"{generator.name} does nothing that the analyzer sees: {why}", "does it draw aligned faces?")
    return FittedDirection(kept, _cross_talk(kept, [moved[one.name] / gains[one.name] for one in kept]), missing)


def _fit(name: str, people: People, labels: Mapping[str, Tensor], generator: NamedGenerator) -> Direction:
    others = {key: values for key, values in labels.items() if key != name}
    return directions.fit(
        name,
        people.w,
        labels[name],
        unit=SEEN[name].unit,
        generator=generator,
        hold=others,
        steady=_who(people.identity) if name in STEADY else None,
        notes=f"{name.replace('_', ' ').capitalize()}, as the analyzer sees it. Held: {', '.join(others)}.",
    )


def _told(w: W, labels: Mapping[str, Tensor]) -> dict[str, float]:
    """How what w tells of people left out goes with what is seen of them: correlations."""
    if not labels:
        return {}
    taught = round(TAUGHT * len(w))
    table = directions.regress(w[:taught], {name: values[:taught] for name, values in labels.items()})
    pairs = zip(labels.items(), table.predict(w[taught:]).T, strict=True)
    return {name: float(torch.corrcoef(torch.stack((values[taught:], told)))[0, 1]) for (name, values), told in pairs}


def _who(identity: Tensor) -> Tensor:
    """The readings of who somebody is, along the axes in which these people differ most."""
    centred = identity.double() - identity.double().mean(0)
    most = min(WHO, *centred.shape)
    axes = torch.linalg.svd(centred, full_matrices=False).Vh[:most]
    along: Tensor = centred @ axes.T
    return along


def _moved(G: Generator, direction: Direction, people: W, read: Read) -> Float[Tensor, " t"]:
    """What one sigma does to every trait: the mean of people and of both ways."""
    w_plus = broadcast(people, G.num_ws)
    moved = (directions.step(w_plus, direction, sign * direction.sigma) for sign in (1, -1))
    up, down = (read_people(G, people, read).cpu().mean(0) for people in moved)
    return (up - down) / 2


def _cross_talk(found: Sequence[Direction], moved: Sequence[Tensor]) -> Tensor:
    order, sigmas = [ATTRIBUTES.index(one.name) for one in found], torch.tensor([one.sigma for one in found])
    return torch.stack(list(moved))[:, order] / sigmas
