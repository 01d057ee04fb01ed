"""Engines that run a generator: torch, torch.compile, onnxruntime, OpenVINO; in several precisions, on several devices.

Every engine implements `Generator`, so that callers need not know which one they use.
"""

from faceloom.engines.choose import choose_engine
from faceloom.engines.engine import DEVICES, ENGINES, PRECISIONS, Choice, Engine, supported_precision
from faceloom.engines.open import available_engines, open_engine

__all__ = [
    "DEVICES",
    "ENGINES",
    "PRECISIONS",
    "Choice",
    "Engine",
    "available_engines",
    "choose_engine",
    "open_engine",
    "supported_precision",
]
