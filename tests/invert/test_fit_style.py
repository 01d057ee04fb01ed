"""Fits of a style: the pictures come closer, the generator stays as it is, and steps and seed decide everything."""

from __future__ import annotations

import pytest
import torch

from faceloom.errors import Cancelled, LatentError
from faceloom.invert.fit_style import Example, StyleConfig, fit_style, gram, styled_weights
from faceloom.networks.mobilestylegan import MobileStyleGAN, MobileStyleGANConfig
from faceloom.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from faceloom.networks.tuned import Tuned


def negative(G, seed: int, *, is_exact: bool = True) -> Example:
    """Return a person and their negative as the example."""
    w_plus = torch.randn(1, 1, G.w_dim, generator=torch.Generator().manual_seed(seed)).repeat(1, G.num_ws, 1)
    return Example(-G.synthesis(w_plus), w_plus, is_exact)


def fit(tools, G, examples, **config):
    callback = config.pop("callback", None)
    identity = config.pop("identity", None)
    config = StyleConfig(**({"seconds": None, "rank": 2, "whole_below": 64, "first_side": 4} | config))
    return fit_style(G, examples, vgg=tools["alexnet"], identity=identity, config=config, callback=callback)


@pytest.mark.parametrize("is_exact", [True, False])
def test_pictures_come_closer_and_the_generator_is_unchanged(tools, tiny, is_exact):
    before = {name: weight.clone() for name, weight in tiny.named_parameters()}
    example = negative(tiny, 1, is_exact=is_exact)
    done = fit(tools, tiny, [example], steps=15, mixed=0.0, learning_rate=0.15)
    distances = [(G.synthesis(example.w_plus) - example.img).abs().mean() for G in (tiny, Tuned(tiny, done.delta))]
    assert distances[1] < 0.8 * distances[0]
    assert all(torch.equal(weight, before[name]) for name, weight in tiny.named_parameters())
    assert done.steps == 15


def test_steps_and_seed_decide_everything(tools, tiny):
    examples = [negative(tiny, 1, is_exact=False), negative(tiny, 2)]
    first, second, other = (fit(tools, tiny, examples, steps=4, seed=seed) for seed in (0, 0, 1))
    assert all(torch.equal(first.delta[name], second.delta[name]) for name in first.delta)
    assert any(not torch.equal(first.delta[name], other.delta[name]) for name in first.delta)


def test_large_generators_are_compared_in_crops(tools):
    torch.manual_seed(0)
    G = MobileStyleGAN(MobileStyleGANConfig(channels=(4,) * 7, z_dim=8, w_dim=8, mapping_layers=2)).requires_grad_(
        False
    )
    examples = [negative(G, 1), negative(G, 2, is_exact=False)]
    read = []

    def identity(img: torch.Tensor) -> torch.Tensor:
        read.append(img.shape)
        return torch.nn.functional.normalize(img.mean(dim=(2, 3)), dim=1)

    done = fit(tools, G, examples, steps=4, crops=2, identity=identity, identity_every=1)
    assert done.steps == 4
    assert set(read) == {(1, 3, 256, 256)}


def test_an_interruption_keeps_the_result(tools, tiny, interrupt_at):
    done = fit(tools, tiny, [negative(tiny, 1)], steps=50, callback=interrupt_at(2, Cancelled("canceled")))
    assert done.interrupted
    assert done.delta


def test_coarse_layers_do_not_change(tiny):
    assert not any(name.startswith("first.") for name in styled_weights(tiny, 8))
    assert "blocks.0.conv1.affine.bias" in styled_weights(tiny, 8)
    assert not any("affine.weight" in name or "mapping" in name for name in styled_weights(tiny, 4))
    G = StyleGAN2(StyleGAN2Config(channels=(8, 8, 8, 8), w_dim=16)).eval()
    assert {name.split(".")[-1] for name in styled_weights(G)} == {"weight", "bias"}


def test_the_number_and_the_size_of_examples_are_checked(tools, tiny):
    with pytest.raises(LatentError, match="0 examples"):
        fit(tools, tiny, [], steps=1)
    example = negative(tiny, 1)
    with pytest.raises(LatentError, match="32 pixels"):
        fit(tools, tiny, [Example(example.img[..., :16], example.w_plus)], steps=1)


def test_a_gram_matrix_does_not_depend_on_places():
    features = torch.randn(1, 3, 4, 5)
    shuffled = features.flatten(2)[..., torch.randperm(20)].view(1, 3, 4, 5)
    torch.testing.assert_close(gram(features), gram(shuffled))
