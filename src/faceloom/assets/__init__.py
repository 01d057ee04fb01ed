"""Pinned third-party model files: where from, whose, on what terms; pulled into one folder, verified before use."""

from faceloom.assets.cache import open_asset
from faceloom.assets.manifest import MANIFEST, Archive, Asset, find_asset

__all__ = ["MANIFEST", "Archive", "Asset", "find_asset", "open_asset"]
