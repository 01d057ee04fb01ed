"""The renderer: one generator in the engines and precisions of pictures, films and optimizations.

Renders people from their likenesses, with their tuned weights. Does not read photos.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from PIL import Image

from faceloom import engines
from faceloom.checkpoints.load import DEFAULT_GENERATOR, GeneratorModel, load_generator
from faceloom.edit.latent_statistics import LatentStatistics, measure_latents
from faceloom.edit.mix import W_PULL_MIXING
from faceloom.edit.morph import morph_path, path_at
from faceloom.errors import LatentError, SoundError
from faceloom.images import area_resize, to_pixels
from faceloom.images.channels import RGB, find_colors, to_levels, to_pictures, to_rgb
from faceloom.latents import WPlus
from faceloom.likeness import Likeness
from faceloom.marks.origin import Origin
from faceloom.networks.blended import Blended, Features, compute_features
from faceloom.networks.fused import fuse
from faceloom.networks.generator import Generator
from faceloom.networks.precision import fast_precision
from faceloom.networks.squares import InSquares
from faceloom.networks.tuned import Delta, Tuned, add_deltas, is_same_delta
from faceloom.sounds.phase import synthesize
from faceloom.sounds.spectrogram import Sound, to_magnitude
from faceloom.style import Style


class Renderer:
    """A generator of the models folder with its engine, precision and device. It is loaded when it is first needed."""

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
        """Choose a generator by its name in the models folder, and how to run it.

        Convention: without `precision`, pictures are rendered in float32, optimizations and films in the faster
        precision of this processor. `engine` renders pictures and films; optimizations always run in torch. 'auto'
        chooses the engine that finishes a job of `images` first; it may measure, and reports that to `note`.
        Raises EngineError when the combination is not available on this machine.
        """
        self.generator_name = generator
        faster = fast_precision() if device == "cpu" else "fp16"
        self.picture_precision, self.precision = precision or "fp32", precision or faster
        self.film_precision = precision or engines.supported_precision(engine, device, faster)
        self.engine, self.device, self.images, self.note = engine, device, images, note
        for name in ("torch", "torch" if engine == "auto" else engine):
            engines.Choice(name, self.film_precision, device).check()

    @property
    def made_by(self) -> Origin:
        """The generator, as the marks of pictures state it."""
        return Origin(self.generator.hash, self.generator.name)

    @cached_property
    def generator(self) -> GeneratorModel:
        """The generator of pictures, in full precision by default."""
        return self._load(self.engine, self.picture_precision)

    @cached_property
    def film_generator(self) -> GeneratorModel:
        """The generator of films: the same weights in the faster precision."""
        return self._load(self.engine, self.film_precision)

    @cached_property
    def fast_generator(self) -> GeneratorModel:
        """The generator of optimizations: the same weights in the faster precision, with gradients.

        Raises LatentError for a generator of gray or transparent pictures: networks that read faces need RGB.
        """
        model = self._load("torch", self.precision)
        if model.img_channels != RGB.channels:
            raise LatentError(
                f"{model.name} draws {find_colors(model.img_channels, model.bits).name} pictures, "
                "and encoding, editing and reading of faces need RGB",
                "use a generator that was trained on a dataset made with --colors rgb",
            )
        return model

    def _load(self, engine: str, precision: str) -> GeneratorModel:
        if (engine, self.device) == ("torch", "cpu") and precision in ("fp32", "bf16"):
            return load_generator(self.generator_name, precision)
        model = load_generator(self.generator_name, "fp32")
        if engine == "auto":
            choice = engines.choose_engine(model, self.images, precision=precision, device=self.device, note=self.note)
        else:
            choice = engines.Choice(engine, precision, self.device)
        return engines.open_engine(model, choice)

    def tuned_generator(self, person: Likeness, model: GeneratorModel | None = None) -> Generator:
        """Return a generator, by default the fast one, with the tuned weights of a person."""
        return self.apply_delta(person.delta, model or self.fast_generator)

    def person_generator(self, person: Likeness, model: GeneratorModel | None = None) -> Generator:
        """Return a generator, by default the fast one, that draws a person.

        It has their tuned weights and their style, and does not change the picture outside their mask.
        """
        return PersonGenerators(model or self.fast_generator, self.apply_delta).of(person)

    def apply_delta(self, delta: Delta, model: GeneratorModel) -> Generator:
        """Return a model's generator with a delta; with one it runs in torch, as compiled weights are fixed."""
        return Tuned(model.G, delta) if delta else model.G

    @torch.no_grad()
    def render(self, person: Likeness, size: int | None = None) -> Image.Image:
        """Render a picture of a person at the generator's resolution, or resized to `size` pixels.

        Convention: RGB; a generator of gray or transparent pictures renders modes L, I;16 (16 bits) or RGBA.
        """
        img = self.person_generator(person, self.generator).synthesis(person.w_plus)
        return to_pictures(img if size is None else area_resize(img, size), self.generator.bits)[0]

    def render_sound(self, person: Likeness) -> Sound:
        """Render the sound whose spectrogram the generator draws. Raises SoundError for a generator of pictures."""
        settings = self.generator.sound
        if settings is None:
            raise SoundError(
                f"{self.generator.name} draws pictures, not sounds",
                "train a generator on a dataset made with: faceloom dataset make --audio",
            )
        levels = to_levels(self.render(person))[..., 0]
        if levels.shape != (settings.bins, settings.frames):
            raise SoundError(
                f"the generator draws {levels.shape[1]} x {levels.shape[0]} px, "
                f"its spectrograms are {settings.frames} x {settings.bins}",
                "train it again",
            )
        return Sound(synthesize(to_magnitude(levels, settings.range_db), settings), settings.rate)

    @torch.no_grad()
    def morph(
        self,
        people: Sequence[Likeness],
        frames: int,
        *,
        size: int | None = None,
        loop: bool = False,
        pull: float = W_PULL_MIXING,
    ) -> Iterator[np.ndarray]:
        """Render a morph from person to person, eased, with `frames` from one to the next and `pull` as in `mix`.

        Each person appears exactly as `render` draws them, in the precision of films.
        Yields uint8 `[size, size, 3]`, RGB; films have no transparency, which is shown on white.
        """
        yield from self._render_film(morph_path(people, frames, loop=loop, pull=pull), size)

    @torch.no_grad()
    def morph_at(
        self,
        people: Sequence[Likeness],
        positions: Iterable[float],
        *,
        size: int | None = None,
        pull: float = W_PULL_MIXING,
    ) -> Iterator[np.ndarray]:
        """Render the frames of a morph at positions: person k is at k, and after the last one comes the first one.

        Yields frames as `morph` does.
        """
        yield from self._render_film(path_at(people, positions, pull=pull), size)

    def _render_film(self, people: Iterable[Likeness], size: int | None) -> Iterator[np.ndarray]:
        generators = PersonGenerators(self.film_generator, self.apply_delta)
        for person in people:
            img = generators.of(person).synthesis(person.w_plus)
            yield to_pixels(to_rgb(img if size is None else area_resize(img, size)))

    @cached_property
    def latent_statistics(self) -> LatentStatistics:
        """The mean and the covariance of the generator's latents in W."""
        return measure_latents(self.generator.G)


