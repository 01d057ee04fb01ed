"""A run in its folder: what is written, that it goes on after anything, and that a full disk takes nothing away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tiny_run import differences, tiny_run, tiny_trainer

from faceloom.checkpoints.load import load_generator
from faceloom.errors import StoreError, TrainingError
from faceloom.train import checkpoint, snapshot, stats
from faceloom.train import run as runs
from faceloom.train.run import Limits


def test_a_run_leaves_what_the_field_knows(tmp_path: Path):
    told: list[Any] = []
    run = tiny_run(tmp_path, augment="ada")
    run.limits, run.measure = Limits(tell=told.append), lambda G, trainer: {"frechet_vgg16": 1.5}
    outcome = run.go()
    assert (outcome.why, outcome.nimg) == ("done", 80)
    names = {path.name for path in tmp_path.iterdir()}
    expected = {"options.json", "stats.jsonl", "metric-frechet_vgg16.jsonl", "reals.png", "fakes000000.png", "log.txt"}
    assert expected | {"report.html", "checkpoint.safetensors", "network-snapshot-000000"} <= names
    ticks = [line for line in stats.read(tmp_path / stats.FILE) if "loss_d" in line]
    assert [line["nimg"] for line in ticks] == [16, 32, 48, 64, 80]
    assert {"p", "sign_real", "penalty", "path_length", "sec_per_kimg", "memory"} <= ticks[1].keys() | ticks[0].keys()
    assert len(told) == 5
    assert "images/s" in str(told[0])
    with Image.open(tmp_path / "fakes000000.png") as sheet:
        assert "trainedAlgorithmicMedia" in str(sheet.info)


def test_a_snapshot_is_a_generator_for_every_command(tmp_path: Path):
    run = tiny_run(tmp_path, family="mobilestylegan")
    outcome = run.go()
    model = load_generator(str(outcome.snapshot))
    w_plus = model.G.w_avg.expand(1, model.G.num_ws, -1)
    expected = snapshot.settled(run.trainer)
    torch.testing.assert_close(model.G.synthesis(w_plus), expected.synthesis(w_plus))
    assert model.G.w_avg.abs().sum() > 0


def test_stop_and_go_on_is_as_if_it_had_never_stopped(tmp_path: Path):
    straight = tiny_run(tmp_path / "a")
    straight.go()
    stopped = tiny_run(tmp_path / "b")
    stopped.limits = Limits(should_stop=lambda: stopped.trainer.nimg >= 40)
    assert stopped.go().why == "stopped"
    resumed = tiny_run(tmp_path / "b")
    assert resumed.trainer.nimg == 40
    assert resumed.go().why == "done"
    assert differences(straight.trainer, resumed.trainer) == []


def test_what_came_after_the_checkpoint_is_forgotten(tmp_path: Path):
    tiny_run(tmp_path).go()
    with (tmp_path / stats.FILE).open("a") as file:
        file.write('{"nimg": 96, "kimg": 0.096, "loss_d": 1}\n{"nimg": 1')
    assert tiny_run(tmp_path).trainer.nimg == 80
    assert max(line["nimg"] for line in stats.read(tmp_path / stats.FILE)) == 80


def test_minutes_end_a_run(tmp_path: Path):
    run = tiny_run(tmp_path, kimg=1000)
    run.limits = Limits(minutes=0)
    assert run.go().why == "minutes"


def test_killed_at_any_point_it_goes_on_to_the_same_end(tmp_path: Path):
    """Writing is most of what it does there, so that kills hit writing, too."""
    straight = tiny_trainer(kimg=0.24, tick_kimg=0.008)
    for _ in range(30):
        straight.step()
    program = [sys.executable, str(Path(__file__).with_name("tiny_run.py")), str(tmp_path), "30"]
    for checkpoints, patience in ((3, 0.0), (4, 0.013)):
        child = subprocess.Popen(program, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
        for _ in range(checkpoints):
            before = written(tmp_path)
            while child.poll() is None and written(tmp_path) == before:
                time.sleep(0.001)
        time.sleep(patience)
        assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
    torch.set_num_threads(1)
    resumed = tiny_run(tmp_path, kimg=0.24, tick_kimg=0.008)
    assert resumed.trainer.nimg > 0
    resumed.go()
    straight.means.taken(straight.ranks)
    assert differences(straight, resumed.trainer) == []
    assert [path.name for path in tmp_path.rglob(".*")] == [".lock"]


def written(folder: Path) -> int:
    """When the checkpoint was written last."""
    file = folder / checkpoint.FILE
    return file.stat().st_mtime_ns if file.exists() else 0


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    tiny_run(tmp_path).go()
    good = (tmp_path / checkpoint.FILE).read_bytes()

    def full(tensors: Any, path: Path, metadata: Any = None) -> None:
        Path(path).write_bytes(good[:1000])
        raise OSError(28, "No space left on device")

    run = tiny_run(tmp_path, kimg=0.12)
    run.limits = Limits(say=said.append)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full)
        with pytest.raises(StoreError, match="No space left"):
            run.go()
    assert "goes on" in said[0]
    assert (tmp_path / checkpoint.FILE).read_bytes() == good
    assert not list(tmp_path.glob(".checkpoint*"))
    again = tiny_run(tmp_path, kimg=0.12)
    assert again.trainer.nimg == 80
    assert again.go().why == "done"


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path):
    run = tiny_run(tmp_path)
    other = tiny_run(tmp_path)
    run.limits = Limits(tell=lambda tick: other.go())
    with pytest.raises(TrainingError, match="another process"):
        run.go()


def test_options_say_why_and_may_change(tmp_path: Path):
    tiny_run(tmp_path)
    with pytest.raises(TrainingError, match="holds a run already"):
        runs.create(tmp_path, tiny_trainer().config)
    runs.change(tmp_path, kimg=7.0, snap_kimg=None)
    assert runs.options(tmp_path).kimg == 7
    assert runs.options(tmp_path, kimg=9.0).channels == (16, 12, 8)
    (tmp_path / runs.OPTIONS).write_text("{")
    with pytest.raises(TrainingError, match="damaged"):
        runs.options(tmp_path)
    with pytest.raises(TrainingError, match="no run"):
        runs.options(tmp_path / "nowhere")


def test_a_diverged_generator_is_no_snapshot(tmp_path: Path):
    run = tiny_run(tmp_path)
    with torch.no_grad():
        next(run.trainer.G_ema.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match="not finite"):
        run.go()


def test_the_report_is_one_page_without_scripts(tmp_path: Path):
    tiny_run(tmp_path).go()
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") >= 5
    assert "<script" not in page
    assert 'src="http' not in page
    assert json.loads((tmp_path / "options.json").read_text())["family"] == "stylegan2"
