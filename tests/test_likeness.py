"""Likenesses: saving and loading, the check of the generator, and hostile files."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from faceloom import likeness, tensorfile
from faceloom.errors import CheckpointError, CorruptFile, LatentError, StoreError
from faceloom.likeness import Geometry, Likeness


@dataclass(frozen=True)
class Named:
    name: str
    hash: str


HERE = Named("small", "0123456789abcdef")
QUAD = ((10.25, 20.5), (12.0, 220.125), (211.5, 218.0), (209.75, 18.25))


@pytest.fixture
def person() -> Likeness:
    torch.manual_seed(0)
    return Likeness(
        w_plus=torch.randn(1, 5, 16),
        generator_hash=HERE.hash,
        generator_name=HERE.name,
        quality={"lpips": 0.1, "mse": 0.02},
        geometry=Geometry(QUAD, (640, 480), 1024),
        provenance={"faceloom": "0.1.0", "seconds": 12.5, "steps": 40, "settings": {"seed": 0}},
        delta={"conv.up": torch.randn(4, 2)},
    )


def header_of(path: Path) -> tuple[dict, bytes]:
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def write_raw(path: Path, header: bytes, body: bytes = b"") -> Path:
    path.write_bytes(len(header).to_bytes(8, "little") + header + body)
    return path


def test_saving_and_loading_keep_everything(person: Likeness, tmp_path: Path) -> None:
    path = tmp_path / "obama.likeness"
    person.save(path)
    back = Likeness.load(path)
    for field in dataclasses.fields(Likeness):
        if field.name not in ("w_plus", "delta"):
            assert getattr(back, field.name) == getattr(person, field.name)
    assert torch.equal(back.w_plus, person.w_plus)
    assert back.delta.keys() == person.delta.keys()
    assert torch.equal(back.delta["conv.up"], person.delta["conv.up"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["obama.likeness"]


def test_an_edited_person_keeps_the_origin(person: Likeness, tmp_path: Path) -> None:
    assert person.unedited is person
    older = person.with_w_plus(person.w_plus + 1).with_w_plus(person.w_plus + 2)
    assert torch.equal(older.unedited.w_plus, person.w_plus)
    older.save(tmp_path / "older.likeness")
    back = Likeness.load(tmp_path / "older.likeness")
    assert torch.equal(back.w_plus, person.w_plus + 2)
    assert torch.equal(back.unedited.w_plus, person.w_plus)


@pytest.mark.wrong_types
def test_an_origin_of_another_shape_is_rejected(person: Likeness) -> None:
    with pytest.raises(LatentError, match="origin"):
        dataclasses.replace(person, origin=torch.zeros(1, 4, 16))


def test_files_without_an_origin_are_loaded(person: Likeness, tmp_path: Path) -> None:
    person.save(tmp_path / "a.likeness")  # without an edit, the file is what version 0.1 wrote
    assert "origin" not in header_of(tmp_path / "a.likeness")[0]
    assert Likeness.load(tmp_path / "a.likeness").origin is None


def test_a_generated_person_has_no_geometry(tmp_path: Path) -> None:
    Likeness(torch.zeros(1, 5, 16), "h", "n").save(tmp_path / "a.likeness")
    assert Likeness.load(tmp_path / "a.likeness").geometry is None


def test_the_error_about_another_generator_names_both(person: Likeness) -> None:
    likeness.require_generator(person, HERE)
    with pytest.raises(LatentError, match=r"small \(01234567\).*large \(fedcba98\)"):
        likeness.require_generator(person, Named("large", "fedcba9876543210"))


@pytest.mark.parametrize("shape", [(2, 5, 16), pytest.param((5, 16), marks=pytest.mark.wrong_types), (1, 0, 16)])
def test_other_shapes_are_rejected(shape: tuple[int, ...]) -> None:
    with pytest.raises(LatentError, match="expected"):
        Likeness(torch.zeros(shape), "h", "n")


def test_numbers_that_are_not_finite_are_rejected_before_saving() -> None:
    with pytest.raises(LatentError, match="finite"):
        Likeness(torch.full((1, 5, 16), torch.nan), "h", "n")


def test_a_missing_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        Likeness.load(tmp_path / "missing.likeness")


def test_truncated_files_are_rejected(person: Likeness, tmp_path: Path) -> None:
    path = tmp_path / "a.likeness"
    person.save(path)
    content = path.read_bytes()
    for length in [0, 1, 7, 8, *range(9, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(CorruptFile) as caught:
            Likeness.load(path)
        assert caught.value.hint


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_files_with_numbers_that_are_not_finite_are_rejected(bad: float, tmp_path: Path) -> None:
    path = tmp_path / "a.likeness"
    tensorfile.save(path, likeness.KIND, 1, {"w_plus": torch.full((1, 5, 16), bad)}, {})
    with pytest.raises(CorruptFile, match="w_plus"):
        Likeness.load(path)


def test_a_wrong_shape_in_the_file_is_rejected(person: Likeness, tmp_path: Path) -> None:
    path = tmp_path / "a.likeness"
    person.save(path)
    header, _ = header_of(path)
    card = json.loads(header["__metadata__"]["card"])
    tensorfile.save(path, likeness.KIND, 1, {"w_plus": torch.zeros(3, 5, 16)}, card)
    with pytest.raises(LatentError, match="expected"):
        Likeness.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"generator": None},
        {"quality": {"lpips": "good"}},
        {"quality": []},
        {"geometry": {"quad": [[1, 2]], "photo_size": [1, 2], "aligned_size": 1}},
        {"geometry": {"quad": QUAD, "photo_size": [1e400, 2], "aligned_size": 1}},
        {"provenance": 3},
    ],
)
def test_invalid_cards_are_rejected(change: dict, tmp_path: Path) -> None:
    card = {"generator": {"hash": "h", "name": "n"}, "quality": {}, "geometry": None, "provenance": {}} | change
    metadata = {"kind": "likeness", "version": "1", "card": json.dumps(card)}
    save_file({"w_plus": torch.zeros(1, 5, 16)}, tmp_path / "a.likeness", metadata)
    with pytest.raises(CorruptFile):
        Likeness.load(tmp_path / "a.likeness")


CARD = {"generator": {"hash": "h", "name": "n"}, "quality": {}, "geometry": None, "provenance": {}}
GEOMETRY = {"quad": QUAD, "photo_size": [640, 480], "aligned_size": 1024}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", '"NaN"', '"Infinity"', '"1"', "true", "null",
                                    "9" * 400, "9" * 5000, "1e300"])  # fmt: skip
@pytest.mark.parametrize("place", ["quality", "quad", "photo_size", "aligned_size"])
def test_numbers_of_the_card_are_finite(number: str, place: str, tmp_path: Path) -> None:
    tokens = {
        "quality": {"quality": {"lpips": "HERE"}},
        "quad": {"geometry": GEOMETRY | {"quad": [[0, 0], [1, 0], ["HERE", 1], [1, 1]]}},
        "photo_size": {"geometry": GEOMETRY | {"photo_size": [640, "HERE"]}},
        "aligned_size": {"geometry": GEOMETRY | {"aligned_size": "HERE"}},
    }
    card = json.dumps(CARD | tokens[place]).replace('"HERE"', number)
    metadata = {"kind": "likeness", "version": "1", "card": card}
    save_file({"w_plus": torch.zeros(1, 5, 16)}, tmp_path / "a.likeness", metadata)
    with pytest.raises(CorruptFile):
        Likeness.load(tmp_path / "a.likeness")


@pytest.mark.parametrize("number", ["1e999", "NaN", "9" * 5000])
def test_numbers_of_the_provenance_are_finite(number: str, tmp_path: Path) -> None:
    card = json.dumps(CARD | {"provenance": {"seconds": "HERE"}}).replace('"HERE"', number)
    save_file({"w_plus": torch.zeros(1, 5, 16)}, tmp_path / "a", {"kind": "likeness", "version": "1", "card": card})
    with pytest.raises(CorruptFile):
        Likeness.load(tmp_path / "a")


@pytest.mark.parametrize("version", ["9" * 5000, "9" * 10, "²", "-1", "1.0", ""])
def test_versions_that_are_no_short_number_are_rejected(version: str, tmp_path: Path) -> None:
    metadata = {"kind": "likeness", "version": version, "card": json.dumps(CARD)}
    save_file({"w_plus": torch.zeros(1, 5, 16)}, tmp_path / "a", metadata)
    with pytest.raises(CorruptFile):
        Likeness.load(tmp_path / "a")


def test_integers_of_5000_digits_in_a_header_are_rejected(tmp_path: Path) -> None:
    header = b'{"w_plus": {"dtype": "F32", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 4]}}'
    with pytest.raises(CorruptFile):
        Likeness.load(write_raw(tmp_path / "a", header, bytes(4)))


def test_other_kinds_and_newer_versions_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.likeness"
    save_file({"w_plus": torch.zeros(1, 5, 16)}, path)
    with pytest.raises(LatentError, match="is not a likeness"):
        Likeness.load(path)
    tensorfile.save(path, "direction", 1, {"w_plus": torch.zeros(1, 5, 16)}, {})
    with pytest.raises(LatentError, match="is not a likeness"):
        Likeness.load(path)
    tensorfile.save(path, "likeness", likeness.VERSION + 1, {"w_plus": torch.zeros(1, 5, 16)}, {})
    with pytest.raises(LatentError, match="newer"):
        Likeness.load(path)


HOSTILE = {
    "text": b"hello, I am a text file and no tensors at all",
    "pickle": b"\x80\x04\x95\x1b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x94.",
    "long header": (1 << 62).to_bytes(8, "little") + b"{}",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_rejected(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.likeness"
    path.write_bytes(content)
    with pytest.raises(CorruptFile):
        Likeness.load(path)


def entry(dtype: str = "F32", shape: tuple[int, ...] = (1,), offsets: tuple[int, int] = (0, 4)) -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


HEADERS = {
    "a list": [],
    "deep": None,
    "too many": {f"t{i}": entry(offsets=(4 * i, 4 * i + 4)) for i in range(1000)},
    "integers": {"w_plus": entry("I64")},
    "overlap": {"a": entry(), "b": entry()},
    "beyond the end": {"a": entry(offsets=(0, 4000), shape=(1000,))},
    "huge shape": {"a": entry(shape=(1 << 40, 1 << 40))},
    "version of words": {"__metadata__": {"kind": "likeness", "version": "one", "card": "{}"}},
    "card of NaN": {"__metadata__": {"kind": "likeness", "version": "1", "card": '{"quality": NaN}'}},
    "no card": {"__metadata__": {"kind": "likeness", "version": "1"}},
    "card is a list": {"__metadata__": {"kind": "likeness", "version": "1", "card": "[]"}},
}
METADATA = {"__metadata__": {"kind": "likeness", "version": "1", "card": "{}"}}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_hostile_headers_are_rejected(header: object, tmp_path: Path) -> None:
    text = (
        b"[" * 100_000
        if header is None
        else json.dumps(METADATA | header if isinstance(header, dict) else header).encode()
    )
    path = write_raw(
        tmp_path / "a.likeness", text, bytes(4000) if isinstance(header, dict) and len(header) > 9 else bytes(4)
    )
    with pytest.raises(CheckpointError):
        Likeness.load(path)


def test_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.likeness"
    with path.open("wb") as file:
        file.truncate(tensorfile.MAX_BYTES + 1)
    with pytest.raises(LatentError, match="larger"):
        Likeness.load(path)


def test_a_failed_save_keeps_the_old_file(person: Likeness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.likeness"
    person.save(path)
    before = path.read_bytes()

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match="No space left"):
        person.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_mask_and_what_lies_outside_it_are_saved(tmp_path):
    mask = torch.linspace(0, 1, 4096).view(1, 1, 64, 64)
    edited = Likeness(torch.ones(1, 8, 16), "hash", "tiny").with_w_plus(
        torch.zeros(1, 8, 16), torch.ones(1, 8, 16), mask, {"skin": 1.0, "hair": 0.5}
    )
    edited.save(tmp_path / "edited.likeness")
    read = Likeness.load(tmp_path / "edited.likeness")
    assert torch.equal(read.mask, mask)
    assert torch.equal(read.base, torch.ones(1, 8, 16))
    assert read.regions == {"skin": 1.0, "hair": 0.5}
    assert read.unedited.mask is None
    assert read.with_w_plus(read.w_plus).mask is None


@pytest.mark.parametrize(
    "parts",
    [
        {"mask": torch.zeros(1, 1, 64, 64)},
        {"base": torch.zeros(1, 8, 16)},
        {"base": torch.zeros(1, 8, 16), "mask": torch.zeros(1, 1, 8, 8)},
        {"base": torch.zeros(1, 8, 16), "mask": torch.full((1, 1, 64, 64), 2.0)},
        {"base": torch.zeros(1, 8, 16), "mask": torch.full((1, 1, 64, 64), float("nan"))},
        {"base": torch.full((1, 8, 16), float("inf")), "mask": torch.zeros(1, 1, 64, 64)},
    ],
)
def test_a_damaged_mask_is_refused(parts):
    with pytest.raises(LatentError):
        Likeness(torch.ones(1, 8, 16), "hash", "tiny", **parts)
