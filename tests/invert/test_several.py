"""Several photos of one person: identities are averaged, and a stranger among them is noticed."""

from __future__ import annotations

import torch

from faceloom.invert.natural_gradient import ImageLoss
from faceloom.invert.several import average, shared_descent
from faceloom.networks.analyzer import Analyzer
from faceloom.networks.curvature import Curvature


def test_photos_share_a_start_and_an_identity(tools):
    torch.manual_seed(1)
    G, loss = tools["G"], ImageLoss(tools["alexnet"], Analyzer().eval().requires_grad_(False))
    curvature = Curvature(G.num_ws, G.w_dim, stiff=1)
    curvature.scales.fill_(0.1)
    imgs = torch.cat((tools["img"], tools["img"].flip(3), -tools["img"]))
    guess = lambda img: G.w_avg.expand(len(img), G.num_ws, -1).clone()  # noqa: E731
    shared = average(G, imgs, loss=loss, curvature=curvature, encoder_guess=guess)
    assert shared.w_plus.shape == (1, G.num_ws, G.w_dim)
    torch.testing.assert_close(shared.identity.norm(), torch.tensor(1.0))
    assert shared.similarities[2] == min(shared.similarities)  # the picture that is unlike the others
    assert shared.reference in (0, 1)
    descent = shared_descent(G, loss, curvature, shared)(tools["img"], shared.w_plus)
    assert torch.equal(descent.target.identity, shared.identity)
    assert torch.equal(descent.target.img, tools["img"])
