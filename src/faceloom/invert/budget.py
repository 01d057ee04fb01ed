"""Inversion under one deadline: the encoder's guess, then optimization, then pivotal tuning.

Plans which of these methods pay off in the time that is left. Does not open files or detect faces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor

from faceloom.invert.clock import Callback, Clock, StopCondition, run_steps
from faceloom.invert.inversion import Inversion, check_img, measure
from faceloom.invert.natural_gradient import NaturalGradientDescent
from faceloom.invert.optimize import OptimizeConfig, invert_optimize
from faceloom.invert.tune import NeighborSampler, TuneConfig, invert_tune
from faceloom.latents import WPlus, broadcast
from faceloom.networks.generator import Generator
from faceloom.networks.lpips import Lpips

EncoderGuess = Callable[[Tensor], WPlus]
"""Function that takes img `[n, 3, 256, 256]` and returns an encoder's w_plus `[n, num_ws, w_dim]`."""

DescentFactory = Callable[[Tensor, WPlus], NaturalGradientDescent]
"""Function that takes img `[n, 3, 256, 256]` and a start w_plus, and returns the natural-gradient descent for them."""

OPTIMIZATION_SHARE = 0.4  # part of the time after the encoder's guess that optimization gets; tuning gets the rest
MAX_OPTIMIZATION_SECONDS = 6.0  # for an optimization that starts at a guess; after it, tuning gains more
MAX_OPTIMIZATION_STEPS = 20  # likewise; with more steps the latents also become harder to edit
REFINE_LEARNING_RATE = 0.03  # learning rate from the encoder's guess, where the default would overshoot
IMAGES_PER_STEP = 3.0  # duration of an optimization step (forward and backward), in durations of a generated image
MIN_ADAM_STEPS = 3  # Adam is skipped when fewer steps fit: one or two only make a good guess worse
FINAL_EVALUATION_STEPS = 0.45  # duration of the last evaluation, in durations of a natural-gradient step
MIN_STEPS_TO_TUNE = 12  # tuning is skipped when fewer steps fit


@dataclass(frozen=True)
class EncodeConfig:
    """Limits of an inversion: a deadline, a number of steps, a quality. The first limit that is reached ends it."""

    seconds: float | None = 30.0  # from the call to the answer
    steps: int | None = None  # of optimization and tuning together; without seconds, the inputs alone decide the result
    until_identity: float | None = None  # identity similarity (cosine) at which to stop
    tune: bool = True  # False: the likeness is a latent code alone, which other programs can read
    rank: int = 64  # of the tuned weights: 64 gives likenesses of 1.8 MB, 0 (whole weights) of 8 MB
    space: Literal["w", "w_plus"] = "w_plus"
    seed: int = 0


ENCODE_PRESETS = {"instant": EncodeConfig(2.0), "booth": EncodeConfig(10.0), "studio": EncodeConfig(120.0)}


@dataclass(frozen=True)
class Plan:
    """The settings of the optimization and of the tuning that fit in the budget; None means to skip it.

    Tuning gets the seconds that are left when it begins.
    """

    optimize: OptimizeConfig | None = None
    tune: TuneConfig | None = None


