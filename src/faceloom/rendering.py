"""One generator in the engines and precisions that pictures, films and searches want, as it is or tuned to a person.

Draws people from their likenesses; knows nothing of photos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from PIL import Image

from faceloom import engines
from faceloom.checkpoints.load import DEFAULT_GENERATOR, GeneratorModel, load_generator
from faceloom.edit.latent_statistics import LatentStatistics, measure_latents
from faceloom.edit.mix import PULL
from faceloom.edit.morph import path, path_of_deltas
from faceloom.images import area_resize, to_pixels
from faceloom.likeness import Likeness
from faceloom.networks.generator import Generator
from faceloom.networks.precision import fast_precision
from faceloom.networks.tuned import Delta, Tuned


class Renderer:
    """A generator of the models folder, and how it is run. It is loaded when it is first needed."""

    def __init__(
        self,
        generator: str = DEFAULT_GENERATOR,
        *,
        precision: str | None = None,
        engine: str = "torch",
        device: str = "cpu",
        images: int = 1,
        note: Callable[[str], None] | None = None,
    ) -> None:
        """Name a generator of the models folder, and how it is run.

        Convention: without `precision` pictures are drawn in float32, searches and films in this processor's faster
        one. `engine` draws pictures and films; searches always run in torch. 'auto' takes what ends a job of `images`
        first, and may measure, of which it tells `note`. Raises EngineError when that combination cannot be here.
        """
        self.generator_name = generator
        faster = fast_precision() if device == "cpu" else "fp16"
        self.picture_precision, self.precision = precision or "fp32", precision or faster
        self.film_precision = precision or engines.usual_precision(engine, device, faster)
        self.engine, self.device, self.images, self.note = engine, device, images, note
        for name in ("torch", "torch" if engine == "auto" else engine):
            engines.Choice(name, self.film_precision, device).check()

    @cached_property
    def generator(self) -> GeneratorModel:
        """The generator that pictures are made with: at full precision unless told otherwise."""
        return self._drawn_by(self.engine, self.picture_precision)

    @cached_property
    def film_generator(self) -> GeneratorModel:
        """The same weights in the faster precision: what films are made with."""
        return self._drawn_by(self.engine, self.film_precision)

    @cached_property
    def fast_generator(self) -> GeneratorModel:
        """The same weights in the faster precision, with gradients: what searches are made with."""
        return self._drawn_by("torch", self.precision)

    def _drawn_by(self, engine: str, precision: str) -> GeneratorModel:
        if (engine, self.device) == ("torch", "cpu") and precision in ("fp32", "bf16"):
            return load_generator(self.generator_name, precision)
        model = load_generator(self.generator_name, "fp32")
        if engine == "auto":
            choice = engines.choose(model, self.images, precision=precision, device=self.device, note=self.note)
        else:
            choice = engines.Choice(engine, precision, self.device)
        return engines.open_engine(model, choice)

    def tuned_to(self, person: Likeness, model: GeneratorModel | None = None) -> Generator:
        """The generator, the fast one unless another is given, as it was tuned to a person."""
        return self.drawn_with(person.delta, model or self.fast_generator)

    def drawn_with(self, delta: Delta, model: GeneratorModel) -> Generator:
        """A model with a delta; what another engine compiled has its own weights, so tuned ones are drawn by torch."""
        return Tuned(model.G, delta) if delta else model.G

    @torch.no_grad()
    def render(self, person: Likeness, size: int | None = None) -> Image.Image:
        """Draw a person at the generator's size, or reduced or enlarged to `size`."""
        img = self.tuned_to(person, self.generator).synthesis(person.w_plus)
        return Image.fromarray(to_pixels(img if size is None else area_resize(img, size)))

    @torch.no_grad()
    def morph(
        self,
        people: Sequence[Likeness],
        frames: int,
        *,
        size: int | None = None,
        loop: bool = False,
        pull: float = PULL,
    ) -> Iterator[np.ndarray]:
        """Walk from person to person, eased; `frames` a leg, `pull` as in `mix`. Yields uint8 `[size, size, 3]`."""
        latents = path([person.w_plus for person in people], frames, loop=loop, pull=pull)
        deltas = path_of_deltas([person.delta for person in people], frames, loop=loop)
        for w_plus, delta in zip(latents.split(1), deltas, strict=True):
            img = self.drawn_with(delta, self.film_generator).synthesis(w_plus)
            yield to_pixels(img if size is None else area_resize(img, size))

    @cached_property
    def latent_statistics(self) -> LatentStatistics:
        """How the generator's own people are spread in W."""
        return measure_latents(self.generator.G)
