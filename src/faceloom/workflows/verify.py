"""Verification of the marks of origin in pictures, films, sounds, likenesses and exported generators.

A picture with marks was made by faceloom. A picture without marks may have any origin.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from faceloom.errors import FaceloomError, ImageError, MissingExtra, StoreError
from faceloom.files import read_regular
from faceloom.images import MAX_BYTES, Photo, open_photo
from faceloom.images.clip import open_clip
from faceloom.images.kinds import PICTURE_KINDS, detect_file_kind
from faceloom.likeness import KIND as LIKENESS
from faceloom.marks import signatures
from faceloom.marks.credentials import Credentials, read_credentials
from faceloom.marks.payload import shorten_hash
from faceloom.marks.source_type import Marks, is_ai_source_type, read_marks
from faceloom.marks.watermark_reader import Reading, read_frames
from faceloom.style import KIND as STYLE

Verdict = Literal["marked", "incomplete", "tampered", "marked by another program", "unmarked", "unreadable"]
State = Literal["present", "missing", "tampered", "not read"]

VERIFIABLE = (
    *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".heic", ".heif", ".mp4", ".mov"),
    *(".wav", ".likeness", ".style"),
)
"""Suffixes of the files of a folder that are verified, beside the signatures of generators."""
MAX_FRAMES, FRAME_STEP = 8, 12  # frames of a film that are read together, and the distance between two of them
MAX_FILM_BYTES, MAX_SOUND_BYTES = 2 << 30, 512 << 20
_MIME_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
    "MP4 video": "video/mp4",
    "WAV sound": "audio/wav",
}


@dataclass(frozen=True)
class Layer:
    """One layer of marks: its state, and a sentence about what it says or why it fails."""

    name: str
    state: State
    detail: str = ""


@dataclass(frozen=True)
class Verification:
    """The marks of one file. `kind`, `generator` and `day` are what they say; empty where no layer says it.

    `generator` is the sha256 of the generator's weights, or its first five digits when only the watermark is left.
    """

    name: str
    verdict: Verdict
    layers: tuple[Layer, ...] = ()
    kind: str = ""
    generator: str = ""
    day: date | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The verification as plain JSON data."""
        return asdict(self) | {"layers": [asdict(layer) for layer in self.layers], "day": str(self.day or "")}


def verify_folder(folder: Path) -> Iterator[Verification]:
    """Verify all pictures, films, sounds, likenesses and signed generators of a folder and the folders in it, in order.

    Files are verified as by `try_verify`. Raises StoreError for a folder that is not there.
    """
    if not folder.is_dir():
        raise StoreError(f"there is no folder {folder}", "check the path")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (path.suffix.lower() in VERIFIABLE or path.name.endswith(signatures.SUFFIX)):
            yield try_verify(path)


def try_verify(path: Path) -> Verification:
    """Verify one file; one that cannot be read has the verdict 'unreadable'."""
    try:
        return verify_file(path)
    except FaceloomError as error:
        return Verification(str(path), "unreadable", (Layer("file", "not read", error.message),))


def verify_file(path: Path) -> Verification:
    """Verify one picture, film, sound, likeness, or the signature file of a generator, by its content.

    Raises ImageError or StoreError for a file that cannot be read or is of another kind.
    """
    if path.name.endswith(signatures.SUFFIX):
        return _verify_signature(str(path), signatures.check_files(path), "generator")
    try:
        with path.open("rb") as file:
            start = file.read(512)
        if detect_file_kind(start) == "MP4 video":
            return _verify_film(path)
        limit = MAX_SOUND_BYTES if detect_file_kind(start) == "WAV sound" else MAX_BYTES
        return verify_bytes(read_regular(path, limit), str(path))
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}", "check the path") from error


def verify_bytes(data: bytes, name: str) -> Verification:
    """Verify the content of a picture, film, sound or likeness file. Raises as `verify_file`."""
    kind = detect_file_kind(data)
    if kind == "MP4 video":
        with tempfile.TemporaryDirectory(prefix="faceloom-") as folder:
            path = Path(folder) / "film.mp4"
            path.write_bytes(data)
            found = _verify_film(path)
        return Verification(**(asdict(found) | {"name": name, "layers": found.layers}))
    if kind in PICTURE_KINDS:
        photo = open_photo(data)
        reading = read_frames(_first_frames(data, kind, photo))
        return _judge(name, photo.marks, reading, read_credentials(data, _MIME_TYPES[kind]))
    if kind == "WAV sound":
        return _verify_sound(name, data)
    if data[8:9] == b"{":
        kind_of_file = STYLE if name.endswith(f".{STYLE}") else LIKENESS
        return _verify_signature(name, signatures.check_tensors(data), kind_of_file)
    raise ImageError(
        f"{name} is no picture, film, sound, likeness or style",
        "give a PNG, JPEG, WebP, GIF, MP4, WAV, .likeness or .style",
    )


