"""The people of the benchmarks: portraits with their likenesses, and a choice of people that is balanced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from bench.portraits import person_ids, val_portraits
from faceloom.analyze.reading import read_attributes
from faceloom.analyze.skin import skin_tone
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.images import to_img
from faceloom.invert.budget import EncodeConfig
from faceloom.likeness import Likeness
from faceloom.workflows.studio import Studio

AGE_LIMITS = (20.0, 35.0, 55.0)  # years between the age groups of a balanced choice
SKIN_LIMITS = (15.0, 40.0)  # degrees of the individual typology angle between dark, medium and light skin


@dataclass(frozen=True, eq=False)
class Subject:
    """A person of a benchmark: the name of the files, the portrait of 256 px, and its likeness."""

    name: str
    photo: Image.Image
    likeness: Likeness


@dataclass(frozen=True)
class Traits:
    """Properties by which a choice of people is balanced.

    Convention: `age` in years, `masculine` a probability, `skin` the individual typology angle in degrees; `person` is
    the same for two portraits of one person, and empty where that is unknown.
    """

    age: float
    masculine: float
    skin: float
    person: str = ""

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Return the groups of a person: one of age, one of sex, one of skin tone."""
        return (
            ("age", sum(self.age >= limit for limit in AGE_LIMITS)),
            ("sex", int(self.masculine >= 0.5)),
            ("skin", sum(self.skin >= limit for limit in SKIN_LIMITS)),
        )


def load_people(folder: Path) -> list[Subject]:
    """Load every likeness of a folder, by name; the portrait of `NAME.likeness` is `NAME.png` beside it."""
    return [
        Subject(path.stem, open_picture(path.with_suffix(".png")), Likeness.load(path))
        for path in sorted(folder.glob("*.likeness"))
    ]


def open_picture(path: Path) -> Image.Image:
    """Open a picture that a benchmark saved, as RGB."""
    with Image.open(path) as picture:
        return picture.convert("RGB")


def encode_people(
    studio: Studio,
    data: Path,
    folder: Path,
    *,
    count: int,
    config: EncodeConfig,
    split: str = "val",
    balanced: int | None = None,
) -> list[Subject]:
    """Encode portraits of a split into a folder, and return them as people. Those of an earlier run are only loaded.

    Convention: `count` portraits as in `val_portraits`, or a balanced choice of `balanced` of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    portraits = list(val_portraits(data, count, split))
    if balanced is not None:
        ids = person_ids(data)
        traits = [read_traits(portrait, ids[Path(file).stem]) for file, portrait in portraits]
        portraits = [portraits[index] for index in choose_balanced(traits, balanced)]
    return [
        _encode_once(studio, portrait, folder / f"{Path(file).stem}.likeness", config) for file, portrait in portraits
    ]


def _encode_once(studio: Studio, portrait: Image.Image, path: Path, config: EncodeConfig) -> Subject:
    if not path.exists():
        studio.warm_up()
        likeness = encode_portrait(studio, portrait, config)
        portrait.save(path.with_suffix(".png"))
        likeness.save(path)
        print(f"{path.stem}: LPIPS {likeness.quality['lpips']:.3f}, MSE {likeness.quality['mse']:.4f}", flush=True)
    return Subject(path.stem, portrait, Likeness.load(path))


def encode_portrait(studio: Studio, portrait: Image.Image, config: EncodeConfig) -> Likeness:
    """Encode an aligned portrait of 256 px; the tuned weights are kept in half precision, as in likeness files."""
    inversion = studio.invert(to_img(portrait), config)
    quality = {"lpips": inversion.lpips[0], "mse": inversion.mse[0]}
    delta = {name: part.half() for name, part in inversion.delta.items()}
    provenance = {"steps": inversion.steps, "seconds": round(inversion.seconds, 1)}
    model = studio.generator
    return Likeness(inversion.w_plus, model.hash, model.name, quality=quality, delta=delta, provenance=provenance)


@torch.no_grad()
def read_traits(portrait: Image.Image, person: str = "") -> Traits:
    """Read the age, the gender presentation and the skin tone of an aligned portrait."""
    img = to_img(portrait)
    attributes = read_attributes(load_analyzer(), img)[0]
    return Traits(attributes.age, attributes.gender, float(skin_tone(img)), person)


def choose_balanced(traits: Sequence[Traits], count: int) -> list[int]:
    """Choose people one at a time, so that the groups of age, sex and skin tone are as even as possible.

    Return the indices in the order of the choice; a smaller count gives the first of a larger one. A second portrait of
    a person follows after all other people. Between portraits that serve the balance equally, the earlier one is
    chosen.
    """
    chosen: list[int] = []
    counts: Counter[tuple[str, int]] = Counter()
    persons: set[str] = set()

    def cost(index: int) -> tuple[bool, int, int]:
        is_second = traits[index].person in persons - {""}
        return is_second, sum(counts[group] ** 2 for group in traits[index].groups), index

    for _ in range(min(count, len(traits))):
        best = min((index for index in range(len(traits)) if index not in chosen), key=cost)
        chosen.append(best)
        counts.update(traits[best].groups)
        persons.add(traits[best].person)
    return chosen
