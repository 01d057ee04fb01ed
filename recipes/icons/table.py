"""Write the table of emoji to train on: the file, the kind and the lightness of each picture.

`python -m recipes.icons.table PACKAGE` writes PACKAGE/metadata.csv for `faceloom dataset make PACKAGE`. PACKAGE is the
unpacked npm package emoji-datasource-google, whose pictures are Noto Emoji (Apache-2.0).
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

PICTURES = "img/google/64"
OTHER = "other"  # kind and split of all pictures that are left out
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    package: Path = parser.parse_args().package
    rows = list_pictures(package)
    with (package / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["file", "kind", "lightness", "license", "origin", "split"])
        writer.writeheader()
        writer.writerows(rows)
    print(f"{sum(row['split'] == 'train' for row in rows)} of {len(rows)} pictures are for training")


def list_pictures(package: Path) -> list[dict[str, str]]:
    """Return a row for each picture of the package."""
    rows = []
    for emoji in json.loads((package / "emoji.json").read_text(encoding="utf-8")):
        path = package / PICTURES / emoji["image"]
        if not path.is_file():
            continue
        kind = find_kind(emoji["name"] or "", emoji["subcategory"])
        facts = {"file": f"{PICTURES}/{emoji['image']}", "kind": kind, "split": OTHER if kind == OTHER else "train"}
        facts["lightness"] = f"{measure_lightness(path):.3f}"
        rows.append(facts | {"license": "Apache-2.0", "origin": "https://github.com/googlefonts/noto-emoji"})
    return rows


def find_kind(name: str, subcategory: str) -> str:
    """Return 'face', 'heart' or 'clock' for the three kinds of pictures that resemble each other, else OTHER."""
    if subcategory.startswith("face-") and subcategory != "face-costume":
        return "face"
    if subcategory == "heart" and "HEART" in name.upper():
        return "heart"
    return "clock" if name.upper().startswith("CLOCK FACE") else OTHER


def measure_lightness(path: Path) -> float:
    """Return the mean brightness of the visible pixels, 0...1."""
    with Image.open(path) as picture:
        levels = np.asarray(picture.convert("RGBA")) / 255
    alpha = levels[..., 3]
    return float((levels[..., :3] @ LUMA * alpha).sum() / alpha.sum())


if __name__ == "__main__":
    main()
