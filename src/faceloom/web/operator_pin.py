"""The operator's PIN: random at each start, until the operator sets one, which is stored as a hash."""

from __future__ import annotations

import hashlib
import secrets

from faceloom.store import VisitStore
from faceloom.web.security import secrets_equal

SETTING = "operator_pin"  # name of the stored value: salt and hash as hexadecimal digits, with a colon between
SCRYPT = {"n": 2**14, "r": 8, "p": 1}  # cost of a hash: 50 ms


def has_own_pin(store: VisitStore) -> bool:
    """Return whether the operator has set a PIN."""
    return bool(store.settings().get(SETTING))


def set_pin(store: VisitStore, pin: str) -> None:
    """Store a PIN that replaces the random one. An empty PIN brings the random one back."""
    salt = secrets.token_bytes(16)
    store.save_settings({SETTING: f"{salt.hex()}:{_hash(pin, salt)}" if pin else ""})


def is_pin(store: VisitStore, typed: str, random_pin: str) -> bool:
    """Return whether the operator typed the PIN that was set, or the random one when none is set."""
    stored = store.settings().get(SETTING)
    if not isinstance(stored, str) or ":" not in stored:
        return secrets_equal(typed, random_pin)
    salt, _, digest = stored.partition(":")
    try:
        return secrets_equal(_hash(typed, bytes.fromhex(salt)), digest)
    except ValueError:
        return False


def _hash(pin: str, salt: bytes) -> str:
    return hashlib.scrypt(pin.encode(), salt=salt, **SCRYPT).hex()
