"""Estimates before a cast: what each cell holds, how long it takes and how much space it needs, from a short trial.

The trial draws people of different cells, the rarest first, and shows which cells the generator cannot draw.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from faceloom.errors import PlanError, StoreError
from faceloom.threads import use_threads
from faceloom.workflows.cast.card import SHEET_PEOPLE, SHEET_SIDE
from faceloom.workflows.cast.cells import assign
from faceloom.workflows.cast.draw import Check, never_interrupt
from faceloom.workflows.cast.executors import CAST_THREADS
from faceloom.workflows.cast.people import PersonMaker
from faceloom.workflows.cast.plan import Plan
from faceloom.workflows.studio import Studio

TRIAL = 8  # people that are drawn for an estimate
ATTEMPTS = 3  # people of a cell that must all miss it before it counts as one that cannot be drawn
START_SECONDS = 15.0  # until a worker's generator is loaded
ROW_BYTES = 4900  # of a picture's row in all tables, and of its latent and identity
TILE_BYTES = 63_000  # of a person's picture on the contact sheet
EXTRA_COPIES = {"imagefolder": 0.0, "coco": 0.0, "parquet": 0.05, "webdataset": 1.0, "nvidia": 0.0}
"""Copies of all pictures that a format adds to those of the image folder, whose pictures are links."""


@dataclass(frozen=True)
class Estimate:
    """The expected cells, time and space of a plan.

    `cells` are plain data, with `can_draw` None where it was not tried; `seconds` is for the given number of workers;
    `bytes` is the space at the end, `peak_bytes` the largest on the way.
    """

    cells: Sequence[dict[str, Any]]
    people: int
    pictures: int
    trial: int
    seconds: float
    bytes: int
    peak_bytes: int

    @property
    def impossible(self) -> list[str]:
        """The names of the cells that the generator could not draw in the trial, with the reason."""
        return [f"'{cell['cell']}': {cell['reason']}" for cell in self.cells if cell["can_draw"] is False]

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as plain data."""
        return {
            "people": self.people,
            "pictures": self.pictures,
            "cells": list(self.cells),
            "trial_people": self.trial,
            "seconds": round(self.seconds),
            "bytes": self.bytes,
            "peak_bytes": self.peak_bytes,
        }


def estimate(
    studio: Studio,
    plan: Plan,
    formats: Sequence[str] = ("imagefolder",),
    workers: int = 1,
    *,
    start_seconds: float = START_SECONDS,
    check: Check = never_interrupt,
) -> Estimate:
    """Draw a few people of a plan, and estimate the time and the space of all.

    `start_seconds` pass until a worker can draw. `check` is called before each picture, and may interrupt the trial.
    Raises PlanError for a plan that contradicts itself.
    """
    assignment = assign(plan)
    maker = PersonMaker(studio, plan, assignment, check=check)
    first_of = {cell: int(index) for cell, index in zip(*np.unique(assignment.cell_of, return_index=True), strict=True)}
    chosen = _rarest_first(maker, list(first_of))[:TRIAL]
    facts = [cell.facts() | {"can_draw": None, "reason": ""} for cell in assignment.cells]
    sizes, rows, seconds = [], 0, []
    with use_threads(CAST_THREADS):
        maker.make(next(iter(first_of.values())), 0, torch.zeros(0, 128))  # the first one loads the networks
        for cell in chosen:
            for attempt in range(ATTEMPTS):
                begin = time.perf_counter()
                made = maker.make(first_of[cell], 500 + attempt if attempt else 0, torch.zeros(0, 128))
                seconds.append(time.perf_counter() - begin)
                facts[cell]["can_draw"] = bool(made.rows and made.rows[0]["met"])
                facts[cell]["reason"] = "; ".join(made.problems)
                if facts[cell]["can_draw"]:
                    break
            sizes.append(sum(len(content) for content in made.files.values()))
            rows += len(made.rows)
    pictures = plan.people * (1 + len(plan.pictures))
    total = int(np.mean(sizes) * plan.people + pictures * ROW_BYTES)
    copies = sum(EXTRA_COPIES.get(name, 0.0) for name in formats)
    nvidia = pictures * plan.size**2 * 3 if "nvidia" in formats else 0
    sheet = int(min(plan.people, SHEET_PEOPLE) * TILE_BYTES * min(1.0, plan.size / SHEET_SIDE) ** 2)
    kept = total * (copies + any(name in ("imagefolder", "coco") for name in formats)) + nvidia
    return Estimate(
        facts,
        plan.people,
        pictures,
        len(seconds),
        start_seconds + float(np.mean(seconds)) * plan.people / workers,
        int(kept) + sheet,
        int(total * (1 + copies) + nvidia) + sheet,
    )


def require_space(estimate_: Estimate, folder: Path) -> None:
    """Raise StoreError when the disk of a folder has less space than a cast will take."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < estimate_.peak_bytes:
        raise StoreError(
            f"the cast will take {estimate_.peak_bytes / 1e9:.1f} GB, and the disk has {free / 1e9:.1f} GB",
            "choose another place with -o, a smaller size or fewer people",
        )


def require_possible(estimate_: Estimate) -> None:
    """Raise PlanError when the trial could not draw any person of a cell."""
    if estimate_.impossible:
        raise PlanError(
            f"the generator cannot draw {estimate_.impossible[0]}",
            "change the plan, or cast the rest with --partial, which reports them",
        )


def _rarest_first(maker: PersonMaker, cells: Sequence[int]) -> list[int]:
    """Return cells in the order of how few latents are likely to meet them."""
    drawer, all_cells = maker.drawer, maker.assignment.cells
    if drawer.guesses is None:
        return list(cells)
    w = drawer.map(range(1000), drawer.psi)
    likely = {
        cell: float(drawer.guesses.log_likelihood(w, all_cells[cell].ranges).topk(20).values.mean()) for cell in cells
    }
    return sorted(cells, key=lambda cell: likely[cell])
