"""Signatures of generators and likenesses by this installation's key, and their check.

A likeness holds its signature in its own header. The files of a generator that was exported, trained, blended or
uploaded have a signature file beside them.
Without the extra 'credentials' files are written unsigned, and the log says so once.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from faceloom._version import __version__
from faceloom.errors import MissingExtra, StoreError
from faceloom.files import atomic_write, read_regular
from faceloom.marks.keys import SigningKey, load_signing_key, read_certificate, require_library, warn_once

SUFFIX = ".signature.json"  # of the file beside an exported generator
METADATA, SIGNATURE = "__metadata__", "signature"  # key of a safetensors header, and of the signature in it
ALGORITHM = "ES256"  # ECDSA on P-256 with SHA-256
MAX_SIGNATURE_BYTES = 1 << 20
MAX_HEADER = 100 << 20  # bytes, as in the safetensors format
PURPOSE = (
    "Made with faceloom. The signature shows that the files did not change and which installation wrote them; "
    "it says nothing about the people in them. Not for impersonation, and not for identification."
)


@dataclass(frozen=True)
class SignatureCheck:
    """The check of a signature: `state` is 'none' without one, and 'not read' without the library.

    `reasons` say what failed; `is_ours` says that the key of this installation signed.
    """

    state: Literal["none", "valid", "invalid", "not read"]
    reasons: tuple[str, ...] = ()
    is_ours: bool = False


def sign_tensors(content: bytes) -> bytes:
    """Return the content of a safetensors file with a signature in its header; unchanged where signing is impossible.

    The signature covers the rest of the header and all tensors.
    """
    key = _key_or_warning()
    if key is None:
        return content
    header, data = _split(content)
    header.get(METADATA, {}).pop(SIGNATURE, None)
    signature = _sign(key, _digest_tensors(header, data))
    header[METADATA] = header.get(METADATA, {}) | {SIGNATURE: json.dumps(signature, sort_keys=True)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def check_tensors(content: bytes) -> SignatureCheck:
    """Check the signature in a safetensors file. Raises StoreError for another file."""
    try:
        header, data = _split(content)
        signature = header.get(METADATA, {}).pop(SIGNATURE, None)
        return _check(None if signature is None else json.loads(signature), _digest_tensors(header, data))
    except (ValueError, AttributeError, RecursionError) as error:
        raise StoreError("this is not a safetensors file", "check the name of the file") from error


def sign_files(files: Sequence[Path], target: Path, facts: dict[str, Any]) -> None:
    """Write the signed card of a generator: its facts, and the sha256 of each file by its path from the card's folder.

    Raises StoreError when a file cannot be read or written.
    """
    key = _key_or_warning()
    if key is None:
        return
    card = {
        "purpose": PURPOSE,
        "faceloom": __version__,
        "date": datetime.now(UTC).date().isoformat(),
        **facts,
        "files": {path.relative_to(target.parent).as_posix(): hash_file(path) for path in sorted(files)},
    }
    signed = card | {SIGNATURE: _sign(key, _digest(card))}
    with atomic_write(target) as draft:
        draft.write_text(json.dumps(signed, indent=2) + "\n", encoding="utf-8")


def check_files(signature_file: Path) -> SignatureCheck:
    """Check a signature file and the files that it names, beside and below it. Raises StoreError for another kind."""
    try:
        card = json.loads(read_regular(signature_file, MAX_SIGNATURE_BYTES))
        signature, names = card.pop(SIGNATURE), dict(card["files"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f"{signature_file} is not a signature of faceloom", "check the name of the file") from error
    check, reasons = _check(signature, _digest(card)), []
    for name, digest in names.items():
        inner = PurePosixPath(str(name))
        if inner.is_absolute() or ".." in inner.parts:  # a file of another folder is not read
            inner = PurePosixPath(inner.name)
        path = signature_file.parent / inner
        if not path.is_file():
            reasons.append(f"{inner} is missing")
        elif hash_file(path) != digest:
            reasons.append(f"{inner} changed")
    return SignatureCheck("invalid", (*check.reasons, *reasons), check.is_ours) if reasons else check


def hash_file(path: Path) -> str:
    """Return the sha256 of a file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}", "check its permissions") from error


def _key_or_warning() -> SigningKey | None:
    try:
        return load_signing_key()
    except (MissingExtra, StoreError) as error:
        warn_once(str(error))
        return None


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header and the data of a safetensors file. Raises ValueError for other content."""
    size = int.from_bytes(content[:8], "little")
    if not 2 <= size <= min(MAX_HEADER, len(content) - 8):
        raise ValueError("no safetensors header")
    header = json.loads(content[8 : 8 + size].decode())
    if not isinstance(header, dict):
        raise ValueError("no safetensors header")
    return header, content[8 + size :]


def _digest_tensors(header: dict[str, Any], data: bytes) -> bytes:
    return hashlib.sha256(_digest(header) + hashlib.sha256(data).digest()).digest()


def _digest(facts: dict[str, Any]) -> bytes:
    """Return the sha256 of facts as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).digest()


def _sign(key: SigningKey, digest: bytes) -> dict[str, str]:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = serialization.load_pem_private_key(key.private_key.encode(), None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise StoreError("the signing key is not of ECDSA", "delete the folder keys in FACELOOM_HOME")
    value = base64.b64encode(private.sign(digest, ec.ECDSA(hashes.SHA256()))).decode()
    return {"algorithm": ALGORITHM, "value": value, "certificates": key.chain}


def _check(signature: Any, digest: bytes) -> SignatureCheck:
    if signature is None:
        return SignatureCheck("none")
    try:
        require_library()
    except MissingExtra:
        return SignatureCheck("not read", ("install faceloom[credentials] to check signatures",))
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        certificate = read_certificate(signature["certificates"])
        public = certificate.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey) or signature["algorithm"] != ALGORITHM:
            return SignatureCheck("invalid", ("the signature is of an unknown kind",))
        public.verify(base64.b64decode(signature["value"]), digest, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return SignatureCheck("invalid", ("the content changed after it was signed",))
    except (ValueError, TypeError, KeyError, AttributeError):
        return SignatureCheck("invalid", ("the signature cannot be read",))
    return SignatureCheck("valid", is_ours=certificate.serial_number == load_signing_key().serial_number)
