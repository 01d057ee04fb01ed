"""Outputs of a run to experiment trackers: TensorBoard, Weights & Biases, MLflow. Each is imported when it is used."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from faceloom.errors import MissingExtra, TrainingError

SKIPPED_COLUMNS = ("nimg", "kimg", "time")
PROJECT = "faceloom"
"""Name of the project or experiment of a run, unless the tracker's own environment variables name another."""

Settings = Mapping[str, Any]
Message = Callable[[str], None]


@runtime_checkable
class Tracker(Protocol):
    """An output for statistics and sheets of generated images, by the number of images seen."""

    def add(self, line: Mapping[str, Any]) -> None:
        """Write the numbers of a line of statistics."""

    def add_sheet(self, sheet: Path, nimg: int) -> None:
        """Write a sheet of generated images."""

    def close(self) -> None:
        """Finish writing."""


class TensorBoardTracker:
    """Writes event files for TensorBoard into the run's folder."""

    def __init__(self, folder: Path, settings: Settings, run_id: str) -> None:
        _require("tensorboard", "train")
        from torch.utils.tensorboard import SummaryWriter

        self.writer: Any = SummaryWriter(str(folder))

    def add(self, line: Mapping[str, Any]) -> None:
        """Write the numbers of a line of statistics."""
        for name, value in numbers_of(line).items():
            self.writer.add_scalar(name, value, line["nimg"])

    def add_sheet(self, sheet: Path, nimg: int) -> None:
        """Write a sheet of generated images."""
        with Image.open(sheet) as picture:
            self.writer.add_image("generated", np.asarray(picture.convert("RGB")), nimg, dataformats="HWC")
        self.writer.flush()

    def close(self) -> None:
        """Finish the event file."""
        self.writer.close()


class WandbTracker:
    """Sends statistics to Weights & Biases; its own environment variables set the project, the key and offline use."""

    def __init__(self, folder: Path, settings: Settings, run_id: str) -> None:
        self.wandb = _require("wandb", "wandb")
        project = {} if _is_set("WANDB_PROJECT") else {"project": PROJECT}
        self.run: Any = self.wandb.init(
            name=folder.resolve().name, dir=str(folder), id=run_id, resume="allow", config=dict(settings), **project
        )

    def add(self, line: Mapping[str, Any]) -> None:
        """Send the numbers of a line of statistics; the step is the number of images."""
        self.run.log({**numbers_of(line), "kimg": line["nimg"] / 1000}, step=int(line["nimg"]))

    def add_sheet(self, sheet: Path, nimg: int) -> None:
        """Send a sheet of generated images."""
        self.run.log({"generated": self.wandb.Image(str(sheet))}, step=nimg)

    def close(self) -> None:
        """Wait until all numbers have been sent."""
        self.run.finish()


class MlflowTracker:
    """Sends statistics to MLflow; MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME choose the server and experiment."""

    def __init__(self, folder: Path, settings: Settings, run_id: str) -> None:
        self.mlflow = _require("mlflow", "mlflow")
        if not _is_set("MLFLOW_EXPERIMENT_NAME"):
            self.mlflow.set_experiment(PROJECT)
        self.mlflow.start_run(run_name=f"{folder.resolve().name}-{run_id}")
        self.mlflow.log_params({name: str(value)[:250] for name, value in settings.items()})

    def add(self, line: Mapping[str, Any]) -> None:
        """Send the numbers of a line of statistics; the step is the number of images."""
        self.mlflow.log_metrics(numbers_of(line), step=int(line["nimg"]))

    def add_sheet(self, sheet: Path, nimg: int) -> None:
        """Send a sheet of generated images."""
        self.mlflow.log_artifact(str(sheet))

    def close(self) -> None:
        """Mark the run as finished."""
        self.mlflow.end_run()


TRACKERS: dict[str, Callable[[Path, Settings, str], Tracker]] = {
    "tensorboard": TensorBoardTracker,
    "wandb": WandbTracker,
    "mlflow": MlflowTracker,
}
"""The tracker of each name of `--log-to`."""


class Trackers:
    """All trackers of a run. A tracker that fails is reported once and left out, because training must go on."""

    def __init__(self, trackers: Mapping[str, Tracker], message: Message) -> None:
        self.trackers, self.message = dict(trackers), message

    def add(self, line: Mapping[str, Any]) -> None:
        """Write the numbers of a line of statistics to all trackers."""
        self._call_each(lambda tracker: tracker.add(line))

    def add_sheet(self, sheet: Path, nimg: int) -> None:
        """Write a sheet of generated images to all trackers, if the file exists."""
        if sheet.exists():
            self._call_each(lambda tracker: tracker.add_sheet(sheet, nimg))

    def close(self) -> None:
        """Finish writing."""
        self._call_each(lambda tracker: tracker.close())

    def _call_each(self, call: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self.trackers.items()):
            try:
                call(tracker)
            except Exception as error:  # noqa: BLE001 - a library of others may raise anything
                del self.trackers[name]
                self.message(f"{name} failed and receives no more numbers: {error}")


def check_trackers(names: Sequence[str] | None) -> None:
    """Check that all trackers can be imported. Raises TrainingError for an unknown name, MissingExtra without one."""
    for name in names or ():
        if name not in TRACKERS:
            raise TrainingError(f"'{name}' is not a tracker", f"choose from {', '.join(TRACKERS)}, or none")
        if find_spec(name) is None:
            raise MissingExtra(f"logging to {name}", "train" if name == "tensorboard" else name)


def open_trackers(
    names: Sequence[str] | None, folder: Path, settings: Settings, run_id: str, message: Message
) -> Trackers:
    """Open the named trackers; None stands for TensorBoard where it is installed. Raises as `check_trackers`."""
    check_trackers(names)
    if names is None:
        names = ["tensorboard"] if find_spec("tensorboard") else []
    return Trackers({name: TRACKERS[name](folder, settings, run_id) for name in names}, message)


def make_run_id() -> str:
    """Make a random id, by which a tracker recognizes a run that is resumed."""
    return secrets.token_hex(4)


def numbers_of(line: Mapping[str, Any]) -> dict[str, float]:
    """Return the measured numbers of a line of statistics, without the place in the run and the time."""
    return {
        name: value for name, value in line.items() if name not in SKIPPED_COLUMNS and isinstance(value, int | float)
    }


def _require(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtra(f"logging to {module}", extra) from error


def _is_set(variable: str) -> bool:

    return bool(os.environ.get(variable))
