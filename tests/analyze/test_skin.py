"""The skin tone is the individual typology angle of the skin, whatever else the picture shows."""

from __future__ import annotations

import pytest
import torch

from faceloom.analyze.skin import skin_tone, to_lab


def make_face(color: tuple[float, float, float], around: float = 0.0) -> torch.Tensor:
    """Return a picture `[1, 3, 64, 64]` whose face has an sRGB color, 0...1, and the rest is gray."""
    img = torch.full((1, 3, 64, 64), around)
    img[:, :, 26:53, 14:50] = torch.tensor(color)[:, None, None] * 2 - 1
    return img


def test_lab_of_known_colors():
    """White, mid gray and pure red by the CIE formulas, rounded to one decimal."""
    colors = torch.tensor([[1.0, 1.0, 1.0], [0.5, 0.5, 0.5], [1.0, 0.0, 0.0]]).T[None]
    expected = torch.tensor([[100.0, 53.4, 53.2], [0.0, 0.0, 80.1], [0.0, 0.0, 67.2]])
    torch.testing.assert_close(to_lab(colors)[0], expected, atol=0.15, rtol=0)


def test_lighter_skin_has_a_larger_angle():
    tones = torch.cat([skin_tone(make_face(c)) for c in ((0.95, 0.82, 0.74), (0.78, 0.58, 0.45), (0.36, 0.24, 0.18))])
    assert tones[0] > 45 > tones[1] > 0 > tones[2]


def test_the_background_does_not_count():
    color = (0.78, 0.58, 0.45)
    assert float(skin_tone(make_face(color, -1.0))) == pytest.approx(float(skin_tone(make_face(color, 1.0))))


def test_a_shadow_on_the_cheeks_counts_half():
    light, dark = make_face((0.95, 0.82, 0.74)), make_face((0.78, 0.58, 0.45))
    shaded = light.clone()
    shaded[:, :, 34:42, 17:26] = shaded[:, :, 34:42, 38:47] = dark[:, :, 34:35, 20:21]
    assert float(skin_tone(dark)) < float(skin_tone(shaded)) < float(skin_tone(light))
