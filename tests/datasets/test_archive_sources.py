"""Tests that malicious archives are refused before anything in them is opened, with counts."""

from __future__ import annotations

import gzip
import pickle
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest

from faceloom.datasets.archives import open_tree
from faceloom.errors import StoreError
from tests.datasets.picture_files import make_picture, make_tar, make_zip


def refused(path: Path, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        open_tree(path)


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "a/../../b.png", "C:\\a.png", "..\\a.png"])
def test_names_outside_the_archive_are_refused(tmp_path: Path, name: str):
    refused(make_zip(tmp_path / "a.zip", {name: "x", "b.png": "y"}), "1 names that point outside")
    refused(make_tar(tmp_path / "a.tar", {name: "x", "b.png": "y"}), "1 names that point outside")


def test_dots_inside_a_name_are_accepted(tmp_path: Path):
    assert open_tree(make_zip(tmp_path / "a.zip", {"a..b/c...png": "x"})).names == ["a..b/c...png"]


def test_zip_bomb_is_refused(tmp_path: Path):
    refused(make_zip(tmp_path / "a.zip", {"a.png": b"\0" * (80 << 20)}), "80 MB in 7. kB, like a zip bomb")


def test_names_that_occur_twice_are_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            archive.writestr("a.png", "x")
    refused(tmp_path / "a.zip", "2 names that occur twice")


def test_links_are_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("a.png")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    refused(tmp_path / "a.zip", "1 links")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo(f"{kind!r}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    refused(tmp_path / "a.tar", "3 links and devices")


def test_unsupported_files_are_refused(tmp_path: Path):
    refused(tmp_path / "none", "there is no file or folder")
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(make_tar(tmp_path / "a.tar", {"a.png": "x"}).read_bytes()))
    refused(tmp_path / "a.tar.gz", "is not a folder, zip or tar")
    content = make_zip(tmp_path / "a.zip", {"a.png": make_picture(1)}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(content[:-60])
    with pytest.raises(StoreError):
        open_tree(tmp_path / "cut.zip")


def test_hidden_files_are_skipped(tmp_path: Path):
    tree = open_tree(make_zip(tmp_path / "a.zip", {"__MACOSX/._a.png": "x", ".b.png": "x", "a.png": "x"}))
    assert tree.names == ["a.png"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archive_reopens_after_pickling(tmp_path: Path, kind: str):
    tree = open_tree({"zip": make_zip, "tar": make_tar}[kind](tmp_path / "a", {"a.png": "x"}))
    again = pickle.loads(pickle.dumps(tree))
    with again.open("a.png") as stream:
        assert stream.read() == b"x"


def test_zip_with_a_member_without_a_name_is_refused(tmp_path: Path):
    """Found by the fuzzer: Python 3.11 raises IndexError when it is asked whether such a member is a folder."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", b"x")
        archive.writestr(zipfile.ZipInfo(""), b"y")
    refused(tmp_path / "a.zip", "1 members without a name")
