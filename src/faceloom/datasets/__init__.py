"""Collections of pictures to train on and to measure with: read from anywhere, made into one zip, opened by number.

Knows pictures, labels and archives, and for aligned crops the face detector; nothing of generators.
"""

from faceloom.datasets.dataset import Dataset
from faceloom.datasets.inspection import Checked, Inspected, check, inspect, sheet
from faceloom.datasets.make import Duplicate, Made, MakeConfig, make
from faceloom.datasets.metadata import Condition, Facts, Reading
from faceloom.datasets.sources import Record, Source, SourceConfig, open_source

__all__ = [
    "Checked",
    "Condition",
    "Dataset",
    "Duplicate",
    "Facts",
    "Inspected",
    "Made",
    "MakeConfig",
    "Reading",
    "Record",
    "Source",
    "SourceConfig",
    "check",
    "inspect",
    "make",
    "open_source",
    "sheet",
]
