"""The message of the invisible watermark: 40 bits under a checksum and an error-correcting code.

Convention: bits are uint8 arrays of 0 and 1, most significant first; a code word has CODE_BITS of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8

from faceloom.marks.origin import KINDS, Kind

Bits = UInt8[np.ndarray, " bits"]

VERSION = 1
EPOCH = date(2026, 1, 1)  # day 0
FIELDS = {"version": 3, "kind": 3, "generator": 20, "day": 14}  # bits of each field, in this order
MESSAGE_BITS = sum(FIELDS.values())
CHECKSUM_BITS = 24
CONSTRAINT = 7  # bits of the message that decide one group of code bits
POLYNOMIALS = (0o133, 0o171, 0o165)  # of the convolutional code of rate 1/3 with the largest free distance
CODE_BITS = (MESSAGE_BITS + CHECKSUM_BITS + CONSTRAINT - 1) * len(POLYNOMIALS)
STATES = 1 << (CONSTRAINT - 1)


@dataclass(frozen=True)
class Payload:
    """The message that faceloom made a picture of this kind, with this generator, on this day (UTC).

    `generator` is the first 20 bits of the sha256 of the generator's weights, 0 when it is unknown.
    """

    kind: Kind
    generator: int
    day: date

    @classmethod
    def of(cls, kind: Kind, generator_hash: str, day: date | None = None) -> Payload:
        """Return the payload of a picture that a generator makes today, or on `day`."""
        return cls(kind, shorten_hash(generator_hash), day or datetime.now(UTC).date())


def shorten_hash(generator_hash: str) -> int:
    """Return the 20 bits of a generator's sha256 that fit into the watermark."""
    return int(generator_hash[:5] or "0", 16)


def encode(payload: Payload) -> Bits:
    """Return the code word of a payload."""
    days = min(max((payload.day - EPOCH).days, 0), (1 << FIELDS["day"]) - 1)
    values = (VERSION, KINDS.index(payload.kind), payload.generator, days)
    message = [bit for value, bits in zip(values, FIELDS.values(), strict=True) for bit in _to_bits(value, bits)]
    return convolve([*message, *_checksum(message)])


def decode(soft: Float[np.ndarray, " bits"]) -> Payload | None:
    """Return the payload of a received code word, or None when its checksum or a field is wrong.

    Convention: soft `[CODE_BITS]`, positive where a 0 is likely, and larger where it is surer.
    """
    bits = find_path(soft)
    message, checksum = bits[:MESSAGE_BITS], bits[MESSAGE_BITS:]
    if _checksum(message) != checksum:
        return None
    fields, start = {}, 0
    for name, size in FIELDS.items():
        fields[name] = int("".join(map(str, message[start : start + size])), 2)
        start += size
    if fields["version"] != VERSION or fields["kind"] >= len(KINDS):
        return None
    return Payload(KINDS[fields["kind"]], fields["generator"], EPOCH + timedelta(days=fields["day"]))


def convolve(bits: list[int]) -> Bits:
    """Return the convolutional code of bits, which six zeros end."""
    state, code = 0, []
    for bit in [*bits, *[0] * (CONSTRAINT - 1)]:
        state = ((state << 1) | bit) & (2 * STATES - 1)
        code += [(state & polynomial).bit_count() & 1 for polynomial in POLYNOMIALS]
    return np.array(code, np.uint8)


def find_path(soft: Float[np.ndarray, " bits"]) -> list[int]:
    """Return the bits whose code agrees most with `soft` (Viterbi 1967), without the zeros at the end."""
    signs, rate = _branch_signs(), len(POLYNOMIALS)
    after = np.arange(STATES)
    low, high, bit = after >> 1, (after >> 1) + STATES // 2, after & 1
    metric = np.full(STATES, -np.inf)
    metric[0] = 0
    came_high = []
    for group in soft.reshape(-1, rate):
        gain = signs @ group  # [state bit]
        from_low, from_high = metric[low] + gain[low, bit], metric[high] + gain[high, bit]
        came_high.append(from_high > from_low)
        metric = np.maximum(from_low, from_high)
    state, path = 0, []
    for is_high in reversed(came_high):
        path.append(state & 1)
        state = (state >> 1) + (STATES // 2 if is_high[state] else 0)
    return path[::-1][: -(CONSTRAINT - 1)]


@lru_cache(maxsize=1)
def _branch_signs() -> Float[np.ndarray, "state bit code"]:
    """Return the code bits, as +1 for 0 and -1 for 1, of each state followed by each bit."""
    states = [[(state << 1) | bit for bit in (0, 1)] for state in range(STATES)]
    codes = [[[1 - 2 * ((s & p).bit_count() & 1) for p in POLYNOMIALS] for s in pair] for pair in states]
    return np.array(codes, np.float64)


def _to_bits(value: int, count: int) -> list[int]:
    return [value >> i & 1 for i in reversed(range(count))]


def _checksum(bits: list[int]) -> list[int]:
    """Return the 24 bits of CRC-24 (RFC 4880, section 6.1) of a list of bits."""
    register = 0xB704CE
    for bit in bits:
        register ^= bit << 23
        register = ((register << 1) ^ (0x864CFB if register & 0x800000 else 0)) & 0xFFFFFF
    return _to_bits(register, CHECKSUM_BITS)
