"""The training loop: each step shows a batch to the discriminator and updates both networks. Accesses no files.

The recipe is StyleGAN2-ADA's (Karras et al. 2020, 2020b) with one saving: the images generated for the generator's
update also serve the discriminator's, so that no image is generated or scored twice. A critic, where the config asks
for one, is a second discriminator whose loss is added to the first one's.

All randomness depends on the place in the run: on the number of a part's first image and on the purpose. Therefore a
resumed run repeats itself bit by bit, and two processes compute the same as one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from faceloom.images.channels import levels_to_img
from faceloom.latents import broadcast
from faceloom.networks.init import parameter_groups
from faceloom.train import ada
from faceloom.train.build import (
    make_critic,
    make_discriminator,
    make_generator,
    set_precision,
    spread_number_labels,
)
from faceloom.train.config import TrainConfig
from faceloom.train.data import TrainingImages, derive_seed, shuffled_indices
from faceloom.train.distributed import Ranks
from faceloom.train.losses import LOSSES, gradient_penalty, path_lengths
from faceloom.train.stats import RunningMeans

MAIN, PENALTY, PATH, WEIGHTS = range(4)
"""Purposes of randomness, part of every seed."""
BETAS = (0.0, 0.99)
PATH_DECAY = 0.01  # step of the moving average of path lengths
Augmentation = Callable[[Tensor, float, torch.Generator], Tensor]


@dataclass(frozen=True)
class Part:
    """Part of a batch: the number of its first image, its size, and the random generator for all its draws.

    Convention: `next_first` is the number of the first image of the part that this process computes next.
    """

    first: int
    size: int
    generator: torch.Generator
    next_first: int = 0


class Trainer:
    """The networks, optimizers and training state of a run.

    Convention: `nimg` is the number of real images seen; `p` is the probability of each augmentation.
    """

    def __init__(self, config: TrainConfig, images: TrainingImages, ranks: Ranks | None = None) -> None:
        self.config, self.images, self.ranks = config, images, ranks or Ranks()
        self.device = self.ranks.device
        torch.manual_seed(derive_seed(config.seed, WEIGHTS))
        self.G: Any = self._to_device(make_generator(config))
        self.D: Any = self._to_device(make_discriminator(config))
        self.critic = make_critic(config, self.device)
        if config.label_stds:
            spread_number_labels(self.G, self.D)
        self.G_ema: Any = copy.deepcopy(self.G).eval().requires_grad_(False)
        self.g_autocast = not set_precision(self.G, config.precision)
        self.d_autocast = not set_precision(self.D, config.precision)
        self.judges = nn.ModuleList([self.D])
        if self.critic:
            set_precision(self.critic, config.precision)
            self.judges.append(self.critic)
        freeze_blocks(self.D, config.freeze_d)
        self.optimizer_g = make_optimizer(self.G, config.rate, config.path_every if config.path_weight else 0)
        self.optimizer_d = make_optimizer(self.judges, config.rate, config.penalty_every if config.gamma else 0)
        self.g_weights, self.d_weights = optimizer_weights(self.optimizer_g), optimizer_weights(self.optimizer_d)
        self.loss = LOSSES[config.loss]
        self.augment = make_augmentation(config, self.device)
        self.nimg, self.p = 0, config.p
        self.path_mean = torch.zeros((), device=self.device)
        # Sum and count of D's signs on real images since p was adjusted
        self.signs = torch.zeros(2, device=self.device)
        self.means = RunningMeans(self.device)

    def step(self) -> None:
        """Train on one batch."""
        config, count = self.config, self.nimg // self.config.batch
        self._zero_gradients()
        for part in self._parts(MAIN):
            self._accumulate_gradients(part)
        waits = self._generator_waits()
        if not waits:
            self._update_weights(self.optimizer_g, self.g_weights)
        self._update_weights(self.optimizer_d, self.d_weights)
        if config.path_weight and count % config.path_every == 0 and not waits:
            self._regularize_paths()
        if self._penalty_is_due():
            self._apply_gradient_penalty()
        self._update_average()
        self.nimg += config.batch
        if config.augment == "ada" and (count + 1) % ada.ADJUSTMENT_STEPS == 0:
            self._update_augmentation()

    def rehearse(self) -> None:
        """Compute the gradients of one part and discard them, with the state unchanged, to measure the speed."""
        kept = [self.means.sums, self.signs, *self.G.buffers(), *self.judges.buffers()]
        before = [tensor.clone() for tensor in kept]
        self._accumulate_gradients(next(self._parts(MAIN)))
        self._zero_gradients()
        for tensor, value in zip(kept, before, strict=True):
            tensor.copy_(value)

    def _generator_waits(self) -> bool:
        """Return whether the present step leaves the generator unchanged, until a new discriminator has learned."""
        return self.nimg < 1000 * self.config.wait_kimg

    def _penalty_is_due(self) -> bool:
        """Return whether the present step ends with a gradient penalty."""
        config = self.config
        return bool(config.gamma) and self.nimg // config.batch % config.penalty_every == 0

    def _accumulate_gradients(self, part: Part) -> None:
        """Compute both losses on one part and add their gradients to those of the weights."""
        batch = self.config.batch
        real, c_real = self._real_images(part)
        c_fake = self._random_labels(part)
        fake = self._synthesize(self._random_styles(part, c_fake))
        fake_input = fake.detach().requires_grad_()
        fake_scores = self._discriminate(fake_input, c_fake, part, self.judges)
        real_scores = self._discriminate(real, c_real, part, self.judges)
        pairs = list(zip(real_scores, fake_scores, strict=True))
        loss_g = torch.stack([self.loss.generator(fake, real.detach()) for real, fake in pairs]).sum(dim=0)
        (gradient,) = torch.autograd.grad(loss_g.sum() / batch, fake_input, retain_graph=True)
        fake.backward(gradient)
        loss_d = torch.stack([self.loss.discriminator(real, fake) for real, fake in pairs]).sum(dim=0)
        (loss_d.sum() / batch).backward(inputs=self.d_weights)
        real_logits, fake_logits = pairs[0]
        signs = real_logits.detach().sign()
        self.signs += torch.stack((signs.sum(), torch.ones_like(signs).sum()))
        self.means.add(loss_g=loss_g, loss_d=loss_d, sign_real=signs, sign_fake=fake_logits.sign())
        self.means.add(logits_real=real_logits, logits_fake=fake_logits)

    def _apply_gradient_penalty(self) -> None:
        """Apply the gradient penalties: R1 on real images and, with the relativistic loss, R2 on generated ones.

        They are applied every `penalty_every` steps, with a weight that is as many times larger.
        """
        weight = self.config.gamma / 2 * self.config.penalty_every / self.config.batch
        self._zero_gradients()
        for part in self._parts(PENALTY):
            batches = [self._real_images(part)]
            if self.loss.is_paired:
                c = self._random_labels(part)
                with torch.no_grad():
                    batches.append((self._synthesize(self._random_styles(part, c)), c))
            for img, c in batches:
                img = img.detach().requires_grad_()
                with self._autocast(self.d_autocast):  # also for the second derivative
                    steepness = gradient_penalty(self._discriminate(img, c, part, self.judges[:1])[0], img)
                (steepness.sum() * weight).backward(inputs=self.d_weights)
                self.means.add(penalty=steepness)
        self._update_weights(self.optimizer_d, self.d_weights)

    def _regularize_paths(self) -> None:
        """Apply the path length penalty on half of a batch (Karras et al. 2020, section 3.2 and appendix B)."""
        config, total = self.config, torch.zeros(2, device=self.device)
        self._zero_gradients()
        for part in self._parts(PATH):
            half = Part(part.first, max(1, part.size // 2), part.generator)
            w_plus = self._random_styles(half, self._random_labels(half))
            lengths = path_lengths(self._synthesize(w_plus), w_plus, half.generator)
            weight = config.path_weight * config.path_every / half.size * config.part / config.batch
            ((lengths - self.path_mean).square().sum() * weight).backward()
            total += torch.stack((lengths.detach().sum(), torch.ones_like(lengths).sum()))
            self.means.add(path_length=lengths)
        self._update_weights(self.optimizer_g, self.g_weights, total)
        self.path_mean.lerp_(total[0] / total[1], PATH_DECAY)

    def _update_weights(self, optimizer: torch.optim.Optimizer, weights: list[nn.Parameter], *more: Tensor) -> None:
        """Update weights with the gradients summed over all processes; `more` tensors are summed, too."""
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        self.ranks.add([*gradients, *more])
        for gradient in gradients:  # as ADA does: a single infinity must not end a run of weeks
            torch.nan_to_num(gradient, nan=0, posinf=1e5, neginf=-1e5, out=gradient)
        optimizer.step()

    def _update_average(self) -> None:
        """Move the averaged generator toward the trained one (Karras et al. 2018, section C; ramp: ADA)."""
        half_life = min(1000 * self.config.ema_kimg, max(self.nimg, self.config.batch) * self.config.ema_ramp)
        share = 1 - 0.5 ** (self.config.batch / max(half_life, 1e-8))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.G_ema.parameters()), list(self.G.parameters()), share)
            for averaged, buffer in zip(self.G_ema.buffers(), self.G.buffers(), strict=True):
                averaged.copy_(buffer)

    def _update_augmentation(self) -> None:
        self.ranks.add([self.signs])
        total, count = self.signs.tolist()
        self.signs.zero_()
        config = self.config
        self.p = ada.adjust_probability(self.p, total / count, config.target, count, config.ada_kimg)

    def _parts(self, purpose: int) -> Iterator[Part]:
        """Yield this process's parts of the batch, with torch's global seed set for each."""
        config, (rank, size) = self.config, (self.ranks.rank, self.ranks.size)
        share = config.batch // config.part // size
        start = self.nimg + rank * share * config.part
        repeats = purpose == MAIN and self._penalty_is_due()  # the penalty loads the same images again
        numbers = [start + index * config.part for index in range(share)]
        for first, next_first in zip(numbers, [*numbers[1:], start + (0 if repeats else config.batch)], strict=True):
            seed = derive_seed(config.seed, purpose, first)
            torch.manual_seed(seed)  # for the noise that layers add
            yield Part(first, config.part, torch.Generator(self.device).manual_seed(seed ^ 0x9E3779B9), next_first)

    def _real_images(self, part: Part) -> tuple[Tensor, Tensor | None]:
        """Return real images `[n, c, h, w]` and their labels, randomly mirrored when the config says so."""
        count, seed = len(self.images), self.config.seed
        indices = shuffled_indices(count, seed, part.first, part.size)
        upcoming = shuffled_indices(count, seed, part.next_first, part.size)
        levels = self.images.load(indices, upcoming).to(self.device, non_blocking=True)
        if self.config.mirror:
            turned = torch.rand(part.size, generator=part.generator, device=self.device) < 0.5
            levels = torch.where(turned[:, None, None, None], levels.flip(2), levels)
        c = self.images.labels[indices].to(self.device) if self.config.c_dim else None
        return levels_to_img(levels), c

    def _random_labels(self, part: Part) -> Tensor | None:
        """Return labels for generated images, as frequent as among the real ones."""
        if not self.config.c_dim:
            return None
        rows = torch.randint(len(self.images), (part.size,), generator=part.generator, device=self.device)
        return self.images.labels[rows.cpu()].to(self.device)

    def _random_styles(self, part: Part, c: Tensor | None) -> Tensor:
        """Return random `w_plus [n, num_ws, w_dim]` with style mixing (Karras et al. 2019, section 3.1)."""
        n, config, num_ws = part.size, self.config, self.G.num_ws
        mixes = config.style_mixing > 0 and num_ws > 1
        z = torch.randn(2 * n if mixes else n, config.z_dim, generator=part.generator, device=self.device)
        w_plus = broadcast(self.G.mapping(z, c if c is None or not mixes else torch.cat((c, c))), num_ws)
        if not mixes:
            return w_plus
        cut = torch.randint(1, num_ws, (n, 1), generator=part.generator, device=self.device)
        whole = torch.rand(n, 1, generator=part.generator, device=self.device) >= config.style_mixing
        stays = (torch.arange(num_ws, device=self.device) < cut) | whole
        return torch.where(stays[:, :, None], w_plus[:n], w_plus[n:])

    def _synthesize(self, w_plus: Tensor) -> Tensor:
        with self._autocast(self.g_autocast):
            img: Tensor = self.G.synthesis(w_plus, "random")
        return img.float()

    def _discriminate(self, img: Tensor, c: Tensor | None, part: Part, judges: Iterable[nn.Module]) -> list[Tensor]:
        """Return the logits of each judge, `[n, k]`, for the same augmented images."""
        img = self.augment(img, self.p, part.generator)
        with self._autocast(self.d_autocast):
            return [judge(img, c).float() for judge in judges]

    def _autocast(self, enabled: bool) -> AbstractContextManager[Any]:
        """Return a context that computes in bf16, for networks without a precision setting of their own."""
        return torch.autocast(self.device.split(":")[0], torch.bfloat16) if enabled else nullcontext()

    def _zero_gradients(self) -> None:
        self.optimizer_g.zero_grad(set_to_none=True)
        self.optimizer_d.zero_grad(set_to_none=True)

    def _to_device(self, network: nn.Module) -> nn.Module:
        return network.to(self.device).train()


def make_optimizer(network: nn.Module, rate: float, every: int) -> torch.optim.Adam:
    """Make an Adam optimizer whose rate is lowered for a separate penalty step (Karras et al. 2020, appendix B)."""
    share = every / (every + 1) if every else 1.0
    betas = (BETAS[0] ** share, BETAS[1] ** share)
    adam = torch.optim.Adam(parameter_groups(network, rate * share), betas=betas, eps=1e-8, fused=True)
    for weight in optimizer_weights(adam):  # the initial state, so that a run can be saved before its first step
        step = torch.zeros((), dtype=torch.float32, device=weight.device)
        adam.state[weight] = {"step": step, "exp_avg": torch.zeros_like(weight), "exp_avg_sq": torch.zeros_like(weight)}
    return adam


def optimizer_weights(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """Return all weights that an optimizer updates, in its order."""
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def freeze_blocks(D: nn.Module, blocks: int) -> None:
    """Freeze D's first blocks (Mo et al. 2020, "Freeze the Discriminator")."""
    trunk = [child for name, child in D.named_children() if name not in ("mapping", "b4")]
    for block in trunk[:blocks]:
        block.requires_grad_(False)


def make_augmentation(config: TrainConfig, device: str) -> Augmentation:
    """Return the augmentation applied to every image before the discriminator: `(img, p, generator) -> img`."""
    if config.augment in ("ada", "fixed"):
        from faceloom.train.augment import Augment

        pipe: Any = Augment(config.pipe).to(device)
        return lambda img, p, generator: pipe(img, p, generator) if p > 0 else img
    if config.augment == "diffaugment":
        from faceloom.train.diffaugment import diffaugment

        return lambda img, p, generator: diffaugment(img, config.policy, generator)
    return lambda img, p, generator: img
