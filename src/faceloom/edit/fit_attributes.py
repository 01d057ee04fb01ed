"""Attribute directions for any generator of faces, fitted to what the analyzer reads from its generated faces.

Works on latents; the function that reads pictures is an argument. Does not open files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from faceloom.edit import directions
from faceloom.edit.directions import Direction
from faceloom.edit.discover import READ_SIDE, FaceReader, read_faces
from faceloom.edit.latent_statistics import sample_w
from faceloom.errors import LatentError
from faceloom.latents import W, broadcast
from faceloom.likeness import NamedGenerator
from faceloom.networks.analyzer import ATTRIBUTES, Reading
from faceloom.networks.generator import Generator, image_at

PSI = 0.7  # truncation of the generated faces: latents far from the mean are often broken faces
CALIBRATION_FACES = 32  # number of faces outside the fit on which the directions are calibrated
IDENTITY_AXES = 64  # number of principal axes of the identities that are held


@dataclass(frozen=True)
class FittedAttribute:
    """An attribute that is fitted.

    Convention: `unit` is that of the direction; `min_sigma` is the least standard deviation, in units, that a
    generator's faces need for a fit.
    """

    unit: str
    min_sigma: float


FITTED_ATTRIBUTES = {
    "age": FittedAttribute("years", 3.0),
    "smile": FittedAttribute("logit", 0.5),
    "gender": FittedAttribute("logit", 0.5),
    "glasses": FittedAttribute("logit", 0.5),
    "mouth_open": FittedAttribute("logit", 0.5),
    "yaw": FittedAttribute("degrees", 2.0),
    "pitch": FittedAttribute("degrees", 1.5),
}
"""Attributes that are fitted, on all layers: faces then stay in W, where small generators make whole faces."""
IDENTITY_HELD = ("age",)  # attributes that are changed while the identity is held
TRAINING_SHARE = 0.8  # part of the faces that a regression is fitted to; the others measure its correlation
MIN_CORRELATION = 0.6  # between regression and reading: with less, w does not determine the attribute
MIN_GAIN = 0.3  # measured change as a part of the expected one: with less, the generator cannot change the attribute


@dataclass(frozen=True, eq=False)
class GeneratedFaces:
    """Generated faces and what was read from them.

    Convention: `w [n, w_dim]`, `attributes [n, 10]` as the analyzer reads them, `identity [n, d]`, and `colors [n, 3]`,
    the mean of each channel of each picture.
    """

    w: W
    attributes: Tensor
    identity: Tensor
    colors: Tensor


@dataclass(frozen=True, eq=False)
class AttributeFit:
    """The fitted directions in measured units, and the attributes that could not be fitted.

    Convention: `moved [k, k]` is the change of each attribute by one sigma of each direction, in sigmas (the
    cross-talk); `missing` holds the reason by attribute.
    """

    directions: tuple[Direction, ...]
    moved: Float[Tensor, "k k"]
    missing: dict[str, str]


@torch.no_grad()
def read_generated(
    G: Generator, w: W, read: FaceReader, callback: Callable[[int], None] | None = None
) -> GeneratedFaces:
    """Generate faces one at a time and read them; `callback` receives the number of faces that were read."""
    rows: list[tuple[Reading, Tensor]] = []
    for count, row in enumerate(w, start=1):
        img = image_at(G, broadcast(row[None], G.num_ws), READ_SIDE)
        rows.append((read(img), img.mean((2, 3))))
        if callback:
            callback(count)
    readings = [reading for reading, _ in rows]
    attributes = torch.cat([reading.attributes.cpu() for reading in readings])
    identity = torch.cat([reading.identity.cpu() for reading in readings])
    return GeneratedFaces(w.cpu(), attributes, identity, torch.cat([colors.cpu() for _, colors in rows]))


def sample_faces(G: Generator, count: int, seed: int = 0) -> W:
    """Sample latents of generated faces, slightly truncated: `[count, w_dim]`."""
    return G.w_avg.lerp(sample_w(G, count, seed), PSI)


def fit(
    G: Generator, faces: GeneratedFaces, calibration: W, read: FaceReader, *, generator: NamedGenerator
) -> AttributeFit:
    """Fit a direction for each of FITTED_ATTRIBUTES with all others and the colors held, and calibrate it.

    Convention: `calibration [m, w_dim]` are latents that are not among `faces`; the change by one sigma is measured on
    them. An attribute that hardly varies, that w hardly determines, or that hardly changes is reported as missing.
    Raises LatentError when none is left. Method: `directions.fit`.
    """
    labels = {name: faces.attributes[:, ATTRIBUTES.index(name)].double() for name in FITTED_ATTRIBUTES}
    missing = {
        name: f"the faces hardly differ in it (standard deviation {values.std():.2f})"
        for name, values in labels.items()
        if values.std() < FITTED_ATTRIBUTES[name].min_sigma
    }
    correlations = _correlate(faces.w, {name: values for name, values in labels.items() if name not in missing})
    missing |= {
        name: f"w hardly determines it (r = {r:.2f})" for name, r in correlations.items() if r < MIN_CORRELATION
    }
    varying = {name: values for name, values in labels.items() if name not in missing}
    held = {f"color {i}": column / column.std() for i, column in enumerate(faces.colors.double().T)}
    rough = [_fit_one(name, faces, varying | held, generator) for name in varying]
    changes = {direction.name: _measure_change(G, direction, calibration, read) for direction in rough}
    gains = {d.name: float(changes[d.name][ATTRIBUTES.index(d.name)]) / d.sigma for d in rough}
    missing |= {
        name: f"its direction reaches {gain:.0%} of the expected change"
        for name, gain in gains.items()
        if gain < MIN_GAIN
    }
    calibrated = tuple(replace(d, per_unit=d.per_unit / gains[d.name]) for d in rough if d.name not in missing)
    if not calibrated:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
        raise LatentError(
            f"{generator.name} changes no attribute that the analyzer reads: {reasons}",
            "check that it generates upright, aligned faces",
        )
    moved = _cross_talk(calibrated, [changes[d.name] / gains[d.name] for d in calibrated])
    return AttributeFit(calibrated, moved, missing)


def _fit_one(name: str, faces: GeneratedFaces, labels: Mapping[str, Tensor], generator: NamedGenerator) -> Direction:
    others = {key: values for key, values in labels.items() if key != name}
    return directions.fit(
        name,
        faces.w,
        labels[name],
        unit=FITTED_ATTRIBUTES[name].unit,
        generator=generator,
        hold=others,
        suppress=_project_identities(faces.identity) if name in IDENTITY_HELD else None,
        notes=f"{name.replace('_', ' ').capitalize()}, as the analyzer sees it. Held: {', '.join(others)}.",
    )


def _correlate(w: W, labels: Mapping[str, Tensor]) -> dict[str, float]:
    """Return the correlation between each label and its regression on w, on faces left out of the regression."""
    if not labels:
        return {}
    count = round(TRAINING_SHARE * len(w))
    table = directions.regress(w[:count], {name: values[:count] for name, values in labels.items()})
    pairs = zip(labels.items(), table.predict(w[count:]).T, strict=True)
    return {
        name: float(torch.corrcoef(torch.stack((values[count:], predicted)))[0, 1])
        for (name, values), predicted in pairs
    }


def _project_identities(identity: Tensor) -> Tensor:
    """Project identities `[n, d]` onto the principal axes in which they differ most."""
    centered = identity.double() - identity.double().mean(0)
    count = min(IDENTITY_AXES, *centered.shape)
    axes = torch.linalg.svd(centered, full_matrices=False).Vh[:count]
    projected: Tensor = centered @ axes.T
    return projected


def _measure_change(G: Generator, direction: Direction, w: W, read: FaceReader) -> Float[Tensor, " t"]:
    """Measure the change of every attribute by one sigma of a direction, as the mean over faces and both signs."""
    w_plus = broadcast(w, G.num_ws)
    ends = (directions.step(w_plus, direction, sign * direction.sigma) for sign in (1, -1))
    up, down = (read_faces(G, end, read).cpu().mean(0) for end in ends)
    return (up - down) / 2


def _cross_talk(fitted: Sequence[Direction], changes: Sequence[Tensor]) -> Tensor:
    order = [ATTRIBUTES.index(direction.name) for direction in fitted]
    sigmas = torch.tensor([direction.sigma for direction in fitted])
    return torch.stack(list(changes))[:, order] / sigmas
