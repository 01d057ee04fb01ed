"""One clock: a first guess, the search and the tuning under one deadline, which is kept.

Knows the ways of inverting and when each pays; no files, no faces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor

from faceloom.invert.clock import Callback, Clock, Enough, descend
from faceloom.invert.inversion import Inversion, check_img, measure
from faceloom.invert.natural import NaturalSearch
from faceloom.invert.optimize import OptimizeConfig, invert_optimize
from faceloom.invert.tune import Neighbour, TuneConfig, invert_tune
from faceloom.latents import WPlus, broadcast
from faceloom.networks.generator import Generator
from faceloom.networks.lpips import Lpips

First = Callable[[Tensor], WPlus]
"""An encoder: img `[n, 3, 256, 256]` -> w_plus `[n, num_ws, w_dim]`."""

Natural = Callable[[Tensor, WPlus], NaturalSearch]
"""The natural search for img `[n, 3, 256, 256]`, from w_plus."""

SEARCH = 0.4  # part of the time after the first guess; the rest is tuning's
LONGEST_SEARCH, MOST_STEPS = 6.0, 20  # seconds or steps of it; beyond, tuning gains more, and latents stray
NEAR = 0.03  # the search's rate from a first guess: it begins near the end, and the usual rate would overshoot
A_STEP = 3.0  # images' time that a step takes: there and back
FEWEST = 3  # steps below which Adam's search does not begin: one or two only shake a good guess
LAST = 0.45  # of a natural step's time: what a look at where it went takes
UNTUNED = 12  # steps below which there is only the search


@dataclass(frozen=True)
class EncodeConfig:
    """How long, or how good. What comes first ends it."""

    seconds: float | None = 30.0  # from the call to the answer
    steps: int | None = None  # of search and tuning together; with steps alone the result depends on the inputs only
    until_identity: float | None = None  # the cosine of identities that will do
    tune: bool = True  # without, the person is a latent alone, as other programs know it
    rank: int = 64  # of the tuning: 64 makes likenesses of 1.8 MB, 0 (whole weights) of 8
    space: Literal["w", "w_plus"] = "w_plus"
    seed: int = 0


PRESETS = {"instant": EncodeConfig(2.0), "booth": EncodeConfig(10.0), "studio": EncodeConfig(120.0)}


@dataclass(frozen=True)
class Plan:
    """What the time is spent on: how to search, and what tuning may take; None: not at all.

    Tuning's `seconds` are those that are left when it begins.
    """

    search: OptimizeConfig | None = None
    tune: TuneConfig | None = None


def invert_within(
    G: Generator,
    img: Tensor,
    *,
    alexnet: Lpips,
    first: First | None = None,
    natural: Natural | None = None,
    neighbour: Neighbour | None = None,
    enough: Enough | None = None,
    config: EncodeConfig | None = None,
    callback: Callback | None = None,
) -> Inversion:
    """Find a person as well as the time allows; the best so far is kept at any interruption.

    Convention: img float32 `[1, 3, 256, 256]`, an aligned face, RGB, -1...1. Without `first` it starts from the mean
    face; with `natural` it searches W+ so, else by Adam. `neighbour` as in `invert_tune`; `enough` looks at a picture
    now and then. `callback` as in `clock.Callback`, with the `phase`, 'search' or 'tune', and the progress of the
    whole. Ctrl-C ends it and is not raised again: the result says `interrupted`.
    Raises ShapeError for another image.
    """
    check_img(img, one=True)
    config, clock = config or EncodeConfig(), Clock(None)
    start = broadcast(G.w_avg[None], G.num_ws) if first is None else first(img)
    search = natural(img, start) if natural and config.space == "w_plus" else None
    before = clock.elapsed()
    if search is None:
        found = Inversion(start, *measure(G, start, img, alexnet), 0, clock.elapsed())
    else:
        search.look()
    drawing = clock.elapsed() - before
    plan = plan_for(config, clock.elapsed(), drawing, near=first is not None, fewest=1 if search else FEWEST)
    tell = _part_of(callback, "search", 0.0, SEARCH if plan.tune else 1.0)
    if search is not None:
        found = _descend(search, plan.search, drawing, enough, tell)
    elif plan.search:
        start = start.mean(dim=1) if config.space == "w" else start
        found = invert_optimize(
            G, img, vgg=alexnet, alexnet=alexnet, config=plan.search, start=start, enough=enough, callback=tell
        )
    if plan.tune and not found.interrupted and not found.enough:
        left = None if config.seconds is None else config.seconds - clock.elapsed()
        tuning, tell = replace(plan.tune, seconds=left), _part_of(callback, "tune", SEARCH, 1.0)
        tuned = invert_tune(
            G,
            img,
            found.w_plus,
            alexnet=alexnet,
            neighbour=neighbour,
            config=tuning,
            enough=enough,
            callback=tell,
        )
        found = replace(tuned, steps=found.steps + tuned.steps)
    return replace(found, seconds=clock.elapsed())


def plan_for(config: EncodeConfig, spent: float, drawing: float, *, near: bool = True, fewest: int = FEWEST) -> Plan:
    """Share out what is left after `spent` seconds, where an image takes `drawing` seconds.

    A search that begins `near` its end is kept short and slow; from the mean face it has further to go. It does not
    begin where less than `fewest` steps fit.
    """
    left = None if config.seconds is None else config.seconds - spent
    fit = min(
        float("inf") if left is None else left / (A_STEP * drawing),
        float("inf") if config.steps is None else config.steps,
    )
    if fit < (1 if left is None else fewest):
        return Plan()
    search = OptimizeConfig(seconds=left, steps=config.steps, space=config.space, coarse=0.0, seed=config.seed)
    if near:
        search = replace(search, learning_rate=NEAR, ramp_up=0.01)
    if not config.tune or fit < UNTUNED:
        return Plan(search)
    seconds = None if left is None else min(SEARCH * left, LONGEST_SEARCH if near else left)
    steps = None if config.steps is None else min(round(SEARCH * config.steps), MOST_STEPS if near else config.steps)
    others = None if config.steps is None or steps is None else config.steps - steps
    return Plan(
        replace(search, seconds=seconds, steps=steps), TuneConfig(steps=others, rank=config.rank, seed=config.seed)
    )


def _descend(
    search: NaturalSearch,
    given: OptimizeConfig | None,
    looked: float,
    enough: Enough | None,
    callback: Callback | None,
) -> Inversion:
    """Search for as long, or as many steps, as is given, after a look of `looked` seconds; None: not at all."""
    clock = Clock(None)
    if given:
        clock = Clock(None if given.seconds is None else given.seconds + looked, given.steps, LAST)
        clock.begin -= looked
    ended = descend(search, clock, enough, callback)
    return Inversion(*search.finish(), clock.done, clock.elapsed(), ended.interrupted, ended.enough)


def _part_of(callback: Callback | None, phase: str, begin: float, end: float) -> Callback | None:
    """Tell of a phase as of a part of the whole."""
    if callback is None:
        return None

    def tell(step: dict[str, Any]) -> None:
        callback(step | {"phase": phase, "progress": begin + (end - begin) * step["progress"]})

    return tell
