"""Datasets of pictures for training and measurement: read from many formats, made into one zip, opened by index.

Contains pictures, labels, archives and, for aligned crops, face detection. Does not use generators.
"""

from faceloom.datasets.dataset import Dataset
from faceloom.datasets.inspection import CheckResult, Inspection, check, inspect, sheet
from faceloom.datasets.make import Duplicate, MakeConfig, MakeResult, make
from faceloom.datasets.metadata import Condition, PictureFacts, TableConfig
from faceloom.datasets.sources import Record, Source, SourceConfig, open_source

__all__ = [
    "CheckResult",
    "Condition",
    "Dataset",
    "Duplicate",
    "Inspection",
    "MakeConfig",
    "MakeResult",
    "PictureFacts",
    "Record",
    "Source",
    "SourceConfig",
    "TableConfig",
    "check",
    "inspect",
    "make",
    "open_source",
    "sheet",
]
