"""Restoration: find the face behind the damage of a photo, by a search whose loss contains the damage.

The generated picture is degraded as the photo was before the two are compared. What the photo does not show follows
from the generator. The blur is estimated at the start, what is hidden again in every round. At the end the generator's
weights are tuned to the picture that was found, corrected by what the photo shows: its brightness if it is gray, its
large details if it is blurred, all of it where it is sharp and in color. Wang et al. 2023 (DDNM) correct a picture by
the range of a degradation in this way. Takes networks and tensors; does not open files or detect faces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor

from faceloom.invert.budget import MIN_STEPS_TO_TUNE, EncodeConfig, EncoderGuess
from faceloom.invert.clock import Callback, Clock, run_steps
from faceloom.invert.degradation import (
    Degradation,
    correct,
    estimate_blur,
    find_hidden,
    in_colors_of,
    is_monochrome,
    no_damage,
    stretch_levels,
    to_gray,
)
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion, check_img
from faceloom.invert.natural_gradient import ImageLoss, NaturalGradientDescent, Target
from faceloom.invert.tune import NeighborSampler, TuneConfig, invert_tune
from faceloom.latents import WPlus
from faceloom.networks.curvature import Curvature
from faceloom.networks.generator import Generator, image_at

ROUNDS = (4, 6, 10, 20)  # most steps of each round; what is hidden is found again before every round
ROUND_SHARES = (0.12, 0.15, 0.25)  # part of the seconds left that a round gets at most; the last one gets the rest, ...
TUNING_SHARE = 0.4  # ... less this part of it, where enough steps of tuning fit in that
GUESS_SOFTNESS = 1.12  # a photo's blur by the one after which the encoder's softer picture looks like it, on 24 people
HIDDEN_WEIGHT = 0.1  # part of a difference in the hidden parts that counts
COLOR_LAYERS = 8  # layers of w_plus from this one on hold the colors more than the shape
COLOR_KEPT = 0.5  # part of the encoder's offset that they keep for a photo without colors, which says little of them
COLORED_GUESSES = 1  # guesses of the encoder from a gray photo in the colors of the guess before
FILLED_GUESSES = 2  # guesses of the encoder from the photo with its hidden parts filled


@dataclass(frozen=True, eq=False)
class Restoration:
    """A restored face and the damage of its photo. `inversion.img` is in color and sharp."""

    inversion: Inversion
    damage: Degradation


@dataclass(frozen=True, eq=False)
class DamagedTarget(Target):
    """A damaged photo: generated pictures are degraded likewise, and compared where the photo is visible.

    A blur is undone in both as far as the noise allows, because LPIPS and the identity hardly see blurred details.
    The generated picture stays near to what fills the hidden parts, which it would otherwise turn into anything.
    Convention: `photo` has its hidden parts filled; `img` is the photo less its blur.
    """

    damage: Degradation
    photo: Tensor

    @classmethod
    def of(cls, loss: ImageLoss, photo: Tensor, damage: Degradation) -> DamagedTarget:
        """Return the target of a photo `[1, 3, 256, 256]`, -1...1, whose hidden parts are filled."""
        img = damage.undo_blur(photo)
        plain = loss.for_target(img)
        return cls(loss, img, plain.features, plain.identity, damage, photo)

    def observe(self, generated: Tensor) -> Tensor:
        """Return generated pictures `[1, 3, 256, 256]` as the photo would show them, less its blur."""
        seen = self.damage.visible.clamp(min=HIDDEN_WEIGHT)
        return self.damage.undo_blur(seen * self.damage.apply(generated) + (1 - seen) * self.photo)

    def lpips(self, generated: Tensor) -> Tensor:
        """Return the LPIPS (AlexNet) of the degraded pictures to the photo: `[1]`."""
        return super().lpips(self.observe(generated))

    def pixel_and_identity_loss(self, generated: Tensor) -> Tensor:
        """Return the weighted difference of the degraded pictures in pixels and in identity: `[1]`."""
        return super().pixel_and_identity_loss(self.observe(generated))


def restore(
    G: Generator,
    img: Tensor,
    *,
    loss: ImageLoss,
    curvature: Curvature,
    encoder_guess: EncoderGuess,
    hidden: Tensor | None = None,
    config: EncodeConfig | None = None,
    neighbor: NeighborSampler | None = None,
    callback: Callback | None = None,
) -> Restoration:
    """Find the face behind the damage of a photo.

    Convention: img float32 `[1, 3, 256, 256]`, an aligned face, -1...1; `hidden [1, 1, 256, 256]` is 1 where the photo
    does not show the face, and is found without it. The figures of the inversion compare the degraded picture with the
    photo. `config` limits the seconds and the steps, and says whether to tune; `neighbor` as in `invert_tune`.
    Raises ShapeError for another shape of image.
    """
    check_img(img, one=True)
    config, clock = config or EncodeConfig(), Clock(None)
    search = _Search(G, img, loss, curvature, encoder_guess, hidden)
    begin, steps, interrupted = clock.elapsed(), 0, False
    reserved = TUNING_SHARE if _may_tune(config) else 0.0
    for limit, share in zip_longest(ROUNDS, ROUND_SHARES):
        if share is None:
            reserved = reserved if _tuning_fits(config, clock, begin, steps) else 0.0
            share = 1 - reserved
        left = None if config.seconds is None else max(config.seconds - clock.elapsed(), 0.0) * share
        most = limit if config.steps is None else min(limit, config.steps - steps)
        if most <= 0:
            break
        done, interrupted = search.run(Clock(left, most), _report_part(callback, steps, 1 - reserved))
        steps += done
        if interrupted:
            break
    found = replace(search.result(), steps=steps, interrupted=interrupted)
    if reserved and not interrupted:
        seconds = None if config.seconds is None else config.seconds - clock.elapsed()
        more = None if config.steps is None else config.steps - steps
        found = search.tune(found, TuneConfig(seconds, more, config.rank, seed=config.seed), neighbor, callback)
    return Restoration(replace(found, seconds=clock.elapsed()), search.damage)


def _may_tune(config: EncodeConfig) -> bool:
    """Return whether the search may leave enough steps for tuning."""
    return config.tune and (config.steps is None or config.steps >= sum(ROUNDS) + MIN_STEPS_TO_TUNE)


def _tuning_fits(config: EncodeConfig, clock: Clock, begin: float, steps: int) -> bool:
    """Return whether enough steps fit in tuning's share of the seconds left; `steps` were done since `begin`."""
    if config.seconds is None:
        return True
    seconds_a_step = (clock.elapsed() - begin) / max(steps, 1)
    return TUNING_SHARE * (config.seconds - clock.elapsed()) >= MIN_STEPS_TO_TUNE * seconds_a_step


