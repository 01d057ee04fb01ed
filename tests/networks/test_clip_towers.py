"""CLIP's towers and tokenizer. Parity with another implementation is in docs/LOG.md."""

from __future__ import annotations

import pytest
import torch

from faceloom.checkpoints.readers.clip import LoadedClip, read_clip
from faceloom.errors import LatentError
from tests.checkpoints.clip_files import tiny_clip, write_clip


@pytest.fixture
def clip(tmp_path) -> LoadedClip:
    return read_clip(write_clip(tmp_path / "clip"))


def symbols(clip: LoadedClip, text: str) -> list[str]:
    names = {number: symbol for symbol, number in clip.tokenizer.numbers.items()}
    return [names[token] for token in clip.tokenizer.encode(text)]


def test_pairs_are_merged_in_their_order(clip):
    assert symbols(clip, "OLD  age") == ["old</w>", "age</w>"]
    assert symbols(clip, "face") == ["fac", "e</w>"]  # 'f ac' waits for 'a c' though its rank is lower


def test_texts_are_split_into_words_digits_and_signs(clip):
    assert symbols(clip, "he's") == ["h", "e</w>", "'s</w>"]
    assert symbols(clip, "a_b 42!?") == ["a</w>", "_</w>", "b</w>", "4</w>", "2</w>", "!", "?</w>"]
    assert symbols(clip, "é") == symbols(clip, "e\u0301") == ["Ã", "©</w>"]  # bytes of UTF-8


def test_tokens_have_a_start_and_ends(clip):
    tokens = clip.tokenizer(["old", "old age"])
    start, end = (clip.tokenizer.numbers[f"<|{name}oftext|>"] for name in ("start", "end"))
    assert tokens.shape == (2, 20)
    assert tokens[0, 0] == start
    assert (tokens[0, 2:] == end).all()
    assert tokens[1, 3] == end


@pytest.mark.parametrize("text", ["", "  ", "x " * 19, "x" * 2000])
def test_texts_of_no_words_or_too_many_are_refused(clip, text):
    with pytest.raises(LatentError):
        clip.tokenizer([text])


def test_embeddings_do_not_depend_on_the_batch_and_have_unit_length(clip):
    img = torch.rand(3, 3, 48, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    images = clip.network.embed_images(img)
    torch.testing.assert_close(images.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(images[1:2], clip.network.embed_images(img[1:2]))
    tokens = clip.tokenizer(["old", "face"])
    texts = clip.network.embed_texts(tokens)
    torch.testing.assert_close(texts[1:], clip.network.embed_texts(tokens[1:]))
    logits = clip.network.logits(images, texts)
    torch.testing.assert_close(logits, clip.network.logit_scale.exp() * images @ texts.T)


def test_what_follows_the_end_of_a_text_does_not_count(clip):
    tokens = clip.tokenizer(["old"])
    other = tokens.clone()
    other[0, 5:] = 3
    torch.testing.assert_close(clip.network.embed_texts(tokens), clip.network.embed_texts(other))


def test_embeddings_of_a_seed_are_known():
    # tiny_clip().embed_images(zeros)[0, :3], tiny_clip().embed_texts([[0, 5, 599]])[0, :3]; the towers were equal to
    # transformers 5.24 to 1e-6 when these were written
    network = tiny_clip()
    torch.testing.assert_close(network.embed_images(torch.zeros(1, 3, 32, 32))[0, :3], torch.tensor(IMAGE), **CLOSE)
    torch.testing.assert_close(network.embed_texts(torch.tensor([[0, 5, 599]]))[0, :3], torch.tensor(TEXT), **CLOSE)


CLOSE = {"rtol": 0, "atol": 1e-4}
IMAGE = (0.04576, -0.12713, 0.41700)
TEXT = (-0.12677, -0.51009, -0.00505)
