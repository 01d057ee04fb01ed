"""StyleSpace: a step is a change of biases, undone by its opposite, and a fit that finds the channels that matter."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from faceloom import tensorfile
from faceloom.edit import directions, stylespace
from faceloom.edit.directions import Direction
from faceloom.edit.generate import generate_latents
from faceloom.edit.stylespace import StyleDirection
from faceloom.errors import CorruptFile, LatentError, ShapeError
from faceloom.likeness import Likeness
from faceloom.networks.mobilestylegan import MobileStyleGAN
from faceloom.networks.stylegan1 import StyleGAN1, StyleGAN1Config
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.tuned import Tuned, tunable


@dataclass(frozen=True)
class Named:
    name: str = "small"
    hash: str = "0123456789abcdef"


def red_and_green(img: Tensor) -> Tensor:
    return 10 * img[:, :2].mean((2, 3))


def style(**changes: Any) -> StyleDirection:
    made = StyleDirection("smile.s", ((0, 3), (2, 0), (7, 1)), torch.tensor([0.5, -1, 2]), "logit", 2.0, "0" * 16, "g")
    return dataclasses.replace(made, **changes)


def person_of(G: MobileStyleGAN) -> Likeness:
    name, weight = next(iter(tunable(G, 16).items()))
    return Likeness(
        generate_latents(G, [1]), Named.hash, Named.name, delta={name: 0.01 * torch.ones_like(weight).half()}
    )


@pytest.mark.parametrize("family", ["mobile", "1", "2"])
def test_a_step_adds_to_the_styles(family: str, tiny: MobileStyleGAN) -> None:
    torch.manual_seed(0)
    G: Any = {
        "mobile": lambda: tiny,
        "1": lambda: StyleGAN1(StyleGAN1Config((8, 8, 4), z_dim=16, w_dim=16, mapping_layers=2)),
        "2": lambda: StyleGAN2(StyleGAN2Config((8, 8, 4), z_dim=16, w_dim=16, mapping_layers=2)),
    }[family]()
    place = stylespace.all_places(G)[-1]  # of the last layer's last map
    bent = stylespace.moved(G, style(places=(place,), step=torch.tensor([5.0])), 2.0)
    affine = list(G.affines(G.num_ws - 1))[-1]
    hook = affine.register_forward_hook(lambda m, i, s: s + 10 * torch.eye(s.shape[1])[-1:])
    w_plus = generate_latents(G, [4])
    with torch.no_grad():
        wanted = G.synthesis(w_plus)
        hook.remove()
        got, before = bent.synthesis(w_plus), G.synthesis(w_plus)
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-5)
    assert (got - before).abs().max() > 1e-3


def test_an_edit_keeps_the_tuning_and_its_opposite_returns(tiny: MobileStyleGAN) -> None:
    person = person_of(tiny)
    edited = stylespace.step(tiny, person, style(), 1.5)
    assert set(person.delta) < set(edited.delta)
    assert torch.equal(edited.w_plus, person.w_plus)
    back = stylespace.step(tiny, edited, style(), -1.5)
    assert set(back.delta) == set(person.delta)
    twice = stylespace.step(tiny, stylespace.step(tiny, person, style(), 1.0), style(), 0.5)
    for name, change in edited.delta.items():
        torch.testing.assert_close(twice.delta[name], change)


def test_undo_is_exact_whatever_was_edited(tiny: MobileStyleGAN, tmp_path: Path) -> None:
    person = person_of(tiny)
    edited = stylespace.step(tiny, person, style(), 1.5)
    edited = edited.with_w_plus(edited.w_plus + 1)
    edited.save(tmp_path / "edited.likeness")
    found = Likeness.load(tmp_path / "edited.likeness").unedited
    assert torch.equal(found.w_plus, person.w_plus)
    assert found.origin is None
    assert set(found.delta) == set(person.delta)
    with torch.no_grad():
        before = Tuned(tiny, person.delta).synthesis(person.w_plus)
        assert torch.equal(Tuned(tiny, found.delta).synthesis(found.w_plus), before)
        assert not torch.equal(Tuned(tiny, edited.delta).synthesis(person.w_plus), before)


def test_layers_choose_among_the_channels(tiny: MobileStyleGAN) -> None:
    one = stylespace.shift(tiny, style(), 1.0, layers=[0])
    assert [round(float(change.sum()), 4) for change in one.values()] == [0.5]
    assert stylespace.shift(tiny, style(), 1.0, layers=[5]) == {}
    assert stylespace.shift(tiny, style(), 0.0) == {}


def test_what_does_not_fit_is_refused(tiny: MobileStyleGAN) -> None:
    with pytest.raises(ShapeError, match="not there"):
        stylespace.shift(tiny, style(places=((0, 3), (2, 0), (7, 99))), 1.0)
    with pytest.raises(ShapeError, match="not there"):
        stylespace.shift(tiny, style(places=((0, 3), (2, 0), (70, 1))), 1.0)
    with pytest.raises(LatentError, match="finite"):
        stylespace.shift(tiny, style(), float("nan"))


def test_responses_are_the_gradients(tiny: MobileStyleGAN) -> None:
    w_plus = generate_latents(tiny, [1])
    answers = stylespace.responses(tiny, w_plus, red_and_green)
    places = stylespace.all_places(tiny)
    assert answers.shape == (2, len(places))
    index = int(answers[0].abs().argmax())
    one = style(places=(places[index],), step=torch.tensor([0.1]), sigma=1.0)
    seen = stylespace.effect(tiny, one, w_plus, red_and_green)
    torch.testing.assert_close(seen / 0.1, answers[:, index], rtol=0.05, atol=0.002)


def red(G: MobileStyleGAN) -> Direction:
    """What the styles' gradients give for red, as a line in W."""
    w_plus = generate_latents(G, [0]).requires_grad_()
    (slope,) = torch.autograd.grad(red_and_green(G.synthesis(w_plus))[0, 0], w_plus)
    vector = slope.sum((0, 1))
    return Direction("red", vector / vector.norm(), 0.3, "tenths", 0.5, Named.hash, Named.name)


