"""The start of an encoding: the shipped encoder, an imported one, or the mean face."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from faceloom import Studio
from faceloom.errors import AssetError


def studio_of(name: str) -> Studio:
    studio = Studio()
    model = SimpleNamespace(name=name, G=None)
    studio.__dict__.update(generator=model, fast_generator=model)  # cached properties: no network is loaded
    return studio


def test_an_imported_encoder_gives_the_first_guess(monkeypatch):
    names = []
    encoder = SimpleNamespace(encode=lambda img: torch.full((len(img), 4, 2), 7.0))
    monkeypatch.setattr("faceloom.workflows.studio.load_imported_encoder", lambda name: names.append(name) or encoder)
    guess = studio_of("mine").encoder
    assert guess(torch.zeros(2, 3, 256, 256)).shape == (2, 4, 2)
    assert names == ["mine"]


def test_without_an_encoder_there_is_no_guess(monkeypatch):
    def none(name):
        raise AssetError("none", "none")

    monkeypatch.setattr("faceloom.workflows.studio.load_imported_encoder", none)
    assert studio_of("mine").encoder is None
