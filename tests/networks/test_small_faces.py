"""The small networks of proofs: their shapes, and that they learn."""

from __future__ import annotations

import torch

from faceloom.networks.small_faces import INPUT_SIDE, SmallClassifier, SmallParser


def test_a_classifier_has_a_head_for_each_task():
    network = SmallClassifier([2, 3]).eval()
    answers = network(torch.zeros(4, 3, INPUT_SIDE, INPUT_SIDE))
    assert [list(answer.shape) for answer in answers] == [[4, 2], [4, 3]]
    assert sum(weight.numel() for weight in network.parameters()) < 400_000


def test_a_parser_keeps_the_side():
    logits = SmallParser(10).eval()(torch.zeros(2, 3, INPUT_SIDE, INPUT_SIDE))
    assert list(logits.shape) == [2, 10, INPUT_SIDE, INPUT_SIDE]
