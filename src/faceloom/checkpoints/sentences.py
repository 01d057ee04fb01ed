"""Loading of the sentence embedding all-MiniLM-L6-v2: English texts to unit vectors. An optional asset.

Source: Reimers and Gurevych 2019, section 3: the mean of the vectors of all tokens. Wang et al. 2020 made the network.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from faceloom.assets.cache import open_asset
from faceloom.checkpoints.graphs import import_library
from faceloom.errors import CorruptFile
from faceloom.networks.word_pieces import WordPieceTokenizer

ASSET = "minilm"


class SentenceEmbedder:
    """Computes a unit vector for each text, near those of texts of similar meaning. Runs in onnxruntime."""

    def __init__(self, session: Any, tokenizer: WordPieceTokenizer) -> None:
        self.session, self.tokenizer = session, tokenizer

    def __call__(self, texts: Sequence[str]) -> Float[Tensor, "n k"]:
        """Return the embeddings of texts, unit vectors. Raises LatentError for a text that is too long."""
        rows = self.tokenizer(texts)
        vectors = dict[int, Tensor]()
        for length in sorted({len(row) for row in rows}):  # texts of one length need no filling
            places = [place for place, row in enumerate(rows) if len(row) == length]
            embedded = self._embed(torch.tensor([rows[place] for place in places]))
            vectors |= dict(zip(places, embedded, strict=True))
        return torch.stack([vectors[place] for place in range(len(rows))])

    def _embed(self, tokens: Int[Tensor, "n length"]) -> Float[Tensor, "n k"]:
        """Return the embeddings of texts of one length: the mean of the vectors of their tokens."""
        inputs = {
            "input_ids": tokens,
            "attention_mask": torch.ones_like(tokens),
            "token_type_ids": torch.zeros_like(tokens),
        }
        (hidden,) = self.session.run(None, {name: value.numpy() for name, value in inputs.items()})
        return F.normalize(torch.from_numpy(hidden).mean(1), dim=1)  # [n length k] -> [n k]


@lru_cache(maxsize=1)
def load_sentence_embedder() -> SentenceEmbedder:
    """Load the sentence embedding.

    Raises MissingExtra without onnxruntime, AssetError when the weights were not pulled, and CorruptFile for others.
    """
    runtime = import_library("onnxruntime", "comparing words", "words")
    folder = open_asset(ASSET)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors only
    try:
        session = runtime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base class
        raise CorruptFile(f"onnxruntime cannot open model.onnx of {ASSET}: {error}", "update onnxruntime") from error
    return SentenceEmbedder(session, WordPieceTokenizer(_read_vocabulary(folder / "tokenizer.json")))


def _read_vocabulary(path: Path) -> dict[str, int]:
    """Return the token numbers by piece from a file of Hugging Face's tokenizers."""
    numbers: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    return numbers
