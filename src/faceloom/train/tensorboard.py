"""A run's measurements for TensorBoard, where it is installed; without it nothing happens."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

NOT_SHOWN = ("nimg", "kimg", "time")


class Board:
    """Writes numbers and sheets, by kimg."""

    def __init__(self, folder: Path) -> None:
        self.writer: Any = None
        if find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(folder))

    def add(self, line: Mapping[str, Any]) -> None:
        """Show the numbers of a line of statistics."""
        if self.writer:
            for name, value in line.items():
                if name not in NOT_SHOWN and isinstance(value, int | float):
                    self.writer.add_scalar(name, value, line["nimg"])

    def show(self, sheet: Path, nimg: int) -> None:
        """Show a sheet."""
        if self.writer and sheet.exists():
            with Image.open(sheet) as picture:
                self.writer.add_image("drawn", np.asarray(picture.convert("RGB")), nimg, dataformats="HWC")
            self.writer.flush()
