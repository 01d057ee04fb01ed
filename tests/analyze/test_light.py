"""The light of a portrait: read from the eyes, whatever the skin is, and given to another one."""

from __future__ import annotations

import pytest
import torch

from faceloom.analyze.light import (
    BRIGHTNESS_PULL,
    COLOR_PULL,
    EYE_ROWS,
    EYES,
    MAX_GAIN,
    in_one_light,
    mean_light,
    read_light,
    to_linear,
    to_srgb,
)
from faceloom.analyze.skin import skin_tone

LIGHT_SKIN, DARK_SKIN = (0.58, 0.40, 0.31), (0.12, 0.07, 0.05)  # in linear light
WHITE = (0.55, 0.50, 0.48)  # of the eyes
DIM_WARM = torch.tensor([0.62, 0.5, 0.36])


def face(skin: tuple[float, float, float], light: torch.Tensor | None = None) -> torch.Tensor:
    """Return a face of one color with eyes, in a light: `[1, 3, 256, 256]`."""
    linear = torch.tensor(skin)[None, :, None, None].expand(1, 3, 256, 256).clone()
    for left, right in EYES:
        rows, columns = (slice(round(a * 256), round(b * 256)) for a, b in (EYE_ROWS, (left, right)))
        linear[..., rows, columns] = torch.tensor(WHITE)[:, None, None]
        middle = (columns.start + columns.stop) // 2
        linear[..., rows, middle - 6 : middle + 6] = 0.02  # the iris
    return to_srgb(linear * (1 if light is None else light[:, None, None]))


def test_linear_light_and_srgb_are_inverse():
    img = torch.linspace(-1, 1, 50).expand(1, 3, 1, 50)
    assert torch.allclose(to_srgb(to_linear(img)), img, atol=1e-5)


@pytest.mark.parametrize("skin", [LIGHT_SKIN, DARK_SKIN])
def test_the_light_is_read_from_the_eyes_whatever_the_skin_is(skin):
    assert torch.allclose(read_light(face(skin)), torch.tensor([WHITE]), atol=1e-3)
    assert torch.allclose(read_light(face(skin, DIM_WARM)), torch.tensor([WHITE]) * DIM_WARM, atol=1e-3)


def test_one_person_in_two_lights_becomes_alike():
    imgs = torch.cat([face(LIGHT_SKIN), face(LIGHT_SKIN, DIM_WARM)])
    lights = read_light(imgs)
    together = in_one_light(imgs, lights, mean_light(lights))
    before, after = (float((to_linear(pair[0]) / to_linear(pair[1])).log().abs().mean()) for pair in (imgs, together))
    assert (1 - COLOR_PULL) * before < after < 1.05 * (1 - BRIGHTNESS_PULL) * before


def test_two_people_in_one_light_keep_their_skin():
    imgs = torch.cat([face(LIGHT_SKIN), face(DARK_SKIN)])
    lights = read_light(imgs)
    together = in_one_light(imgs, lights, mean_light(lights))
    assert torch.allclose(together, imgs, atol=1e-3)
    assert torch.allclose(skin_tone(together), skin_tone(imgs), atol=0.5)


def test_a_reading_of_closed_eyes_changes_a_picture_only_so_far():
    imgs = face(LIGHT_SKIN)
    changed = in_one_light(imgs, torch.full((1, 3), 1e-3), torch.tensor(WHITE))
    assert float((to_linear(changed) / to_linear(imgs)).max()) <= MAX_GAIN + 1e-3
