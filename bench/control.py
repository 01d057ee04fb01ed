"""`python -m bench.control DATA --work DIR`: accuracy of edits in their units, on encoded portraits of the val split.

Every portrait is encoded once, within --seconds (saved in --work, so that a second run continues), then made 20 years
older, made to smile, and moved by one standard deviation (sigma) of every attribute. The analyzer measures the result,
and with --evaluators so do independent networks. The same edits without the tuned weights show the effect of tuning.
The pictures of the smiles are saved as arrays (--work/smiling.npy) for an evaluation that runs elsewhere
(recipes/analyzer/README.md).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.evaluators import SAME, Evaluators
from bench.people import encode_portrait
from bench.portraits import stated_smiles, val_portraits
from faceloom.checkpoints.load import load_lpips
from faceloom.edit.attributes import attribute_reader, load_shipped_basis
from faceloom.edit.steer import steer
from faceloom.images import make_contact_sheet, save_picture, to_img
from faceloom.invert.budget import EncodeConfig
from faceloom.likeness import Likeness
from faceloom.workflows.editing import EditResult
from faceloom.workflows.studio import Studio

Pixels = NDArray[np.uint8]


def main() -> None:
    """Encode the portraits, edit them, and print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--evaluators", type=Path)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--cross-talk", type=int, default=16, help="number of people moved by one sigma")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(args.work, Evaluators(args.evaluators) if args.evaluators else None)
    photos, people = bench.encode_portraits(args.data, args.count, args.seconds)
    bench.calibrate_smiles(args.data)
    bench.compare("reproduced", photos, [bench.draw(person) for person in people])
    bench.age_edit("older", people)
    bench.smile_edit("smiling", people, 0.9)
    bench.smile_edit("smiling broadly", people, 0.97)
    untuned = [replace(person, delta={}) for person in people]
    bench.age_edit("older, untuned", untuned)
    bench.smile_edit("smiling, untuned", untuned, 0.9)
    if args.cross_talk:
        bench.cross_talk(people[: args.cross_talk])