def _first_frames(data: bytes, kind: str, photo: Photo) -> list[Image.Image]:
    """Return some frames of an animation, which share a watermark, or the picture itself."""
    if kind not in ("GIF", "WEBP"):
        return [photo.image]
    with Image.open(io.BytesIO(data), formats=[kind]) as animation:
        count = min(getattr(animation, "n_frames", 1), MAX_FRAMES)
        if count < 2:
            return [photo.image]
        frames = []
        for number in range(count):
            animation.seek(number)
            frames.append(animation.convert("RGB"))
    return frames


def _verify_film(path: Path) -> Verification:
    try:
        data = read_regular(path, MAX_FILM_BYTES)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}", "check the path") from error
    marks = read_marks(data)
    del data
    reading: Reading | None = None
    try:
        frames = open_clip(path).frames(MAX_FRAMES * FRAME_STEP)
        reading = read_frames([Image.fromarray(pixels) for i, pixels in enumerate(frames) if i % FRAME_STEP == 0])
    except MissingExtra:
        pass  # without PyAV the frames are not read, which the layer says
    return _judge(str(path), marks, reading, read_credentials(path, _MIME_TYPES["MP4 video"]))


def _verify_sound(name: str, data: bytes) -> Verification:
    """Verify a WAV file. Sounds have no watermark, so that two layers are all."""
    marks, credentials = read_marks(data), read_credentials(data, _MIME_TYPES["WAV sound"])
    layers = (_metadata_layer(marks), _credentials_layer(marks, credentials))
    return Verification(name, _verdict(layers, marks, None, credentials), layers, generator=credentials.generator)


def _verify_signature(name: str, check: signatures.SignatureCheck, kind: str) -> Verification:
    signer = "signed by this installation" if check.is_ours else "signed by another installation"
    verdicts: dict[str, tuple[Verdict, State, str]] = {
        "valid": ("marked", "present", signer),
        "invalid": ("tampered", "tampered", "; ".join(check.reasons)),
        "none": ("unmarked", "missing", "the file is not signed"),
        "not read": ("incomplete", "not read", "; ".join(check.reasons)),
    }
    verdict, state, detail = verdicts[check.state]
    return Verification(name, verdict, (Layer("signature", state, detail),), kind)


def _judge(name: str, marks: Marks, reading: Reading | None, credentials: Credentials) -> Verification:
    """Compare the layers with each other."""
    layers = (_metadata_layer(marks), _watermark_layer(reading, credentials), _credentials_layer(marks, credentials))
    payload = reading.payload if reading else None
    generator = credentials.generator or (f"{payload.generator:05x}" if payload and payload.generator else "")
    kind = payload.kind if payload else ""
    day = payload.day if payload else None
    return Verification(name, _verdict(layers, marks, reading, credentials), layers, kind, generator, day)


def _metadata_layer(marks: Marks) -> Layer:
    if not is_ai_source_type(marks.source_type):
        return Layer("metadata", "missing", marks.source_type)
    return Layer("metadata", "present", marks.source_type)


def _watermark_layer(reading: Reading | None, credentials: Credentials) -> Layer:
    if reading is None:
        return Layer("watermark", "not read", "install faceloom[video] to read the frames of films")
    payload = reading.payload
    if payload is None:
        return Layer("watermark", "missing")
    text = f"{payload.kind}, generator {payload.generator:05x}, {payload.day.isoformat()}"
    if reading.mirrored:
        text += ", mirrored"
    signed = credentials.generator if credentials.state == "valid" else ""
    if signed and shorten_hash(signed) != payload.generator:
        return Layer("watermark", "tampered", f"{text}: another generator than the credentials name")
    return Layer("watermark", "present", text)


def _credentials_layer(marks: Marks, credentials: Credentials) -> Layer:
    if credentials.state == "not read":
        return Layer("credentials", "not read", "; ".join(credentials.reasons))
    if credentials.state == "none":
        if marks.has_credentials or "credentials" in marks.layers:
            return Layer("credentials", "tampered", "the file was signed, and the manifest was cut out")
        return Layer("credentials", "missing")
    signer = "this installation" if credentials.is_ours else f"an unknown key ({credentials.signer})"
    if credentials.state == "invalid":
        return Layer("credentials", "tampered", "; ".join(credentials.reasons) or "the signature is not valid")
    style = f"; style {credentials.style}" if credentials.style else ""
    return Layer("credentials", "present", f"{', '.join(credentials.actions)}{style}; signed by {signer}")


def _verdict(layers: tuple[Layer, ...], marks: Marks, reading: Reading | None, credentials: Credentials) -> Verdict:
    states = [layer.state for layer in layers]
    is_ours = bool(marks.layers or credentials.is_ours or credentials.generator or (reading and reading.payload))
    if "tampered" in states:
        return "tampered"
    if not is_ours:
        return "marked by another program" if "present" in states else "unmarked"
    return "marked" if states == ["present"] * len(states) else "incomplete"
