"""Tests of a run in its folder: its files, resuming after any interruption, and full disks."""

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

from faceloom.checkpoints.load import load_generator
from faceloom.errors import StoreError, TrainingError
from faceloom.marks.signatures import SUFFIX, check_files
from faceloom.train import checkpoint, snapshot, stats
from faceloom.train import run as runs
from faceloom.train.run import RunControl
from tests.train.tiny_run import differences, tiny_run, tiny_trainer


def test_run_writes_all_files(tmp_path: Path):
    ticks_received: list[Any] = []
    run = tiny_run(tmp_path, augment="ada")
    run.control, run.measure = RunControl(on_tick=ticks_received.append), lambda G, trainer: {"frechet_vgg16": 1.5}
    outcome = run.train()
    assert (outcome.reason, outcome.nimg) == ("done", 80)
    names = {path.name for path in tmp_path.iterdir()}
    expected = {"options.json", "stats.jsonl", "metric-frechet_vgg16.jsonl", "reals.png", "fakes000000.png", "log.txt"}
    assert expected | {"report.html", "checkpoint.safetensors", "network-snapshot-000000"} <= names
    ticks = [line for line in stats.read(tmp_path / stats.FILE) if "loss_d" in line]
    assert [line["nimg"] for line in ticks] == [16, 32, 48, 64, 80]
    assert {"p", "sign_real", "penalty", "path_length", "sec_per_kimg", "memory"} <= ticks[1].keys() | ticks[0].keys()
    assert len(ticks_received) == 5
    assert "images/s" in str(ticks_received[0])
    with Image.open(tmp_path / "fakes000000.png") as sheet:
        assert "trainedAlgorithmicMedia" in str(sheet.info)


def test_snapshot_loads_as_a_generator(tmp_path: Path):
    run = tiny_run(tmp_path, family="mobilestylegan")
    outcome = run.train()
    model = load_generator(str(outcome.snapshot))
    w_plus = model.G.w_avg.expand(1, model.G.num_ws, -1)
    expected = snapshot.averaged_generator(run.trainer)
    torch.testing.assert_close(model.G.synthesis(w_plus), expected.synthesis(w_plus))
    assert model.G.w_avg.abs().sum() > 0


def test_snapshots_are_signed(tmp_path: Path):
    run = tiny_run(tmp_path / "run").train()
    signature = run.snapshot / f"{run.snapshot.name}{SUFFIX}"
    assert check_files(signature).state == "valid"
    card = run.snapshot / "card.json"
    card.write_text(card.read_text(encoding="utf-8").replace("faceloom", "another"), encoding="utf-8")
    assert check_files(signature).reasons == ("card.json changed",)


def test_stopped_and_resumed_run_equals_an_uninterrupted_one(tmp_path: Path):
    straight = tiny_run(tmp_path / "a")
    straight.train()
    stopped = tiny_run(tmp_path / "b")
    stopped.control = RunControl(should_stop=lambda: stopped.trainer.nimg >= 40)
    assert stopped.train().reason == "stopped"
    resumed = tiny_run(tmp_path / "b")
    assert resumed.trainer.nimg == 40
    assert resumed.train().reason == "done"
    assert differences(straight.trainer, resumed.trainer) == []


def test_statistics_after_the_checkpoint_are_deleted(tmp_path: Path):
    tiny_run(tmp_path).train()
    with (tmp_path / stats.FILE).open("a") as file:
        file.write('{"nimg": 96, "kimg": 0.096, "loss_d": 1}\n{"nimg": 1')
    assert tiny_run(tmp_path).trainer.nimg == 80
    assert max(line["nimg"] for line in stats.read(tmp_path / stats.FILE)) == 80


def test_minutes_limit_ends_a_run(tmp_path: Path):
    run = tiny_run(tmp_path, kimg=1000)
    run.control = RunControl(minutes=0)
    assert run.train().reason == "minutes"


