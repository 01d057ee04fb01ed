"""Fitting of a style: change a generator's weights until latents of example pictures generate these pictures.

Sources: Chong and Forsyth 2021 (JoJoGAN: an example is paired with latents that share its coarse layers), Gatys et al.
2016 (Gram matrices of features as texture), Hu et al. 2021 (low-rank changes). Takes a generator, LPIPS networks and
example pictures with their latents. Does not open files or detect faces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from faceloom.errors import LatentError
from faceloom.invert.clock import Callback, Clock, run_steps
from faceloom.invert.delta_parameters import DeltaParameters
from faceloom.invert.inversion import QUALITY_RESOLUTION
from faceloom.latents import WPlus, broadcast
from faceloom.networks.crop import GRID, synthesize_crop
from faceloom.networks.generator import Generator, area_reduce, image_at
from faceloom.networks.lpips import Lpips, distance
from faceloom.networks.tuned import Tuned, network_of

IdentityReader = Callable[[Tensor], Tensor]
"""Function that reads unit identities `[n, d]` from aligned faces `[n, 3, 256, 256]`, -1...1, with gradients."""

MAX_EXAMPLES = 50
CROP_PIXELS = 384  # of the crops in which pixels are compared
DETAIL_PIXELS = 192  # of the part of a crop in which strokes and textures are compared by VGG16's features
CROP_STAGES = 3  # of VGG16, whose features of crops are compared
FIRST_MIXED = 64  # pixels; layers from this resolution on are mixed with those of random people
RAMP_DOWN = 0.5  # part of the fit over which the learning rate falls


@dataclass(frozen=True, eq=False)
class Example:
    """An example picture with its latent.

    Convention: img `[1, 3, r, r]`, aligned, -1...1, at the generator's resolution; w_plus `[1, num_ws, w_dim]`.
    `is_exact` says that the picture was drawn from the generated face of this latent, pixel by pixel.
    """

    img: Tensor
    w_plus: WPlus
    is_exact: bool = False


@dataclass(frozen=True)
class StyleConfig:
    """Settings of a fit. It ends at the deadline or after the steps, whichever comes first."""

    seconds: float | None = 240.0
    steps: int | None = None
    rank: int = 24  # of the changes of large weights
    whole_below: int = 33_000  # numbers; a weight with fewer changes as a whole
    first_side: int = 16  # pixels; layers at lower resolutions, which decide pose and shape, do not change
    learning_rate: float = 2e-3  # Adam's, at its highest, in root mean squares of each weight
    pixel_weight: float = 2.0  # of the mean absolute difference, against LPIPS
    crops: int = 5  # steps on a crop for each step on the whole picture
    texture_weight: float = 1.0  # of the textures of an example that is not exact
    mixed: float = 0.6  # how often the fine layers of an example that is not exact are those of a random person
    identity_every: int = 3  # steps from one use of the identity loss to the next, for examples that are not exact
    identity_weight: float = 0.5
    seed: int = 0


@dataclass(frozen=True)
class StyleFit:
    """The change of the weights, the loss of the last steps, the number of steps and the seconds of a fit."""

    delta: Mapping[str, Tensor]
    loss: float
    steps: int
    seconds: float
    interrupted: bool = False


def fit_style(
    G: Generator,
    examples: Sequence[Example],
    *,
    vgg: Lpips,
    identity: IdentityReader | None = None,
    config: StyleConfig | None = None,
    callback: Callback | None = None,
) -> StyleFit:
    """Change the generator's weights until the latents of the examples generate their pictures.

    An exact example is compared pixel by pixel. Of another one the whole picture is compared at 256 px, and textures
    in crops at the full resolution. Then `identity` holds random people recognizable, if it is given.
    `callback` as in `clock.Callback`; Ctrl-C or `Cancelled` ends the fit and is not raised again.
    Raises LatentError for no example, for more than MAX_EXAMPLES, and for one of another size.
    """
    config = config or StyleConfig()
    _check_examples(G, examples)
    clock = Clock(config.seconds, config.steps)
    tuning = StyleTuning(G, examples, vgg, identity, config)
    stopped = run_steps(tuning, clock, None, callback)
    delta = tuning.parameters.copy_delta()
    return StyleFit(delta, round(tuning.average, 4), clock.steps_done, round(clock.elapsed(), 1), stopped.interrupted)


class StyleTuning:
    """The state of a fit: the changes of the weights, Adam's moments, and the features of the examples."""

    def __init__(
        self,
        G: Generator,
        examples: Sequence[Example],
        vgg: Lpips,
        identity: IdentityReader | None,
        config: StyleConfig,
    ) -> None:
        self.G, self.examples, self.vgg, self.identity, self.config = G, examples, vgg, identity, config
        self.random = torch.Generator().manual_seed(config.seed)
        weights = styled_weights(G, config.first_side)
        self.parameters = DeltaParameters(weights, config.rank, self.random, whole_below=config.whole_below)
        self.adam = torch.optim.Adam(self.parameters.values(), lr=config.learning_rate, betas=(0.9, 0.98))
        side = min(QUALITY_RESOLUTION, G.img_resolution)
        self.small = [area_reduce(example.img, side) for example in examples]
        self.crop_cells = max(1, min(GRID, GRID * CROP_PIXELS // G.img_resolution))
        self.detail = min(DETAIL_PIXELS, self.crop_cells * G.img_resolution // GRID)
        self.can_crop = G.img_resolution >= 2 * CROP_PIXELS
        self.average = self.best = self.loss = float("inf")
        self.shown = self.small[0]

    def step(self, number: int, progress: float) -> Tensor:
        """Compare one example, whole or in a crop, and move on. Return the last whole picture at 256 px."""
        config = self.config
        self.adam.param_groups[0]["lr"] = config.learning_rate * min(
            1.0, (number + 1) / 10, (1.02 - progress) / RAMP_DOWN
        )
        index = self._draw(len(self.examples))
        example = self.examples[index]
        tuned = Tuned(self.G, self.parameters.delta())
        w_plus = example.w_plus if example.is_exact else self._mix_fine_layers(example.w_plus)
        if self.can_crop and number % (config.crops + 1):
            loss = self._crop_loss(tuned, example, w_plus)
        else:
            loss = self._whole_loss(tuned, index, w_plus)
        self._note(loss.item())
        is_due = config.identity_every and number % config.identity_every == config.identity_every - 1
        if self.identity and is_due and not example.is_exact:
            loss = loss + config.identity_weight * self._identity_loss(tuned)
        self.parameters.set_gradients(loss)
        self.adam.step()
        return self.shown

    def losses(self) -> tuple[float, float]:
        """Return the average loss of the last steps and its lowest value so far."""
        return self.average, self.best

    def _whole_loss(self, tuned: Tuned, index: int, w_plus: WPlus) -> Tensor:
        """Compare the whole picture: LPIPS at 256 px, and pixels, of an exact example at the full resolution, too."""
        example, small = self.examples[index], self.small[index]
        img = tuned.synthesis(w_plus)
        reduced = area_reduce(img, small.shape[-1])
        self.shown = reduced.detach()
        loss = self._distance(reduced, small)
        loss = loss + self.config.pixel_weight * (reduced - small).abs().mean()
        if example.is_exact:
            loss = loss + 0.5 * self.config.pixel_weight * (img - example.img).abs().mean()
        return loss

    def _crop_loss(self, tuned: Tuned, example: Example, w_plus: WPlus) -> Tensor:
        """Compare a crop at the full resolution: pixels and LPIPS of an exact example, textures of another one."""
        corner = self._draw_corner()
        img = synthesize_crop(tuned, w_plus, corner, self.crop_cells)
        target = self._cut(example.img, corner)
        y, x = self._draw(img.shape[-2] - self.detail + 1), self._draw(img.shape[-1] - self.detail + 1)
        drawn, expected = (part[:, :, y : y + self.detail, x : x + self.detail] for part in (img, target))
        if example.is_exact:
            loss = self._distance(drawn, expected, CROP_STAGES)
            return loss + self.config.pixel_weight * (img - target).abs().mean()
        return self.config.texture_weight * self._texture_distance(drawn, expected)

    def _identity_loss(self, tuned: Tuned) -> Tensor:
        """Return how much the style changes the identity of a random person: 1 - cosine."""
        assert self.identity is not None
        with torch.no_grad():
            w_plus = self._draw_person()
            before = self.identity(image_at(self.G, w_plus, QUALITY_RESOLUTION))
        after = self.identity(image_at(tuned, w_plus, QUALITY_RESOLUTION))
        return 1 - (before * after).sum(dim=1).mean()

    def _distance(self, img: Tensor, target: Tensor, stages: int | None = None) -> Tensor:
        with torch.no_grad():
            features = self.vgg.features(target, stages)
        return distance(self.vgg.features(img, stages), features).mean()

    def _texture_distance(self, img: Tensor, target: Tensor) -> Tensor:
        """Return the difference of the Gram matrices of the first three stages' features (Gatys et al. 2016, eq. 4)."""
        with torch.no_grad():
            expected = [gram(features) for features in self.vgg.features(target, CROP_STAGES)]
        actual = [gram(features) for features in self.vgg.features(img, CROP_STAGES)]
        terms = [(a - b).square().sum().sqrt() / b.square().sum().sqrt() for a, b in zip(actual, expected, strict=True)]
        return torch.stack(terms).mean()

    def _mix_fine_layers(self, w_plus: WPlus) -> WPlus:
        """Replace the fine layers by those of a random person, so that the style does not depend on their colors."""
        if torch.rand((), generator=self.random) >= self.config.mixed:
            return w_plus
        fine = torch.tensor([side >= FIRST_MIXED for side in self.G.layer_resolutions])
        return torch.where(fine[:, None], self._draw_person(), w_plus)

    @torch.no_grad()
    def _draw_person(self) -> WPlus:
        """Return the latent of a random person at psi 0.7; a conditional generator uses its first label."""
        c = (torch.eye(self.G.c_dim)[:1],) if self.G.c_dim else ()
        w = self.G.mapping(torch.randn(1, self.G.z_dim, generator=self.random), *c)
        return broadcast(self.G.w_avg.lerp(w, 0.7), self.G.num_ws)

    def _draw(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self.random))

    def _draw_corner(self) -> tuple[int, int]:
        """Draw the first cell of a crop, more often near the middle than at the border."""
        count = GRID - self.crop_cells + 1
        row, column = ((self._draw(count) + self._draw(count)) // 2 for _ in range(2))
        return row, column

    def _cut(self, img: Tensor, corner: tuple[int, int]) -> Tensor:
        cell = self.G.img_resolution // GRID
        row, column = corner[0] * cell, corner[1] * cell
        side = self.crop_cells * cell
        return img[:, :, row : row + side, column : column + side]

    def _note(self, loss: float) -> None:
        self.loss = loss
        self.average = loss if self.average == float("inf") else 0.95 * self.average + 0.05 * loss
        self.best = min(self.best, self.average)


def gram(features: Tensor) -> Tensor:
    """Return the Gram matrix of features: `[n, c, h, w]` -> `[n, c, c]`, float32, averaged over the pixels."""
    flat = features.float().flatten(2)
    return flat @ flat.mT / flat.shape[2]


def styled_weights(G: Generator, first_side: int = 16) -> dict[str, Tensor]:
    """Return the weights that a style changes: convolutions and all biases of layers from `first_side` pixels on.

    The weights of affine maps stay, so that edits act as before. Noise stays, too.
    """
    network = network_of(G)
    names: set[str] = set()

    def select_weights(prefix: str, out: object) -> None:
        if isinstance(out, Tensor) and out.ndim == 4 and out.shape[-1] >= first_side:
            names.update(
                f"{prefix}.{name}"
                for name, _ in module_of[prefix].named_parameters(recurse=False)
                if "noise" not in name
            )

    module_of = dict(network.named_modules())
    hooks = [
        module.register_forward_hook(lambda module, _, out, prefix=prefix: select_weights(prefix, out))
        for prefix, module in module_of.items()
        if prefix
    ]
    try:
        with torch.no_grad():
            network.synthesis(network.w_avg.expand(1, network.num_ws, -1))
    finally:
        for hook in hooks:
            hook.remove()
    affines = {
        id(affine)
        for layer, side in enumerate(G.layer_resolutions)
        if side >= first_side
        for affine in G.affines(layer)
    }
    names |= {f"{prefix}.bias" for prefix, module in module_of.items() if id(module) in affines}
    return {name: weight for name, weight in network.named_parameters() if name in names}


def _check_examples(G: Generator, examples: Sequence[Example]) -> None:
    if not 1 <= len(examples) <= MAX_EXAMPLES:
        raise LatentError(f"{len(examples)} examples of a style", f"give 1 to {MAX_EXAMPLES} pictures")
    for example in examples:
        if example.img.shape[-2:] != (G.img_resolution,) * 2:
            raise LatentError(
                f"an example of {list(example.img.shape)}", f"give pictures of {G.img_resolution} pixels a side"
            )
