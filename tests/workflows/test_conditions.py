"""Photos under difficult conditions: the likeness and its edits say what is less reliable."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from PIL import Image, ImageEnhance
from torch import Tensor

from faceloom import EncodeConfig, Photo, Studio, open_photo
from faceloom.analyze.attributes import REGIONS
from faceloom.assets.cache import open_asset
from faceloom.cli.edit import facts_of, notes_on
from faceloom.networks.generator import image_at
from faceloom.workflows.conditions import MOUTH, Conditions, measure_conditions

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


@pytest.fixture(scope="module")
def img(studio: Studio) -> Tensor:
    """A generated face of 256 px."""
    with torch.no_grad():
        return image_at(studio.fast_generator.G, studio.generate(5).w_plus, 256).clamp(-1, 1)


def regions_with_eyes(share: float) -> Tensor:
    regions = torch.zeros(1, len(REGIONS), 64, 64)
    regions[:, REGIONS.index("eyes")] = share
    return regions


def test_a_plain_portrait_has_no_conditions(img):
    assert measure_conditions(img, img, regions_with_eyes(0.01)) == Conditions()


@pytest.mark.parametrize(
    ("change", "words", "unreliable"),
    [
        (lambda img: img.mean(1, keepdim=True).expand(-1, 3, -1, -1), "no colors", {"age"}),
        (lambda img: (img + 1) * 0.1 - 1, "very dark", {"age"}),
        (lambda img: (img + 1.2).clamp(-1, 1), "overexposed", {"age"}),
    ],
)
def test_light_and_colors_are_measured(img, change, words, unreliable):
    changed = change(img)
    found = measure_conditions(changed, changed)
    assert any(words in note for note in found.notes)
    assert unreliable <= set(found.unreliable)


def test_sunglasses_make_eyes_and_age_unreliable(img):
    found = measure_conditions(img, img, regions_with_eyes(0.0005))
    assert {"eyes_open", "glasses", "age"} <= set(found.unreliable)
    assert any("eyes are hidden" in note for note in found.notes)


def test_a_hand_before_the_mouth_makes_smiles_unreliable(img):
    hidden = img.clone()
    hidden[..., MOUTH[0], MOUTH[1]] = torch.tensor([0.4, 0.0, -0.2])[:, None, None]
    hidden[..., MOUTH[0].start : MOUTH[0].stop : 12, MOUTH[1]] = -0.5
    found = measure_conditions(hidden, img)
    assert {"smile", "mouth_open"} <= set(found.unreliable)


def test_a_dark_photo_is_encoded_and_an_edit_says_what_is_unreliable(studio):
    portrait = open_photo(open_asset("portraits") / "astronaut.png")
    dark = replace(portrait, image=ImageEnhance.Brightness(portrait.image).enhance(0.1))
    person = studio.encode(dark, config=EncodeConfig(seconds=None, steps=2))
    assert "age" in person.provenance["unreliable"]
    done = studio.edit(person, {"age": 10.0})
    assert done.unreliable == ("age",)
    assert any("The photo shows the age badly" in text for text in notes_on(facts_of(done), done.values))


def test_a_black_photo_has_no_face(studio):
    assert studio.detect(Photo(Image.new("RGB", (300, 300)))) == ()
