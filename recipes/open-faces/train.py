"""Train the open face model, from a folder of openly licensed portraits to a generator in the package.

    python recipes/open-faces/train.py --data DIR --work build/open-faces --kimg 64:160 128:326
    python recipes/open-faces/train.py --work build/open-faces --ship src/faceloom/data/generators/open-faces

DIR holds faces.zip and faces.csv. Every stage is a run of `faceloom train` that starts from the one before; a second
call goes on where the first one was stopped. On two cores a thousand images of 64 px take a quarter of a minute.
`--ship` writes the newest snapshot as float16, and learns its directions.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.load import load_generator
from faceloom.checkpoints.readers import native
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.datasets import Condition, MakeConfig, TableConfig, SourceConfig, make
from faceloom.edit import directions, fit_attributes
from faceloom.memory import keep_memory
from faceloom.train.distributed import Ranks
from faceloom.train.run import RunControl
from faceloom.workflows.training import NewRun, start_run, resume_run

LEFT_OUT = "digitalcorps"  # its pictures have a round mask, which a generator learns
G_WIDTHS = (256, 192, 128, 96, 64)  # features at 4, 8, 16 ... px
D_WIDTHS = (192, 192, 128, 64, 48)
GAMMA = {64: 0.15, 128: 0.5}  # weight of the gradient penalty
LEVELS = {64: 4, 128: 5}  # of features: wavelets are drawn at half the side
LICENCE = "Apache-2.0; trained on public domain, CC0, MIT and CC BY 4.0 portraits: see recipes/open-faces/README.md"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, help="folder with faces.zip and faces.csv")
    arguments.add_argument("--work", type=Path, required=True, help="folder for datasets and runs")
    arguments.add_argument("--kimg", nargs="*", default=[], help="thousands of images by resolution, as 64:200 128:100")
    arguments.add_argument("--ship", type=Path, help="where the generator is to lie")
    given = arguments.parse_args()
    keep_memory()
    before: Path | None = None
    for stage in given.kimg:
        resolution, kimg = stage.split(":")
        before = train(given.data, given.work, int(resolution), float(kimg), before)
    if given.ship:
        ship(given.work, given.ship)


def train(data: Path, work: Path, resolution: int, kimg: float, before: Path | None) -> Path:
    """Train at one resolution, from nothing or from the run before; gives the run's folder."""
    run, limits, ranks = work / f"run{resolution}", RunControl(on_tick=print, on_message=print), Ranks()
    if (run / "options.json").exists():
        resume_run(run, ranks, limits, metrics=False, kimg=kimg)
        return run
    collection = dataset(data, work, resolution, "train")
    settings: dict[str, Any] = {"source": str(before)} if before else {}
    settings |= {"channels": G_WIDTHS[: LEVELS[resolution]], "d_channels": D_WIDTHS[: LEVELS[resolution]]}
    start = NewRun(collection, run, "faces", metrics=False)
    start_run(start, ranks, limits, **settings, gamma=GAMMA[resolution], kimg=kimg, ada_kimg=80.0)
    return run


def dataset(data: Path, work: Path, resolution: int, split: str) -> Path:
    """The portraits of a split at a size, made once."""
    path = work / f"{split}{resolution}.zip"
    where = (Condition("split", split), Condition("source", LEFT_OUT, is_equal=False))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        make(data, path, MakeConfig((resolution, resolution), source=SourceConfig(reading=TableConfig(where=where))))
    return path


def newest(work: Path) -> Path:
    """The last snapshot of the largest resolution."""
    runs = {int(run.name[3:]): run for run in work.glob("run*") if run.name[3:].isdigit()}
    return max(runs[max(runs)].glob("network-snapshot-*"))


def ship(work: Path, folder: Path) -> None:
    """Write the newest snapshot into the package, as float16, with what the analyzer sees in it."""
    found = read_checkpoint(newest(work))
    half = replace(found, state_dict={name: tensor.half() for name, tensor in found.state_dict.items()})
    native.write(half, folder, {"origin": "recipes/open-faces", "licence": LICENCE})
    model, analyzer = load_generator(str(folder)), load_analyzer()
    people = fit_attributes.read_generated(model.G, fit_attributes.sample_faces(model.G, 3000), analyzer)
    fitted = fit_attributes.fit(
        model.G,
        people,
        fit_attributes.sample_faces(model.G, fit_attributes.CALIBRATION_FACES, seed=1),
        analyzer,
        generator=model,
    )
    for direction in fitted.directions:
        directions.save(direction, folder / "directions" / f"{direction.name}{directions.SUFFIX}")
    print(fitted.moved, fitted.missing, sep="\n")


if __name__ == "__main__":
    main()
