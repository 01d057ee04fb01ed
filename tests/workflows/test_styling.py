"""Styles on a tiny generator: examples, people who are drawn in one, morphs, blends and the shipped files."""

from __future__ import annotations

import json

import pytest
import torch
from PIL import Image

from faceloom.checkpoints.load import load_generator
from faceloom.edit.morph import between, blend_styles
from faceloom.errors import LatentError, NoFaceFound
from faceloom.images import to_pixels
from faceloom.invert.fit_style import StyleConfig
from faceloom.networks.lpips import Lpips
from faceloom.networks.tuned import add_deltas, full_change
from faceloom.rendering import PersonGenerators, drawn_delta
from faceloom.style import Style
from faceloom.workflows import blending, styling
from faceloom.workflows.verify import verify_file
from tests.web.tiny_booth import TinyStudio

BIAS = "blocks.1.conv2.conv.1.bias"


@pytest.fixture(scope="module")
def studio() -> TinyStudio:
    return TinyStudio()


def brighter(studio: TinyStudio, by: float = 1.0, **fields) -> Style:
    change = torch.full((studio.generator.G.get_parameter("to_img.bias").shape), by)
    facts = {"name": "bright", "generator_hash": studio.generator.hash, "generator_name": "tiny"}
    return Style(**(facts | {"delta": {"to_img.bias": change}} | fields))


@pytest.fixture
def fast_fit(monkeypatch):
    """Compare pictures with an untrained AlexNet, and read no identities."""
    monkeypatch.setattr(styling, "load_lpips", lambda *_: Lpips("alexnet").requires_grad_(False))
    monkeypatch.setattr(styling, "read_identity", None)
    return StyleConfig(seconds=None, steps=2, rank=2)


def test_a_picture_beside_its_likeness_is_exact_and_others_are_inverted(studio, fast_fit, tmp_path, monkeypatch):
    person = studio.generate(3)
    Image.fromarray(to_pixels(-studio.generator.G.synthesis(person.w_plus).clamp(-1, 1))).resize((64, 64)).save(
        tmp_path / "a.png"
    )
    person.save(tmp_path / "a.likeness")
    Image.new("RGB", (90, 70), "teal").save(tmp_path / "b.png")

    def refuse(photo, face=None):
        raise NoFaceFound("no face")

    monkeypatch.setattr(studio, "choose", refuse)
    monkeypatch.setattr(styling, "invert_example", lambda studio, img: person.w_plus)
    done = studio.fit_style([tmp_path / "a.png", str(tmp_path / "b.png")], name="teal", config=fast_fit)
    assert done.style.provenance["exact"] == 1
    assert len(done.style.provenance["examples"]) == 2
    assert done.style.provenance["steps"] == 2
    assert len(done.notes) == 1
    assert done.notes[0].startswith("b.png")
    done.style.save(tmp_path / "teal.style")
    back = studio.draw_in_style(person, str(tmp_path / "teal.style"))
    assert torch.equal(drawn_delta(back)[BIAS], done.style.delta[BIAS])


def test_a_tuned_likeness_is_no_exact_example(studio, tmp_path):
    person = studio.generate(3)
    tuned = type(person)(person.w_plus, person.generator_hash, person.generator_name, delta={BIAS: torch.ones(8)})
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    tuned.save(tmp_path / "a.likeness")
    with pytest.raises(LatentError, match="tuned or edited"):
        styling.read_example(studio, tmp_path / "a.png", [])


def test_strength_scales_the_style_and_tuning_stays(studio):
    person = studio.generate(3)
    G = studio.generator
    plain, half, full = (
        studio.person_generator(styled, G).synthesis(person.w_plus)
        for styled in (person, *(studio.draw_in_style(person, brighter(studio), k) for k in (0.5, 1.0)))
    )
    torch.testing.assert_close(half - plain, (full - plain) / 2, atol=1e-5, rtol=1e-5)
    assert (full - plain).abs().max() > 0.1
    torch.testing.assert_close(
        studio.tuned_generator(studio.draw_in_style(person, brighter(studio))).synthesis(person.w_plus), plain
    )
    assert studio.draw_in_style(studio.draw_in_style(person, brighter(studio)), None).style is None


def test_an_edit_is_measured_without_the_style_and_keeps_it(studio):
    person = studio.draw_in_style(studio.generate(3), brighter(studio))
    assert studio.edit(person, {"smile": 0.9}).person.style is person.style
    plain = studio.edit(studio.generate(3), {"smile": 0.9})
    torch.testing.assert_close(studio.edit(person, {"smile": 0.9}).person.w_plus, plain.person.w_plus)


