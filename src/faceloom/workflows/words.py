"""Requests and descriptions in other words than the grammar knows, by the optional sentence embedding."""

from __future__ import annotations

from functools import lru_cache

from faceloom.checkpoints.sentences import ASSET, load_sentence_embedder
from faceloom.edit.clauses import has_unknown_words, split_clauses
from faceloom.edit.grammar import parse, read_tokens
from faceloom.edit.paraphrase import Paraphraser, Reworded
from faceloom.errors import AssetError, LatentError, MissingExtra

HOW_TO_GET = (
    f"pip install 'faceloom[words]' and faceloom models pull {ASSET} let faceloom compare other words with these"
)


def reword(text: str, *, is_request: bool) -> Reworded:
    """Return a text with each clause of unknown words replaced by the known phrase of nearest meaning.

    A text whose words are all known is returned as it is, without loading anything.
    Raises LatentError for a clause that no known phrase is near enough to, for a text that is too long, and, where the
    embedding is not installed, for every unknown word, as the grammar does.
    """
    tokens = read_tokens(text)
    if not any(has_unknown_words(tokens, start, end, is_request) for start, end in split_clauses(tokens)):
        return Reworded(text)
    try:
        paraphraser = load_paraphraser(is_request=is_request)
    except (AssetError, MissingExtra):
        raise _explain(text, is_request) from None
    return paraphraser.reword(text)


@lru_cache(maxsize=2)
def load_paraphraser(*, is_request: bool) -> Paraphraser:
    """Load the embedding and embed all paraphrases, in about a second. Raises as `load_sentence_embedder`."""
    return Paraphraser(load_sentence_embedder(), is_request=is_request)


def _explain(text: str, is_request: bool) -> LatentError:
    """Return the grammar's error for a text, with what would help."""
    try:
        parse(text, is_request=is_request)
    except LatentError as error:
        return LatentError(error.message, f"{error.hint}; {HOW_TO_GET}")
    raise AssertionError(f"the grammar reads '{text}'")
