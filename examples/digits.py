"""Training on other images than faces: handwritten digits, from data to generated digits in ten minutes on two cores.

    pip install faceloom scikit-learn
    python examples/digits.py --out digits

scikit-learn contains 1,797 digits of 8 x 8 pixels (UCI's Optical Recognition of Handwritten Digits, CC BY 4.0). They
become pictures of 16 px in one folder per class, then a dataset, then a run with labels. Finally a classifier trained
on real digits only reads generated digits, and its accuracy shows how well they match their requested class.
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

from faceloom import Studio, make_contact_sheet

SIDE = 16  # of the pictures in pixels
EACH = 50  # generated digits per class


def main() -> None:
    """Make the dataset, train a generator, and measure it; print every command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("digits"))
    parser.add_argument("--minutes", type=float, default=5, help="duration of the training")
    args = parser.parse_args()
    photos, dataset, run = args.out / "photos", args.out / "digits.zip", args.out / "run"
    write_pictures(photos)
    run_command("dataset", "make", photos, "--resolution", SIDE, "--labels", "folders", "-o", dataset)
    settings: list[object] = ["--cond", "--preset", "wavelet", "--width", 128, "--gamma", 0.05]
    settings += ["--minutes", args.minutes, "--snap", 1000]
    run_command("train", "--data", dataset, "--out", run, *settings)
    snapshot = max(run.glob("network-snapshot-*"))
    accuracy, classifier = train_classifier(photos)
    print(f"the classifier reads {accuracy:.1%} of held-out real digits correctly")
    generated_accuracy = measure_generator(classifier, snapshot, args.out / "generated.png")
    print(f"and {generated_accuracy:.1%} of the digits of {snapshot.name} as the requested class")


def run_command(*arguments: object) -> None:
    """Print and run a faceloom command."""
    command = ["faceloom", *map(str, arguments)]
    print("$", *command, flush=True)
    subprocess.run([sys.executable, "-m", *command], check=True)


def write_pictures(folder: Path) -> None:
    """Save every digit as a picture in the folder of its class."""
    digits = load_digits()
    for number, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
        path = folder / str(digit) / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray((pixels * 255 / 16).astype(np.uint8))
        picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)


def train_classifier(folder: Path) -> tuple[float, SVC]:
    """Return the accuracy of a classifier trained on half of the real digits, and a classifier trained on all."""
    files = sorted(folder.glob("*/*.png"))
    vectors = np.stack([to_vector(Image.open(file)) for file in files])
    classes = np.array([int(file.parent.name) for file in files])
    half = SVC().fit(vectors[::2], classes[::2])
    return half.score(vectors[1::2], classes[1::2]), SVC().fit(vectors, classes)


def measure_generator(classifier: SVC, snapshot: Path, sheet: Path) -> float:
    """Generate digits of every class and return the share that is read correctly; save a sheet, one class per row."""
    studio, requested = Studio(str(snapshot)), np.repeat(np.arange(10), EACH)
    digits = [studio.generate(seed, psi=1.0, label=int(label)) for seed, label in enumerate(requested)]
    pictures = [studio.render(digit, SIDE).convert("L") for digit in digits]
    make_contact_sheet(pictures, EACH, SIDE).save(sheet)
    return float(classifier.score(np.stack([to_vector(picture) for picture in pictures]), requested))


def to_vector(picture: Image.Image) -> np.ndarray:
    """Convert a picture to a vector of gray levels, 0...1."""
    return np.asarray(picture.convert("L"), float).ravel() / 255


if __name__ == "__main__":
    main()
