"""TensorBoard output of a run, where TensorBoard is installed; without it nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SKIPPED_COLUMNS = ("nimg", "kimg", "time")


class TensorBoardWriter:
    """Writes statistics and sheets of generated faces, by the number of images seen."""

    def __init__(self, folder: Path) -> None:
        self.writer: Any = None
        if find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(folder))

    def add(self, line: Mapping[str, Any]) -> None:
        """Write the numbers of a line of statistics."""
        if self.writer:
            for name, value in line.items():
                if name not in SKIPPED_COLUMNS and isinstance(value, int | float):
                    self.writer.add_scalar(name, value, line["nimg"])

    def add_sheet(self, sheet: Path, nimg: int) -> None:
        """Write a sheet of generated faces, if the file exists."""
        if self.writer and sheet.exists():
            with Image.open(sheet) as picture:
                self.writer.add_image("drawn", np.asarray(picture.convert("RGB")), nimg, dataformats="HWC")
            self.writer.flush()
