"""Published generators that a user with a network can download: where each is, whose, on what terms. Data only.

NVIDIA publishes no sha256 of these files and faceloom's makers have not downloaded them, so none is pinned: the first
download's is shown and remembered, and a later download has to be the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from faceloom.errors import AssetError

_NGC = "https://api.ngc.nvidia.com/v2/models/nvidia/research/{collection}/versions/1/files/{name}.pkl"
_CODE = "NVIDIA Source Code License (non-commercial)"
_DATA = {
    "ffhq": ("FFHQ, faces", "CC BY-NC-SA 4.0"),
    "ffhqu": ("FFHQ-U, faces as they stood", "CC BY-NC-SA 4.0"),
    "metfaces": ("MetFaces, painted faces", "CC BY-NC 2.0"),
    "metfacesu": ("MetFaces-U, painted faces as they stood", "CC BY-NC 2.0"),
    "afhqv2": ("AFHQ v2, animals' faces", "CC BY-NC 4.0"),
    "afhqcat": ("AFHQ, cats", "CC BY-NC 4.0"),
    "afhqdog": ("AFHQ, dogs", "CC BY-NC 4.0"),
    "afhqwild": ("AFHQ, wild animals", "CC BY-NC 4.0"),
}
"""Dataset -> what it shows, its licence."""

_NAMES = """
stylegan2-ffhq-1024x1024 stylegan2-ffhq-512x512 stylegan2-ffhq-256x256 stylegan2-ffhqu-1024x1024
stylegan2-ffhqu-256x256 stylegan2-metfaces-1024x1024 stylegan2-metfacesu-1024x1024 stylegan2-afhqv2-512x512
stylegan2-afhqcat-512x512 stylegan2-afhqdog-512x512 stylegan2-afhqwild-512x512
stylegan3-t-ffhq-1024x1024 stylegan3-t-ffhqu-1024x1024 stylegan3-t-ffhqu-256x256 stylegan3-t-metfaces-1024x1024
stylegan3-t-metfacesu-1024x1024 stylegan3-t-afhqv2-512x512
stylegan3-r-ffhq-1024x1024 stylegan3-r-ffhqu-1024x1024 stylegan3-r-ffhqu-256x256 stylegan3-r-metfaces-1024x1024
stylegan3-r-metfacesu-1024x1024 stylegan3-r-afhqv2-512x512
"""


@dataclass(frozen=True)
class Remote:
    """One checkpoint at an address."""

    name: str
    title: str
    url: str
    licence: str
    terms: str
    """Who made it and what that allows, in plain sentences."""
    sha256: str | None = None
    """None: not known here; the first download's is remembered."""


def _nvidia(name: str) -> Remote:
    family, dataset, side = name.rsplit("-", 2)
    shows, licence = _DATA[dataset]
    return Remote(
        name=name,
        title=f"{family.replace('stylegan', 'StyleGAN').upper().replace('STYLEGAN', 'StyleGAN')}, {shows}, {side}",
        url=_NGC.format(collection=family[:9], name=name),
        licence=f"{_CODE}; data {licence}",
        terms=(
            "Trained and published by NVIDIA under the NVIDIA Source Code License: research and evaluation only, not "
            f"for commercial use. The training data, {shows.split(',')[0]}, is {licence}."
        ),
    )


REMOTES: dict[str, Remote] = {name: _nvidia(name) for name in _NAMES.split()}


def find_remote(name: str) -> Remote:
    """Look a download up by its name. Raises AssetError for a name that is not listed."""
    if name not in REMOTES:
        raise AssetError(f"no model is called '{name}'", "faceloom models list --all shows those there are")
    return REMOTES[name]
