"""Ways to run a generator: in torch, compiled, in onnxruntime, in OpenVINO; in several precisions, on several devices.

Every engine is a `Generator` itself, so that nobody above knows which one draws.
"""

from faceloom.engines.choose import choose
from faceloom.engines.engine import DEVICES, ENGINES, PRECISIONS, Choice, Engine, usual_precision
from faceloom.engines.open import available, open_engine

__all__ = [
    "DEVICES",
    "ENGINES",
    "PRECISIONS",
    "Choice",
    "Engine",
    "available",
    "choose",
    "open_engine",
    "usual_precision",
]
