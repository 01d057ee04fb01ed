"""`python -m bench.descriptions EVALUATORS`: search people by ten descriptions, judged by networks that took no part.

EVALUATORS is the folder that `bench.evaluators` describes. Nothing is fitted here.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bench.evaluators import Evaluators
from faceloom.edit.search import SearchConfig
from faceloom.images import make_contact_sheet, save_picture, to_pixels
from faceloom.images.tensors import Pixels
from faceloom.networks.generator import image_at
from faceloom.workflows.search import explain_misses
from faceloom.workflows.studio import Studio

DESCRIPTIONS = (
    "about 8, smiling",
    "about 15, woman",
    "about 20, man",
    "about 30, woman, smiling",
    "about 40, man, glasses",
    "about 50, woman",
    "about 60, man, smiling",
    "about 70, woman, glasses",
    "about 75, man",
    "about 80, woman",
)
TOLERANCE = 8.0  # years within which the evaluator's age must be


def main() -> None:
    """Print a row for each description, then the share of faces within the tolerance; save a sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("evaluators", type=Path)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--candidates", type=int, default=SearchConfig.candidates)
    parser.add_argument("--work", type=Path, default=Path("build/descriptions"), help="folder for pictures")
    args = parser.parse_args()
    studio, evaluators = Studio(), Evaluators(args.evaluators)
    args.work.mkdir(parents=True, exist_ok=True)
    pictures: list[Image.Image | Pixels] = []
    inside: list[bool] = []
    met: list[bool] = []
    for text in DESCRIPTIONS:
        start = time.monotonic()
        config = SearchConfig(candidates=args.candidates)
        people = studio.search(text, count=args.count, seed=args.seed, config=config)
        seconds = time.monotonic() - start
        with torch.no_grad():
            faces = [to_pixels(image_at(studio.fast_generator.G, person.w_plus, 256)) for person in people]
        wanted = float(re.findall(r"\d+", text)[0])
        ages = evaluators.read(faces).age
        hits = np.abs(ages - wanted) <= TOLERANCE
        inside += hits.tolist()
        met += [bool(person.provenance["met"]) for person in people]
        pictures += faces
        row = " ".join(
            f"{person.provenance['traits']['age']:.0f}/{age:.0f}{'' if person.provenance['met'] else '?'}"
            for person, age in zip(people, ages, strict=True)
        )
        print(f"{text:28} {hits.mean():.2f} {seconds:5.0f} s  {row}  {explain_misses(text, people)}", flush=True)
        for i, face in enumerate(faces):
            Image.fromarray(face).save(args.work / f"{len(met) - len(faces) + i:02d}.png")
    good = [hit for hit, ok in zip(inside, met, strict=True) if ok]
    print(f"within {TOLERANCE:g} years: {np.mean(inside):.3f} of {len(inside)}")
    print(f"the same of those that meet the description: {np.mean(good):.3f} of {len(good)}")
    save_picture(make_contact_sheet(pictures, args.count, 160), args.work / "sheet.jpg", ai_generated=True)


if __name__ == "__main__":
    main()