def test_killed_run_resumes_to_the_same_result(tmp_path: Path):
    """Kill a run that spends most of its time writing, so that kills also hit writing."""
    straight = tiny_trainer(kimg=0.24, tick_kimg=0.008)
    for _ in range(30):
        straight.step()
    program = [sys.executable, str(Path(__file__).with_name("tiny_run.py")), str(tmp_path), "30"]
    for checkpoints, delay in ((3, 0.0), (4, 0.013)):
        child = subprocess.Popen(program, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
        for _ in range(checkpoints):
            before = written(tmp_path)
            while child.poll() is None and written(tmp_path) == before:
                time.sleep(0.001)
        time.sleep(delay)
        assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
    torch.set_num_threads(1)
    resumed = tiny_run(tmp_path, kimg=0.24, tick_kimg=0.008)
    assert resumed.trainer.nimg > 0
    resumed.train()
    straight.means.pop(straight.ranks)
    assert differences(straight, resumed.trainer) == []
    assert [path.name for path in tmp_path.rglob(".*")] == [".lock"]


def written(folder: Path) -> int:
    """Return the time at which the checkpoint was last written, in nanoseconds, 0 before the first."""
    file = folder / checkpoint.FILE
    return file.stat().st_mtime_ns if file.exists() else 0


def test_full_disk_keeps_the_last_good_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    messages: list[str] = []
    tiny_run(tmp_path).train()
    good = (tmp_path / checkpoint.FILE).read_bytes()

    def full(tensors: Any, path: Path, metadata: Any = None) -> None:
        Path(path).write_bytes(good[:1000])
        raise OSError(28, "No space left on device")

    run = tiny_run(tmp_path, kimg=0.12)
    run.control = RunControl(on_message=messages.append)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full)
        with pytest.raises(StoreError, match="No space left"):
            run.train()
    assert "training continues" in messages[0]
    assert (tmp_path / checkpoint.FILE).read_bytes() == good
    assert not list(tmp_path.glob(".checkpoint*"))
    again = tiny_run(tmp_path, kimg=0.12)
    assert again.trainer.nimg == 80
    assert again.train().reason == "done"


def test_folder_is_locked_against_a_second_process(tmp_path: Path):
    run = tiny_run(tmp_path)
    other = tiny_run(tmp_path)
    run.control = RunControl(on_tick=lambda tick: other.train())
    with pytest.raises(TrainingError, match="another process"):
        run.train()


def test_options_can_be_changed_and_read(tmp_path: Path):
    tiny_run(tmp_path)
    with pytest.raises(TrainingError, match="already holds a run"):
        runs.create_run(tmp_path, tiny_trainer().config)
    runs.record_changes(tmp_path, kimg=7.0, snap_kimg=None)
    assert runs.read_config(tmp_path).kimg == 7
    assert runs.read_config(tmp_path, kimg=9.0).channels == (16, 12, 8)
    (tmp_path / runs.OPTIONS).write_text("{")
    with pytest.raises(TrainingError, match="damaged"):
        runs.read_config(tmp_path)
    with pytest.raises(TrainingError, match="holds no run"):
        runs.read_config(tmp_path / "nowhere")


def test_diverged_generator_gives_no_snapshot(tmp_path: Path):
    run = tiny_run(tmp_path)
    with torch.no_grad():
        next(run.trainer.G_ema.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match="not finite"):
        run.train()


def test_report_is_one_page_without_scripts(tmp_path: Path):
    tiny_run(tmp_path).train()
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") >= 5
    assert "<script" not in page
    assert 'src="http' not in page
    assert json.loads((tmp_path / "options.json").read_text())["family"] == "stylegan2"


def test_snapshots_below_a_thousand_images_keep_their_own_names(tmp_path: Path):
    tiny_run(tmp_path, snap_kimg=0.016).train()
    names = sorted(path.name for path in tmp_path.glob("network-snapshot-*"))
    assert names == [f"network-snapshot-{'000000' + (f'{n:03d}' if n else '')}" for n in (0, 16, 32, 48, 64, 80)]
    assert len(list(tmp_path.glob("fakes*.png"))) == 6


