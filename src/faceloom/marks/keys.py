"""The local signing key and its certificates, made at the first use under FACELOOM_HOME and never sent anywhere.

The key proves that two files come from one installation, and that a signed file did not change. No authority vouches
for it: the root certificate is this installation's own, whose private key is deleted once it has signed the other one.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from faceloom.errors import MissingExtra, StoreError
from faceloom.files import atomic_write
from faceloom.settings import Settings

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

log = logging.getLogger("faceloom.marks")
KEY_FILE, CHAIN_FILE = "signing-key.pem", "certificates.pem"
YEARS = 10  # validity of the certificates
NAME = "faceloom, an installation's own key"


@dataclass(frozen=True)
class SigningKey:
    """A private key (PKCS #8) and its certificates, the key's own first, all as PEM."""

    private_key: str
    chain: str

    @property
    def serial_number(self) -> int:
        """The serial number of the key's certificate."""
        return read_certificate(self.chain).serial_number


def load_signing_key() -> SigningKey:
    """Return this installation's key; the first call makes it, and one that has expired is replaced.

    Raises MissingExtra without the library, StoreError when the folder cannot be written or a file is damaged.
    """
    return _load(Settings().home / "keys")


def require_library() -> None:
    """Raise MissingExtra unless the libraries of the extra 'credentials' are installed."""
    try:
        import c2pa  # noqa: F401
        import cryptography  # noqa: F401
    except ImportError as error:
        raise MissingExtra("signing content credentials", "credentials") from error


@lru_cache(maxsize=32)
def warn_once(reason: str) -> None:
    """Log once in a process why files are written without a signature."""
    log.warning("content credentials are not written: %s", reason)


def read_certificate(chain: str) -> x509.Certificate:
    """Return the first certificate of a chain in PEM. Raises ValueError for another text."""
    from cryptography import x509

    return x509.load_pem_x509_certificate(chain.encode())


@lru_cache(maxsize=4)
def _load(folder: Path) -> SigningKey:
    require_library()
    key_path, chain_path = folder / KEY_FILE, folder / CHAIN_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(folder / ".lock"):
            if not key_path.is_file() or not chain_path.is_file() or _is_over(chain_path.read_text()):
                _make(folder)
            return SigningKey(key_path.read_text(), chain_path.read_text())
    except OSError as error:
        raise StoreError(
            f"cannot use the signing key in {folder}: {error.strerror}", "check its permissions"
        ) from error
    except ValueError as error:
        raise StoreError(f"the signing key in {folder} is damaged", "delete that folder: a new key is made") from error


def _is_over(chain: str) -> bool:
    return read_certificate(chain).not_valid_after_utc <= datetime.now(UTC)


def _make(folder: Path) -> None:
    """Make a key and write it, readable by its owner only."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certify(f"{NAME} (root)", root_key, None, root_key)
    leaf = _certify(NAME, key, root, root_key)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in (leaf, root))
    with atomic_write(folder / CHAIN_FILE) as draft:
        draft.write_bytes(chain)
    descriptor = os.open(folder / f".{KEY_FILE}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
        os.fsync(descriptor)
    (folder / f".{KEY_FILE}").replace(folder / KEY_FILE)


def _certify(
    name: str, key: EllipticCurvePrivateKey, issuer: x509.Certificate | None, issuer_key: EllipticCurvePrivateKey
) -> x509.Certificate:
    """Return a certificate with the fields that C2PA 2.2, section 14.5 asks for; without an issuer, a root's."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "faceloom"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    is_root, now = issuer is None, datetime.now(UTC)
    usage = dict.fromkeys(_KEY_USAGES, False) | ({"key_cert_sign": True} if is_root else {"digital_signature": True})
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a clock that is set back a little does not invalidate a file
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=0 if is_root else None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not is_root:
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purposes, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
