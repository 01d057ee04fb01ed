"""Tests of the check that a generator makes faces."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from faceloom.errors import FaceError
from faceloom.networks.mobilestylegan import MobileStyleGAN
from faceloom.networks.mtcnn import Mtcnn
from faceloom.workflows import face_share
from faceloom.workflows.face_share import check_faces, measure_face_share, shows_face


@pytest.mark.parametrize(("with_face", "accepted"), [(24, True), (12, True), (11, False), (0, False)])
def test_half_of_the_pictures_must_show_a_face(
    with_face: int, accepted: bool, tiny: MobileStyleGAN, monkeypatch: pytest.MonkeyPatch
):
    answers = iter([True] * with_face + [False] * (24 - with_face))
    monkeypatch.setattr(face_share, "shows_face", lambda net, picture: next(answers))
    monkeypatch.setattr(face_share, "load_mtcnn", Mtcnn)
    if accepted:
        assert check_faces(tiny, "tiny") == with_face / 24
        return
    with pytest.raises(FaceError, match="pictures of tiny") as refused:
        check_faces(tiny, "tiny")
    assert "--force" in refused.value.hint


@pytest.mark.models
def test_a_generator_of_faces_is_distinguished_from_noise(tiny: MobileStyleGAN):
    from faceloom.checkpoints.load import load_generator, load_mtcnn

    net: Any = load_mtcnn()
    assert measure_face_share(load_generator("open-faces").G, net) > 0.8
    assert measure_face_share(tiny, net) == 0
    assert not shows_face(net, Image.new("RGB", (64, 64), "gray"))
