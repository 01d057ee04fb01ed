"""Train the open face model, from a folder of openly licensed portraits to a generator in the package.

    python recipes/open-faces/prepare.py --data DIR --matte modnet.onnx --work build/open-faces --more PHOTOS
    python recipes/open-faces/train.py --work build/open-faces --kimg 64:160 128:800
    python recipes/open-faces/train.py --work build/open-faces --ship src/faceloom/data/generators/open-faces

prepare.py writes the portraits. Every stage is a run of `faceloom train` that starts from the previous one, the first
from random weights or from `--source`; a second call resumes a stopped run. On two cores a thousand images of 64 px
take a quarter of a minute. `--put-back open-faces` gives the newest run the weights of a generator again and lets the
discriminator learn alone for a while: a new discriminator spoils a finished generator at first. `--critic` adds a
discriminator on the features of a frozen network to a new run. `--rate` changes the learning rate. `--keep` saves both
networks of the newest run in a small folder, from which `--source` starts on another machine. `--ship` saves the
newest snapshot as float16 and fits its directions.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file

from faceloom.checkpoints.detect import read_checkpoint
from faceloom.checkpoints.library import locate_generator
from faceloom.checkpoints.load import load_generator
from faceloom.checkpoints.readers import native
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.datasets import Condition, MakeConfig, SourceConfig, TableConfig, make
from faceloom.edit import directions, fit_attributes
from faceloom.memory import keep_memory
from faceloom.train import checkpoint
from faceloom.train.distributed import Ranks
from faceloom.train.run import OPTIONS, RunControl
from faceloom.workflows.training import NewRun, resume_run, start_run
from faceloom.workflows.training_measures import Measures

G_WIDTHS = (256, 192, 128, 96, 64)  # channels at 4, 8, 16 ... px
D_WIDTHS = (192, 192, 128, 64, 48)
GAMMA = {64: 0.15, 128: 0.5}  # weight of the gradient penalty
ALONE_KIMG = 24.0  # thousands of images in which the discriminator learns alone after the generator was put back
CRITIC: dict[str, Any] = {"critic": "alexnet", "wait_kimg": 4.0}
KEPT_OPTIONS = ("version", "height", "width", "family", "channels", "d_channels", "z_dim", "w_dim", "mapping_layers")
LEVELS = {64: 4, 128: 5}  # number of resolutions: wavelets are generated at half the side
LICENSE = "Apache-2.0; trained on public domain, CC0, MIT and CC BY 4.0 portraits: see recipes/open-faces/README.md"


def main() -> None:
    """Train the requested stages, and ship the newest snapshot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of the portraits, datasets and runs")
    parser.add_argument(
        "--kimg", nargs="*", default=[], help="thousands of images by resolution, such as 64:200 128:100"
    )
    parser.add_argument("--source", help="a run, a snapshot or a generator's name, from which the first stage starts")
    parser.add_argument("--put-back", help="name of the generator whose weights the newest run gets again")
    parser.add_argument("--critic", action="store_true", help="train a new run with a second discriminator")
    parser.add_argument("--rate", type=float, help="learning rate from here on")
    parser.add_argument("--keep", type=Path, help="folder for both networks of the newest run, as float16")
    parser.add_argument("--ship", type=Path, help="folder for the shipped generator")
    args = parser.parse_args()
    keep_memory()
    if args.put_back:
        put_back(newest_run(args.work), args.put_back)
    before: str | None = args.source
    for stage in args.kimg:
        resolution, kimg = stage.split(":")
        settings = (CRITIC if args.critic else {}) | ({"rate": args.rate} if args.rate else {})
        before = str(train(args.work, int(resolution), float(kimg), before, **settings))
    if args.keep:
        keep(newest_run(args.work), args.keep)
    if args.ship:
        ship(args.work, args.ship)


def train(work: Path, resolution: int, kimg: float, before: str | None, **more: Any) -> Path:
    """Train at one resolution, from random weights or from other networks; return the run's folder.

    `more` are settings of the run; a resumed run takes those that can change.
    """
    run, control, ranks = work / f"run{resolution}", RunControl(on_tick=print, on_message=print), Ranks()
    if (run / "options.json").exists():
        changed = {name: value for name, value in more.items() if name == "rate"}
        resume_run(run, ranks, control, measures=Measures(vgg=False), kimg=kimg, **changed)
        return run
    collection = dataset(work, resolution, "train")
    settings: dict[str, Any] = {"source": before} if before else {}
    settings |= {"channels": G_WIDTHS[: LEVELS[resolution]], "d_channels": D_WIDTHS[: LEVELS[resolution]]}
    start = NewRun(collection, run, "faces", measures=Measures(vgg=False))
    settings |= {"gamma": GAMMA[resolution], "kimg": kimg, "ada_kimg": 80.0, "snap_kimg": 40.0} | more
    start_run(start, ranks, control, **settings)
    return run


def dataset(work: Path, resolution: int, split: str) -> Path:
    """Make the dataset of a split of the prepared portraits at a size unless it exists; return its path."""
    path = work / f"{split}{resolution}.zip"
    if not path.exists():
        where = SourceConfig(reading=TableConfig(where=(Condition("split", split),)))
        make(work / "portraits", path, MakeConfig((resolution, resolution), source=where))
    return path


def put_back(run: Path, generator: str) -> None:
    """Replace the generator of a stopped run, and let the discriminator learn alone for ALONE_KIMG."""
    path = run / checkpoint.FILE
    with safe_open(path, "pt") as file:
        state, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    weights = read_checkpoint(locate_generator(generator)).state_dict
    state |= {f"{part}.{name}": value.float() for part in ("G", "G_ema") for name, value in weights.items()}
    save_file(state, path, metadata)
    seen = json.loads(metadata["faceloom"])["nimg"] / 1000
    options = json.loads((run / OPTIONS).read_text())
    (run / OPTIONS).write_text(json.dumps(options | {"wait_kimg": seen + ALONE_KIMG}, indent=2))


def keep(run: Path, folder: Path) -> None:
    """Save the averaged generator and the discriminator of a run as float16, in a folder that reads as a run."""
    with safe_open(run / checkpoint.FILE, "pt") as file:
        names = [name for name in file.keys() if name.startswith(("G_ema.", "D."))]  # noqa: SIM118
        state, metadata = {name: file.get_tensor(name).half() for name in names}, file.metadata()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / checkpoint.FILE, metadata)
    options = json.loads((run / OPTIONS).read_text())
    options = {name: value for name, value in options.items() if name in KEPT_OPTIONS} | {"data": ""}
    (folder / OPTIONS).write_text(json.dumps(options, indent=2) + "\n")


def newest_run(work: Path) -> Path:
    """Return the run of the largest resolution."""
    runs = {int(run.name[3:]): run for run in work.glob("run*") if run.name[3:].isdigit()}
    return runs[max(runs)]


def newest_snapshot(work: Path) -> Path:
    """Return the last snapshot of the largest resolution."""
    return max(newest_run(work).glob("network-snapshot-*"))


def ship(work: Path, folder: Path) -> None:
    """Save the newest snapshot into the package as float16, with directions fitted to the analyzer's readings."""
    network = read_checkpoint(newest_snapshot(work))
    half = replace(network, state_dict={name: tensor.half() for name, tensor in network.state_dict.items()})
    native.write(half, folder, {"origin": "recipes/open-faces", "licence": LICENSE})
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
