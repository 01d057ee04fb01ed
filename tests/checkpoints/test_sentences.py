"""The real sentence embedding: its tokens, its vectors, and what it takes clauses for."""

from __future__ import annotations

import pytest
import torch

from bench.words import judge
from faceloom.assets.cache import is_pulled
from faceloom.checkpoints import sentences
from faceloom.checkpoints.sentences import SentenceEmbedder, load_sentence_embedder
from faceloom.errors import AssetError, CorruptFile, MissingExtra
from faceloom.workflows.words import load_paraphraser


@pytest.fixture
def embedder() -> SentenceEmbedder:
    pytest.importorskip("onnxruntime")
    if not is_pulled("minilm"):
        pytest.skip("the weights were not pulled: faceloom models pull minilm")
    return load_sentence_embedder()


@pytest.mark.models
def test_texts_become_unit_vectors_that_do_not_depend_on_each_other(embedder: SentenceEmbedder):
    texts = ["a happy person", "a cheerful woman", "what is the weather", "glasses"]
    vectors = embedder(texts)
    assert vectors.shape == (4, 384)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(vectors[2:3], embedder(texts[2:3]))
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > 0.5 > cosines[0, 2]


@pytest.mark.models
def test_tokens_are_those_of_bert(embedder: SentenceEmbedder):
    # Hugging Face's tokenizers 0.23 give these numbers for the same file
    assert embedder.tokenizer(["an unsmiling face, isn't it?"]) == [
        [101, 2019, 4895, 6491, 16281, 2227, 1010, 3475, 1005, 1056, 2009, 1029, 102]
    ]


@pytest.mark.models
def test_clauses_are_taken_or_refused(embedder: SentenceEmbedder):
    clauses = {
        "in a great mood": "a smile",
        "a pair of spectacles": "glasses",
        "a hat made of cheese": "",
        "not sad": "",
    }
    outcomes = [outcome for _, outcome, _ in judge(load_paraphraser(is_request=True), clauses)]
    assert outcomes == ["right", "right", "rightly refused", "rightly refused"]


def test_without_onnxruntime_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    def refuse(library: str, feature: str, extra: str) -> None:
        raise MissingExtra(feature, extra)

    monkeypatch.setattr(sentences, "import_library", refuse)
    with pytest.raises(MissingExtra, match=r"faceloom\[words\]"):
        load_sentence_embedder.__wrapped__()


def test_without_weights_the_command_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path):
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("FACELOOM_HOME", str(tmp_path))
    with pytest.raises(AssetError, match="faceloom models pull minilm"):
        load_sentence_embedder.__wrapped__()


def test_a_file_that_is_no_network_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "model.onnx").write_bytes(b"no network")
    monkeypatch.setattr(sentences, "open_asset", lambda name: tmp_path)
    with pytest.raises(CorruptFile, match="cannot open model"):
        load_sentence_embedder.__wrapped__()
