"""Benchmarks compare with fair peers: the official code with our memory setting, and OpenVINO on our own graph."""

from __future__ import annotations

import io
import json
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

with pytest.MonkeyPatch.context() as patch:
    patch.setenv("BENCH_PLAIN", "1")  # no memory settings in the tests' process
    from bench import graph, training


@pytest.mark.parametrize(("side", "is_plain"), [("official fp32", True), ("official-kept fp32", False)])
def test_official_code_with_and_without_kept_memory(monkeypatch: pytest.MonkeyPatch, side: str, is_plain: bool):
    assert side in training.SIDES
    monkeypatch.delenv("BENCH_PLAIN", raising=False)
    monkeypatch.setattr(training.subprocess, "Popen", lambda command, env, **_: (command, env))
    command, environment = training.start_child(side)
    assert command[-1] == side
    assert ("BENCH_PLAIN" in environment) == is_plain


@pytest.mark.parametrize("is_plain", [True, False])
def test_kept_memory_is_set_before_the_official_jobs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_plain: bool
):
    calls: list[str] = []
    monkeypatch.setenv("BENCH_PLAIN", "1") if is_plain else monkeypatch.delenv("BENCH_PLAIN", raising=False)
    monkeypatch.setattr("faceloom.memory.keep_memory", lambda: calls.append("keep"))
    monkeypatch.setattr(training, "official_jobs", lambda _: {"step": lambda: calls.append("step")})
    monkeypatch.setattr(sys, "stdin", io.StringIO("step\n"))
    training.serve_jobs(Namespace(side="official-kept fp32", clock="wall"))
    assert calls == ([] if is_plain else ["keep"]) + ["step"] * 3
    assert json.loads(capsys.readouterr().out)["seconds"] >= 0


def test_openvino_runs_the_published_graph_and_ours(monkeypatch: pytest.MonkeyPatch):
    calls: list[Any] = []

    class Core:
        def compile_model(self, xml: Path, device: str, hints: dict[str, str]) -> Any:
            return lambda array: calls.append(("published", xml.name, hints["INFERENCE_PRECISION_HINT"], array.shape))

    def open_engine(model: object, choice: Any) -> Any:
        draw = lambda w_plus: calls.append((choice.engine, choice.precision, tuple(w_plus.shape)))  # noqa: E731
        return SimpleNamespace(G=SimpleNamespace(synthesis=draw))

    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=Core))
    monkeypatch.setattr(graph, "open_engine", open_engine)
    peers = graph.open_openvino_peers(Path(), SimpleNamespace(), torch.zeros(1, 512), torch.zeros(1, 23, 512))
    for draw in peers.values():
        draw()
    assert calls == [
        ("published", "SynthesisNetwork.xml", "f32", (1, 512)),
        ("openvino", "fp32", (1, 23, 512)),
        ("published", "SynthesisNetwork.xml", "bf16", (1, 512)),
        ("openvino", "bf16", (1, 23, 512)),
    ]
