"""The manifest: pinned archives, consistent file lists, and stated terms."""

from __future__ import annotations

import re

import pytest

from faceloom.assets import MANIFEST, Asset, find_asset
from faceloom.errors import AssetError

ASSETS = pytest.mark.parametrize("asset", MANIFEST.values(), ids=lambda asset: asset.name)


@ASSETS
def test_archives_are_pinned(asset: Asset) -> None:
    for archive in asset.archives:
        assert re.fullmatch(r"[\w.-]+==[\w.]+", archive.requirement)
        assert re.fullmatch(r"[0-9a-f]{64}", archive.sha256)
        assert archive.filename.endswith((".whl", ".tar.gz"))
        assert 0 < archive.size < 2**27


@ASSETS
def test_wheels_for_one_python_have_pip_tags(asset: Asset) -> None:
    for archive in asset.archives:
        assert bool(archive.pip_tags) == (archive.is_wheel and not archive.filename.endswith("-none-any.whl"))


@ASSETS
def test_terms_are_stated(asset: Asset) -> None:
    assert asset.license
    assert asset.terms.endswith(".")
    assert all(archive.license_member for archive in asset.archives)


def test_default_generator_is_for_research_only() -> None:
    assert MANIFEST["mobilestylegan-ffhq"].note == "research and non-commercial use only"


def test_default_set() -> None:
    assert [name for name, asset in MANIFEST.items() if asset.is_default] == ["mobilestylegan-ffhq", "lpips", "mtcnn"]


def test_unknown_name_lists_known_names() -> None:
    with pytest.raises(AssetError, match=r"no asset is called 'stylegan9'.*mtcnn"):
        find_asset("stylegan9")
