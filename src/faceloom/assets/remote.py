"""Published generators for download: their addresses, authors and licenses.

NVIDIA publishes no sha256 of these files and faceloom's authors have not downloaded them, so none is pinned: the sha256
of the first download is shown and remembered, and later downloads must match it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
"""Dataset -> its title and license."""

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
class RemoteModel:
    """A checkpoint that can be downloaded."""

    name: str
    title: str
    url: str
    license: str
    terms: str
    """Authors and conditions of use, in plain sentences."""
    sha256: str | None = None
    """None when unknown: the sha256 of the first download is remembered."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields for JSON output; the keys are stable."""
        return {
            "name": self.name,
            "title": self.title,
            "url": self.url,
            "licence": self.license,
            "terms": self.terms,
            "sha256": self.sha256,
        }


def _make_nvidia_model(name: str) -> RemoteModel:
    family, dataset, side = name.rsplit("-", 2)
    data_title, license = _DATA[dataset]
    return RemoteModel(
        name=name,
        title=f"{family.replace('stylegan', 'StyleGAN').upper().replace('STYLEGAN', 'StyleGAN')}, {data_title}, {side}",
        url=_NGC.format(collection=family[:9], name=name),
        license=f"{_CODE}; data {license}",
        terms=(
            "Trained and published by NVIDIA under the NVIDIA Source Code License: research and evaluation only, not "
            f"for commercial use. The training data, {data_title.split(',')[0]}, is {license}."
        ),
    )


REMOTE_MODELS: dict[str, RemoteModel] = {name: _make_nvidia_model(name) for name in _NAMES.split()}


def find_remote_model(name: str) -> RemoteModel:
    """Return the published generator of that name. Raises AssetError for an unknown name."""
    if name not in REMOTE_MODELS:
        raise AssetError(f"no model is called '{name}'", "faceloom models list --all shows all models")
    return REMOTE_MODELS[name]
