"""Encoding of difficult photos: the restoration of a damaged one, and one likeness from several photos of a person."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from faceloom.analyze.attributes import REGIONS
from faceloom.checkpoints.load import DEFAULT_GENERATOR, load_lpips
from faceloom.checkpoints.shipped import load_analyzer, load_curvature
from faceloom.edit.attributes import random_edits
from faceloom.errors import AssetError, ImageError
from faceloom.faces.align import align
from faceloom.faces.paste_back import paste_back
from faceloom.images import Photo, area_resize, to_img
from faceloom.invert.budget import EncodeConfig, EncoderGuess, invert_within_budget
from faceloom.invert.clock import Callback
from faceloom.invert.degradation import widen
from faceloom.invert.inversion import QUALITY_RESOLUTION
from faceloom.invert.natural_gradient import ImageLoss
from faceloom.invert.restore import Restoration, restore
from faceloom.invert.several import average, shared_descent
from faceloom.likeness import Likeness
from faceloom.workflows.encoding import EncodingTarget

if TYPE_CHECKING:
    from faceloom.workflows.studio import Studio

HEAD = ("skin", "hair", "brows", "eyes", "lips", "glasses", "ears", "neck")  # regions that are pasted
OTHER_PERSON = 0.25  # identity similarity to the other photos below which a photo seems to show another person


@dataclass(frozen=True, eq=False)
class RestoredPhoto:
    """A restored person, and sentences about the damage that was found."""

    person: Likeness
    damage: tuple[str, ...]


def restore_photo(
    studio: Studio,
    photo: Photo,
    *,
    face: int | None = None,
    hidden: Image.Image | None = None,
    config: EncodeConfig | None = None,
    callback: Callback | None = None,
) -> RestoredPhoto:
    """Restore a face of a gray, faded, blurred, scratched or partly hidden photo.

    Convention: `hidden` has the photo's size and is white where the photo does not show the face; by default that is
    found. `config` limits the seconds and the steps of the search. The person can be edited as any other.
    Raises ImageError for a mask of another size, FaceError, AssetError.
    """
    config = config or EncodeConfig()
    studio.warm_up()
    begin = time.perf_counter()
    if hidden is not None and hidden.size != photo.image.size:
        raise ImageError(
            f"the mask is {hidden.size[0]}x{hidden.size[1]}, the photo {photo.image.size[0]}x{photo.image.size[1]}",
            "save the mask in the size of the photo",
        )
    target = studio.make_target(photo, studio.choose(photo, face))
    mask = None if hidden is None else _align_mask(hidden, target)
    spent = time.perf_counter() - begin
    left = config if config.seconds is None else replace(config, seconds=max(config.seconds - spent, 0.0))
    found = restore_img(studio, target.img, left, callback, hidden=mask)
    person = studio.make_likeness(target, found.inversion, config, is_restored=True)
    notes = [*person.provenance["notes"], *found.damage.found()]
    facts = {"method": "restore", "damage": list(found.damage.found()), "notes": list(dict.fromkeys(notes))}
    return RestoredPhoto(replace(person, provenance={**person.provenance, **facts}), found.damage.found())


def restore_img(
    studio: Studio,
    target: Tensor,
    config: EncodeConfig | None = None,
    callback: Callback | None = None,
    *,
    hidden: Tensor | None = None,
) -> Restoration:
    """Restore a damaged aligned face `[1, 3, 256, 256]`, -1...1; the arguments are those of `invert.restore`.

    Raises AssetError for a generator without an encoder and a curvature.
    """
    guess, loss = _require_encoder(studio), ImageLoss(load_lpips("alexnet"), load_analyzer())
    return restore(
        studio.fast_generator.G,
        target,
        loss=loss,
        curvature=load_curvature(),
        encoder_guess=guess,
        hidden=hidden,
        config=config,
        neighbor=random_edits(studio.basis) if studio.basis else None,
        callback=callback,
    )


def paste_restored(studio: Studio, person: Likeness, photo: Photo) -> Image.Image:
    """Return the photo with the restored head in the place of the damaged one; the rest of the photo stays as it is.

    Raises LatentError for a likeness without a photo, FaceError for a photo of another size.
    """
    quad = np.array(studio.require_geometry(person, photo).quad)
    mask = None
    if studio.read_regions is not None:
        regions = studio.read_regions(studio.tuned_generator(person), person.w_plus)
        mask = regions[0, [REGIONS.index(name) for name in HEAD]].sum(dim=0).clamp(0, 1).numpy()
    return paste_back(photo.image, studio.render(person), quad, mask=mask)


def encode_several(
    studio: Studio, photos: Sequence[Photo], config: EncodeConfig | None = None, callback: Callback | None = None
) -> Likeness:
    """Encode several photos of one person as one likeness, in the pose and the light of one of them.

    That is the photo which resembles the others most; the likeness can be pasted back into it.

    `provenance["photos"]` is their number, and `notes` names photos that seem to show another person. The largest face
    of each photo is taken. Raises FaceError, and AssetError for a generator without an encoder and a curvature.
    """
    config, guess = config or EncodeConfig(), _require_encoder(studio)
    studio.warm_up()
    begin = time.perf_counter()
    targets = [studio.make_target(photo, studio.choose(photo)) for photo in photos]
    G, loss, curvature = studio.fast_generator.G, ImageLoss(load_lpips("alexnet"), load_analyzer()), load_curvature()
    imgs = torch.cat([target.img for target in targets])
    shared = average(G, imgs, loss=loss, curvature=curvature, encoder_guess=guess)
    reference = targets[shared.reference]
    spent = time.perf_counter() - begin
    inversion = invert_within_budget(
        G,
        reference.img,
        alexnet=load_lpips("alexnet"),
        encoder_guess=lambda img: shared.w_plus,
        make_descent=shared_descent(G, loss, curvature, shared),
        neighbor=random_edits(studio.basis) if studio.basis else None,
        config=config if config.seconds is None else replace(config, seconds=max(config.seconds - spent, 0.0)),
        callback=callback,
    )
    person = studio.make_likeness(reference, replace(inversion, seconds=inversion.seconds + spent), config)
    which = f"pose and light are those of photo {shared.reference + 1} of {len(photos)}"
    notes = [*person.provenance["notes"], which, *_doubts(shared.similarities)]
    return replace(person, provenance={**person.provenance, "photos": len(photos), "notes": notes})


def _doubts(similarities: Sequence[float]) -> list[str]:
    """Return a sentence for each photo that seems to show another person than the others."""
    return [
        f"photo {number} of {len(similarities)} seems to show another person"
        for number, similarity in enumerate(similarities, start=1)
        if similarity < OTHER_PERSON
    ]


def _require_encoder(studio: Studio) -> EncoderGuess:
    """Return the encoder. Raises AssetError unless the generator has one, and a curvature."""
    if studio.encoder is None or studio.generator.name != DEFAULT_GENERATOR:
        raise AssetError(
            f"{studio.generator.name} cannot restore photos or join several", f"use --generator {DEFAULT_GENERATOR}"
        )
    return studio.encoder


def _align_mask(hidden: Image.Image, target: EncodingTarget) -> Tensor:
    """Return a mask in the aligned square `[1, 1, 256, 256]`: 1 where the photo does not show the face."""
    aligned = align(hidden.convert("RGB"), target.aligned.quad, target.aligned.size).image
    mask = (area_resize(to_img(aligned), QUALITY_RESOLUTION)[:, :1] > 0).float()
    return widen(mask, 2)
