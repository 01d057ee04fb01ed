"""StyleSpace: steps change biases, opposite steps cancel, and a fit finds the channels that matter."""

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
from faceloom.networks.tuned import Tuned, tunable_weights


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
    name, weight = next(iter(tunable_weights(G, 16).items()))
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
    channel = stylespace.list_channels(G)[-1]  # of the last layer's last map
    moved = stylespace.step_generator(G, style(channels=(channel,), step=torch.tensor([5.0])), 2.0)
    affine = list(G.affines(G.num_ws - 1))[-1]
    hook = affine.register_forward_hook(lambda m, i, s: s + 10 * torch.eye(s.shape[1])[-1:])
    w_plus = generate_latents(G, [4])
    with torch.no_grad():
        expected = G.synthesis(w_plus)
        hook.remove()
        got, before = moved.synthesis(w_plus), G.synthesis(w_plus)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    assert (got - before).abs().max() > 1e-3


def test_a_step_keeps_the_tuning_and_its_opposite_cancels_it(tiny: MobileStyleGAN) -> None:
    person = person_of(tiny)
    edited = stylespace.step(tiny, person, style(), 1.5)
    assert set(person.delta) < set(edited.delta)
    assert torch.equal(edited.w_plus, person.w_plus)
    back = stylespace.step(tiny, edited, style(), -1.5)
    assert set(back.delta) == set(person.delta)
    twice = stylespace.step(tiny, stylespace.step(tiny, person, style(), 1.0), style(), 0.5)
    for name, change in edited.delta.items():
        torch.testing.assert_close(twice.delta[name], change)


def test_undo_is_exact_after_edits_in_both_spaces(tiny: MobileStyleGAN, tmp_path: Path) -> None:
    person = person_of(tiny)
    edited = stylespace.step(tiny, person, style(), 1.5)
    edited = edited.with_w_plus(edited.w_plus + 1)
    edited.save(tmp_path / "edited.likeness")
    fitted = Likeness.load(tmp_path / "edited.likeness").unedited
    assert torch.equal(fitted.w_plus, person.w_plus)
    assert fitted.origin is None
    assert set(fitted.delta) == set(person.delta)
    with torch.no_grad():
        before = Tuned(tiny, person.delta).synthesis(person.w_plus)
        assert torch.equal(Tuned(tiny, fitted.delta).synthesis(fitted.w_plus), before)
        assert not torch.equal(Tuned(tiny, edited.delta).synthesis(person.w_plus), before)


def test_a_step_keeps_what_earlier_edits_left_unchanged(tiny: MobileStyleGAN) -> None:
    person = person_of(tiny)
    edited = person.with_w_plus(person.w_plus + 1, person.w_plus, torch.ones(1, 1, 64, 64), {"skin": 1.0})
    moved = stylespace.step(tiny, edited, style(), 1.0)
    assert moved.base is edited.base
    assert moved.mask is edited.mask
    assert moved.regions == {"skin": 1.0}


def test_layers_select_channels(tiny: MobileStyleGAN) -> None:
    one = stylespace.step_delta(tiny, style(), 1.0, layers=[0])
    assert [round(float(change.sum()), 4) for change in one.values()] == [0.5]
    assert stylespace.step_delta(tiny, style(), 1.0, layers=[5]) == {}
    assert stylespace.step_delta(tiny, style(), 0.0) == {}


def test_invalid_steps_are_rejected(tiny: MobileStyleGAN) -> None:
    with pytest.raises(ShapeError, match="does not have"):
        stylespace.step_delta(tiny, style(channels=((0, 3), (2, 0), (7, 99))), 1.0)
    with pytest.raises(ShapeError, match="does not have"):
        stylespace.step_delta(tiny, style(channels=((0, 3), (2, 0), (70, 1))), 1.0)
    with pytest.raises(LatentError, match="finite"):
        stylespace.step_delta(tiny, style(), float("nan"))


