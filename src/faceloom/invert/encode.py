"""Inversion by an encoder network: a few refining passes, in a fraction of a second.

Takes a generator, its encoder and target images. Does not open files or detect faces.
Source: Alaluf et al. 2021 (ReStyle).
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
def encoder_guess(G: Generator, encoder: Encoder, img: Tensor) -> WPlus:
    """Return the latents `[n, num_ws, w_dim]` of a single encoder pass over images `[n, 3, 256, 256]`.

    The encoder compares each image with the mean face. No image is generated.
    """
    w_plus: WPlus = G.w_avg + encoder.first_pass(img)
    return w_plus


@torch.no_grad()
def invert_encode(G: Generator, encoder: Encoder, img: Tensor, *, alexnet: Lpips, passes: int = 2) -> Inversion:
    """Refine the latents of all images in one batch for some passes, and keep the pass with the lowest LPIPS of each.

    Convention: img float32 `[n, 3, 256, 256]`, aligned faces, RGB, -1...1. Raises ShapeError for another size.
    """
    check_img(img)
    begin = time.perf_counter()
    target = alexnet.features(img)
    w_plus = broadcast(G.w_avg.expand(len(img), -1), G.num_ws)
    generated = encoder.mean_img.expand_as(img)
    best, best_img = w_plus, generated
    best_lpips = best_mse = torch.full((len(img),), torch.inf)
    for _ in range(passes):
        w_plus = w_plus + encoder(img, generated)
        generated = image_at(G, w_plus, QUALITY_RESOLUTION).clamp(-1, 1)
        lpips = distance(alexnet.features(generated), target)
        mse = (generated - img).square().mean(dim=(1, 2, 3))
        better = lpips < best_lpips
        best = torch.where(better[:, None, None], w_plus, best)
        best_img = torch.where(better[:, None, None, None], generated, best_img)
        best_lpips, best_mse = torch.where(better, lpips, best_lpips), torch.where(better, mse, best_mse)
    seconds = time.perf_counter() - begin
    return Inversion(best, tuple(best_lpips.tolist()), tuple(best_mse.tolist()), best_img, passes, seconds)
