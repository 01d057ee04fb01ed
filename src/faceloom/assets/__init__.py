"""Pinned third-party model files: their sources and licenses, and pulling them into a verified cache folder."""

from faceloom.assets.cache import open_asset
from faceloom.assets.manifest import MANIFEST, Archive, Asset, find_asset

__all__ = ["MANIFEST", "Archive", "Asset", "find_asset", "open_asset"]
