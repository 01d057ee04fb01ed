"""Where an encoding starts: our encoder, one that was imported with the generator, or the mean face."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from faceloom import Studio
from faceloom.errors import AssetError


def studio_of(name: str) -> Studio:
    studio = Studio()
    model = SimpleNamespace(name=name, G=None)
    studio.__dict__.update(generator=model, fast_generator=model)  # cached properties: nothing is loaded
    return studio


def test_an_imported_encoder_gives_the_first_guess(monkeypatch):
    seen = []
    encoder = SimpleNamespace(encode=lambda img: torch.full((len(img), 4, 2), 7.0))
    monkeypatch.setattr("faceloom.workflows.studio.load_imported_encoder", lambda name: seen.append(name) or encoder)
    first = studio_of("mine").first
    assert first(torch.zeros(2, 3, 256, 256)).shape == (2, 4, 2)
    assert seen == ["mine"]


def test_without_an_encoder_it_is_the_mean_face(monkeypatch):
    def none(name):
        raise AssetError("none", "none")

    monkeypatch.setattr("faceloom.workflows.studio.load_imported_encoder", none)
    assert studio_of("mine").first is None
