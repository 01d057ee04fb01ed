"""Content credentials (C2PA): signed statements in a file about how it was made. Needs the extra 'credentials'.

Nothing is fetched and nothing is sent: no time stamp, no revocation list, no remote manifest.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import IOBase
from pathlib import Path
from typing import Any, Literal

from faceloom._version import __version__
from faceloom.errors import MissingExtra, StoreError
from faceloom.files import atomic_write
from faceloom.marks.keys import load_signing_key, require_library, warn_once
from faceloom.marks.origin import Kind, Origin
from faceloom.marks.source_type import SOURCE_TYPES, source_type_of

MIME_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".wav": "audio/wav",
}
"""Media type by suffix of the files that are signed."""

State = Literal["none", "valid", "invalid", "not read"]
_REASONS = {
    "assertion.dataHash.mismatch": "the file or its metadata changed after it was signed",
    "assertion.bmffHash.mismatch": "the film or its metadata changed after it was signed",
    "assertion.hashedURI.mismatch": "a statement in the manifest changed after it was signed",
    "claimSignature.mismatch": "the signature is not of this manifest",
    "signingCredential.expired": "the certificate has expired",
}
"""Sentences for the codes of C2PA 2.2, section 15.2."""
_SETTINGS = {
    "verify": {
        "verify_after_sign": False,  # tests do; it would double the time of each file
        "verify_trust": False,  # no list of trusted roots holds an installation's own
        "ocsp_fetch": False,
        "remote_manifest_fetch": False,
    },
    "builder": {"thumbnail": {"enabled": False}},  # a thumbnail would keep a picture that an edit removed
}


@dataclass(frozen=True)
class Credentials:
    """The content credentials of a file.

    `state` is 'none' for a file without them, 'invalid' when the file changed after it was signed or the signature is
    wrong, and 'not read' without the library. `reasons` say what failed. `is_ours` says that the key of this
    installation signed. `photo` is the sha256 of the source photo's pixels, `generator` that of the weights, `style`
    the name and the strength of the style.
    """

    state: State
    reasons: tuple[str, ...] = ()
    signer: str = ""
    is_ours: bool = False
    actions: tuple[str, ...] = ()
    source_type: str = ""
    photo: str = ""
    generator: str = ""
    style: str = ""


def can_sign() -> bool:
    """Return whether files can be signed here. If not, the log says so once."""
    try:
        load_signing_key()
    except (MissingExtra, StoreError) as error:
        warn_once(str(error))
        return False
    return True


def sign(data: bytes, mime: str, origin: Origin, kind: Kind) -> bytes:
    """Return a file with signed credentials. Raises MissingExtra, StoreError."""
    signed = io.BytesIO()
    _sign(io.BytesIO(data), signed, mime, origin, kind)
    return signed.getvalue()


def sign_file(path: Path, mime: str, origin: Origin, kind: Kind) -> None:
    """Add signed credentials to a file in place, without reading it into memory. Raises MissingExtra, StoreError."""
    with atomic_write(path) as draft, path.open("rb") as source, draft.open("w+b") as signed:
        _sign(source, signed, mime, origin, kind)


def _sign(source: IOBase, signed: IOBase, mime: str, origin: Origin, kind: Kind) -> None:
    key, has_watermark = load_signing_key(), not mime.startswith("audio/")
    import c2pa

    try:
        info = c2pa.C2paSignerInfo(b"es256", key.chain.encode(), key.private_key.encode(), None)
        with (
            c2pa.Context.from_dict(_SETTINGS) as context,
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder.from_json(make_manifest(origin, kind, has_watermark=has_watermark), context) as builder,
        ):
            builder.sign(signer, mime, source, signed)
    except c2pa.C2paError as error:
        raise StoreError(f"the C2PA library cannot sign this file: {error}", "please report this") from error


def make_manifest(origin: Origin, kind: Kind, *, has_watermark: bool = True) -> dict[str, Any]:
    """Return the statements about a picture: what was done, by which generator, and the hash of the source photo.

    Sounds have no watermark.

    Source: C2PA technical specification 2.2, sections 18.15 (actions) and 18.14 (ingredients).
    """
    agent = {"name": "faceloom", "version": __version__}
    made_by = {"faceloom.generator": origin.generator, "faceloom.generator_name": origin.generator_name}
    made_by |= {"faceloom.style": origin.style} if origin.style else {}
    made = {"digitalSourceType": SOURCE_TYPES + source_type_of(kind), "softwareAgent": agent}
    photo = {"parameters": {"ingredientIds": ["photo"]}} if origin.photo else {}
    actions: list[dict[str, Any]]
    if kind == "composite" and origin.photo:
        actions = [{"action": "c2pa.opened", **photo}, {"action": "c2pa.edited", **made, "parameters": made_by}]
    else:
        parameters = photo.get("parameters", {}) | made_by
        actions = [{"action": "c2pa.created", **made, "parameters": parameters}]
        actions += [{"action": "c2pa.edited", **made}] if origin.is_edited else []
    if has_watermark:
        actions.append({"action": "c2pa.watermarked.unbound", "softwareAgent": agent})
    manifest: dict[str, Any] = {
        "claim_generator_info": [agent],
        "title": f"{kind} with faceloom",
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }
    if origin.photo:
        manifest["ingredients"] = [_describe_photo(origin.photo, kind)]
    return manifest


def _describe_photo(photo: str, kind: Kind) -> dict[str, str]:
    return {
        "title": "source photo (the sha256 of its pixels; the photo is not included)",
        "label": "photo",
        "relationship": "parentOf" if kind == "composite" else "inputTo",
        "instance_id": f"sha256:{photo}",
    }


def read_credentials(source: bytes | Path, mime: str) -> Credentials:
    """Read and check the credentials of a file, of any program.

    Raises StoreError for a file that the library cannot read.
    """
    try:
        require_library()
    except MissingExtra:
        return Credentials("not read", ("install faceloom[credentials] to check signatures",))
    import c2pa

    try:
        with (
            c2pa.Context.from_dict(_SETTINGS) as context,
            io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream,
        ):
            reader = c2pa.Reader.try_create(mime, stream, context=context)
            if reader is None:
                return Credentials("none")
            with reader:
                return _summarize(json.loads(reader.json()), str(reader.get_validation_state()))
    except c2pa.C2paError as error:
        return Credentials("invalid", (f"the manifest cannot be read: {error}",))
    except OSError as error:
        raise StoreError(f"cannot read {source!s:.80}: {error.strerror}", "check the name of the file") from error


def _summarize(report: Mapping[str, Any], state: str) -> Credentials:
    manifest = report.get("manifests", {}).get(report.get("active_manifest", ""), {})
    assertions = manifest.get("assertions", [])
    actions = [
        action
        for assertion in assertions
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for action in assertion.get("data", {}).get("actions", [])
    ]
    types = [str(action.get("digitalSourceType", "")).rpartition("/")[2] for action in actions]
    generators = [str(action.get("parameters", {}).get("faceloom.generator", "")) for action in actions]
    styles = [str(action.get("parameters", {}).get("faceloom.style", "")) for action in actions]
    photos = [str(item.get("instance_id", "")) for item in manifest.get("ingredients", [])]
    results = report.get("validation_results", {}).get("activeManifest", {})
    failures = (str(item.get("code", "")) for item in results.get("failure", []))
    signature = manifest.get("signature_info", {})
    return Credentials(
        state="valid" if state in ("Valid", "Trusted") else "invalid",
        reasons=tuple(dict.fromkeys(_REASONS.get(code, code) for code in failures)),
        signer=str(signature.get("common_name") or signature.get("issuer") or ""),
        is_ours=_is_ours(str(signature.get("cert_serial_number", ""))),
        actions=tuple(str(action.get("action", "")) for action in actions),
        source_type=next(filter(None, types), ""),
        photo=next((photo.removeprefix("sha256:") for photo in photos if photo.startswith("sha256:")), ""),
        generator=next(filter(None, generators), ""),
        style=next(filter(None, styles), ""),
    )


def _is_ours(serial_number: str) -> bool:
    try:
        return bool(serial_number) and int(serial_number) == load_signing_key().serial_number
    except (StoreError, ValueError):
        return False
