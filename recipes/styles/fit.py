"""Fit the shipped styles to the examples that examples.py drew.

    python recipes/styles/fit.py --work DIR -o src/faceloom/data/styles [--styles ink,comic] [--steps 120]

Prints the loss every tenth step and the seconds of processor time.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from filters import FILTERS

from faceloom.invert.fit_style import StyleConfig
from faceloom.workflows.studio import Studio

STEPS, EXAMPLES = 120, 20
SQUARES = {"pixel": 64}  # squares a side in which pictures are drawn; of all other styles none
RATES = {"pixel": 4e-3}  # learning rates; of all other styles the default


def main() -> None:
    """Fit and save the styles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of the examples")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the styles")
    parser.add_argument("--styles", default=",".join(FILTERS), help="styles, separated by commas")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of each fit")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="number of examples")
    args = parser.parse_args()
    studio = Studio()
    for name in args.styles.split(","):
        began = time.process_time()
        pictures = sorted((args.work / name).glob("*.png"))[: args.examples]
        config = StyleConfig(seconds=None, steps=args.steps)
        config = replace(config, learning_rate=RATES.get(name, config.learning_rate))
        squares = SQUARES.get(name, 0)
        fitted = studio.fit_style(pictures, name=name, squares=squares, config=config, callback=print_step)
        fitted.style.save(args.out / f"{name}.style")
        print(f"{name}: loss {fitted.fit.loss}, {time.process_time() - began:.0f} s of processor time", flush=True)


def print_step(step: dict[str, Any]) -> None:
    """Print every tenth step."""
    if step["step"] % 10 == 0:
        print(f"step {step['step']}: {step['loss']:.4f}", flush=True)


if __name__ == "__main__":
    main()
