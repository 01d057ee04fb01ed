"""The encoder's inversion: a few attempts, each better informed, in a fraction of a second.

Knows a generator, its encoder and target images; no files, no faces. After Alaluf et al. 2021 (ReStyle).
"""

from __future__ import annotations

import time

import torch
from torch import Tensor

from faceloom.invert.inversion import QUALITY_RESOLUTION, Inversion, check_img
from faceloom.latents import WPlus, broadcast
from faceloom.networks.encoder import Encoder
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.lpips import Lpips, distance


@torch.no_grad()
def first_guess(G: Generator, encoder: Encoder, img: Tensor) -> WPlus:
    """Look once at each image `[n, 3, 256, 256]`, beside the mean face, and draw nothing: `[n, num_ws, w_dim]`."""
    w_plus: WPlus = G.w_avg + encoder.first(img)
    return w_plus


@torch.no_grad()
def invert_encode(G: Generator, encoder: Encoder, img: Tensor, *, alexnet: Lpips, attempts: int = 2) -> Inversion:
    """Make some attempts at all images in one batch, and keep of each image the one that is most like it.

    Convention: img float32 `[n, 3, 256, 256]`, aligned faces, RGB, -1...1. Raises ShapeError for another size.
    """
    check_img(img)
    begin = time.perf_counter()
    target = alexnet.features(img)
    w_plus = broadcast(G.w_avg.expand(len(img), -1), G.num_ws)
    attempt = encoder.mean_img.expand_as(img)
    best, best_img = w_plus, attempt
    best_lpips = best_mse = torch.full((len(img),), torch.inf)
    for _ in range(attempts):
        w_plus = w_plus + encoder(img, attempt)
        attempt = image_at(G, w_plus, QUALITY_RESOLUTION).clamp(-1, 1)
        lpips, mse = distance(alexnet.features(attempt), target), (attempt - img).square().mean(dim=(1, 2, 3))
        better = lpips < best_lpips
        best = torch.where(better[:, None, None], w_plus, best)
        best_img = torch.where(better[:, None, None, None], attempt, best_img)
        best_lpips, best_mse = torch.where(better, lpips, best_lpips), torch.where(better, mse, best_mse)
    seconds = time.perf_counter() - begin
    return Inversion(best, tuple(best_lpips.tolist()), tuple(best_mse.tolist()), best_img, attempts, seconds)
