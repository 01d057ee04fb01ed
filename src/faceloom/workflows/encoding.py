"""Records of an encoding: the likeness with its geometry, quality and provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch
from torch import Tensor

from faceloom._version import __version__
from faceloom.analyze.reading import read
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.faces.align import Aligned
from faceloom.faces.detect import Face, FaceChoice
from faceloom.images import Photo
from faceloom.invert.budget import EncodeConfig
from faceloom.invert.clock import StopCondition
from faceloom.invert.inversion import Inversion
from faceloom.likeness import Geometry, Likeness, NamedGenerator
from faceloom.workflows.conditions import Conditions


@dataclass(frozen=True)
class EncodingTarget:
    """The input of an encoding: a face of a photo.

    Convention: `img` float32 `[1, 3, 256, 256]`, RGB, -1...1, the aligned face.
    """

    photo: Photo
    chosen: FaceChoice
    aligned: Aligned
    img: Tensor


def make_likeness(
    target: EncodingTarget,
    inversion: Inversion,
    config: EncodeConfig,
    conditions: Conditions,
    *,
    generator: NamedGenerator,
    precision: str,
) -> Likeness:
    """Make the likeness of an inversion: measure its quality and record how it was found."""
    return Likeness(
        w_plus=inversion.w_plus,
        generator_hash=generator.hash,
        generator_name=generator.name,
        quality=_measure_quality(target.img, inversion),
        geometry=_geometry(target),
        provenance=_provenance(target, inversion, config, precision, conditions),
        delta={name: tensor.half() for name, tensor in inversion.delta.items()},
    )


def make_identity_condition(target: Tensor, min_similarity: float | None) -> StopCondition | None:
    """Return a function that tells whether an image shows the person of `target`, or None without a minimum.

    Convention: target float32 `[1, 3, 256, 256]`, RGB, -1...1; `min_similarity` is a cosine of identities.
    """
    if min_similarity is None:
        return None
    analyzer = load_analyzer()
    identity = read(analyzer, target).identity
    return lambda img: float((read(analyzer, img.clamp(-1, 1)).identity * identity).sum()) >= min_similarity


def face_facts(face: Face) -> dict[str, Any]:
    """Return a face as plain numbers: box (x0, y0, x1, y1), score, size and five landmarks, in photo pixels."""
    return {
        "box": [round(float(x), 2) for x in face.box],
        "score": round(float(face.score), 4),
        "size": round(float(face.size), 1),
        "landmarks": [[round(float(x), 2), round(float(y), 2)] for x, y in face.landmarks],
    }


def _measure_quality(img: Tensor, inversion: Inversion) -> Mapping[str, float]:
    pair = read(load_analyzer(), torch.cat((img, inversion.img))).identity
    return {"lpips": inversion.lpips[0], "mse": inversion.mse[0], "identity": float(pair[0] @ pair[1])}


def _geometry(target: EncodingTarget) -> Geometry:
    tl, bl, br, tr = ((float(x), float(y)) for x, y in target.aligned.quad)
    return Geometry((tl, bl, br, tr), target.photo.image.size, target.aligned.size)


def _provenance(
    target: EncodingTarget, inversion: Inversion, config: EncodeConfig, precision: str, conditions: Conditions
) -> Mapping[str, Any]:
    chosen = target.chosen
    return {
        "faceloom": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "photo_sha256": hashlib.sha256(target.photo.image.tobytes()).hexdigest(),
        "face": face_facts(chosen.face) | {"number": chosen.number, "of": chosen.count},
        "notes": [*target.photo.notes, *chosen.notes, *conditions.notes],
        "unreliable": list(conditions.unreliable),
        "method": "tune" if inversion.delta else "optimize" if inversion.steps else "encode",
        "space": config.space,
        "precision": precision,
        "seed": config.seed,
        "steps": inversion.steps,
        "seconds": round(inversion.seconds, 3),
        "interrupted": inversion.interrupted,
    }
