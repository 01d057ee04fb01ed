"""The WordPiece tokenizer: the longest known pieces of each word, on a small vocabulary."""

from __future__ import annotations

import pytest

from faceloom.errors import LatentError
from faceloom.networks.word_pieces import WordPieceTokenizer

PIECES = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "smile",
    "smil",
    "##ing",
    "##in",
    "##g",
    "un",
    "##smil",
    "a",
    ",",
    "naive",
)
NUMBERS = {piece: number for number, piece in enumerate(PIECES)}


def pieces(text: str) -> list[str]:
    return [PIECES[number] for number in WordPieceTokenizer(NUMBERS).encode(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("smile", ["smile"]),
        ("A SMILE, smiling", ["a", "smile", ",", "smil", "##ing"]),
        ("unsmiling", ["un", "##smil", "##ing"]),
        ("smilinging", ["smil", "##ing", "##ing"]),
        ("smiled", ["[UNK]"]),  # a part of it is no piece
        ("naïve", ["naive"]),
        ("a" * 101, ["[UNK]"]),
        ("", []),
    ],
)
def test_words_are_split_into_the_longest_pieces(text: str, expected: list[str]):
    assert pieces(text) == expected


def test_texts_have_a_start_and_an_end():
    assert WordPieceTokenizer(NUMBERS)(["smile", "a smiling"]) == [[2, 4, 3], [2, 11, 5, 6, 3]]
    assert WordPieceTokenizer(NUMBERS)([]) == []


def test_a_long_text_is_refused():
    with pytest.raises(LatentError, match="a text has 7 tokens, more than 6"):
        WordPieceTokenizer(NUMBERS, length=6)(["a", "a a a a a"])