class _Search:
    """The state of a restoration: the latent, its picture, and the estimate of the damage."""

    def __init__(
        self,
        G: Generator,
        img: Tensor,
        loss: ImageLoss,
        curvature: Curvature,
        encoder_guess: EncoderGuess,
        hidden: Tensor | None,
    ) -> None:
        self.G, self.loss, self.curvature, self.encoder_guess, self.hidden = G, loss, curvature, encoder_guess, hidden
        damage = no_damage(QUALITY_RESOLUTION)
        self.damage = damage if hidden is None else replace(damage, visible=1 - hidden)
        self.photo = stretch_levels(img, self.damage.visible)
        self.damage = replace(self.damage, is_faded=self.photo is not img)
        if is_monochrome(self.photo, self.damage.visible):
            self.damage, self.photo = replace(self.damage, is_gray=True), to_gray(self.photo)
        self.w_plus, self.generated = start = self._guess(self.photo)
        self._find_hidden()
        if hidden is not None or float(self.damage.visible.mean()) < 1:  # what hides the face misleads the encoder
            for _ in range(FILLED_GUESSES):
                self.w_plus, self.generated = start = self._guess(self._filled())
        sigma = estimate_blur(self.photo, start[1], self.damage.visible)
        self.damage = replace(self.damage, sigma=sigma * GUESS_SOFTNESS)

    def run(self, clock: Clock, callback: Callback | None) -> tuple[int, bool]:
        """Search until the clock ends; return the number of steps and whether it was interrupted."""
        self._find_hidden()
        descent = NaturalGradientDescent(self.G, self._target(), self.w_plus, self.curvature)
        stopped = run_steps(descent, clock, None, callback)
        if clock.steps_done:
            self.w_plus, _, _, self.generated = descent.finish()
        return clock.steps_done, stopped.interrupted

    @torch.no_grad()
    def result(self) -> Inversion:
        """Return the latent and its picture as it is, with LPIPS and squared error of the degraded picture."""
        lpips, mse = self._compare(self.generated)
        return Inversion(self.w_plus, lpips, mse, self.generated, 0, 0.0)

    def tune(
        self, found: Inversion, config: TuneConfig, neighbor: NeighborSampler | None, callback: Callback | None
    ) -> Inversion:
        """Tune the weights until the latent generates the picture that was found, with what the photo shows."""
        self._find_hidden()
        corrected = correct(found.img, self.photo, self.damage)
        tuned = invert_tune(
            self.G,
            corrected,
            found.w_plus,
            alexnet=self.loss.alexnet,
            config=config,
            neighbor=neighbor,
            callback=_report_tuning(callback, found.steps),
        )
        lpips, mse = self._compare(tuned.img)
        return replace(tuned, lpips=lpips, mse=mse, steps=found.steps + tuned.steps)

    @torch.no_grad()
    def _compare(self, generated: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return LPIPS and squared error of a picture to the photo, after the damage."""
        target = self._target()
        mse = (target.observe(generated) - target.img).square().mean(dim=(1, 2, 3))
        return tuple(target.lpips(generated).tolist()), tuple(mse.tolist())

    @torch.no_grad()
    def _guess(self, photo: Tensor) -> tuple[WPlus, Tensor]:
        """Return the encoder's latent of a photo, and its picture, which is always sharp.

        The layers of the colors also hold the brightness of skin and hair: colors from a guess near the mean face make
        dark skin lighter. So a photo without colors is encoded again, in those colors and its own brightness.
        """
        if not self.damage.is_gray:
            return self._encode(photo)
        w_plus, generated = self._encode(photo, COLOR_KEPT)
        for _ in range(COLORED_GUESSES):
            w_plus, generated = self._encode(in_colors_of(photo, generated))
        return w_plus, generated

    def _encode(self, photo: Tensor, color_kept: float = 1.0) -> tuple[WPlus, Tensor]:
        offset = self.encoder_guess(photo) - self.G.w_avg
        offset[:, COLOR_LAYERS:] *= color_kept
        w_plus = self.G.w_avg + offset
        return w_plus, image_at(self.G, w_plus, QUALITY_RESOLUTION).clamp(-1, 1)

    def _find_hidden(self) -> None:
        if self.hidden is None:
            hidden = find_hidden(self.photo, self.damage.apply(self.generated))
            self.damage = replace(self.damage, visible=1 - hidden)

    def _filled(self) -> Tensor:
        """Return the photo with its hidden parts filled from the generated picture."""
        visible = self.damage.visible
        return visible * self.photo + (1 - visible) * self.damage.apply(self.generated)

    def _target(self) -> DamagedTarget:
        return DamagedTarget.of(self.loss, self._filled().clamp(-1, 1), self.damage)


def _report_part(callback: Callback | None, before: int, share: float) -> Callback | None:
    """Return a callback that counts the steps of all rounds, and their progress, which ends at `share`."""
    if callback is None:
        return None

    def report(step: dict[str, Any]) -> None:
        number = before + step["step"]
        progress = share * min(1.0, (number + 1) / sum(ROUNDS))
        callback(step | {"step": number, "phase": "restore", "progress": progress})

    return report


def _report_tuning(callback: Callback | None, before: int) -> Callback | None:
    """Return a callback that counts the steps of the search, too, and goes on from its progress."""
    if callback is None:
        return None

    def report(step: dict[str, Any]) -> None:
        progress = 1 - TUNING_SHARE + TUNING_SHARE * step["progress"]
        callback(step | {"step": before + step["step"], "phase": "tune", "progress": progress})

    return report
