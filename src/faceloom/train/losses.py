"""What the two sides of the game minimise, and the penalties that keep it calm. Tensors only: no networks, no files.

Every function gives one number an image, so that the caller may average over ranks and rounds as it likes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Adversarial:
    """A game.

    Convention: logits `[n, 1]` or `[n]`, higher is more real; `discriminator(real_logits, fake_logits) -> [n]`,
    `generator(fake_logits, real_logits) -> [n]`. Both are to be minimised.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor | None], Tensor]
    is_paired: bool  # whether the generator's loss looks at real images too


# f(-D(real)) + f(D(fake)) with f = softplus: Goodfellow et al. 2014, eq. 1, as a loss
def _saturating(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return (F.softplus(-real_logits) + F.softplus(fake_logits)).flatten()


# f(-D(fake)): Goodfellow et al. 2014, section 3
def _nonsaturating(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    return F.softplus(-fake_logits).flatten()


# f(-(D(real) - D(fake))): Jolicoeur-Martineau 2018, eq. 4; Huang et al. 2024 ("R3GAN"), eq. 2
def _relativistic(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return F.softplus(fake_logits - real_logits).flatten()


def _relativistic_generator(fake_logits: Tensor, real_logits: Tensor | None) -> Tensor:
    if real_logits is None:
        raise ValueError("the relativistic loss compares with real images: give real_logits")
    return _relativistic(fake_logits, real_logits)


LOSSES = {
    "nonsaturating": Adversarial(_saturating, _nonsaturating, is_paired=False),
    "relativistic": Adversarial(_relativistic, _relativistic_generator, is_paired=True),
}


def gradient_penalty(logits: Tensor, img: Tensor) -> Tensor:
    """Measure how steeply the score climbs with the image: the squared norm of its gradient, `[n]`.

    R1 on real images, R2 on made ones; weight it by gamma / 2. It can be differentiated again.

    Convention: logits `[n, 1]` computed from img `[n, 3, h, w]`, which requires a gradient.
    Source: Mescheder et al. 2018, eq. 9 (R1), section 4.1 (R2).
    """
    (gradient,) = torch.autograd.grad(logits.sum(), img, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3))


def path_lengths(img: Tensor, w_plus: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Measure by how much the image moves with its latent, `|J^T y|`, `[n]`; the loss is its distance from its mean.

    Convention: img `[n, 3, h, w]` computed from w_plus `[n, num_ws, w_dim]`, which requires a gradient; y is normal
    noise from `generator` over the root of the number of pixels. Each layer is a latent of its own: the squared
    lengths are averaged over the layers, as the field does, so that they compare between depths.
    Source: Karras et al. 2020, eq. 4 and appendix B.
    """
    noise = torch.randn(img.shape, generator=generator, device=img.device)
    return path_lengths_along(noise, img, w_plus)


def path_lengths_along(noise: Tensor, img: Tensor, w_plus: Tensor) -> Tensor:
    """The same for normal noise that was drawn elsewhere, as by image numbers: `[n, 3, h, w]` -> `[n]`."""
    pixels = img.shape[2] * img.shape[3]
    (gradient,) = torch.autograd.grad((img * noise).sum() / pixels**0.5, w_plus, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()  # [n num_ws w_dim] -> [n]
