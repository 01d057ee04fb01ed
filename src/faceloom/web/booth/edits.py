"""Play: previews, exact edits, history, mixtures, what is kept. Every change is a new step that can be undone."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from faceloom.analyze.attributes import SLIDERS, TABLE
from faceloom.store import Person, Visit
from faceloom.store.visit_store import token
from faceloom.web.booth import background
from faceloom.web.booth.views import Json, now, standing
from faceloom.web.booth.visit_flow import playable
from faceloom.web.security import Refusal
from faceloom.web.sliders import SAME
from faceloom.web.worker.messages import QUICK

if TYPE_CHECKING:
    from faceloom.web.booth.booth import Booth

MOST_STEPS = 200  # of a history
MOST_KEPT = 12
SURPRISES: Mapping[str, tuple[float, ...]] = {
    "age": (-25.0, -12.0, 18.0, 35.0),
    "smile": (0.05, 0.95),
    "glasses": (0.9,),
    "yaw": (-18.0, 18.0),
    "gender": (0.15, 0.85),
}


async def preview(booth: Booth, visit: Visit, name: str, wishes: Mapping[str, float], size: int, n: int) -> bytes:
    """Draw what wishes would come to, at once. Raises Refused ('stale') when a newer one was asked for."""
    owner, person = playable(booth, visit, name)
    stands = standing(person)
    asked = stands | checked(wishes)
    args = {"shown": shown(booth, owner, person), "anchor": stands, "wishes": asked, "size": size}
    drawn: bytes = await booth.workshop.ask("preview", args, rank=QUICK, visit=owner.id, key=name if n else "", n=n)
    return drawn


async def control(booth: Booth, visit: Visit, name: str, wishes: Mapping[str, float]) -> Person:
    """Set sliders, exactly: the result is looked at and corrected."""
    owner, person = playable(booth, visit, name)
    me = {slider["name"]: slider["me"] for slider in now(person).get("sliders") or person.body["sliders"]}
    asked = standing(person) | checked(wishes)
    asked = {key: value for key, value in asked.items() if abs(value - me.get(key, 0.0)) > SAME}
    args = {"shown": shown(booth, owner, person) | {"coefficients": {}}, "wishes": asked}
    found = await booth.workshop.ask("control", args, visit=owner.id)
    step = {**now(person), "controls": asked, "coefficients": found["coefficients"]}
    step |= {"traits": now(person).get("traits", person.body["traits"]) | found["after"]} if asked else {}
    if not asked:
        step.pop("traits", None)
    push(booth, visit, person, step, first=[key for key in wishes if key in asked])
    return person


async def surprise(booth: Booth, visit: Visit, name: str) -> Person:
    """Set a few sliders to somewhere else."""
    _, person = playable(booth, visit, name)
    me = {slider["name"]: slider["me"] for slider in person.body["sliders"]}
    known = sorted(SURPRISES.keys() & me.keys())
    if not known:
        return await mix(booth, visit, name, f"seed:{random.randrange(10**6)}", "middle")
    chosen = random.sample(known, k=min(random.randint(2, 3), len(known)))
    return await control(booth, visit, name, me | {key: random.choice(SURPRISES[key]) for key in chosen})


async def mix(booth: Booth, visit: Visit, name: str, other: str, layers: str) -> Person:
    """Give somebody layers of another person, of 'seed:N' or of 'sample:N'."""
    owner, person = playable(booth, visit, name)
    of: list[str] = []
    giver: Json | int
    kind, _, number = other.partition(":")
    if kind in ("seed", "sample") and number.isdecimal() and len(number) <= 9:
        giver = int(number)
    else:
        theirs, friend = playable(booth, visit, other, friends=True)
        giver = shown(booth, theirs, friend)
        of = [] if theirs is owner else [friend.id]
    person.body["bases"] = base = person.body["bases"] + 1
    if of:
        person.body.setdefault("borrowed", {}).setdefault(theirs.id, []).append(str(base))
    args = {"shown": shown(booth, owner, person), "other": giver, "layers": layers, "base": str(base)}
    facts = await booth.workshop.ask("mix", args, visit=owner.id)
    step = {"base": str(base), "controls": {}, "coefficients": {}, "traits": facts["traits"]}
    push(booth, visit, person, step | {"sliders": facts["sliders"], "of": [*now(person).get("of", []), *of]})
    booth.spawn(visit.id, background.lay_rails(booth, visit, person, str(base)), person.id)
    return person


def push(booth: Booth, visit: Visit, person: Person, step: Json, first: Iterable[str] = ()) -> None:
    """Make a step; what had been undone is gone."""
    body = person.body
    body["history"] = [*body["history"][: body["at"] + 1], step][-MOST_STEPS:]
    body["at"] = len(body["history"]) - 1
    body["version"] += 1
    booth.changed(visit)
    background.draw_ahead(booth, visit, person, first)


def move(booth: Booth, visit: Visit, name: str, by: int) -> Person:
    """Undo (-1) or redo (+1). Raises Refusal when there is nothing to."""
    _, person = playable(booth, visit, name)
    at = person.body["at"] + by
    if not 0 <= at < len(person.body["history"]):
        raise Refusal(409, "no_step", "there is no step that way")
    person.body["at"] = at
    person.body["version"] += 1
    booth.changed(visit)
    background.draw_ahead(booth, visit, person)
    return person


def reset(booth: Booth, visit: Visit, name: str) -> Person:
    """Go back to the person as found; that is a step, too."""
    _, person = playable(booth, visit, name)
    if person.body["at"] > 0:
        push(booth, visit, person, person.body["history"][0])
    return person


def keep(booth: Booth, visit: Visit, name: str) -> Person:
    """Keep the person as they are now, to come back to."""
    _, person = playable(booth, visit, name)
    if len(person.body["kept"]) >= MOST_KEPT:
        raise Refusal(409, "enough_kept", f"{MOST_KEPT} pictures are the most", "go on with one of them")
    person.body["kept"].append(now(person) | {"id": token()[:8]})
    booth.changed(visit)
    return person


def restore(booth: Booth, visit: Visit, name: str, kept: str) -> Person:
    """Come back to what was kept."""
    _, person = playable(booth, visit, name)
    push(booth, visit, person, {key: value for key, value in kept_step(person, kept).items() if key != "id"})
    return person


def kept_step(person: Person, kept: str) -> Json:
    """A kept step. Raises Refusal (404)."""
    for step in person.body["kept"]:
        if step["id"] == kept:
            found: Json = step
            return found
    raise Refusal(404, "no_picture", "nothing of this name was kept")


async def picture(booth: Booth, visit: Visit, name: str, *, size: int | None, step: Json | None = None) -> bytes:
    """Draw somebody as they are, or at a step; while they are searched for, what the search shows."""
    owner, person = playable(booth, visit, name, friends=True)
    step = step or now(person)
    moved = repr(sorted(step["coefficients"].items()))
    key = (person.id, str(person.body["quality"].get("lpips")), str(step["base"]), moved, str(size))
    if key in booth.pictures:
        return booth.pictures[key]
    drawn: bytes = await booth.workshop.ask(
        "picture", {"shown": shown(booth, owner, person, step), "size": size}, rank=QUICK, visit=owner.id
    )
    return booth.remember(key, drawn) if owner.id in booth.visits else drawn


def shown(booth: Booth, owner: Visit, person: Person, step: Json | None = None) -> Json:
    """Who is to be drawn, for a message to the worker."""
    step = step or now(person)
    place = {"folder": str(booth.keep.folder_of(owner.id)), "person": person.id}
    return place | {"base": step["base"], "coefficients": step["coefficients"]}


def checked(wishes: Mapping[str, float]) -> dict[str, float]:
    """The wishes, if sliders can stand so. Raises Refusal (422) for one that is unknown or out of range."""
    for name, wish in wishes.items():
        slider = SLIDERS.get(name)
        if slider is None:
            raise Refusal(422, "no_such_slider", f"there is no slider '{name[:40]}'", f"there are {', '.join(SLIDERS)}")
        if not slider.low <= wish <= slider.high:
            span = f"{slider.low:g} to {slider.high:g} {TABLE[name].unit}"
            raise Refusal(422, "out_of_range", f"{name} {wish:g} is out of range", span)
    return dict(wishes)