def test_a_style_of_another_generator_is_refused(studio):
    with pytest.raises(LatentError, match="fitted to generator"):
        studio.draw_in_style(studio.generate(3), brighter(studio, generator_hash="1" * 64))
    with pytest.raises(LatentError, match="there is no style"):
        studio.draw_in_style(studio.generate(3), "no such style")


def test_people_who_are_drawn_one_after_the_other_keep_their_styles(studio):
    generators = PersonGenerators(studio.generator, studio.apply_delta)
    person = studio.generate(3)
    styled = studio.draw_in_style(person, brighter(studio))
    images = [generators.of(one).synthesis(person.w_plus) for one in (person, styled, person)]
    assert torch.equal(images[0], images[2])
    assert not torch.equal(images[0], images[1])


def test_a_morph_fades_a_style_in_and_blends_two(studio):
    a = studio.generate(3)
    b = studio.draw_in_style(studio.generate(4), brighter(studio), 0.8)
    middle = between(a, b, 0.5).style
    assert middle is not None
    assert middle.strength == pytest.approx(0.4)
    other = brighter(studio, -1.0, name="dark")
    blended = blend_styles(b.style, other, 0.5)
    assert blended is not None
    assert blended.name == "bright, dark"
    torch.testing.assert_close(blended.delta["to_img.bias"], torch.full_like(other.delta["to_img.bias"], -0.1))
    assert blend_styles(None, None, 0.5) is None


def test_a_style_draws_in_squares_from_half_of_its_strength_on(studio, tmp_path):
    brighter(studio, squares=16).save(tmp_path / "mosaic.style")
    style, person = Style.load(tmp_path / "mosaic.style"), studio.generate(3)
    imgs = [
        studio.person_generator(studio.draw_in_style(person, style, strength), studio.generator).synthesis(
            person.w_plus
        )
        for strength in (0.2, 0.5, 1.0)
    ]
    size = imgs[0].shape[-1] // 16
    corners = [img[..., ::size, ::size].repeat_interleave(size, 2).repeat_interleave(size, 3) for img in imgs]
    assert [torch.equal(img, corner) for img, corner in zip(imgs, corners, strict=True)] == [False, True, True]
    with pytest.raises(LatentError, match="squares a side"):
        brighter(studio, squares=17)


def test_a_style_file_is_verified_as_a_style(studio, tmp_path):
    brighter(studio).save(tmp_path / "bright.style")
    assert verify_file(tmp_path / "bright.style").kind == "style"


def test_sums_of_full_and_low_rank_changes():
    left, right, full = torch.randn(4, 2), torch.randn(2, 3), torch.randn(4, 3)
    low, whole = {"w.left": left, "w.right": right}, {"w": full}
    product = left @ right
    for a, b, expected in (
        (low, low, product * 1.5),
        (whole, low, full + product / 2),
        (low, whole, product + full / 2),
        ({}, low, product / 2),
    ):
        total = full_change(add_deltas(a, b, 0.5), "w").view(4, 3)
        torch.testing.assert_close(total, expected)
    assert add_deltas(low, {}) is low


def test_a_blend_is_a_generator_with_a_card(studio, tmp_path, monkeypatch):
    monkeypatch.setattr(blending, "load_generator", lambda name: studio.generator)
    brighter(studio).save(tmp_path / "bright.style")
    done = blending.blend_generators("tiny", str(tmp_path / "bright.style"), tmp_path / "blend", switch=16)
    card = json.loads((done.path / "card.json").read_text())
    assert card["blend"]["switch"] == 16
    blend = load_generator(str(done.path))
    assert blend.hash == done.hash != studio.generator.hash
    w_plus = studio.generate(3).w_plus
    expected = studio.person_generator(studio.draw_in_style(studio.generate(3), brighter(studio)), studio.generator)
    torch.testing.assert_close(blend.G.synthesis(w_plus), expected.synthesis(w_plus), atol=1e-2, rtol=1e-2)
    with pytest.raises(LatentError, match="the same"):
        blending.blend_generators("tiny", "tiny", tmp_path / "none")


@pytest.mark.models
@pytest.mark.parametrize("name", styling.list_styles())
def test_shipped_styles_are_small_and_draw_the_default_generator(name: str, default_model):
    style = styling.load_style(name)
    assert style.generator_hash == default_model.hash
    assert style.name == name
    with styling.resources.as_file(styling._folder() / f"{name}{styling.SUFFIX}") as path:
        assert path.stat().st_size < 1_000_000
    person = styling.draw_in_style(
        styling.Likeness(default_model.G.w_avg.expand(1, 23, -1), style.generator_hash, ""), style
    )
    assert drawn_delta(person).keys() == style.delta.keys()
