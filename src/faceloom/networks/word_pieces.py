"""The WordPiece tokenizer of BERT: English text in lower case to token numbers.

Works with text and numbers only. Source: Devlin et al. 2019, section 3; the pieces are those of Wu et al. 2016,
section 4.1: the longest known piece at the start of what is left of a word comes first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from faceloom.errors import LatentError

START, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
INNER = "##"  # begins every piece that does not begin a word
MAX_WORD = 100  # characters of a word; a longer one is unknown

_WORDS = re.compile(r"[^\W_]+|[^\w\s]|_")  # letters and digits, or one other character


class WordPieceTokenizer:
    """Splits text into the pieces of a vocabulary.

    Convention: `numbers` are token numbers by piece; `length` is the largest number of tokens of a text, with its start
    and its end.
    """

    def __init__(self, numbers: Mapping[str, int], length: int = 128) -> None:
        self.numbers, self.length = numbers, length

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, with its start and its end.

        Raises LatentError for a text with more tokens than the network reads.
        """
        rows = [[self.numbers[START], *self.encode(text), self.numbers[END]] for text in texts]
        longest = max(map(len, rows), default=0)
        if longest > self.length:
            raise LatentError(f"a text has {longest} tokens, more than {self.length}", "give a shorter text")
        return rows

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text without start and end. Accents are dropped."""
        letters = unicodedata.normalize("NFD", text.lower())
        plain = "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")
        return [self.numbers[piece] for word in _WORDS.findall(plain) for piece in self._split(word)]

    def _split(self, word: str) -> list[str]:
        """Return the pieces of a word, or the unknown one if a part of it is no piece."""
        pieces, start = list[str](), 0
        while start < len(word) <= MAX_WORD:
            found = next(self._pieces_at(word, start), "")
            if not found:
                return [UNKNOWN]
            pieces.append(found)
            start += len(found.removeprefix(INNER) if start else found)
        return pieces or [UNKNOWN]

    def _pieces_at(self, word: str, start: int) -> Iterator[str]:
        """Yield the known pieces at a place in a word, the longest first."""
        prefix = INNER if start else ""
        candidates = (prefix + word[start:end] for end in range(len(word), start, -1))
        return (piece for piece in candidates if piece in self.numbers)
