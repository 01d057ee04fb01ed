"""`faceloom dataset` and `faceloom metrics`: JSON keys, exit statuses, and printed text."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from faceloom.cli import metrics
from faceloom.cli.main import app
from faceloom.networks.lpips import Lpips
from faceloom.networks.mobilestylegan import MobileStyleGAN


def faceloom(*arguments: str, status: int = 0) -> Any:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == status, (result.output, result.exception)
    return json.loads(result.stdout) if "--json" in arguments else result


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder `photos` of two classes, eight pictures, one of them broken, one a duplicate."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path("photos", name).mkdir(parents=True)
    for i in range(7):
        levels = np.random.default_rng(i % 6).integers(0, 255, (5, 5, 3), np.uint8)
        Image.fromarray(levels).resize((80, 70), Image.Resampling.BICUBIC).save(f"photos/{'ab'[i % 2]}/{i}.png")
    Path("photos/a/text.jpg").write_text("text")


def test_make_inspect_check():
    made = faceloom(
        "dataset", "make", "photos", "--resolution", "64", "--labels", "folders", "--drop-duplicates",
        "-o", "d.zip", "--sheet", "d.png", "--json",
    )  # fmt: skip
    assert made == {
        "output": "d.zip", "sheet": "d.png", "kind": "folder", "resolution": [64, 64], "crop": "center",
        "pictures": 6, "labelled": True, "classes": ["a", "b"], "enlarged": 0, "left_out": 0, "dropped": 1,
        "ai_marked": 0, "notes": [], "colors": "rgb", "label_columns": [],
        "skipped": [
            {"name": "a/text.jpg", "why": "this is not a picture: expected JPEG, PNG, WebP, GIF, AVIF or HEIC"}
        ],
        "duplicates": [{"name": "a/6.png", "of": "a/0.png", "levels": 0.0}],
    }  # fmt: skip
    with Image.open("d.png") as sheet:
        assert sheet.width > 128
    found = faceloom("dataset", "inspect", "d.zip", "--json")
    assert found["labels"] == {"a": 3, "b": 3}
    assert set(found) == {
        "file", "sheet", "pictures", "resolution", "c_dim", "labels", "crop", "source", "licences", "origins", "notes",
        "splits", "ai_marked", "credentials", "colors", "label_columns",
    }  # fmt: skip
    assert faceloom("dataset", "check", "d.zip", "--json") == {
        "file": "d.zip", "is_whole": True, "pictures": 6, "resolution": [64, 64], "labelled": True, "faults": [],
    }  # fmt: skip


def test_printed_summary():
    told = faceloom("dataset", "make", "photos", "--resolution", "64x48", "-o", "d.zip")
    assert "7 pictures of 64 x 48 px from a folder, 1 unusable and left out, 1 duplicates" in told.stdout
    assert "a/text.jpg: left out: this is not a picture" in told.stderr
    assert "the same pixels as a/0.png" in told.stderr
    assert "not a square power of two" in faceloom("dataset", "inspect", "d.zip").stdout
    assert "whole" in faceloom("dataset", "check", "d.zip").stdout


def test_splits_vectors_marks_and_other_formats(tmp_path: Path):
    for split, names in {"train": "abc", "test": "de"}.items():
        for number, name in enumerate(names):
            path = Path("more", split, "xy"[number % 2], f"{name}.bmp")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.random.default_rng(ord(name)).integers(0, 255, (20, 20, 3), np.uint8)).save(path)
    command = ["dataset", "make", "more", "--resolution", "64", "--labels", "folders", "-o", "d.zip"]
    told = faceloom(*command, status=1)
    assert "can be used" in str(told.exception)
    made = faceloom(*command, "--also", "bmp", "--enlarge", "--where", "split=train", "--json")
    assert (made["pictures"], made["classes"], made["enlarged"], made["left_out"]) == (3, ["x", "y"], 3, 2)
    assert faceloom("dataset", "inspect", "d.zip", "--json")["splits"] == {"train": 3}
    printed = faceloom("dataset", "inspect", "d.zip").stdout
    assert "splits: train (3)" in printed
    assert "marked as made by AI: 0" in printed
    Path("t.csv").write_text("file,age\na/0.png,1\nb/1.png,2\n")
    vectors = ["dataset", "make", "photos", "--resolution", "32", "--table", "t.csv", "--label-column", "age"]
    faceloom(*vectors, "--label-type", "vector", "-o", "v.zip")
    assert "labels: age (number)" in faceloom("dataset", "inspect", "v.zip").stdout
    assert "2 pictures have 2 classes" in faceloom(*vectors, "-o", "c.zip").stderr


def test_names_with_control_characters_are_printed_safely():
    for name in ("[b].png", "\x1b[2J.png", "[red]x.jpg"):
        Path("photos", name).write_text("text")
    told = faceloom("dataset", "make", "photos", "--resolution", "32", "-o", "d.zip")
    assert "[b].png: left out" in told.stderr
    assert "\x1b[2J" not in told.stderr


def test_check_exits_with_1():
    broken = faceloom("dataset", "check", "photos", "--json", status=1)
    assert [name for name, _ in broken["faults"]] == ["a/text.jpg"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--resolution", "big"],
        ["--resolution", "64", "--crop", "left"],
        ["--resolution", "64", "--labels", "some"],
        ["--resolution", "64", "--where", "split"],
        ["--resolution", "64", "--label-type", "number"],
        ["--resolution", "64", "--also", "psd"],
    ],
)
def test_wrong_usage(wrong: list[str]):
    faceloom("dataset", "make", "photos", "-o", "d.zip", *wrong, status=2)
    assert not Path("d.zip").exists()


@pytest.fixture
def random_vgg(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = Lpips("vgg16").eval().requires_grad_(False)
    monkeypatch.setattr("faceloom.checkpoints.load.load_lpips", lambda backbone: net)


@pytest.mark.usefixtures("random_vgg")
def test_metrics_of_two_collections():
    facts = faceloom("metrics", "photos", "photos", "--json")
    assert facts["frechet"] == pytest.approx(0, abs=1e-6)
    assert (facts["frechet_name"], facts["counts"], facts["ppl"]) == ("Frechet distance (VGG16)", [7, 7], None)
    assert set(facts) == {
        "a", "b", "network", "counts", "frechet_name", "frechet", "kernel_name", "kernel", "manifolds", "notes",
        "ppl", "ppl_steps", "psi",
    }  # fmt: skip
    told = faceloom("metrics", "photos", "photos", "--count", "5")
    assert "5 pictures against 5" in told.stdout
    assert "left out: a/text.jpg" in told.stderr
    assert "FID" not in told.stdout


@pytest.mark.usefixtures("random_vgg")
def test_metrics_of_a_generator(tiny: MobileStyleGAN, monkeypatch: pytest.MonkeyPatch):
    studio = SimpleNamespace(generator=SimpleNamespace(G=tiny, label_columns=()), device="cpu")
    monkeypatch.setattr(metrics, "open_studio", lambda generator, device: studio)
    facts = faceloom("metrics", "tiny", "photos", "--count", "6", "--ppl", "4", "--json")
    assert facts["counts"] == [6, 6]
    assert facts["ppl"] > 0
    assert (facts["ppl_steps"], facts["psi"]) == (4, 1.0)


def test_inception_needs_its_weights():
    faceloom("metrics", "photos", "photos", "--features", "inception", status=2)
    faceloom("metrics", "photos", "photos", "--features", "dino", status=2)
    Path("w.pth").write_bytes(b"PK\x03\x04 no weights")
    wrong = ["--weights", "w.pth", "--sha256", "0" * 64]
    assert "sha256" in str(
        faceloom("metrics", "photos", "photos", "--features", "inception", *wrong, status=1).exception
    )