def test_responses_are_the_gradients(tiny: MobileStyleGAN) -> None:
    w_plus = generate_latents(tiny, [1])
    responses = stylespace.measure_responses(tiny, w_plus, red_and_green)
    channels = stylespace.list_channels(tiny)
    assert responses.shape == (2, len(channels))
    index = int(responses[0].abs().argmax())
    one = style(channels=(channels[index],), step=torch.tensor([0.1]), sigma=1.0)
    effect = stylespace.measure_effect(tiny, one, w_plus, red_and_green)
    torch.testing.assert_close(effect / 0.1, responses[:, index], rtol=0.05, atol=0.002)


def red(G: MobileStyleGAN) -> Direction:
    """Return a line in W along which red grows, from the gradients of the styles."""
    w_plus = generate_latents(G, [0]).requires_grad_()
    (slope,) = torch.autograd.grad(red_and_green(G.synthesis(w_plus))[0, 0], w_plus)
    vector = slope.sum((0, 1))
    return Direction("red", vector / vector.norm(), 0.3, "tenths", 0.5, Named.hash, Named.name)


def test_a_fit_finds_few_channels_that_move_red_and_not_green(tiny: MobileStyleGAN) -> None:
    people = generate_latents(tiny, range(12))
    responses = torch.stack([stylespace.measure_responses(tiny, person, red_and_green) for person in people.split(1)])
    wide = red(tiny)
    sigmas = torch.tensor([wide.sigma, 1.0])
    fitted = stylespace.fit(tiny, wide, responses, 0, sigmas=sigmas, held=2, count=12)
    assert fitted.name == "red.s"
    assert 2 < len(fitted.channels) <= 12
    moves = stylespace.to_styles(tiny, wide)
    indices = [stylespace.list_channels(tiny).index(channel) for channel in fitted.channels]
    predicted = responses.mean(0)[:, indices] @ fitted.step
    torch.testing.assert_close(predicted, torch.tensor([1.0, 0.0]), atol=0.02, rtol=0)
    assert (moves[indices] != 0).all()
    effect = stylespace.measure_effect(tiny, fitted, people[:4], red_and_green)
    true = stylespace.calibrate(fitted, float(effect[0]))
    again = stylespace.measure_effect(tiny, true, people[:4], red_and_green)
    assert float(again[0]) == pytest.approx(true.sigma, rel=0.1)
    with pytest.raises(LatentError, match="should"):
        stylespace.calibrate(fitted, -1.0)
    with pytest.raises(LatentError, match="more channels"):
        stylespace.fit(tiny, wide, responses, 0, sigmas=sigmas, held=2, count=1)


def test_save_and_load_keep_everything(tmp_path: Path) -> None:
    path = tmp_path / "smile.s.safetensors"
    stylespace.save(style(notes="a note"), path)
    back = stylespace.load(path)
    for field in dataclasses.fields(back):
        if field.name != "step":
            assert getattr(back, field.name) == getattr(style(notes="a note"), field.name)
    assert torch.equal(back.step, style().step)
    assert back.layers == (0, 2, 7)
    assert isinstance(stylespace.load_named(str(path)), StyleDirection)
    with pytest.raises(LatentError, match="is not a direction"):
        directions.load(path)


def test_a_damaged_file_is_rejected(tmp_path: Path) -> None:
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


def test_names_of_both_spaces_are_loaded() -> None:
    assert isinstance(stylespace.load_named("smile"), Direction)
    for name in stylespace.list_shipped():
        fitted = stylespace.load_named(name)
        assert isinstance(fitted, StyleDirection)
        assert fitted.name == name
        assert name.endswith(".s")
        assert fitted.generator_hash == directions.load_shipped("smile").generator_hash
        assert set(fitted.layers) <= set(range(23))
    with pytest.raises(LatentError, match="there is no direction"):
        stylespace.load_named("hat.s")
