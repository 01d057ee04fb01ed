"""The studio as the booth's worker uses it: `Studio` with the measurements and the fast pictures of the booth."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from PIL import Image
from torch import Tensor

from faceloom.analyze.reading import read, read_attributes
from faceloom.checkpoints.load import load_lpips
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.attributes import attribute_reader, random_edits
from faceloom.edit.discover import READ_SIDE
from faceloom.edit.regions import RegionalEdit
from faceloom.edit.steer import AttributeReader, SteeringResult
from faceloom.edit.walked_edits import turn
from faceloom.errors import LatentError
from faceloom.faces.align import align
from faceloom.images import Photo, area_resize, to_img, to_pixels
from faceloom.images.save import encode_picture
from faceloom.invert.clock import Callback
from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion
from faceloom.invert.tune import TuneConfig, invert_tune
from faceloom.latents import WPlus
from faceloom.likeness import Likeness
from faceloom.marks.origin import Origin
from faceloom.networks.analyzer import Reading
from faceloom.networks.generator import Generator, image_at
from faceloom.workflows.live import LiveSession, make_studio_puppet
from faceloom.workflows.studio import Studio
from faceloom.workflows.styling import list_styles, load_style

BOOTH_STYLES = ("ink", "watercolor", "comic")  # names of shipped styles
PREVIEW_QUALITY, PICTURE_QUALITY = 85, 92  # JPEG quality of previews, and of pictures to look at for longer


class BoothStudio(Studio):
    """A studio that draws in the fast precision and measures what the booth shows. Safe for several threads."""

    @property
    def booth_styles(self) -> tuple[str, ...]:
        """The shipped styles of this generator that the booth offers, in the order of its buttons."""
        shipped = list_styles()
        offered = (name for name in BOOTH_STYLES if name in shipped)
        return tuple(name for name in offered if load_style(name).generator_hash == self.generator.hash)

    def draw(self, person: Likeness, size: int) -> Image.Image:
        """Draw a likeness in the fast precision; `size` is the side in pixels."""
        return draw(self.person_generator(person), person.w_plus, size)

    def attribute_reader(self, edit: RegionalEdit) -> AttributeReader:
        """Return the function by which steering reads an edit, from pictures for which the generator ends early."""
        return attribute_reader(edit.of_side(READ_SIDE), self.read_face)

    def turn(
        self,
        edit: RegionalEdit,
        values: Mapping[str, float],
        guess: RegionalEdit | None = None,
        *,
        check_cancelled: Callable[[], None] = lambda: None,
        force: bool = False,
    ) -> tuple[RegionalEdit, SteeringResult]:
        """Turn a head as `walked_edits.turn` does; `check_cancelled` is called before every reading of a picture."""

        def read(img: Tensor) -> Reading:
            check_cancelled()
            return self.read_face(img)

        return turn(edit, replace(self.walk_setting, read_face=read), values, guess=guess, force=force)

    def read_attributes(self, person: Likeness) -> dict[str, float]:
        """Read a likeness's attributes, rounded, from a picture in the fast precision."""
        img = to_img(self.draw(person, QUALITY_RESOLUTION))
        return read_attributes(load_analyzer(), img)[0].rounded()

    def identity_similarity(self, img: Tensor, target: Tensor) -> float:
        """Return the identity similarity of two aligned faces `[1, 3, 256, 256]`, -1...1: a cosine."""
        pair = read(load_analyzer(), torch.cat((target, img.clamp(-1, 1)))).identity
        return float(pair[0] @ pair[1])

    def continue_tuning(self, person: Likeness, target: Tensor, seconds: float, callback: Callback) -> Inversion:
        """Continue the pivotal tuning of a likeness to `target` `[1, 3, 256, 256]`, -1...1, for `seconds`."""
        return invert_tune(
            self.fast_generator.G,
            target,
            person.unedited.w_plus,
            alexnet=load_lpips("alexnet"),
            neighbor=random_edits(self.basis) if self.basis else None,
            config=TuneConfig(seconds=seconds, seed=random.randrange(2**31)),  # other neighbors in each call
            delta=person.delta,
            callback=callback,
        )

    def live_session(self, person: Likeness) -> LiveSession:
        """Prepare a person to follow a camera; this takes a dozen pictures. Raises LatentError without directions."""
        return LiveSession(make_studio_puppet(self, person))

    def align_again(self, person: Likeness, photo: Photo) -> Tensor:
        """Cut a person's face out of its photo along the quad that the likeness stores: `[1, 3, 256, 256]`, -1...1.

        Raises LatentError for a likeness without a photo.
        """
        if person.geometry is None:
            raise LatentError("this likeness does not come from a photo", "choose a person who was photographed")
        quad = torch.tensor(person.geometry.quad).double().numpy()
        return area_resize(to_img(align(photo.image, quad, person.geometry.aligned_size).image), QUALITY_RESOLUTION)


@torch.no_grad()
def draw(G: Generator, w_plus: WPlus, size: int) -> Image.Image:
    """Draw a latent code with `G`; `size` is the side in pixels."""
    return Image.fromarray(to_pixels(image_at(G, w_plus, size)))


def to_jpeg(image: Image.Image, quality: int = PICTURE_QUALITY, origin: Origin | None = None) -> bytes:
    """Return a generated picture as JPEG with all marks; one without an `origin`, a passing preview, is not signed."""
    return encode_picture(
        image, "face.jpg", ai_generated=True, origin=origin, quality=quality, signed=origin is not None
    )


def to_unmarked_jpeg(image: Image.Image, quality: int = PICTURE_QUALITY) -> bytes:
    """Return a picture as JPEG without marks: a chart, or where the operator allows programs to ask for it."""
    return encode_picture(image, "face.jpg", ai_generated=False, quality=quality)