class Bench:
    """The studio, the evaluators and the output folder of a run."""

    def __init__(self, work: Path, evaluators: Evaluators | None) -> None:
        self.work, self.evaluators = work, evaluators
        self.studio, self.basis = Studio(), load_shipped_basis()
        self.names = [direction.name for direction in self.basis]
        self.smiles = 0.5  # the probability of FER's network from which a smile counts as seen

    def encode_portraits(self, data: Path, count: int, seconds: float) -> tuple[list[Pixels], list[Likeness]]:
        """Return every portrait and its likeness, encoded now or loaded from an earlier run."""
        photos, people = [], []
        self.studio.warm_up()
        for file, portrait in val_portraits(data, count):
            path = self.work / f"{Path(file).stem}.likeness"
            if not path.exists():
                person = encode_portrait(self.studio, portrait, EncodeConfig(seconds))
                person.save(path)
                steps, spent = person.provenance["steps"], person.provenance["seconds"]
                print(f"{file}: LPIPS {person.quality['lpips']:.3f}, {steps} steps, {spent:.1f} s", flush=True)
            photos.append(np.asarray(portrait))
            people.append(Likeness.load(path))
        for name in ("lpips", "mse"):
            print(f"{name}: median {np.median([person.quality[name] for person in people]):.4f}")
        return photos, people

    def calibrate_smiles(self, data: Path) -> None:
        """Choose the threshold of FER's network with equal errors on smiling and serious portraits of the train split.

        Print its result on the val split. The network was trained on other photographs: it classifies only three of
        four real smiles as 'happy'.
        """
        if self.evaluators:
            smile_edit, serious = (self.evaluators.smile(stated_smiles(data, stated, "train")) for stated in (1.0, 0.0))
            bounds = np.sort(np.concatenate((smile_edit, serious)))
            self.smiles = float(min(bounds, key=lambda at: abs(np.mean(smile_edit < at) - np.mean(serious >= at))))
            for stated, kind in ((1.0, "smiling"), (0.0, "serious")):
                happy = self.evaluators.smile(stated_smiles(data, stated))
                print(f"of {len(happy)} {kind} portraits FER's network sees a smile in {np.sum(happy >= self.smiles)} "
                      f"(p >= {self.smiles:.3f}), calls {np.sum(happy > 0.5)} happy")  # fmt: skip

    def age_edit(self, what: str, people: Sequence[Likeness]) -> None:
        """Make everyone 20 years older, and print the measurements of the analyzer and the evaluators."""
        edits = [self.studio.edit(person, {"age": 20.0}) for person in people]
        gained = np.array([edit.after["age"] - edit.before["age"] for edit in edits])
        near, looks = np.mean(np.abs(gained - 20) <= 4), np.mean([edit.steering.readings for edit in edits])
        spread = f"{gained.mean():+.1f} +- {gained.std():.1f}"
        print(f"{what}: +20 years on {len(edits)}: {spread}, within 4 for {near:.0%}, {looks:.1f} looks")
        self.report_edits(what, people, edits)

    def smile_edit(self, what: str, people: Sequence[Likeness], target: float) -> None:
        """Add a smile of the given probability to everyone who does not smile, and print the measurements."""
        serious = [person for person in people if self.studio.attributes(person).smile < 0.5]
        edits = [self.studio.edit(person, {"smile": target}) for person in serious]
        chance = [edit.after["smile"] for edit in edits]
        print(f"{what}: {target} on the {len(edits)} who did not smile: {np.mean(chance):.2f} +- {np.std(chance):.2f}")
        self.report_edits(what, serious, edits)
        before, after = ([self.draw(p) for p in group] for group in (serious, [edit.person for edit in edits]))
        np.save(self.work / f"{what}.npy", np.stack(before + after))

    def cross_talk(self, people: Sequence[Likeness]) -> None:
        """Raise each attribute by one sigma; print the mean change of all others in sigmas, and its mean size."""
        sigmas = np.array([direction.sigma for direction in self.basis])
        print("one sigma of           moves " + " ".join(f"{name[:11]:>11}" for name in self.names))
        for direction in self.basis:
            moved = np.array([self.one_sigma(person, direction.name, direction.sigma) for person in people]) / sigmas
            cells = zip(moved.mean(0), np.abs(moved).mean(0), strict=True)
            print(f"{direction.name:27}  " + " ".join(f"{mean:+5.2f}({size:4.2f})" for mean, size in cells), flush=True)

    def one_sigma(self, person: Likeness, name: str, sigma: float) -> list[float]:
        """Return the changes of all attributes after one attribute is raised by a sigma."""
        read = attribute_reader(self.studio.regional_edit(person, (name,)), self.studio.read_face)
        before = float(read({})[0][self.names.index(name)])
        edit = steer(read, self.basis, {name: before + sigma})
        return [edit.after[other] - edit.before[other] for other in self.names]

    def report_edits(self, what: str, people: Sequence[Likeness], edits: Sequence[EditResult]) -> None:
        """Print the similarity before and after, and save a sheet of both."""
        before, after = ([self.draw(p) for p in group] for group in (people, [edit.person for edit in edits]))
        likeness = np.array([edit.identity for edit in edits])
        print(f"  analyzer's similarity: median {np.median(likeness):.2f}, lowest {likeness.min():.2f}")
        self.compare(what, before, after)

    def compare(self, what: str, before: Sequence[Pixels], after: Sequence[Pixels]) -> None:
        """Compare pictures pair by pair with LPIPS and, where available, with the evaluators."""
        pairs = [picture for pair in zip(before, after, strict=True) for picture in pair]
        save_picture(make_contact_sheet(pairs, 10, 160), self.work / f"{what}.png", ai_generated=True)
        alexnet = load_lpips("alexnet")
        distances = [alexnet(to_img(a), to_img(b)).item() for a, b in zip(before, after, strict=True)]
        print(f"  LPIPS between them: median {np.median(distances):.3f}")
        if self.evaluators:
            first, second = self.evaluators.read(list(before)), self.evaluators.read(list(after))
            identity_distances = np.linalg.norm(first.identity - second.identity, axis=1)
            print(f"  evaluators: {np.mean(second.age - first.age):+.1f} years, "
                  f"dlib's distance {np.median(identity_distances):.2f}, "
                  f"the same person for {np.mean(identity_distances < SAME):.0%}, other gender for "
                  f"{np.mean((first.male > 0.5) != (second.male > 0.5)):.0%}", flush=True)  # fmt: skip
            smiles = [np.sum(self.evaluators.smile(group) >= self.smiles) for group in (before, after)]
            print(f"  a smile is seen in {smiles[0]} before, {smiles[1]} after, of {len(after)}", flush=True)

    def draw(self, person: Likeness) -> Pixels:
        """Render a person at 256 px."""
        return np.asarray(self.studio.render(person, 256))


if __name__ == "__main__":
    main()