def test_a_fit_finds_few_channels_that_move_red_and_not_green(tiny: MobileStyleGAN) -> None:
    people = generate_latents(tiny, range(12))
    answers = torch.stack([stylespace.responses(tiny, one, red_and_green) for one in people.split(1)])
    wide = red(tiny)
    sigmas = torch.tensor([wide.sigma, 1.0])
    found = stylespace.fit(tiny, wide, answers, 0, sigmas=sigmas, held=2, count=12)
    assert found.name == "red.s"
    assert 2 < len(found.places) <= 12
    moves = stylespace.in_styles(tiny, wide)
    there = [stylespace.all_places(tiny).index(place) for place in found.places]
    told = answers.mean(0)[:, there] @ found.step
    torch.testing.assert_close(told, torch.tensor([1.0, 0.0]), atol=0.02, rtol=0)
    assert (moves[there] != 0).all()
    seen = stylespace.effect(tiny, found, people[:4], red_and_green)
    true = stylespace.calibrated(found, float(seen[0]))
    again = stylespace.effect(tiny, true, people[:4], red_and_green)
    assert float(again[0]) == pytest.approx(true.sigma, rel=0.1)
    with pytest.raises(LatentError, match="should"):
        stylespace.calibrated(found, -1.0)
    with pytest.raises(LatentError, match="more channels"):
        stylespace.fit(tiny, wide, answers, 0, sigmas=sigmas, held=2, count=1)


def test_a_file_holds_it_all(tmp_path: Path) -> None:
    path = tmp_path / "smile.s.safetensors"
    stylespace.save(style(notes="why"), path)
    back = stylespace.load(path)
    for field in dataclasses.fields(back):
        if field.name != "step":
            assert getattr(back, field.name) == getattr(style(notes="why"), field.name)
    assert torch.equal(back.step, style().step)
    assert back.layers == (0, 2, 7)
    assert isinstance(stylespace.load_named(str(path)), StyleDirection)
    with pytest.raises(LatentError, match="is no direction"):
        directions.load(path)


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    stylespace.save(style(step=torch.ones(2)), path)
    with pytest.raises(CorruptFile, match="steps for 3 channels"):
        stylespace.load(path)
    tensorfile.save(path, stylespace.KIND, 1, {"step": torch.ones(1)}, {"places": [[1]]})
    with pytest.raises(CorruptFile, match="damaged"):
        stylespace.load(path)
    tensorfile.save(path, stylespace.KIND, 2, {"step": torch.ones(1)}, {})
    with pytest.raises(LatentError, match="newer"):
        stylespace.load(path)


def test_names_of_either_space_are_found() -> None:
    assert isinstance(stylespace.load_named("smile"), Direction)
    for name in stylespace.shipped():
        found = stylespace.load_named(name)
        assert isinstance(found, StyleDirection)
        assert found.name == name
        assert name.endswith(".s")
        assert found.generator_hash == directions.load_shipped("smile").generator_hash
        assert set(found.layers) <= set(range(23))
    with pytest.raises(LatentError, match="there is no direction"):
        stylespace.load_named("hat.s")
