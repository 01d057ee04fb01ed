"""Not only faces: handwritten digits, from data to samples in ten minutes on two cores.

    pip install faceloom scikit-learn
    python examples/digits.py --out digits

scikit-learn's package carries 1,797 digits of 8 x 8 pixels (UCI's Optical Recognition of Handwritten Digits, CC BY
4.0). They become pictures of 16 px in folders named by their class, a dataset, and a run with labels; then a classifier
that has only ever seen real digits reads what the generator draws to order.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from faceloom import Studio
from faceloom.images import contact_sheet

SIDE = 16
EACH = 50  # digits of a class that are drawn and read


def main() -> None:
    """Do it all, saying every command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("digits"))
    parser.add_argument("--minutes", type=float, default=5, help="of training")
    given = parser.parse_args()
    photos, zipped, run = given.out / "photos", given.out / "digits.zip", given.out / "run"
    write_pictures(photos)
    faceloom("dataset", "make", photos, "--resolution", SIDE, "--labels", "folders", "-o", zipped)
    settings = (
        "--cond",
        "--preset",
        "wavelet",
        "--width",
        128,
        "--gamma",
        0.05,
        "--minutes",
        given.minutes,
        "--snap",
        1000,
    )
    faceloom("train", "--data", zipped, "--out", run, *settings)
    snapshot = max(run.glob("network-snapshot-*"))
    reads, classifier = taught(photos)
    print(f"a classifier reads {reads:.1%} of real digits that it has not seen")
    right = recognised(classifier, snapshot, given.out / "drawn.png")
    print(f"and {right:.1%} of what {snapshot.name} draws, as what was ordered")


def faceloom(*words: object) -> None:
    """Run a command."""
    command = ["faceloom", *map(str, words)]
    print("$", *command, flush=True)
    subprocess.run([sys.executable, "-m", *command], check=True)


def write_pictures(folder: Path) -> None:
    """Write every digit as a picture into the folder of its class."""
    digits = load_digits()
    for number, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
        path = folder / str(digit) / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray((pixels * 255 / 16).astype(np.uint8))
        picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)


def taught(folder: Path) -> tuple[float, SVC]:
    """Teach a classifier the real digits: on half of them, to know how well it reads, then on all."""
    files = sorted(folder.glob("*/*.png"))
    seen, named = (
        np.stack([flat(Image.open(file)) for file in files]),
        np.array([int(file.parent.name) for file in files]),
    )
    half = SVC().fit(seen[::2], named[::2])
    return half.score(seen[1::2], named[1::2]), SVC().fit(seen, named)


def recognised(classifier: SVC, snapshot: Path, sheet: Path) -> float:
    """Draw digits to order; the part that is read as what was ordered. Keeps a sheet, a class a row."""
    studio, ordered = Studio(str(snapshot)), np.repeat(np.arange(10), EACH)
    people = [studio.generate(seed, psi=1.0, label=int(label)) for seed, label in enumerate(ordered)]
    drawn = [studio.render(person, SIDE).convert("L") for person in people]
    contact_sheet(drawn, EACH, SIDE).save(sheet)
    return float(classifier.score(np.stack([flat(picture) for picture in drawn]), ordered))


def flat(picture: Image.Image) -> np.ndarray:
    """A picture as numbers from 0 to 1."""
    return np.asarray(picture.convert("L"), float).ravel() / 255


if __name__ == "__main__":
    main()
