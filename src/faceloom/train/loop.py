"""The game: one step shows a batch to the discriminator and teaches both sides. Knows tensors, no files.

StyleGAN2-ADA's recipe (Karras et al. 2020, 2020b) with one saving: what the generator draws for its own lesson serves
the discriminator's, too, so that nothing is drawn or judged twice.

Everything random belongs to the place in the run: to the number of a part's first image and to what is done with it.
So a resumed run repeats itself bit by bit, and two processes do what one would.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from faceloom.images.tensors import from_levels
from faceloom.latents import broadcast
from faceloom.networks.init import parameter_groups
from faceloom.train import ada
from faceloom.train.build import discriminator_of, generator_of, in_precision
from faceloom.train.config import TrainConfig
from faceloom.train.data import Pictures, order, seed_of
from faceloom.train.distributed import Ranks
from faceloom.train.losses import LOSSES, gradient_penalty, path_lengths
from faceloom.train.stats import Means

MAIN, PENALTY, PATH, WEIGHTS = range(4)
"""What randomness is for."""
BETAS = (0.0, 0.99)
PATH_DECAY = 0.01  # of the mean path length
Draw = torch.Generator


@dataclass(frozen=True)
class Part:
    """Some images of a batch: the number of the first, how many, and the generator of all that is drawn for them."""

    first: int
    size: int
    draw: Draw


class Trainer:
    """Two networks and what they have learned so far.

    Convention: `nimg` real images were seen; `p` is the chance of every augmentation.
    """

    def __init__(self, config: TrainConfig, pictures: Pictures, ranks: Ranks | None = None) -> None:
        self.config, self.pictures, self.ranks = config, pictures, ranks or Ranks()
        self.device = self.ranks.device
        torch.manual_seed(seed_of(config.seed, WEIGHTS))
        self.G: Any = self._placed(generator_of(config))
        self.D: Any = self._placed(discriminator_of(config))
        self.G_ema: Any = copy.deepcopy(self.G).eval().requires_grad_(False)
        self.g_casts = not in_precision(self.G, config.precision)
        self.d_casts = not in_precision(self.D, config.precision)
        freeze(self.D, config.freeze_d)
        self.optimizer_g = optimizer(self.G, config.rate, config.path_every if config.path_weight else 0)
        self.optimizer_d = optimizer(self.D, config.rate, config.penalty_every if config.gamma else 0)
        self.g_weights, self.d_weights = weights_of(self.optimizer_g), weights_of(self.optimizer_d)
        self.game = LOSSES[config.loss]
        self.augment = augmentation(config, self.device)
        self.nimg, self.p = 0, config.p
        self.path_mean = torch.zeros((), device=self.device)
        self.signs = torch.zeros(2, device=self.device)  # of D on real images, and their number, since p was corrected
        self.means = Means(self.device)

    def step(self) -> None:
        """Show one batch."""
        config, count = self.config, self.nimg // self.config.batch
        self._clear()
        for part in self._parts(MAIN):
            self._play(part)
        self._learn(self.optimizer_g, self.g_weights)
        self._learn(self.optimizer_d, self.d_weights)
        if config.path_weight and count % config.path_every == 0:
            self._regularize_paths()
        if config.gamma and count % config.penalty_every == 0:
            self._penalize()
        self._average()
        self.nimg += config.batch
        if config.augment == "ada" and (count + 1) % ada.EVERY == 0:
            self._correct_p()

    def _play(self, part: Part) -> None:
        """Both sides' losses on one part; gradients are added to the weights'."""
        batch = self.config.batch
        real, c_real = self._real(part)
        c_fake = self._labels(part)
        fake = self._drawn(self._styles(part, c_fake))
        seen = fake.detach().requires_grad_()
        fake_logits = self._judged(seen, c_fake, part)
        real_logits = self._judged(real, c_real, part)
        loss_g = self.game.generator(fake_logits, real_logits.detach())
        (gradient,) = torch.autograd.grad(loss_g.sum() / batch, seen, retain_graph=True)
        fake.backward(gradient)
        loss_d = self.game.discriminator(real_logits, fake_logits)
        (loss_d.sum() / batch).backward(inputs=self.d_weights)
        signs = real_logits.detach().sign()
        self.signs += torch.stack((signs.sum(), torch.ones_like(signs).sum()))
        self.means.add(loss_g=loss_g, loss_d=loss_d, sign_real=signs, sign_fake=fake_logits.sign())
        self.means.add(logits_real=real_logits, logits_fake=fake_logits)

    def _penalize(self) -> None:
        """R1 on real images, in the relativistic game R2 on drawn ones, too; as seldom as `penalty_every` says."""
        weight = self.config.gamma / 2 * self.config.penalty_every / self.config.batch
        self._clear()
        for part in self._parts(PENALTY):
            seen = [self._real(part)]
            if self.game.is_paired:
                c = self._labels(part)
                with torch.no_grad():
                    seen.append((self._drawn(self._styles(part, c)), c))
            for img, c in seen:
                img = img.detach().requires_grad_()
                with self._cast(self.d_casts):  # the second derivative, too
                    steepness = gradient_penalty(self._judged(img, c, part), img)
                (steepness.sum() * weight).backward(inputs=self.d_weights)
                self.means.add(penalty=steepness)
        self._learn(self.optimizer_d, self.d_weights)

    def _regularize_paths(self) -> None:
        """Path length penalty on half of a batch (Karras et al. 2020, section 3.2 and appendix B)."""
        config, seen = self.config, torch.zeros(2, device=self.device)
        self._clear()
        for part in self._parts(PATH):
            half = Part(part.first, max(1, part.size // 2), part.draw)
            w_plus = self._styles(half, self._labels(half))
            lengths = path_lengths(self._drawn(w_plus), w_plus, half.draw)
            weight = config.path_weight * config.path_every / half.size * config.part / config.batch
            ((lengths - self.path_mean).square().sum() * weight).backward()
            seen += torch.stack((lengths.detach().sum(), torch.ones_like(lengths).sum()))
            self.means.add(path_length=lengths)
        self._learn(self.optimizer_g, self.g_weights, seen)
        self.path_mean.lerp_(seen[0] / seen[1], PATH_DECAY)

    def _learn(self, optimizer: torch.optim.Optimizer, weights: list[nn.Parameter], *more: Tensor) -> None:
        """One step along the gradients of all processes; `more` is summed over them, too."""
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        self.ranks.add([*gradients, *more])
        for gradient in gradients:  # as ADA does: one bad number must not end a run of weeks
            torch.nan_to_num(gradient, nan=0, posinf=1e5, neginf=-1e5, out=gradient)
        optimizer.step()

    def _average(self) -> None:
        """Move the averaged generator towards the one that learns (Karras et al. 2018, section C; ramp: ADA)."""
        half_life = min(1000 * self.config.ema_kimg, max(self.nimg, self.config.batch) * self.config.ema_ramp)
        share = 1 - 0.5 ** (self.config.batch / max(half_life, 1e-8))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.G_ema.parameters()), list(self.G.parameters()), share)
            for averaged, buffer in zip(self.G_ema.buffers(), self.G.buffers(), strict=True):
                averaged.copy_(buffer)

    def _correct_p(self) -> None:
        self.ranks.add([self.signs])
        total, count = self.signs.tolist()
        self.signs.zero_()
        config = self.config
        self.p = ada.corrected(self.p, total / count, config.target, count, config.ada_kimg)

    def _parts(self, purpose: int) -> Iterator[Part]:
        """This process' parts of the batch, with torch's randomness set for each."""
        config, (rank, size) = self.config, (self.ranks.rank, self.ranks.size)
        share = config.batch // config.part // size
        for index in range(rank * share, (rank + 1) * share):
            first = self.nimg + index * config.part
            seed = seed_of(config.seed, purpose, first)
            torch.manual_seed(seed)  # the noise that layers add
            yield Part(first, config.part, torch.Generator(self.device).manual_seed(seed ^ 0x9E3779B9))

    def _real(self, part: Part) -> tuple[Tensor, Tensor | None]:
        """Real images `[n, 3, h, w]` with their labels, perhaps mirrored."""
        count, seed = len(self.pictures), self.config.seed
        numbers = order(count, seed, part.first, part.size)
        then = order(count, seed, part.first + part.size * self.ranks.size, part.size)
        levels = self.pictures.take(numbers, then).to(self.device, non_blocking=True)
        if self.config.mirror:
            turned = torch.rand(part.size, generator=part.draw, device=self.device) < 0.5
            levels = torch.where(turned[:, None, None, None], levels.flip(2), levels)
        c = self.pictures.labels[numbers].to(self.device) if self.config.c_dim else None
        return from_levels(levels), c

    def _labels(self, part: Part) -> Tensor | None:
        """Labels to draw: as frequent as among the real."""
        if not self.config.c_dim:
            return None
        rows = torch.randint(len(self.pictures), (part.size,), generator=part.draw, device=self.device)
        return self.pictures.labels[rows.cpu()].to(self.device)

    def _styles(self, part: Part, c: Tensor | None) -> Tensor:
        """`w_plus [n, num_ws, w_dim]`, from some layer on of another latent (Karras et al. 2019, section 3.1)."""
        n, config, num_ws = part.size, self.config, self.G.num_ws
        mixes = config.style_mixing > 0 and num_ws > 1
        z = torch.randn(2 * n if mixes else n, config.z_dim, generator=part.draw, device=self.device)
        w_plus = broadcast(self.G.mapping(z, c if c is None or not mixes else torch.cat((c, c))), num_ws)
        if not mixes:
            return w_plus
        cut = torch.randint(1, num_ws, (n, 1), generator=part.draw, device=self.device)
        whole = torch.rand(n, 1, generator=part.draw, device=self.device) >= config.style_mixing
        stays = (torch.arange(num_ws, device=self.device) < cut) | whole
        return torch.where(stays[:, :, None], w_plus[:n], w_plus[n:])

    def _drawn(self, w_plus: Tensor) -> Tensor:
        with self._cast(self.g_casts):
            img: Tensor = self.G.synthesis(w_plus, "random")
        return img.float()

    def _judged(self, img: Tensor, c: Tensor | None, part: Part) -> Tensor:
        img = self.augment(img, self.p, part.draw)
        with self._cast(self.d_casts):
            logits: Tensor = self.D(img, c)
        return logits.float()

    def _cast(self, wanted: bool) -> AbstractContextManager[Any]:
        """Convolutions in bf16 for a network that has no precision of its own."""
        return torch.autocast(self.device.split(":")[0], torch.bfloat16) if wanted else nullcontext()

    def _clear(self) -> None:
        self.optimizer_g.zero_grad(set_to_none=True)
        self.optimizer_d.zero_grad(set_to_none=True)

    def _placed(self, network: nn.Module) -> nn.Module:
        return network.to(self.device).train()


def optimizer(network: nn.Module, rate: float, every: int) -> torch.optim.Adam:
    """Adam; a penalty of its own step now and then slows it by as much (Karras et al. 2020, appendix B)."""
    share = every / (every + 1) if every else 1.0
    betas = (BETAS[0] ** share, BETAS[1] ** share)
    adam = torch.optim.Adam(parameter_groups(network, rate * share), betas=betas, eps=1e-8, fused=True)
    for weight in weights_of(adam):  # what its first step would begin with: so that a run can be kept before it
        step = torch.zeros((), dtype=torch.float32, device=weight.device)
        adam.state[weight] = {"step": step, "exp_avg": torch.zeros_like(weight), "exp_avg_sq": torch.zeros_like(weight)}
    return adam


def weights_of(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """All that an optimiser moves, in its order."""
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def freeze(D: nn.Module, blocks: int) -> None:
    """Let D's first blocks not learn (Mo et al. 2020, "Freeze the Discriminator")."""
    trunk = [child for name, child in D.named_children() if name not in ("mapping", "b4")]
    for block in trunk[:blocks]:
        block.requires_grad_(False)


def augmentation(config: TrainConfig, device: str) -> Callable[[Tensor, float, Draw], Tensor]:
    """What is done to every image before it is judged: `(img, p, generator) -> img`."""
    if config.augment in ("ada", "fixed"):
        from faceloom.train.augment import Augment

        pipe: Any = Augment(config.pipe).to(device)
        return lambda img, p, draw: pipe(img, p, draw) if p > 0 else img
    if config.augment == "diffaugment":
        from faceloom.train.diffaugment import diffaugment

        return lambda img, p, draw: diffaugment(img, config.policy, draw)
    return lambda img, p, draw: img
