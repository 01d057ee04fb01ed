"""Inversion of several photos of one person: one latent code whose identity is that of all photos.

One photo gives pose, expression and light: the one that resembles the others most. Takes networks and tensors; does not
open files or detect faces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from faceloom.analyze.reading import read
from faceloom.invert.budget import DescentFactory, EncoderGuess
from faceloom.invert.inversion import check_img
from faceloom.invert.natural_gradient import ImageLoss, NaturalGradientDescent
from faceloom.latents import WPlus
from faceloom.networks.curvature import Curvature
from faceloom.networks.generator import Generator

STEPS_EACH = 4  # steps of the descent of each photo, before their codes are averaged


@dataclass(frozen=True, eq=False)
class SharedStart:
    """The common start of a search in several photos of one person.

    Convention: `w_plus [1, num_ws, w_dim]` is the mean of the photos' latents, `identity [1, 128]` that of their
    identities, of unit length; `similarities` are those of each photo's identity to the mean of the others.
    """

    w_plus: WPlus
    identity: Tensor
    similarities: tuple[float, ...]

    @property
    def reference(self) -> int:
        """The index of the photo that resembles the others most."""
        return self.similarities.index(max(self.similarities))


def average(
    G: Generator, imgs: Tensor, *, loss: ImageLoss, curvature: Curvature, encoder_guess: EncoderGuess
) -> SharedStart:
    """Average latents and identities of several photos of one person.

    A face that is averaged over several photos has their common features: pose, expression and the errors of each
    inversion differ and cancel.
    Convention: imgs float32 `[n, 3, 256, 256]`, n >= 2, aligned faces, -1...1. Raises ShapeError for another size.
    """
    check_img(imgs)
    identities = read(loss.analyzer, imgs).identity
    codes = [_invert_briefly(G, img, loss, curvature, encoder_guess) for img in imgs.split(1)]
    mean = F.normalize(identities.mean(dim=0, keepdim=True), dim=1)
    others = F.normalize(identities.sum(dim=0, keepdim=True) - identities, dim=1)
    similarities = (identities * others).sum(dim=1)
    return SharedStart(torch.cat(codes).mean(dim=0, keepdim=True), mean, tuple(similarities.tolist()))


def shared_descent(G: Generator, loss: ImageLoss, curvature: Curvature, shared: SharedStart) -> DescentFactory:
    """Return a descent to one photo in its pixels, and to all photos in its identity."""

    def make(img: Tensor, start: WPlus) -> NaturalGradientDescent:
        target = replace(loss.for_target(img), identity=shared.identity)
        return NaturalGradientDescent(G, target, start, curvature)

    return make


def _invert_briefly(
    G: Generator, img: Tensor, loss: ImageLoss, curvature: Curvature, encoder_guess: EncoderGuess
) -> WPlus:
    descent = NaturalGradientDescent(G, loss.for_target(img), encoder_guess(img), curvature)
    for number in range(STEPS_EACH):
        descent.step(number, 0.0)
    return descent.finish()[0]
