"""Proofs: what is read from a user's folder, people who never stand on both sides, and runs that repeat."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from faceloom import Studio
from faceloom.analyze.attributes import REGIONS
from faceloom.cli.main import app
from faceloom.errors import StoreError
from faceloom.networks.analyzer import ATTRIBUTES
from faceloom.workflows.prove import ProofConfig, choose_real, prove
from faceloom.workflows.prove_data import (
    CLASSES,
    NO_REGION,
    SIDE,
    UNKNOWN,
    Faces,
    label_readings,
    load_faces,
    read_folder,
    save_faces,
)
from faceloom.workflows.prove_report import mean_and_spread, summarize, to_json, to_markdown, to_svg
from faceloom.workflows.prove_views import augment, crop

TINY = ProofConfig(seeds=(0, 1), real_counts=(8,), steps=12, real_steps=4, parser_steps=2, batch=8)


def make_faces(count: int, real: bool = False) -> Faces:
    """Return pictures whose mouth is bright in half of them, which stands for a smile."""
    random = np.random.RandomState(int(real))
    pixels = random.randint(60, 120, (count, 3, SIDE, SIDE)).astype(np.uint8)
    smiles = torch.arange(count) % 2
    pixels[smiles.numpy() == 1, :, 60:75, 30:66] = 250
    labels = {task: torch.full((count,), UNKNOWN) for task in CLASSES} | {"smile": smiles}
    if not real:
        regions = torch.zeros(count, 64, 64, dtype=torch.uint8)
        regions[:, 16:, 16:48] = REGIONS.index("skin")
        return Faces(torch.from_numpy(pixels), labels, regions=regions)
    people = tuple(f"p{i // 2}" for i in range(count))
    splits = tuple(("train", "validation", "test")[i // 2 % 3] for i in range(count))
    mattes = torch.zeros(count, 64, 64)
    mattes[:, 16:, 16:48] = 1
    masks = torch.full((count, 64, 64), NO_REGION, dtype=torch.uint8)
    masks[::2] = 0
    masks[::2, 40:50, 22:44] = REGIONS.index("lips")
    return Faces(torch.from_numpy(pixels), labels, people, splits, mattes=mattes, masks=masks)


def write_folder(folder: Path, rows: list[dict[str, str]]) -> Path:
    for row in rows:
        Image.new("RGB", (96, 96), (120, 90, 80)).save(folder / row["file"])
    with (folder / "labels.csv").open("w", newline="") as table:
        writer = csv.DictWriter(table, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_a_proof_measures_all_sources_and_repeats():
    generated, real = make_faces(40), make_faces(48, real=True)
    first, second = (prove(generated, real, config=TINY) for _ in range(2))
    assert first == second
    assert {(one.source, one.real) for one in first.measurements} == {
        ("generated only", 0),
        ("real only", 8),
        ("both", 8),
    }
    assert {one.task for one in first.measurements} == {"smile"}
    assert first.measurements[0].tested == 16
    assert first.measurements[0].people == 8
    assert [(one.seed, one.part, one.tested) for one in first.parser[:3]] == [
        (0, "person", 16),
        (0, "face", 8),
        (0, "lips", 8),
    ]
    assert {one.constant for one in first.parser} == {1.0}  # all mattes and masks are equal here


def test_the_report_has_every_row():
    proof = prove(make_faces(40), make_faces(48, real=True), config=TINY)
    rows = summarize(proof.measurements)
    assert [row.label for row in rows] == ["generated only", "real only, 8 real", "both, 8 real"]
    text, plot = to_markdown(proof), to_svg(proof)
    assert "| smile | both | 8 |" in text
    assert "What this does not show" in text
    assert re.search(r"\| lips \| 0\.\d+ \| 0\.\d+ \| 1\.000 \| 8 \|", text)
    assert plot.count("<circle") == 3
    assert to_json(proof)["summary"][0]["tested"] == 16
    assert mean_and_spread([1.0, 3.0]) == (2.0, pytest.approx(2**0.5))
    assert mean_and_spread([0.5]) == (0.5, 0.0)


def test_real_examples_come_from_training_people_evenly():
    real = make_faces(48, real=True)
    rows = choose_real(real, "smile", 8, 0)
    assert {real.splits[i] for i in rows.tolist()} == {"train"}
    assert real.labels["smile"][rows].sum() == 4
    assert not torch.equal(rows, choose_real(real, "smile", 8, 1))
    assert list(crop(real.pixels[:3]).shape) == [3, 3, 64, 64]


def test_pictures_are_changed_by_their_seed_alone():
    img = crop(make_faces(6).pixels)
    one, other = (augment(img, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, other)
    assert list(one.shape) == [6, 3, 64, 64]
    assert -1 <= float(one.min()) <= float(one.max()) <= 1
    assert not torch.equal(one, augment(img, torch.Generator().manual_seed(4)))


def test_readings_that_are_not_certain_or_disagree_give_no_class():
    values = torch.zeros(2, 5, len(ATTRIBUTES))
    values[:, :, ATTRIBUTES.index("smile")] = torch.tensor([4.0, 0.2, -4.0, 4.0, 4.0])
    values[1, 4, ATTRIBUTES.index("smile")] = -4.0
    values[:, :, ATTRIBUTES.index("age")] = torch.tensor([20.0, 36.0, 45.0, 80.0, 80.0])
    labels = label_readings(values)
    assert labels["smile"].tolist() == [1, UNKNOWN, 0, 1, UNKNOWN]
    assert labels["age"].tolist() == [0, UNKNOWN, 1, 2, 2]


def test_a_folder_is_read_and_people_stay_on_one_side(tmp_path: Path):
    rows = [{"file": f"{i}.png", "person": f"p{i // 2}", "smile": str(i % 2), "age": "40"} for i in range(20)]
    faces, notes = read_folder(Studio(), write_folder(tmp_path, rows), aligned=True)
    assert not notes
    assert list(faces.pixels.shape) == [20, 3, SIDE, SIDE]
    assert all(faces.splits[i] == faces.splits[i + 1] for i in range(0, 20, 2))
    assert faces.labels["age"].tolist() == [1] * 20
    assert faces.labels["glasses"].tolist() == [UNKNOWN] * 20
    (tmp_path / "3.png").write_text("not a picture")
    faces, notes = read_folder(Studio(), tmp_path, aligned=True)
    assert len(faces) == 19
    assert "3.png was left out" in notes[0]


def test_masks_are_read(tmp_path: Path):
    rows = [{"file": f"{i}.png", "person": f"p{i}", "smile": "1", "mask": f"{i}-mask.png"} for i in range(3)]
    for i, value in enumerate((REGIONS.index("lips"), NO_REGION, 77)):
        Image.new("L", (256, 256), value).save(tmp_path / f"{i}-mask.png")
    faces, notes = read_folder(Studio(), write_folder(tmp_path, rows), aligned=True)
    assert faces.masks[:, 5, 5].tolist() == [REGIONS.index("lips"), NO_REGION]
    assert "holds the number 77" in notes[0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"file": "a.png", "person": "p", "smile": "2"}, "is not 0 or 1"),
        ({"file": "a.png", "person": "p", "age": "old"}, "is not years"),
        ({"file": "a.png", "person": "p", "smile": "1", "split": "tset"}, "is not a split"),
        ({"file": "a.png", "person": "p"}, "no rows with the columns"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, row: dict[str, str], message: str):
    with pytest.raises(StoreError, match=message):
        read_folder(Studio(), write_folder(tmp_path, [row]), aligned=True)


def test_too_few_people_are_refused():
    real = make_faces(2, real=True)
    with pytest.raises(StoreError, match="cannot test any task"):
        prove(make_faces(8), real, config=TINY)


def test_generated_faces_are_kept(tmp_path: Path):
    made = make_faces(4)
    turned = made.pixels.contiguous(memory_format=torch.channels_last)  # as networks return pictures
    faces = Faces(turned, made.labels, regions=made.regions)
    save_faces(faces, tmp_path / "faces.safetensors")
    assert torch.equal(load_faces(tmp_path / "faces.safetensors").pixels, faces.pixels)
    (tmp_path / "faces.safetensors").write_bytes(b"damaged")
    with pytest.raises(StoreError, match="is damaged"):
        load_faces(tmp_path / "faces.safetensors")


def test_the_command_says_what_is_missing(tmp_path: Path):
    run = CliRunner().invoke(app, ["cast", "prove", str(tmp_path), "-o", str(tmp_path / "out")])
    assert isinstance(run.exception, StoreError)
    assert not (tmp_path / "out").exists()


@pytest.mark.models
def test_generated_faces_have_labels_and_regions():
    from faceloom.workflows.prove_data import generate_faces

    faces = generate_faces(Studio(), 8)
    assert list(faces.regions.shape) == [8, 64, 64]
    smiles = faces.labels["smile"].view(4, 2)  # each person, and the same with the other expression
    assert (smiles[:, 0] != smiles[:, 1]).all()
    assert {0, 1} <= set(smiles.flatten().tolist())
    assert len(set(faces.labels["age"].tolist()) - {UNKNOWN}) >= 2
