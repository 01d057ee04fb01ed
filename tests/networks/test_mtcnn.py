"""MTCNN's networks: shapes, the pixels of a window, and the names of the published weights."""

from __future__ import annotations

import pytest
import torch

from faceloom.networks.mtcnn import CELL, STRIDE, Mtcnn, flatten_width_first

PUBLISHED = {  # shapes of the weights as published; each has a bias, and each convolution but the last a prelu
    "pnet.conv1": (10, 3, 3, 3),
    "pnet.conv2": (16, 10, 3, 3),
    "pnet.conv3": (32, 16, 3, 3),
    "pnet.conv4_1": (2, 32, 1, 1),
    "pnet.conv4_2": (4, 32, 1, 1),
    "rnet.conv1": (28, 3, 3, 3),
    "rnet.conv2": (48, 28, 3, 3),
    "rnet.conv3": (64, 48, 2, 2),
    "rnet.dense4": (128, 576),
    "rnet.dense5_1": (2, 128),
    "rnet.dense5_2": (4, 128),
    "onet.conv1": (32, 3, 3, 3),
    "onet.conv2": (64, 32, 3, 3),
    "onet.conv3": (64, 64, 3, 3),
    "onet.conv4": (128, 64, 2, 2),
    "onet.dense5": (256, 1152),
    "onet.dense6_1": (2, 256),
    "onet.dense6_2": (4, 256),
    "onet.dense6_3": (10, 256),
}
PRELUS = {"pnet": 3, "rnet": 4, "onet": 5}


@pytest.fixture(scope="module")
def net() -> Mtcnn:
    torch.manual_seed(0)
    return Mtcnn().eval().requires_grad_(False)


def test_names_and_shapes_are_the_published_ones(net: Mtcnn) -> None:
    ours = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    published = {f"{name}.weight": shape for name, shape in PUBLISHED.items()}
    published |= {f"{name}.bias": shape[:1] for name, shape in PUBLISHED.items()}
    for part, count in PRELUS.items():
        for i in range(1, count + 1):
            layer = next(shape for name, shape in PUBLISHED.items() if name in (f"{part}.conv{i}", f"{part}.dense{i}"))
            published[f"{part}.prelu{i}.weight"] = layer[:1]
    assert ours == published


def test_results_have_the_documented_shapes(net: Mtcnn) -> None:
    scores, offsets = net.rnet(torch.rand(3, 3, 24, 24))
    assert (scores.shape, offsets.shape) == ((3,), (3, 4))
    scores, offsets, points = net.onet(torch.rand(2, 3, 48, 48))
    assert (scores.shape, offsets.shape, points.shape) == ((2,), (2, 4), (2, 5, 2))
    assert ((scores > 0) & (scores < 1)).all()


@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 7), (9, 14)])
def test_a_window_depends_on_exactly_its_pixels(net: Mtcnn, row: int, column: int) -> None:
    img = torch.rand(1, 3, 30, 40) * 2 - 1
    scores, offsets = net.pnet(img)
    assert scores.shape == (1, 10, 15)
    y, x = row * STRIDE, column * STRIDE
    one_score, one_offsets = net.pnet(img[:, :, y : y + CELL, x : x + CELL])
    assert one_score.shape == (1, 1, 1)
    torch.testing.assert_close(scores[0, row, column], one_score[0, 0, 0])
    torch.testing.assert_close(offsets[0, :, row, column], one_offsets[0, :, 0, 0])


def test_dense_layers_flatten_width_first() -> None:
    x = torch.arange(24).reshape(1, 2, 3, 4)  # channel, row, column
    assert flatten_width_first(x)[0, :4].tolist() == [0, 12, 4, 16]