@pytest.mark.parametrize("batch", [4, 32, 256, 1024])
def test_snapshot_names_are_unique_and_sort_by_images(batch: int):
    places = range(0, 40 * max(batch, 100) + 1, batch)
    names = [snapshot.snapshot_name("fakes", nimg, batch, ".png") for nimg in places]
    assert len(set(names)) == len(names)
    assert [snapshot.kimg_of(name) for name in sorted(names)] == sorted(map(snapshot.kimg_of, names))
    assert snapshot.snapshot_name("network-snapshot-", 200_032, 64) == "network-snapshot-000200"
    assert snapshot.kimg_of("network-snapshot-000200512") == 200.512
    assert snapshot.kimg_of("network-snapshot-1000000") == 1_000_000


def test_best_snapshot_is_kept(tmp_path: Path):
    distances = {32: 5.0, 64: 3.0, 80: 4.0}
    run = tiny_run(tmp_path)
    run.measure = lambda G, trainer: {"frechet_vgg16": distances[trainer.nimg]}
    outcome = run.train()
    assert outcome.best == tmp_path / "network-best"
    card = json.loads((tmp_path / "network-best" / "card.json").read_text())
    assert card["training"]["kimg"] == 0.064
    assert card["training"]["frechet_vgg16"] == 3.0
    assert load_generator(str(outcome.best)).G.w_dim == 8


def test_fid_decides_which_snapshot_is_the_best():
    earlier = [{"kimg": 1, "fid50k_full": 10.0, "frechet_vgg16": 1.0}]
    assert runs.is_best({"frechet_vgg16": 2.0, "fid50k_full": 9.0}, earlier)
    assert not runs.is_best({"frechet_vgg16": 0.5, "fid50k_full": 11.0}, earlier)
    assert not runs.is_best({}, earlier)


@pytest.mark.parametrize(("tick_kimg", "seconds", "expected"), [(0.016, 1e9, 16), (1000, 0.0, 8)])
def test_first_checkpoint_comes_after_the_first_tick_or_minute(
    tick_kimg: float, seconds: float, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    saved: list[int] = []
    monkeypatch.setattr(runs, "FIRST_CHECKPOINT_SECONDS", seconds)
    monkeypatch.setattr(checkpoint, "save", lambda trainer, path: saved.append(trainer.nimg))
    tiny_run(tmp_path, tick_kimg=tick_kimg, snap_kimg=1000).train()
    assert saved == [0, expected, 80]


def test_changes_on_resuming_are_recorded_once(tmp_path: Path):
    tiny_run(tmp_path, gamma=0.5)
    assert runs.record_changes(tmp_path, 4000, gamma=2.0) == ["resumed at 4 kimg: gamma 0.5 -> 2.0"]
    assert runs.record_changes(tmp_path, 8000, gamma=2.0) == []
    changes = runs.read_options(tmp_path)["changes"]
    assert changes == [{"kimg": 4, "name": "gamma", "from": 0.5, "to": 2.0}]


def test_a_process_that_cannot_start_ends_the_others_without_a_traceback(tmp_path: Path):
    """Start two processes in a folder that holds a run: each prints one line, and none waits for the other."""
    torch.manual_seed(0)
    (tmp_path / "pictures").mkdir()
    for i in range(8):
        levels = torch.randint(0, 256, (16, 16, 3), dtype=torch.uint8).numpy()
        Image.fromarray(levels).save(tmp_path / "pictures" / f"{i}.png")
    tiny_run(tmp_path / "run")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    program = [sys.executable, "-m", "faceloom", "train", "--data", "pictures", "--out", "run", "--device", "cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [*launch, *program], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment, timeout=120
    )
    assert result.returncode != 0
    ours = [line for line in result.stderr.splitlines() if line.startswith("faceloom: ")]
    assert any("already holds a run" in line for line in ours), result.stderr
    assert all("already holds a run" in line or "another process" in line for line in ours)
    assert "faceloom/train" not in result.stderr.replace("\\", "/")  # no traceback through our modules
