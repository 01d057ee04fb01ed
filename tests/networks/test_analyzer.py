"""The analyzer and the aligner: shapes, size, gradients, batches, refused inputs."""

from __future__ import annotations

import pytest
import torch

from faceloom.checkpoints.shipped import load_analyzer
from faceloom.errors import ShapeError
from faceloom.networks.aligner import Aligner
from faceloom.networks.analyzer import ANALYZER_RESOLUTION, ATTRIBUTES, DETAILS, IDENTITY_DIM, Analyzer, crop_face


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    torch.manual_seed(0)
    return Analyzer().eval()


@pytest.mark.parametrize("side", [64, 256, 333])
def test_any_side_gives_one_reading_per_face(analyzer: Analyzer, side: int):
    reading = analyzer(torch.rand(2, 3, side, side) * 2 - 1)
    assert reading.attributes.shape == (2, len(ATTRIBUTES))
    assert reading.identity.shape == (2, IDENTITY_DIM)
    assert reading.details.shape == (2, len(DETAILS))
    torch.testing.assert_close(reading.identity.norm(dim=1), torch.ones(2))


def test_a_batch_equals_its_single_faces(analyzer: Analyzer):
    img = torch.rand(3, 3, 128, 128) * 2 - 1
    together = analyzer(img)
    for index in range(3):
        alone = analyzer(img[index : index + 1])
        torch.testing.assert_close(together.attributes[index], alone.attributes[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("part", ["attributes", "details"])
def test_it_is_differentiable(analyzer: Analyzer, part: str):
    img = (torch.rand(1, 3, 128, 128) * 2 - 1).requires_grad_()
    getattr(analyzer(img), part)[0, 0].backward()
    assert img.grad is not None
    assert img.grad.abs().sum() > 0


def test_the_crop_is_centered_on_the_face():
    img = torch.full((1, 3, 100, 100), -1.0)
    img[:, :, 14:94, 10:90] = 1.0  # exactly the crop
    assert crop_face(img).shape == (1, 3, ANALYZER_RESOLUTION, ANALYZER_RESOLUTION)
    assert crop_face(img).min() == 1


@pytest.mark.parametrize("shape", [(3, 128, 128), (1, 1, 128, 128), (1, 3, 128, 100), (1, 3, 32, 32)])
def test_other_shapes_are_refused(analyzer: Analyzer, shape: tuple[int, ...]):
    with pytest.raises(ShapeError):
        analyzer(torch.zeros(shape))


def test_the_second_head_left_the_readings_of_the_first_as_they_were():
    """The shipped analyzer reads from a pattern what it read before the second head was added."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 256), torch.linspace(-1, 1, 256), indexing="ij")
    img = 0.8 * torch.stack([torch.sin(3 * x + y), torch.cos(4 * x * y), torch.sin(5 * y)])[None]
    reading = load_analyzer()(img)
    expected = torch.tensor([23.997, -0.576, 0.202, -4.379, -1.733, 10.041, -24.922, -1.308, 5.609, 4.745])
    torch.testing.assert_close(reading.attributes[0], expected, atol=2e-3, rtol=0)
    torch.testing.assert_close(reading.identity[0, :2], torch.tensor([0.0530, 0.0673]), atol=2e-4, rtol=0)


def test_the_network_is_small():
    for net, limit in ((Analyzer(), 5e6), (Aligner(), 2e6)):
        numbers = sum(tensor.numel() for name, tensor in net.state_dict().items() if "num_batches" not in name)
        assert 2 * numbers <= limit


def test_the_aligner_refuses_other_crop_sizes():
    assert Aligner().eval()(torch.zeros(2, 3, 128, 128)).shape == (2, 4)
    with pytest.raises(ShapeError):
        Aligner()(torch.zeros(2, 3, 64, 64))
