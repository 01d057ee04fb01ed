"""Adversarial losses and the penalties that stabilize training. Works on tensors only.

Every function returns one number per image, so that the caller chooses how to average over ranks and parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class AdversarialLoss:
    """The pair of losses of discriminator and generator.

    Convention: logits `[n, k]`, higher is more real; `discriminator(real_logits, fake_logits) -> [n]`,
    `generator(fake_logits, real_logits) -> [n]`, each the mean over the k logits of an image. Both are minimized.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor | None], Tensor]
    is_paired: bool  # whether the generator's loss also reads the logits of real images


# f(-D(real)) + f(D(fake)) with f = softplus: Goodfellow et al. 2014, eq. 1, as a loss
def _saturating(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return (F.softplus(-real_logits) + F.softplus(fake_logits)).mean(dim=1)


# f(-D(fake)): Goodfellow et al. 2014, section 3
def _nonsaturating(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    return F.softplus(-fake_logits).mean(dim=1)


# f(-(D(real) - D(fake))): Jolicoeur-Martineau 2018, eq. 4; Huang et al. 2024 ("R3GAN"), eq. 2
def _relativistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return F.softplus(fake_logits - real_logits).mean(dim=1)


def _relativistic_generator(fake_logits: Tensor, real_logits: Tensor | None) -> Tensor:
    if real_logits is None:
        raise ValueError("the relativistic loss compares with real images: give real_logits")
    return _relativistic(fake_logits, real_logits)


LOSSES = {
    "nonsaturating": AdversarialLoss(_saturating, _nonsaturating, is_paired=False),
    "relativistic": AdversarialLoss(_relativistic, _relativistic_generator, is_paired=True),
}


def gradient_penalty(logits: Tensor, img: Tensor) -> Tensor:
    """Return the squared norm of the score's gradient with respect to the image, `[n]`.

    R1 on real images, R2 on generated ones; weight it by gamma / 2. It can be differentiated again.

    Convention: logits `[n, 1]` computed from img `[n, c, h, w]`, which requires a gradient.
    Source: Mescheder et al. 2018, eq. 9 (R1), section 4.1 (R2).
    """
    (gradient,) = torch.autograd.grad(logits.sum(), img, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3))


def path_lengths(img: Tensor, w_plus: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return how strongly the image changes with its latent, `|J^T y|`, `[n]`; the loss is its distance from its mean.

    Convention: img `[n, c, h, w]` computed from w_plus `[n, num_ws, w_dim]`, which requires a gradient; y is normal
    noise from `generator` divided by the square root of the number of pixels. Each layer counts as a latent of its
    own: the squared lengths are averaged over the layers, as is usual, so that networks of different depth compare.
    Source: Karras et al. 2020, eq. 4 and appendix B.
    """
    noise = torch.randn(img.shape, generator=generator, device=img.device)
    return path_lengths_along(noise, img, w_plus)


def path_lengths_along(noise: Tensor, img: Tensor, w_plus: Tensor) -> Tensor:
    """Return path lengths `[n]` for normal noise `[n, c, h, w]` that the caller drew."""
    pixels = img.shape[2] * img.shape[3]
    (gradient,) = torch.autograd.grad((img * noise).sum() / pixels**0.5, w_plus, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()  # [n num_ws w_dim] -> [n]
