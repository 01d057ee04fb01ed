"""Intermediate results of the networks."""

from __future__ import annotations

import pytest
import torch

from faceloom import Studio, open_photo
from faceloom.assets.cache import open_asset
from faceloom.checkpoints.load import load_lpips
from faceloom.images import Photo, to_img
from faceloom.networks.lpips import distance, distance_map
from faceloom.workflows import inspect

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


@pytest.fixture(scope="module")
def photo() -> Photo:
    return open_photo(open_asset("portraits") / "astronaut.png")


def test_the_detector_reduces_its_boxes_to_the_face(photo: Photo):
    result = inspect.trace_detector(photo.image)
    assert len(result.pnet_boxes) > len(result.rnet_boxes) > len(result.boxes) == len(result.scores) == 1
    assert result.scores[0] > 0.99
    (left, top, right, bottom), points = result.boxes[0], result.landmarks[0]
    assert all(left < x < right and top < y < bottom for x, y in points)
    assert points[0][1] < points[2][1] < points[3][1]  # an eye, the nose, the mouth


def test_the_map_averages_to_the_distance(studio: Studio, photo: Photo):
    crop = to_img(studio.align(photo, studio.choose(photo).face, 256).image)
    person = studio.generate(1)
    result = inspect.compare_to_photo(studio, person, crop)
    assert result.distance_map.shape == (256, 256)
    assert float(result.distance_map.mean()) == pytest.approx(result.distance, rel=0.05)
    same = inspect.compare_to_photo(studio, person, to_img(studio.render(person, 256)))
    assert same.distance < 0.02 < result.distance


def test_the_map_is_large_where_the_images_differ():
    net = load_lpips("alexnet")
    img = to_img(open_photo(open_asset("portraits") / "astronaut.png").image.resize((128, 128)))
    other = img.clone()
    other[..., :32, :32] = -img[..., :32, :32]
    a, b = net.features(img), net.features(other)
    where = distance_map(a, b, 64)[0]
    assert float(where[:16, :16].mean()) > 20 * float(where[32:, 32:].mean())
    assert float(distance(a, b)) > 0


def test_styles_of_generated_faces_are_common_and_those_of_the_mean_face_are_zero(studio: Studio):
    mean = studio.generate(1, psi=0.0)
    layers = inspect.layer_styles(studio, mean)
    assert len(layers) == studio.generator.G.num_ws
    assert max(abs(value) for layer in layers for value in layer.channels) < 0.5
    styles = inspect.layer_styles(studio, studio.generate(1, psi=1.0))
    assert [layer.group for layer in styles][:: len(layers) - 1] == ["coarse", "fine"]
    values = torch.tensor([value for layer in styles for value in layer.channels])
    assert 0.5 < float(values.std()) < 2
    assert all(0.5 < layer.rarity < 2 for layer in styles)