class PersonGenerators:
    """The generators of people who are drawn one after the other. What two people share is computed once.

    `apply_delta` returns a model's generator with tuned weights.
    """

    def __init__(self, model: GeneratorModel, apply_delta: Callable[[Delta, GeneratorModel], Generator]) -> None:
        self.model, self.apply_delta = model, apply_delta
        self.delta: Delta = {}
        self.style: Style | None = None
        self.tuned: Generator = model.G
        self.fused = fuse(model.G)
        self.base: WPlus | None = None
        self.features: Features = ()

    def of(self, person: Likeness) -> Generator:
        """Return a generator that draws a person: tuned, in their style, and unchanged outside the mask."""
        G, style = self._without_squares(person), person.style
        return InSquares(G, style.squares, style.share_of_squares) if style and style.share_of_squares else G

    def _without_squares(self, person: Likeness) -> Generator:
        if not (is_same_delta(person.delta, self.delta) and is_same_style(person.style, self.style)):
            self.delta, self.style, self.base = person.delta, person.style, None
            self.tuned = self.apply_delta(drawn_delta(person), self.model)
            self.fused = fuse(self.tuned)
        if person.base is None or person.mask is None:
            return self.fused
        if self.base is None or not torch.equal(person.base, self.base):
            self.base, self.features = person.base, compute_features(self.tuned, person.base)
        return Blended(self.tuned, self.features, person.mask)


def drawn_delta(person: Likeness) -> Delta:
    """Return the change of the weights with which a person is drawn: their tuning plus their style at its strength."""
    return person.delta if person.style is None else add_deltas(person.delta, person.style.delta, person.style.strength)


def is_same_style(a: Style | None, b: Style | None) -> bool:
    """Return whether two styles draw the same."""
    if a is None or b is None:
        return a is b
    return (a.strength, a.squares) == (b.strength, b.squares) and is_same_delta(a.delta, b.delta)
