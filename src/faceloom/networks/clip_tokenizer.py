"""The byte-pair tokenizer of CLIP: English text in lower case to 77 token numbers.

Works with text and numbers only; `checkpoints.readers.clip` reads the vocabulary from files. Source: Radford et al.
2021, section 2.4; the pairs are merged as in Sennrich et al. 2016, over the bytes of UTF-8.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby, pairwise

import torch
from jaxtyping import Int
from torch import Tensor

from faceloom.errors import LatentError

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"  # ends the last symbol of every word
MAX_TEXT = 1000  # characters of a text
Merge = tuple[str, str]

_PIECES = re.compile(r"'(?:re|ve|ll|[stmd])|[^\W\d_]+|\d|(?:[^\w\s]|_)+")


class ClipTokenizer:
    """Splits text into the tokens of a vocabulary.

    Convention: `numbers` are token numbers by symbol; `merges` are pairs of symbols, the first ones merged first;
    `length` is the number of tokens of a text with its start and its end.
    """

    def __init__(self, numbers: Mapping[str, int], merges: Sequence[Merge], length: int = 77) -> None:
        self.numbers, self.length = numbers, length
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}

    def __call__(self, texts: Sequence[str]) -> Int[Tensor, "n length"]:
        """Return the tokens of texts, each with a start, an end, and further ends up to the length.

        Raises LatentError for an empty text, and for one with more tokens than the network reads.
        """
        return torch.tensor([self._pad(self.encode(text), text) for text in texts])

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text without start and end."""
        if len(text) > MAX_TEXT:
            raise LatentError(f"the text has {len(text)} characters, more than {MAX_TEXT}", "give a shorter text")
        words = _split(unicodedata.normalize("NFC", text).lower())
        return [self.numbers[symbol] for word in words for symbol in self._merge(word)]

    def _pad(self, tokens: list[int], text: str) -> list[int]:
        if not tokens:
            raise LatentError(f"the text '{text[:40]}' has no words", "describe the face in English words")
        if len(tokens) > self.length - 2:
            message = f"the text has {len(tokens)} tokens, and CLIP reads {self.length - 2}"
            raise LatentError(message, "give a shorter text")
        end = self.numbers[END]
        return [self.numbers[START], *tokens, *[end] * (self.length - 1 - len(tokens))]

    def _merge(self, word: str) -> list[str]:
        """Split a word into symbols: merge the pair of the lowest rank until no known pair is left."""
        symbols = [self._letters[byte] for byte in word.encode()]
        symbols[-1] += WORD_END
        while pairs := [pair for pair in pairwise(symbols) if pair in self.ranks]:
            symbols = _join(symbols, min(pairs, key=self.ranks.__getitem__))
        return symbols

    @cached_property
    def _letters(self) -> Sequence[str]:
        return byte_letters()


def byte_letters() -> tuple[str, ...]:
    """Return the letter that stands for each of the 256 bytes in a vocabulary.

    Printable characters of Latin-1 stand for themselves, the other bytes for the characters from number 256 on.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(256, 512))
    return tuple(chr(byte if byte in printable else next(others)) for byte in range(256))


def _split(text: str) -> Iterator[str]:
    """Yield contractions, words of letters, single digits, and runs of other characters."""
    for piece in _PIECES.findall(text):
        if piece.isalpha() or not piece.isalnum():
            yield piece
        else:  # numerals such as a half are not decimal digits, and regular expressions take them for letters
            for is_word, group in groupby(piece, str.isalpha):
                letters = "".join(group)
                yield from [letters] if is_word else letters


def _join(symbols: Sequence[str], pair: Merge) -> list[str]:
    """Return the symbols with every occurrence of a pair as one symbol."""
    joined: list[str] = []
    position = 0
    while position < len(symbols):
        width = 2 if tuple(symbols[position : position + 2]) == pair else 1
        joined.append("".join(symbols[position : position + width]))
        position += width
    return joined
