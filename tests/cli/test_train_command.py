"""`faceloom train`: settings are explained, a run is made, stopped and resumed; JSON keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from faceloom.cli.main import app

TINY = ("--preset", "wavelet", "--channels", "12,8", "--d-channels", "12,8", "--w-dim", "8", "--batch", "8")
QUICK = ("--metrics", "none", "--tick", "0.008", "--snap", "0.016", "--device", "cpu")


def faceloom(*arguments: str, status: int = 0) -> Any:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == status, (result.output, result.exception)
    return json.loads(result.stdout) if "--json" in arguments else result


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of twelve pictures of 16 px."""
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    for i in range(12):
        levels = np.random.default_rng(i).integers(0, 255, (16, 16, 3), np.uint8)
        Image.fromarray(levels).save(f"pictures/{i:02d}.png")


def test_a_dry_run_explains_and_writes_nothing():
    told = faceloom("train", "--data", "pictures", "--out", "run", "--mirror", "--dry-run", "--json")
    assert told["config"]["mirror"] is True
    assert {"gamma", "batch", "precision"} <= {item["name"] for item in told["advice"]}
    assert all(item["why"] for item in told["advice"])
    assert not Path("run").exists()


def test_train_then_resume():
    made = faceloom("train", "--data", "pictures", "--out", "run", *TINY, *QUICK, "--kimg", "0.016", "--json")
    assert set(made) == {"run", "kimg", "seconds", "why", "snapshot", "findings"}
    assert (made["why"], made["kimg"]) == ("done", 0.016)
    assert Path(made["snapshot"], "card.json").exists()
    assert Path("run/report.html").exists()
    more = faceloom("train", "--resume", "run", "--kimg", "0.032", "--metrics", "none", "--json")
    assert more["kimg"] == 0.032
    assert json.loads(Path("run/options.json").read_text())["kimg"] == 0.032
    again = faceloom("train", "--data", "pictures", "--out", "run", *TINY, *QUICK, status=1)
    assert "--resume run" in str(again.exception)


def test_wrong_usage_and_impossible_settings():
    faceloom("train", status=2)
    faceloom("train", "--data", "pictures", status=2)
    faceloom("train", "--data", "pictures", "--resume", "run", status=2)
    faceloom("train", "--data", "pictures", "--out", "run", "--metrics", "fid", status=2)
    faceloom("train", "--data", "pictures", "--out", "run", "--channels", "a,b", status=2)
    for wrong in (("--preset", "best"), ("--cond",), ("--resolution", "32"), ("--batch", "6"), ("--from", "nobody")):
        faceloom("train", "--data", "pictures", "--out", "run", *wrong, "--dry-run", status=1)
    faceloom("train", "--resume", "nowhere", status=1)
