"""Pictures in squares of one color."""

from __future__ import annotations

import torch

from faceloom.networks.blended import Blended, compute_features
from faceloom.networks.squares import InSquares


def test_every_square_has_the_mean_color_of_its_pixels(tiny):
    w_plus = torch.randn(1, tiny.num_ws, tiny.w_dim)
    img, drawn = tiny.synthesis(w_plus), InSquares(tiny, 4).synthesis(w_plus)
    side = img.shape[-1] // 4
    corner = img[..., :side, side : 2 * side].mean((2, 3), keepdim=True)
    torch.testing.assert_close(drawn[..., :side, side : 2 * side], corner.expand(-1, -1, side, side))


def test_a_share_of_nothing_and_small_pictures_change_nothing(tiny):
    w_plus = torch.randn(1, tiny.num_ws, tiny.w_dim)
    assert torch.equal(InSquares(tiny, 4, 0.0).synthesis(w_plus), tiny.synthesis(w_plus))
    assert torch.equal(InSquares(tiny, 128).synthesis(w_plus), tiny.synthesis(w_plus))


def test_edited_pictures_are_drawn_in_squares(tiny):
    w_plus = torch.randn(1, tiny.num_ws, tiny.w_dim)
    blended = Blended(tiny, compute_features(tiny, w_plus), torch.ones(1, 1, 64, 64))
    assert InSquares(blended, 4).synthesis(w_plus).unique().numel() <= 4 * 4 * 3