def invert_within_budget(
    G: Generator,
    img: Tensor,
    *,
    alexnet: Lpips,
    encoder_guess: EncoderGuess | None = None,
    make_descent: DescentFactory | None = None,
    neighbor: NeighborSampler | None = None,
    stop_when: StopCondition | None = None,
    config: EncodeConfig | None = None,
    callback: Callback | None = None,
) -> Inversion:
    """Invert an image as well as the budget allows; keep the best result so far when interrupted.

    Convention: img float32 `[1, 3, 256, 256]`, an aligned face, RGB, -1...1. Without `encoder_guess` it starts from the
    mean face. With `make_descent` it optimizes W+ by natural gradient, otherwise by Adam. `neighbor` as in
    `invert_tune`; `stop_when` is called with a generated image every few steps. `callback` as in `clock.Callback`, with
    the `phase`, 'optimize' or 'tune', and the progress of the whole. Ctrl-C or `Cancelled` ends it and is not raised
    again: the result says `interrupted`.
    Raises ShapeError for another shape of image.
    """
    check_img(img, one=True)
    config, clock = config or EncodeConfig(), Clock(None)
    start = broadcast(G.w_avg[None], G.num_ws) if encoder_guess is None else encoder_guess(img)
    descent = make_descent(img, start) if make_descent and config.space == "w_plus" else None
    before = clock.elapsed()
    if descent is None:
        result = Inversion(start, *measure(G, start, img, alexnet), 0, clock.elapsed())
    else:
        descent.evaluate()
    image_seconds = clock.elapsed() - before
    min_steps = MIN_ADAM_STEPS if descent is None else 1
    plan = plan_budget(
        config, clock.elapsed(), image_seconds, from_guess=encoder_guess is not None, min_steps=min_steps
    )
    report = _report_phase(callback, "optimize", 0.0, OPTIMIZATION_SHARE if plan.tune else 1.0)
    if descent is not None:
        result = _run_descent(descent, plan.optimize, image_seconds, stop_when, report)
    elif plan.optimize:
        start = start.mean(dim=1) if config.space == "w" else start
        result = invert_optimize(
            G,
            img,
            vgg=alexnet,
            alexnet=alexnet,
            config=plan.optimize,
            start=start,
            stop_when=stop_when,
            callback=report,
        )
    if plan.tune and not result.interrupted and not result.good_enough:
        left = None if config.seconds is None else config.seconds - clock.elapsed()
        tuned = invert_tune(
            G,
            img,
            result.w_plus,
            alexnet=alexnet,
            neighbor=neighbor,
            config=replace(plan.tune, seconds=left),
            stop_when=stop_when,
            callback=_report_phase(callback, "tune", OPTIMIZATION_SHARE, 1.0),
        )
        result = replace(tuned, steps=result.steps + tuned.steps)
    return replace(result, seconds=clock.elapsed())


def plan_budget(
    config: EncodeConfig,
    spent: float,
    image_seconds: float,
    *,
    from_guess: bool = True,
    min_steps: int = MIN_ADAM_STEPS,
) -> Plan:
    """Divide the time that is left after `spent` seconds, when generating one image takes `image_seconds`.

    An optimization that starts at an encoder's guess (`from_guess`) is short and has a low learning rate; from the mean
    face it has further to go. It is skipped where fewer than `min_steps` steps fit.
    """
    left = None if config.seconds is None else config.seconds - spent
    steps_that_fit = min(
        float("inf") if left is None else left / (IMAGES_PER_STEP * image_seconds),
        float("inf") if config.steps is None else config.steps,
    )
    if steps_that_fit < (1 if left is None else min_steps):
        return Plan()
    optimize = OptimizeConfig(seconds=left, steps=config.steps, space=config.space, coarse=0.0, seed=config.seed)
    if from_guess:
        optimize = replace(optimize, learning_rate=REFINE_LEARNING_RATE, ramp_up=0.01)
    if not config.tune or steps_that_fit < MIN_STEPS_TO_TUNE:
        return Plan(optimize)
    seconds = None if left is None else min(OPTIMIZATION_SHARE * left, MAX_OPTIMIZATION_SECONDS if from_guess else left)
    steps, tune_steps = None, None
    if config.steps is not None:
        max_steps = MAX_OPTIMIZATION_STEPS if from_guess else config.steps
        steps = min(round(OPTIMIZATION_SHARE * config.steps), max_steps)
        tune_steps = config.steps - steps
    return Plan(
        replace(optimize, seconds=seconds, steps=steps),
        TuneConfig(steps=tune_steps, rank=config.rank, seed=config.seed),
    )


def _run_descent(
    descent: NaturalGradientDescent,
    limits: OptimizeConfig | None,
    evaluation_seconds: float,
    stop_when: StopCondition | None,
    callback: Callback | None,
) -> Inversion:
    """Run the descent for the seconds or steps of `limits`; without limits, return its start.

    The first evaluation is done already and took `evaluation_seconds`. They count for the duration of a step, and are
    added to the deadline.
    """
    clock = Clock(None)
    if limits:
        seconds = None if limits.seconds is None else limits.seconds + evaluation_seconds
        clock = Clock(seconds, limits.steps, FINAL_EVALUATION_STEPS)
        clock.start -= evaluation_seconds
    stopped = run_steps(descent, clock, stop_when, callback)
    return Inversion(*descent.finish(), clock.steps_done, clock.elapsed(), stopped.interrupted, stopped.good_enough)


def _report_phase(callback: Callback | None, phase: str, begin: float, end: float) -> Callback | None:
    """Return a callback that reports one phase as the part `begin`...`end` of the whole."""
    if callback is None:
        return None

    def report(step: dict[str, Any]) -> None:
        callback(step | {"phase": phase, "progress": begin + (end - begin) * step["progress"]})

    return report
