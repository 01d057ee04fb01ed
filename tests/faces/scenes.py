"""Synthetic test data: squares at any position, smooth colorful pictures, and hair before a wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

SCENE = 256  # pixels of the side of a hair scene
HAIR, WHITE_HAIR = np.array((175.0, 172.0, 168.0)), np.array((215.0, 213.0, 210.0))


def square(x: float, y: float, side: float, degrees: float = 0) -> np.ndarray:
    """Return a quad about (x, y), rotated clockwise in the picture."""
    a = np.radians(degrees)
    right, down = side / 2 * np.array([np.cos(a), np.sin(a)]), side / 2 * np.array([-np.sin(a), np.cos(a)])
    center = np.array([x, y])
    return np.stack([center - right - down, center - right + down, center + right + down, center + right - down])


def smooth(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return a picture of soft blobs about 12 px large."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 12, width // 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@dataclass(frozen=True, eq=False)
class HairScene:
    """Hair before a wall that an edit turns white, and the exact result.

    `before` and `after` are a generator's pictures, whose outline differs from the photo's and whose wall is plain.
    """

    photo: Image.Image
    before: Image.Image
    after: Image.Image
    expected: Image.Image
    opacity: np.ndarray
    generated_opacity: np.ndarray


def make_hair_scene(wall: tuple[int, int, int] | str) -> HairScene:
    """Return a scene before a wall of one color, or before a 'flag'."""
    back = make_flag() if wall == "flag" else np.zeros((SCENE, SCENE, 3)) + np.array(wall, dtype=float)
    plain = np.zeros_like(back) + back.mean((0, 1))
    opacity, generated_opacity = make_outline(0, 0, 1), make_outline(3, -2, 2)
    hair, generated_hair = HAIR + make_strands(4), HAIR + make_strands(3)
    grain = np.random.default_rng(0).normal(0, 2, (SCENE, SCENE, 1))

    def draw(alpha: np.ndarray, front: np.ndarray, behind: np.ndarray, noise: np.ndarray | float = 0.0) -> Image.Image:
        colors = behind + alpha[..., None] * (front - behind) + noise
        return Image.fromarray(colors.round().clip(0, 255).astype(np.uint8))

    return HairScene(
        photo=draw(opacity, hair, back, grain),
        before=draw(generated_opacity, generated_hair, plain),
        after=draw(generated_opacity, generated_hair + WHITE_HAIR - HAIR, plain),
        expected=draw(opacity, hair + WHITE_HAIR - HAIR, back, grain),
        opacity=opacity,
        generated_opacity=generated_opacity,
    )


def make_outline(x: float, y: float, seed: int) -> np.ndarray:
    """Return the opacity of a ragged round head of hair that is moved by (x, y) pixels."""
    rows, columns = np.mgrid[:SCENE, :SCENE] + 0.5
    right, down = columns - SCENE * 0.5 - x, rows - SCENE * 0.55 - y
    angle, radius = np.arctan2(down, right), np.hypot(right, down * 0.9) / SCENE
    edge = 0.4 + 0.012 * np.sin(angle * 37 + seed) + 0.008 * np.sin(angle * 91 + 2 * seed)
    return np.asarray(1 / (1 + np.exp((radius - edge) * SCENE / 1.5)))


def make_strands(seed: int) -> np.ndarray:
    """Return the brightness of vertical strands about 9 pixels long, in levels, `[h, w, 1]`."""
    noise = np.random.default_rng(seed).normal(0, 30, (SCENE + 8, SCENE))
    return np.asarray(np.mean([noise[i : i + SCENE] for i in range(9)], axis=0)[..., None])


def make_flag() -> np.ndarray:
    """Return a pattern of red, white and blue fields."""
    rows, columns = np.mgrid[:SCENE, :SCENE]
    colors = np.array([(170, 40, 45), (225, 225, 220), (40, 55, 110)], dtype=float)
    return np.asarray(colors[(columns // 24 + rows // 40) % 3])
