"""The watermark's message: what is encoded is decoded, also with errors, and noise is no message."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from faceloom.marks.origin import KINDS, Kind
from faceloom.marks.payload import CODE_BITS, EPOCH, Payload, convolve, decode, encode, find_path, shorten_hash


def to_soft(payload: Payload) -> np.ndarray:
    return 1.0 - 2.0 * encode(payload)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("day", [EPOCH, date(2026, 12, 2), date(2070, 11, 1)])
def test_a_payload_returns(kind: Kind, day: date):
    payload = Payload(kind, 0xFFFFF, day)
    assert decode(to_soft(payload)) == payload


def test_the_code_corrects_errors():
    payload, rng = Payload("edited", 0x12345, date(2026, 11, 27)), np.random.RandomState(0)
    soft = to_soft(payload) + rng.randn(CODE_BITS)  # a signal as strong as the noise
    assert (np.sign(soft) != to_soft(payload)).sum() > 20
    assert decode(soft) == payload


def test_noise_is_no_message():
    rng = np.random.RandomState(1)
    assert not any(decode(rng.randn(CODE_BITS)) for _ in range(300))


def test_days_outside_the_field_are_clamped():
    assert decode(to_soft(Payload("generated", 0, date(2020, 1, 1)))).day == EPOCH
    assert decode(to_soft(Payload("generated", 0, date(2100, 1, 1)))).day.year == 2070


def test_the_path_of_a_code_is_its_bits():
    bits = [1, 0, 1, 1, 0, 0, 1, 0]
    assert find_path(1.0 - 2.0 * convolve(bits)) == bits


def test_a_hash_is_shortened_to_20_bits():
    assert shorten_hash("abcde" + "f" * 59) == 0xABCDE
    assert shorten_hash("") == 0
    assert Payload.of("generated", "abcde" + "0" * 59).generator == 0xABCDE
