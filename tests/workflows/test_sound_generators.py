"""Sounds from a folder to a trained generator and its WAV files, and films that move to music."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("av")

import av

from faceloom.checkpoints.load import load_generator
from faceloom.cli.main import app
from faceloom.datasets import Dataset
from faceloom.edit.film import save_film
from faceloom.errors import SoundError, TrainingError
from faceloom.marks.source_type import read_marks
from faceloom.sounds.read import open_sound_file
from faceloom.sounds.save import save_sound
from faceloom.sounds.spectrogram import Sound, Spectrogram
from faceloom.workflows import training
from faceloom.workflows.studio import Studio
from faceloom.workflows.training import train

TINY: dict[str, Any] = {"channels": (12, 8), "d_channels": (12, 8), "z_dim": 8, "w_dim": 8, "batch": 8}
TINY |= {"mapping_layers": 2, "precision": "fp32", "family": "mobilestylegan", "kimg": 0.008}


def faceloom(*arguments: str, status: int = 0) -> Any:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == status, (result.output, result.exception)
    return json.loads(result.stdout) if "--json" in arguments else f"{result.output}{result.exception}"


@pytest.fixture
def sounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tones in two classes, with a silent sound and a text among them; the working folder is above it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "make_measure", lambda measures, ranks, control: None)
    for i in range(8):
        tone = np.sin(2 * np.pi * (300 + 100 * i) * np.arange(3000 + 500 * i) / 8000).astype(np.float32)
        save_sound(Sound(tone, 8000), tmp_path / "sounds" / "ab"[i % 2] / f"{i}.wav", ai_generated=False)
    save_sound(Sound(np.zeros(4000, np.float32), 8000), tmp_path / "sounds" / "a" / "zero.wav", ai_generated=False)
    (tmp_path / "sounds" / "a" / "text.wav").write_text("hello")
    return tmp_path / "sounds"


def make_data(*more: str) -> Any:
    make = ("dataset", "make", "sounds", "--audio", "--rate", "4000", "--resolution", "16", "--labels", "folders")
    return faceloom(*make, *more, "-o", "d.zip", "--json")


def test_a_dataset_of_sounds_becomes_a_generator_of_sounds(sounds: Path, tmp_path: Path):
    made = make_data()
    assert (made["pictures"], made["colors"], made["classes"]) == (8, "gray", ["a", "b"])
    assert {row["name"]: row["why"] for row in made["skipped"]} == {
        "a/text.wav": "the sound is not a sound: expected WAV, FLAC or MP3",
        "a/zero.wav": "the sound is silent",
    }
    settings = Spectrogram(4000, 16, 16, 8)
    assert Dataset.open(tmp_path / "d.zip").sound == settings
    outcome = train(tmp_path / "d.zip", tmp_path / "run", cond=True, **TINY)
    options = json.loads((tmp_path / "run" / "options.json").read_text())
    assert "diffaugment" in json.dumps(options)
    assert load_generator(str(outcome.snapshot)).sound == settings
    arguments = ("--generator", str(outcome.snapshot), "--label", "1", "--seeds", "3-4", "--psi", "1", "-o", "out")
    written = faceloom("generate", *arguments, "--audio", "--sheet", "--json")["pictures"]
    assert [Path(row["output"]).name for row in written] == ["seed0003.wav", "seed0004.wav"]
    assert len(open_sound_file(Path(written[0]["output"]), 4000)) == settings.length
    assert read_marks(Path(written[0]["output"]).read_bytes()).source_type == "trainedAlgorithmicMedia"
    assert (tmp_path / "out" / "sheet.png").exists()
    pictures = faceloom("generate", *arguments, "--json")["pictures"]
    assert Path(pictures[0]["output"]).suffix == ".png"

    studio = Studio(str(outcome.snapshot), precision="fp32")
    person = studio.generate(1, label=1)
    studio.__dict__["generator"] = replace(studio.generator, sound=None)
    with pytest.raises(SoundError, match="draws pictures, not sounds"):
        studio.render_sound(person)

    make_data("--seconds", "0.016")
    with pytest.raises(TrainingError, match="spectrograms of other settings"):
        train(tmp_path / "d.zip", tmp_path / "run", cond=True, **TINY | {"kimg": 0.016})


def test_options_that_do_not_fit_sounds(sounds: Path):
    make = ("dataset", "make", "sounds", "--resolution", "16", "-o", "d.zip")
    assert "holds no pictures" in faceloom(*make, status=1)
    assert "add --audio" in faceloom(*make, "--rate", "8000", status=2)
    assert "for pictures" in faceloom(*make, "--audio", "--colors", "rgb", status=2)
    assert "samples a frame" in faceloom(*make, "--audio", "--seconds", "60", status=1)


def test_music_stays_in_the_film(tmp_path: Path):
    samples = np.random.default_rng(0).normal(size=22_050).astype(np.float32)
    music = save_sound(Sound(samples, 22_050), tmp_path / "music.wav", ai_generated=False)
    frames = [np.full((64, 64, 3), 10 * i, np.uint8) for i in range(10)]
    path = save_film(frames, tmp_path / "a.mp4", 10, sound=music)
    with av.open(str(path)) as film:
        track = film.streams.audio[0]
        assert track.codec_context.name == "aac"
        assert float(track.duration * track.time_base) == pytest.approx(1, abs=0.06)
        decoded = np.concatenate([frame.to_ndarray()[0] for frame in film.decode(track)])
        assert decoded.std() > 0.1
