"""The encoders of pSp, e4e and ReStyle: shapes, parameter names, and the differences between the kinds."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from faceloom.errors import ShapeError
from faceloom.networks.psp_encoder import PspEncoder, PspEncoderConfig

TINY = PspEncoderConfig(head_depths=(4, 5, 6), width=16, w_dim=8)


def seeded(config: PspEncoderConfig = TINY) -> PspEncoder:
    torch.manual_seed(0)
    return PspEncoder(config).eval().requires_grad_(False)


def test_an_image_gives_one_style_per_layer():
    network, img = seeded(), torch.randn(2, 3, 256, 256)
    styles = network(img)
    assert styles.shape == (2, 3, 8)
    torch.testing.assert_close(styles[1:], network(img[1:]), atol=1e-5, rtol=1e-4)
    with pytest.raises(ShapeError, match=r"expected \[n, 3, 256, 256\]"):
        network(img[:, :, :128])


def test_e4e_adds_the_first_style_to_the_others():
    img = torch.randn(1, 3, 256, 256)
    plain, added = seeded()(img), seeded(replace(TINY, progressive=True))(img)
    torch.testing.assert_close(added[:, 0], plain[:, 0])
    torch.testing.assert_close(added[:, 2], plain[:, 0] + plain[:, 2])


def test_the_names_are_the_checkpoints():
    names = set(seeded().state_dict())
    for name in ("input_layer.0.weight", "input_layer.2.weight", "body.3.shortcut_layer.1.running_var"):
        assert name in names
    for name in (
        "body.23.res_layer.5.fc2.weight",
        "styles.2.convs.10.bias",
        "styles.0.linear.weight",
        "latlayer2.bias",
    ):
        assert name in names
    assert "body.0.shortcut_layer.0.weight" not in names
    assert not any("latlayer" in name for name in seeded(replace(TINY, head_depths=(4, 4))).state_dict())
