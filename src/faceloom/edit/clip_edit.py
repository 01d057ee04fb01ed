"""Edits by free text: the latent is optimized until CLIP finds the picture near the text.

Patashnik et al. 2021, "StyleCLIP", section 4: the loss is the distance of the picture to the text, the length of the
change, and the identity. With a neutral text the direction between the two texts counts, as in Gal et al. 2021,
"StyleGAN-NADA". Does not open files.

One thing differs. StyleCLIP moves the style of each layer freely by Adam. The default generator breaks faces that way,
as in `edit.drag`, so here one change is shared by all layers. It is measured in standard deviations of the generator's
latents, every step is the steepest one there, and the length of the change is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from faceloom.edit.latent_statistics import LatentStatistics
from faceloom.errors import LatentError
from faceloom.latents import WPlus
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.clip import Clip
from faceloom.networks.clip_tokenizer import ClipTokenizer
from faceloom.networks.generator import Generator, image_at

SIDE = 256  # pixels of the pictures that are compared
FIRST_LENGTH = 0.1  # standard deviations of the first, random change: a direction needs a difference of pictures
FACE = "a photo of a face"  # the text that others are compared with before an edit

StepCallback = Callable[[Mapping[str, float]], None]


@dataclass(frozen=True)
class ClipEditConfig:
    """Settings of an edit by CLIP. The weights of the losses are those of StyleCLIP's examples of faces."""

    steps: int = 60
    step_length: float = 0.2  # of the first step, in standard deviations of w; it falls to 0 at the last one
    length_weight: float = 0.008  # of the squared length of the change (lambda L2)
    identity_weight: float = 0.005  # of 1 minus the identity similarity (lambda ID)
    max_length: float = 3.0  # of the change in standard deviations: beyond, pictures break
    min_identity: float = 0.5  # least identity similarity to the face before
    min_relevance: float = 0.5  # least cosine between the text and FACE
    seed: int = 0  # of the first, very small change

    @classmethod
    def within(cls, keep_identity: float | None = None, *, force: bool = False) -> ClipEditConfig:
        """Return the settings with another least identity similarity; `force` lifts it where none is given."""
        if keep_identity is None:
            return cls(min_identity=-1.0) if force else cls()
        return cls(min_identity=keep_identity)


@dataclass(frozen=True, eq=False)
class ClipEdit:
    """The result of an optimization.

    Convention: `change [w_dim]` is added to every layer. `before` and `after` are the cosines between picture and text,
    `relevance` is that between the text and FACE; `identity` is the identity similarity to the face before; `step` is
    the number of the step that was kept, 0 when no step improved the face within the bounds.
    """

    change: Float[Tensor, " w_dim"]
    before: float
    after: float
    relevance: float
    identity: float
    step: int


@torch.no_grad()
def embed_text(clip: Clip, tokenizer: ClipTokenizer, text: str, min_relevance: float) -> tuple[Tensor, float]:
    """Return the embedding of a text `[1, k]` and its cosine with FACE.

    Raises LatentError for a text below `min_relevance`, which has little to do with faces.
    """
    embedding, face = clip.embed_texts(tokenizer([text, FACE])).split(1)
    relevance = float((embedding * face).sum())
    if not relevance >= min_relevance:  # true for NaN
        message = (
            f"CLIP finds '{text[:60]}' too far from '{FACE}': {relevance:.2f}, expected {min_relevance:.2f} or more"
        )
        raise LatentError(message, "describe a face")
    return embedding, relevance


def edit_by_clip(
    G: Generator,
    w_plus: WPlus,
    text: str,
    *,
    clip: Clip,
    tokenizer: ClipTokenizer,
    analyzer: Analyzer,
    statistics: LatentStatistics,
    neutral: str | None = None,
    config: ClipEditConfig | None = None,
    callback: StepCallback | None = None,
) -> ClipEdit:
    """Optimize a change of a face until CLIP finds its picture near a text, and return the best step in the bounds.

    Convention: w_plus `[1, num_ws, w_dim]`; `neutral` describes the face before, as 'a face', and makes the direction
    between the texts count. `callback` gets `step`, `loss` and `identity`.
    Raises LatentError for a text that is too long, empty, or has little to do with faces.
    """
    config = config or ClipEditConfig()
    target, relevance = embed_text(clip, tokenizer, text, config.min_relevance)
    origin = None if neutral is None else embed_text(clip, tokenizer, neutral, -1.0)[0]
    goal = _Goal(G, w_plus, clip, analyzer, statistics, target, origin, config)
    noise = torch.randn(w_plus.shape[-1], generator=torch.Generator().manual_seed(config.seed))
    change = (FIRST_LENGTH * F.normalize(noise, dim=0)).to(w_plus)
    before = float((goal.image * target).sum())
    best, least = ClipEdit(torch.zeros_like(change), before, before, relevance, 1.0, 0), torch.inf
    for step in range(1, config.steps + 1):
        loss, cosine, identity = goal(change.requires_grad_())
        (gradient,) = torch.autograd.grad(loss, [change])
        change, reached = change.detach(), float(loss.detach())
        if reached < least and identity >= config.min_identity:
            best, least = ClipEdit(goal.axes @ change, before, cosine, relevance, identity, step), reached
        if callback:
            callback({"step": step, "loss": reached, "identity": identity})
        change = _descend(change, gradient, config.step_length * (1 - step / config.steps), config.max_length)
    return best


class _Goal:
    """The loss of a change. `axes [w_dim, w_dim]` has one axis of w in each column, a standard deviation long."""

    def __init__(
        self,
        G: Generator,
        w_plus: WPlus,
        clip: Clip,
        analyzer: Analyzer,
        statistics: LatentStatistics,
        target: Tensor,
        origin: Tensor | None,
        config: ClipEditConfig,
    ) -> None:
        self.G, self.w_plus, self.clip, self.analyzer = G, w_plus, clip, analyzer
        self.target, self.origin, self.config = target, origin, config
        self.axes = (statistics.axes * statistics.variances.sqrt()).to(w_plus)
        with torch.no_grad():
            self.image, self.identity = self._embed(w_plus)

    def __call__(self, change: Tensor) -> tuple[Tensor, float, float]:
        """Return the loss, the cosine between picture and text, and the identity similarity to the face before."""
        image, face = self._embed(self.w_plus + self.axes @ change)
        identity = (face * self.identity).sum()
        if self.origin is None:
            distance = _distance(image, self.target)
        else:
            distance = _distance(image - self.image, self.target - self.origin)
        weights = self.config
        loss = distance + weights.length_weight * change.square().sum() + weights.identity_weight * (1 - identity)
        return loss, float((image * self.target).sum().detach()), float(identity.detach())

    def _embed(self, w_plus: WPlus) -> tuple[Tensor, Tensor]:
        img = image_at(self.G, w_plus, SIDE)
        return self.clip.embed_images(img), F.normalize(self.analyzer(img).identity, dim=1)


def _distance(image: Tensor, text: Tensor) -> Tensor:
    """Compute 1 minus the cosine."""
    return 1 - F.cosine_similarity(image, text).sum()


def _descend(change: Tensor, gradient: Tensor, length: float, max_length: float) -> Tensor:
    """Return a change after the steepest step of a given length, scaled to its greatest length if it is longer."""
    change = change - length * F.normalize(gradient.nan_to_num(0.0, 0.0, 0.0), dim=0)
    return change * min(1.0, max_length / max(float(change.norm()), 1e-6))
