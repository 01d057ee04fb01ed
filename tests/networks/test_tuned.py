"""Deltas of weights: the changes, their blending, and refused deltas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from faceloom.engines import Choice
from faceloom.engines.engine import Engine
from faceloom.errors import LatentError
from faceloom.networks.tuned import LEFT_FACTOR, RIGHT_FACTOR, Tuned, blend_deltas, changed_weights, tunable_weights

NAME = "blocks.0.conv2.conv.1.weight"  # [16, 16, 1, 1]


def factors(seed):
    torch.manual_seed(seed)
    return {
        NAME + LEFT_FACTOR: torch.randn(16, 2),
        NAME + RIGHT_FACTOR: torch.randn(2, 16),
        "to_img.bias": torch.ones(12) * seed,
    }


def test_an_empty_delta_changes_nothing(tiny):
    w_plus = torch.randn(1, 8, 16)
    assert torch.equal(Tuned(tiny, {}).synthesis(w_plus), tiny.synthesis(w_plus))


def test_factors_and_a_full_change(tiny):
    weights = dict(changed_weights(tiny, factors(1)))
    before = tunable_weights(tiny)[NAME]
    product = (factors(1)[NAME + LEFT_FACTOR] @ factors(1)[NAME + RIGHT_FACTOR]).view(before.shape)
    torch.testing.assert_close(weights[NAME], before + product)
    assert torch.equal(weights["to_img.bias"], tunable_weights(tiny)["to_img.bias"] + 1)
    w_plus = torch.randn(1, 8, 16)
    assert not torch.equal(Tuned(tiny, factors(1)).synthesis(w_plus), tiny.synthesis(w_plus))


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_an_engine_is_tuned_through_its_network(tiny, precision):
    engine = Engine(tiny, Choice("torch", precision))
    w_plus = torch.randn(1, 8, 16)
    images = Tuned(engine, factors(1)).synthesis(w_plus)
    torch.testing.assert_close(images, Tuned(tiny, factors(1)).synthesis(w_plus), atol=0.2, rtol=0.1)
    assert tunable_weights(engine).keys() == tunable_weights(tiny).keys()


def test_blending_is_linear_and_exact_at_the_ends(tiny):
    a, b = factors(1), factors(2)
    assert blend_deltas(a, b, 0.0) is a
    assert blend_deltas(a, b, 1.0) is b
    weights = [dict(changed_weights(tiny, delta))[NAME] for delta in (a, b, blend_deltas(a, b, 0.25))]
    torch.testing.assert_close(weights[2], 0.75 * weights[0] + 0.25 * weights[1])
    half = dict(changed_weights(tiny, blend_deltas(a, {}, 0.5)))[NAME]
    torch.testing.assert_close(half, (weights[0] + tunable_weights(tiny)[NAME]) / 2)


def test_affines_mapping_and_noise_are_not_tunable(tiny):
    assert not [name for name in tunable_weights(tiny) if "affine" in name or "mapping" in name or "noise" in name]


@pytest.mark.parametrize(
    "delta",
    [{"unknown": torch.zeros(3)}, {"to_img.bias": torch.zeros(5)}, {NAME + LEFT_FACTOR: torch.zeros(16, 2)},
     {NAME + LEFT_FACTOR: torch.zeros(16, 2), NAME + RIGHT_FACTOR: torch.zeros(3, 16)}],
)  # fmt: skip
def test_a_delta_that_does_not_fit_is_refused(tiny, delta):
    with pytest.raises(LatentError, match="tuning"):
        Tuned(tiny, delta)


def test_two_threads_use_two_deltas_of_one_generator(tiny):
    """Check that one person's delta never affects another's image or the generator, as the booth requires."""
    w_plus = torch.randn(1, 8, 16)
    plain, people = tiny.synthesis(w_plus), [Tuned(tiny, factors(seed)) for seed in (1, 2)]
    single = [person.synthesis(w_plus) for person in people]
    with ThreadPoolExecutor(2) as threads:
        images = list(threads.map(lambda person: [person.synthesis(w_plus) for _ in range(150)], people))
    for expected, pictures in zip(single, images, strict=True):
        assert all(torch.equal(picture, expected) for picture in pictures)
    assert torch.equal(tiny.synthesis(w_plus), plain)
