"""`python -m bench.control DATA --work DIR`: are the units true? On reproduced portraits of the val split.

Every portrait is searched once (kept in --work, so that a second run goes on), then made 20 years older, made to smile,
and moved by one sigma of every attribute. The analyzer measures, and with --judges networks that took no part. The
pictures of the smiles are kept in --work/smiles.npy for a judge that runs elsewhere (recipes/analyzer/README.md).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.judges import SAME, Judges
from bench.portraits import val_portraits
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.control import control, looking, shipped_basis
from faceloom.edit.steer import Steered, steer
from faceloom.images import contact_sheet, save_picture, to_img, to_pixels
from faceloom.invert.optimize import OptimizeConfig
from faceloom.studio import Studio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--judges", type=Path)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--steps", type=int, default=70)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(args.work, Judges(args.judges) if args.judges else None)
    people = list(bench.reproduced(args.data, args.count, args.steps))
    bench.older(people)
    bench.smiling(people)
    bench.cross_talk(people)


class Bench:
    """The studio, who looks, and where things are kept."""

    def __init__(self, work: Path, judges: Judges | None) -> None:
        self.work, self.judges = work, judges
        self.studio = Studio()
        self.G = self.studio.fast_generator.G
        self.basis = shipped_basis()
        self.analyzer = load_analyzer()
        self.look = looking(self.G, self.analyzer, self.basis)
        self.names = [direction.name for direction in self.basis]

    def reproduced(self, data: Path, count: int, steps: int) -> Iterator[Tensor]:
        """Yield every portrait's `w_plus [1, num_ws, w_dim]`, searched for or kept from before."""
        for file, portrait in val_portraits(data, count):
            path = self.work / f"{Path(file).stem}.pt"
            if not path.exists():
                found = self.studio.search(to_img(portrait), OptimizeConfig(seconds=None, steps=steps, coarse=1.0))
                torch.save(found.w_plus, path)
                print(f"{file}: LPIPS {found.lpips[0]:.3f} in {found.seconds:.0f} s", flush=True)
            yield torch.load(path)

    def older(self, people: list[Tensor]) -> None:
        """+20 years: what the analyzer and the judges see of it."""
        edits = [self.change(w_plus, {"age": 20.0}) for w_plus in people]
        gained = np.array([edit.after["age"] - edit.before["age"] for edit in edits])
        near, looks = np.mean(np.abs(gained - 20) <= 4), np.mean([edit.looks for edit in edits])
        spread = f"{gained.mean():+.1f} +- {gained.std():.1f}"
        print(f"+20 years on {len(edits)}: {spread}, within 4 for {near:.0%}, {looks:.1f} looks")
        self.judged("older", people, edits)

    def smiling(self, people: list[Tensor]) -> None:
        """A smile of 90 % for whoever does not smile, none for the others."""
        serious = [w_plus for w_plus in people if self.look(w_plus)[0][self.names.index("smile")] < 0]
        edits = [self.change(w_plus, {"smile": 0.9}) for w_plus in serious]
        chance = [1 / (1 + np.exp(-edit.after["smile"])) for edit in edits]
        print(f"smile 0.9 on the {len(edits)} who did not: {np.mean(chance):.2f} +- {np.std(chance):.2f}")
        self.judged("smiling", serious, edits)
        before, after = ([self.draw(w) for w in group] for group in (serious, [edit.w_plus for edit in edits]))
        np.save(self.work / "smiles.npy", np.stack(before + after))

    def cross_talk(self, people: list[Tensor]) -> None:
        """One sigma more of each attribute: what it moves of the others, in sigmas; the mean, and the mean size."""
        sigmas = np.array([direction.sigma for direction in self.basis])
        print("one sigma of           moves " + " ".join(f"{name[:11]:>11}" for name in self.names))
        for direction in self.basis:
            edits = [self.one_sigma(w_plus, direction.name, direction.sigma) for w_plus in people]
            moved = np.array([[e.after[n] - e.before[n] for n in self.names] for e in edits]) / sigmas
            cells = zip(moved.mean(0), np.abs(moved).mean(0), strict=True)
            print(f"{direction.name:27}  " + " ".join(f"{mean:+5.2f}({size:4.2f})" for mean, size in cells), flush=True)

    def change(self, w_plus: Tensor, wishes: dict[str, float]) -> Steered:
        return control(self.G, self.analyzer, w_plus, wishes, basis=self.basis)

    def one_sigma(self, w_plus: Tensor, name: str, sigma: float) -> Steered:
        """Up, or down for who is above the mean already."""
        before = float(self.look(w_plus)[0][self.names.index(name)])
        return steer(self.look, w_plus, self.basis, {name: before + sigma})

    def judged(self, what: str, people: list[Tensor], edits: list[Steered]) -> None:
        """Print what others see, and keep a sheet of before and after."""
        before = [self.draw(w_plus) for w_plus in people]
        after = [self.draw(edit.w_plus) for edit in edits]
        pairs = [picture for pair in zip(before, after, strict=True) for picture in pair]
        save_picture(contact_sheet(pairs, 10, 160), self.work / f"{what}.png", ai_generated=True)
        alike = np.array([edit.identity for edit in edits])
        print(f"  analyzer's similarity: median {np.median(alike):.2f}, lowest {alike.min():.2f}")
        if self.judges:
            first, second = self.judges.look(before), self.judges.look(after)
            away = np.linalg.norm(first.identity - second.identity, axis=1)
            print(f"  judges: {np.mean(second.age - first.age):+.1f} years, dlib's distance {np.median(away):.2f}, "
                  f"the same person for {np.mean(away < SAME):.0%}, other gender for "
                  f"{np.mean((first.male > 0.5) != (second.male > 0.5)):.0%}", flush=True)  # fmt: skip

    @torch.no_grad()
    def draw(self, w_plus: Tensor) -> np.ndarray:
        return to_pixels(self.G.synthesis_at(w_plus, 256))


if __name__ == "__main__":
    main()
