"""Conversion between pixels and tensors, and resizing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from faceloom.errors import ImageError, ShapeError
from faceloom.images import area_resize, to_img, to_photo, to_pixel_list, to_pixels


def make_ramp() -> np.ndarray:
    return np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)


def test_all_levels_round_trip() -> None:
    img = to_img(make_ramp())
    assert img.shape == (1, 3, 16, 16)
    assert img.dtype == torch.float32
    assert (img.min(), img.max()) == (-1, 1)
    assert (to_pixels(img) == make_ramp()).all()


def test_photos_pixels_and_lists() -> None:
    photo = Image.fromarray(make_ramp())
    assert to_img(photo).equal(to_img(make_ramp()))
    assert to_img([photo, make_ramp()]).equal(to_img(photo).repeat(2, 1, 1, 1))
    assert to_img(photo.convert("L")).equal(to_img(photo))
    for form in (photo, make_ramp(), to_img(photo)):
        assert to_photo(form).tobytes() == photo.tobytes()


def test_values_are_rounded_and_clamped() -> None:
    img = torch.tensor([-3.0, -1.0, 0.0, 0.002, 5.0]).expand(1, 3, 1, 5)
    assert to_pixels(img)[0, :, 0].tolist() == [0, 0, 128, 128, 255]


def test_gradients_and_bf16() -> None:
    img = to_img(make_ramp()).requires_grad_()
    assert (to_pixels(img) == make_ramp()).all()
    assert to_pixels(torch.zeros(1, 3, 2, 2, dtype=torch.bfloat16)).dtype == np.uint8


def test_several_images_for_one() -> None:
    with pytest.raises(ShapeError, match="to_pixel_list"):
        to_pixels(torch.zeros(2, 3, 4, 4))
    assert len(to_pixel_list(torch.zeros(2, 3, 4, 4))) == 2


@pytest.mark.wrong_types
def test_wrong_channels_types_and_sizes() -> None:
    with pytest.raises(ShapeError, match=r"\[n, 3, h, w\]"):
        to_pixel_list(torch.zeros(1, 4, 4, 4))
    with pytest.raises(ShapeError, match="uint8"):
        to_img(make_ramp().astype(np.float32))
    with pytest.raises(ShapeError, match="one size"):
        to_img([make_ramp(), make_ramp()[:8]])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_and_infinity_are_refused(value: float) -> None:
    img = torch.zeros(1, 3, 4, 4)
    img[0, 1, 2, 3] = value
    with pytest.raises(ImageError, match="NaN"):
        to_pixels(img)


def test_whole_factors_average_blocks() -> None:
    img = torch.rand(2, 3, 12, 8)
    blocks = img.reshape(2, 3, 4, 3, 4, 2).mean((3, 5))
    torch.testing.assert_close(area_resize(img, 4), blocks)
    assert area_resize(img, (12, 8)) is img


@pytest.mark.parametrize("size", [5, 7, (20, 9), 40])
def test_other_factors_keep_a_flat_color(size: int | tuple[int, int]) -> None:
    flat = torch.full((1, 3, 12, 16), 0.3)
    out = area_resize(flat, size)
    assert out.shape[2:] == ((size, size) if isinstance(size, int) else size)
    torch.testing.assert_close(out, torch.full_like(out, 0.3))


def test_shrinking_is_antialiased() -> None:
    checkers = (torch.arange(90)[:, None] + torch.arange(90)) % 2 * 2.0 - 1
    assert area_resize(checkers.expand(1, 3, 90, 90), 35)[..., 4:-4, 4:-4].abs().max() < 0.1


def test_resizing_has_a_gradient() -> None:
    img = torch.rand(1, 3, 10, 10, requires_grad=True)
    area_resize(img, 4).sum().backward()
    assert img.grad is not None
    assert img.grad.abs().sum() > 0
