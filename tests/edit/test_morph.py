"""Morphing: exact ends, one person a frame, and people who were edited in some regions."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloom.edit.morph import between, morph, morph_path, smoothstep
from faceloom.errors import LatentError, ShapeError
from faceloom.likeness import Likeness
from faceloom.networks.mobilestylegan import MobileStyleGAN
from faceloom.rendering import PersonGenerators

NUM_WS, W_DIM = 8, 16


def latent(seed: int) -> torch.Tensor:
    return torch.randn(1, NUM_WS, W_DIM, generator=torch.Generator().manual_seed(seed))


def mask_of(seed: int) -> torch.Tensor:
    return torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(seed))


def person(seed: int) -> Likeness:
    return Likeness(latent(seed), "hash", "tiny")


def edited(seed: int, edit: int) -> Likeness:
    """Return person `seed` after an edit of some regions."""
    before = person(seed)
    return before.with_w_plus(before.w_plus + 0.5 * latent(edit), before.w_plus, mask_of(edit), {"skin": 1.0})


PEOPLE = [person(seed) for seed in range(3)]
PAIRS = {
    "two people": (person(0), person(1)),
    "a person and an edited one": (person(0), edited(1, 5)),
    "an edited person and another": (edited(0, 5), person(1)),
    "two edited people": (edited(0, 5), edited(1, 6)),
    "before and after an edit": (person(0), edited(0, 5)),
    "two edits of one person": (edited(0, 5), edited(0, 6)),
}


def draw(G: MobileStyleGAN, people: list[Likeness]) -> list[torch.Tensor]:
    """Draw people with the generators of a film."""
    generators = PersonGenerators(model_of(G), lambda delta, model: model.G)
    return [generators.of(person).synthesis(person.w_plus) for person in people]


def model_of(G: MobileStyleGAN):
    from faceloom.checkpoints.load import GeneratorModel

    return GeneratorModel(G, "tiny", "mobilestylegan", "hash", "none")


def test_ends_are_exact() -> None:
    a, b = latent(0), latent(1)
    assert torch.equal(morph(a, b, 0.0), a)
    assert torch.equal(morph(a, b, 1.0), b)


@settings(deadline=None)
@given(st.floats(0, 1))
def test_the_path_is_straight(t: float) -> None:
    a, b = latent(0), latent(1)
    torch.testing.assert_close(morph(a, b, t), a + t * (b - a), atol=1e-5, rtol=1e-5)


@settings(deadline=None)
@given(st.integers(2, 3), st.integers(1, 12))
def test_every_person_is_met_exactly(count: int, frames: int) -> None:
    path = list(morph_path(PEOPLE[:count], frames))
    assert len(path) == (count - 1) * frames + 1
    assert all(a is b for a, b in zip(path[::frames], PEOPLE, strict=False))


def test_loop_leaves_out_the_repeated_frame() -> None:
    path = list(morph_path(PEOPLE, 4, loop=True))
    assert len(path) == 12
    assert path[::4] == PEOPLE


def test_eased_starts_slower_than_straight() -> None:
    a, b = PEOPLE[:2]
    eased, straight = list(morph_path([a, b], 10)), list(morph_path([a, b], 10, ease=lambda t: t))
    assert (eased[1].w_plus - a.w_plus).norm() < (straight[1].w_plus - a.w_plus).norm()
    assert smoothstep(0.0) == 0.0
    assert smoothstep(1.0) == 1.0
    assert smoothstep(0.5) == 0.5


def test_too_few_people_or_frames_are_rejected() -> None:
    with pytest.raises(LatentError, match="two people"):
        morph_path(PEOPLE[:1], 5)
    with pytest.raises(LatentError, match="two people"):
        morph_path(PEOPLE, 0)
    with pytest.raises(LatentError, match="between"):
        between(*PEOPLE[:2], 1.5)


def test_people_of_two_generators() -> None:
    with pytest.raises(ShapeError, match="one shape"):
        morph_path([PEOPLE[0], Likeness(torch.zeros(1, 6, W_DIM), "other", "other")], 5)


def test_a_pull_bends_the_middle_towards_w_and_meets_every_person_exactly():
    path, straight = list(morph_path(PEOPLE, 4, pull=0.4)), list(morph_path(PEOPLE, 4))
    assert all(path[4 * i] is person for i, person in enumerate(PEOPLE))

    def away(person: Likeness) -> float:
        return float((person.w_plus[0] - person.w_plus[0].mean(0)).norm())

    assert away(path[2]) == pytest.approx(0.6 * away(straight[2]), rel=1e-5)
    a, b = latent(0), latent(1)
    assert torch.equal(morph(a, b, 1.5, 0.4), morph(a, b, 1.5))


@pytest.mark.parametrize("name", PAIRS)
def test_a_morph_starts_and_ends_at_the_pictures_of_its_people(name, tiny):
    pair = list(PAIRS[name])
    film = draw(tiny, list(morph_path(pair, 3, pull=0.5)))
    for frame, person in ((film[0], pair[0]), (film[-1], pair[1])):
        (picture,) = draw(tiny, [person])
        assert torch.equal(frame, picture)


@pytest.mark.parametrize("name", PAIRS)
def test_nothing_appears_at_once(name, tiny):
    a, b = PAIRS[name]
    steps = [0.0, 1e-4, *(i / 20 for i in range(1, 20)), 1 - 1e-4, 1.0]
    film = draw(tiny, [between(a, b, t, 0.5) for t in steps])
    assert (film[1] - film[0]).abs().max() < 0.02
    assert (film[-1] - film[-2]).abs().max() < 0.02
    changes = torch.stack([(after - before).abs().mean() for before, after in pairwise(film)])
    assert changes.max() < 5 * changes[1:-1].median()


def test_what_no_edit_of_a_person_changes_is_the_same_object_in_every_frame():
    before, after = PAIRS["before and after an edit"]
    path = [between(before, after, t, 0.5) for t in (0.2, 0.5, 0.8)]
    assert all(torch.equal(person.base, before.w_plus) for person in path)
    assert len({id(person.base) for person in path}) == 1
    assert torch.equal(path[1].w_plus, before.w_plus.lerp(after.w_plus, 0.5))  # one person is not pulled towards W


@settings(deadline=None)
@given(st.sampled_from(sorted(PAIRS)), st.floats(0, 1))
def test_a_person_between_is_valid_and_symmetric(name: str, t: float) -> None:
    a, b = PAIRS[name]
    there, back = between(a, b, t, 0.5), between(b, a, 1 - t, 0.5)
    torch.testing.assert_close(there.w_plus, back.w_plus, atol=1e-4, rtol=1e-4)
    if 0 < t < 1 and there.mask is not None and back.mask is not None:
        torch.testing.assert_close(there.mask, back.mask, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(there.base, back.base, atol=1e-4, rtol=1e-4)
