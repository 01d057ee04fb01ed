"""`faceloom train`: settings are explained, a run is made, stopped and resumed; JSON keys."""

from __future__ import annotations

import json
import zipfile
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


START = ("train", "--data", "pictures", "--out", "run", *TINY, *QUICK, "--kimg", "0.016")


def test_resuming_changes_settings_and_records_them():
    faceloom(*START)
    changes = (
        "--gamma",
        "77",
        "--mirror",
        "--augment",
        "fixed",
        "--kimg",
        "0.032",
        "--snap",
        "0.008",
        "--rate",
        "0.001",
    )
    faceloom("train", "--resume", "run", *changes, "--metrics", "none")
    options = json.loads(Path("run/options.json").read_text())
    assert (options["gamma"], options["mirror"], options["augment"], options["snap_kimg"]) == (77, True, "fixed", 0.008)
    assert options["p"] == 0.3
    recorded = {change["name"]: change for change in options["changes"]}
    assert recorded["gamma"]["to"] == 77
    assert recorded["gamma"]["kimg"] == 0.016
    assert "gamma" not in {item["name"] for item in options["advice"]}
    assert "-> 77" in Path("run/log.txt").read_text()
    assert Path("run/network-snapshot-000000024").exists()


@pytest.mark.parametrize(
    "option",
    [
        *(("--preset", "faces"), ("--batch", "8"), ("--out", "other"), ("--seed", "1"), ("--width", "32"), ("--cond",)),
        *(
            ("--from", "open-faces"),
            ("--loss", "relativistic"),
            ("--critic", "alexnet"),
            ("--dry-run",),
            ("--resolution", "16"),
            ("--part", "4"),
        ),
        *(("--freeze-d", "1"), ("--family", "stylegan2"), ("--channels", "8,8")),
    ],
    ids=lambda option: option[0],
)
def test_resuming_refuses_options_that_cannot_change(option: tuple[str, ...]):
    refused = faceloom("train", "--resume", "run", *option, status=2)
    assert option[0] in refused.stderr
    assert "cannot change" in " ".join(refused.stderr.split())


def test_every_option_of_the_command_belongs_to_a_mode():
    """Check that a new option cannot be ignored silently: the list of options that --resume uses names real ones."""
    from typer.main import get_command

    from faceloom.cli.train import RESUME_OPTIONS

    names = {parameter.name for parameter in get_command(app).commands["train"].params}
    assert set(RESUME_OPTIONS) <= names


@pytest.mark.parametrize(
    "options",
    [
        *(("--augment", "none", "--p", "0"), ("--augment", "none", "--ada-target", "0.5"), ("--freeze-d", "2")),
        *(("--augment", "diffaugment", "--pipe", "bg"), ("--preset", "stylegan3", "--from", "open-faces")),
        *(("--from", "open-faces", "--width", "32"), ("--from", "open-faces", "--w-dim", "8")),
        *(("--family", "stylegan3", "--channels", "8,8,8"), ("--pipe", "bcg"), ("--loss", "hinge")),
        ("--channels", "12,8", "--d-channels", "12,8", "--base", "64", "--family", "mobilestylegan"),
    ],
    ids=" ".join,
)
def test_a_new_run_refuses_options_without_effect(options: tuple[str, ...]):
    refused = faceloom("train", "--data", "pictures", "--out", "run", *options, "--dry-run", status=1)
    assert refused.exception.message


def test_options_that_need_each_other():
    for options in (("--sha256", "00"), ("--inception", "weights.pt"), ("--fid-images", "10")):
        faceloom("train", "--data", "pictures", "--out", "run", *options, status=2)


def test_training_settings_as_options():
    told = faceloom(
        *("train", "--data", "pictures", "--out", "run", "--dry-run", "--json", "--rate", "0.001", "--ema", "3"),
        *("--path-weight", "1", "--style-mixing", "0.5", "--augment", "ada", "--ada-target", "0.4", "--pipe", "bg"),
    )["config"]
    assert (told["rate"], told["ema_kimg"], told["path_weight"], told["style_mixing"]) == (0.001, 3, 1, 0.5)
    assert (told["target"], told["pipe"]) == (0.4, "bg")


@pytest.mark.parametrize("out", ["pictures", "pictures/run"])
def test_a_run_inside_its_dataset_is_refused(out: str):
    before = sorted(Path("pictures").iterdir())
    assert "lies in it" in str(faceloom("train", "--data", "pictures", "--out", out, status=1).exception)
    assert sorted(Path("pictures").iterdir()) == before


def test_a_run_in_the_folder_of_its_origin_is_refused():
    faceloom(*START)
    refused = faceloom("train", "--data", "pictures", "--out", "run", "--from", "run", status=1)
    assert "--from" in str(refused.exception)


def test_trackers_are_chosen_and_checked():
    assert "choose from" in str(faceloom(*START, "--log-to", "csv", status=1).exception)
    assert not Path("run").exists()
    faceloom(*START, "--log-to", "none")
    assert not list(Path("run").glob("events.*"))


def test_threads_are_recorded_and_kept():
    faceloom(*START, "--threads", "1")
    assert json.loads(Path("run/options.json").read_text())["threads"] == 1
    assert "threads = 1" in faceloom("train", "--resume", "run", "--kimg", "0.024", "--metrics", "none").stderr


def make_labeled_dataset(path: Path, labels: list[Any]) -> None:
    """Write NVIDIA's format: a zip of pictures with dataset.json."""
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(len(labels)):
            archive.write(f"pictures/{i:02d}.png", f"{i:02d}.png")
        archive.writestr("dataset.json", json.dumps({"labels": [[f"{i:02d}.png", c] for i, c in enumerate(labels)]}))


def test_vector_labels_are_trained_and_asked_for():
    make_labeled_dataset(Path("vectors.zip"), [[i / 12, 1.0, 0.0] for i in range(12)])
    start = ("train", "--data", "vectors.zip", "--out", "run", "--cond", *TINY, *QUICK)
    snapshot = faceloom(*start, "--kimg", "0.016", "--json")["snapshot"]
    assert json.loads(Path(snapshot, "card.json").read_text())["training"]["labels"] == "numbers"
    faceloom("generate", "--generator", snapshot, "--label", "0.3,1,0", "--seeds", "0", "-o", "a")
    faceloom("generate", "--generator", snapshot, "--label", "0.9,1,0", "--seeds", "0", "-o", "b")
    assert Path("a/seed0000.png").read_bytes() != Path("b/seed0000.png").read_bytes()
    faceloom("mix", "seed:1:0.3,1,0", "seed:2:0", "--generator", snapshot, "-o", "mixed.png")
    for label in ("-5", "nan,0,0", "1e308,0,0", "0.3", "red"):
        refused = faceloom("generate", "--generator", snapshot, "--label", label, "--seeds", "0", "-o", "c", status=1)
        assert "label" in str(refused.exception)


@pytest.mark.parametrize("label", [float("nan"), -5, 1e308, [float("nan")], [float("inf")], [1e308]])
def test_a_dataset_with_an_unusable_label_is_refused(label: Any):
    others: list[Any] = [[0.0]] * 11 if isinstance(label, list) else [0] * 11
    make_labeled_dataset(Path("wrong.zip"), [*others, label])
    refused = faceloom("train", "--data", "wrong.zip", "--out", "run", "--cond", *TINY, *QUICK, status=1)
    assert "label" in str(refused.exception)
    assert not Path("run").exists()
