"""Extraction from untrusted archives: only named members, only into the given folder."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from faceloom.assets import archives
from faceloom.assets.archives import extract, read_text
from faceloom.errors import AssetError


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path, *members: tarfile.TarInfo, data: bytes = b"") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info in members:
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return path


def test_only_named_members_are_extracted(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.whl", {"p/a.bin": b"a", "p/b.bin": b"b", "../escape": b"c"})
    out = tmp_path / "out"
    out.mkdir()
    extract(archive, {"p/a.bin": "mine.bin"}, out)
    assert {path.name for path in tmp_path.rglob("*")} == {"a.whl", "out", "mine.bin"}
    assert (out / "mine.bin").read_bytes() == b"a"


def test_target_cannot_leave_the_folder(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.whl", {"a": b"a"})
    out = tmp_path / "out"
    out.mkdir()
    extract(archive, {"a": "../../stolen"}, out)
    assert [path.name for path in out.iterdir()] == ["stolen"]


def test_zip_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MEMBER_LIMIT", 2**20)
    archive = make_zip(tmp_path / "a.whl", {"big": bytes(2**24)})
    with pytest.raises(AssetError, match="unpacks to more than 1 MB"):
        extract(archive, {"big": "big"}, tmp_path)
    assert (tmp_path / "big").stat().st_size <= 2**20


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("p/passwd")
    info.type, info.linkname = kind, "/etc/passwd"
    archive = make_tar(tmp_path / "a.tar.gz", info)
    with pytest.raises(AssetError, match="not a regular file"):
        extract(archive, {"p/passwd": "passwd"}, tmp_path)


def test_missing_member_is_refused(tmp_path: Path) -> None:
    for archive in (make_zip(tmp_path / "a.whl", {}), make_tar(tmp_path / "a.tar.gz")):
        with pytest.raises(AssetError, match=f"cannot read {archive.name}"):
            extract(archive, {"weights": "weights"}, tmp_path)


@pytest.mark.parametrize("junk", [b"", b"not an archive", b"\x1f\x8b\x08\x00junk", b"PK\x03\x04junk"])
def test_other_files_are_refused(tmp_path: Path, junk: bytes) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(junk)
    with pytest.raises(AssetError, match="cannot read"):
        extract(archive, {"weights": "weights"}, tmp_path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_truncated_archive_is_refused(tmp_path: Path, share: float) -> None:
    archive = make_tar(tmp_path / "a.tar.gz", tarfile.TarInfo("w"), data=bytes(range(256)) * 999)
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(AssetError, match="cannot read"):
        extract(archive, {"w": "w"}, tmp_path)


def test_invalid_utf8_is_replaced(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.whl", {"LICENSE": "Ünïcode".encode() + b" \xff"})
    assert read_text(archive, "LICENSE") == "Ünïcode \ufffd"
