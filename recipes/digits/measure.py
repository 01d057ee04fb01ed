"""Measure the digits: the round trip of spectrograms, and which digits a recognizer hears in real and generated sounds.

.venv/bin/python recipes/digits/measure.py build/train.zip build/test.zip --run build/run
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.datasets import Dataset
from faceloom.sounds.phase import integrate_phase, refine, synthesize
from faceloom.sounds.spectrogram import Sound, Spectrogram, to_levels, to_magnitude, transform
from faceloom.workflows.studio import Studio

EPOCHS, BATCH, RATE = 10, 64, 2e-3
SHIFT = 6  # largest shift of a training spectrogram in time, in frames
ROUND_TRIPS = 100  # sounds of the round trip


def main() -> None:
    """Train the recognizer on real sounds, and test it on real sounds of other voices and on generated ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--run", type=Path, help="a snapshot: the folder of a generator")
    parser.add_argument("--count", type=int, default=500, help="generated sounds")
    parser.add_argument("--psi", type=float, default=1.0)
    parser.add_argument("--recognizer", type=Path, help="file in which the recognizer is kept")
    arguments = parser.parse_args()
    train, test = Dataset.open(arguments.train), Dataset.open(arguments.test)
    assert train.sound is not None
    assert train.classes == test.classes
    found: dict[str, object] = {"classes": list(train.classes), "round trip": measure_round_trip(test, train.sound)}
    net = load_recognizer(train, arguments.recognizer)
    real, labels = to_tensor(test), torch.tensor([int(test.label(i).argmax()) for i in range(len(test))])
    found["real"] = accuracy(net, real, labels)
    found["real, sound made from the spectrogram"] = accuracy(net, resynthesize(real, train.sound), labels)
    if arguments.run:
        sounds, labels = generate(arguments.run, arguments.count, arguments.psi, train.sound)
        found["generated"] = accuracy(net, sounds, labels)
        guesses = predict(net, sounds)
        found["heard"] = [
            torch.bincount(guesses[labels == digit], minlength=10).tolist() for digit in range(len(train.classes))
        ]
    print(json.dumps(found, indent=2))


def measure_round_trip(dataset: Dataset, settings: Spectrogram) -> dict[str, dict[str, float]]:
    """Return the errors of sounds made from spectrograms by each method, means over ROUND_TRIPS sounds.

    Convention: spectral convergence is the norm of the difference of the magnitudes over that of the magnitudes; the
    log-spectral distance is the root mean square over frequencies in dB, within the range, mean over frames.
    """
    errors: dict[str, list[tuple[float, float, float]]] = {}
    for index in np.linspace(0, len(dataset) - 1, ROUND_TRIPS).astype(int).tolist():
        levels = dataset[index][0][..., 0]
        magnitude = to_magnitude(levels, settings.range_db)
        noise = np.exp(2j * np.pi * np.random.default_rng(index).random(magnitude.shape))
        phase = np.exp(1j * integrate_phase(magnitude, settings))
        methods = {f"Griffin-Lim, {n}": (magnitude * noise, n) for n in (32, 100)}
        methods |= {f"heap, then Griffin-Lim, {n}": (magnitude * phase, n) for n in (0, 8, 32, 100)}
        for name, (start, iterations) in methods.items():
            begin = time.process_time()
            samples = refine(start, magnitude, settings, iterations)
            seconds = time.process_time() - begin
            errors.setdefault(name, []).append((*compare(samples, magnitude, settings), seconds))
    names = ("spectral convergence", "log-spectral distance in dB", "CPU seconds")
    return {
        method: dict(zip(names, np.mean(rows, axis=0).round(5).tolist(), strict=True))
        for method, rows in errors.items()
    }


def compare(samples: np.ndarray, magnitude: np.ndarray, settings: Spectrogram) -> tuple[float, float]:
    """Return the spectral convergence and the log-spectral distance of a sound to the magnitudes."""
    again = np.abs(transform(samples, settings))
    floor = 10 ** (-settings.range_db / 20)
    decibels = 20 * np.log10(np.maximum(again, floor) / np.maximum(magnitude, floor))
    distance = float(np.sqrt((decibels**2).mean(0)).mean())
    return float(np.linalg.norm(again - magnitude) / np.linalg.norm(magnitude)), distance


def make_recognizer() -> nn.Sequential:
    """Make a convolutional network of 10 classes for spectrograms `[n, 1, bins, frames]`, -1...1."""
    layers: list[nn.Module] = []
    for start, end in ((1, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(start, end, 3, 2, 1), nn.BatchNorm2d(end), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d((4, 2)), nn.Flatten(), nn.Dropout(0.3), nn.Linear(512, 10))


def load_recognizer(train: Dataset, path: Path | None) -> nn.Sequential:
    """Load a recognizer that was kept, or train one on real sounds."""
    torch.manual_seed(0)
    net = make_recognizer()
    if path and path.exists():
        net.load_state_dict(torch.load(path, weights_only=True))
        return net.eval()
    img, labels = to_tensor(train), torch.tensor([int(train.label(i).argmax()) for i in range(len(train))])
    steps = EPOCHS * (len(img) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(img), (BATCH,))
        shift = int(torch.randint(-SHIFT, SHIFT + 1, ()))
        batch = torch.roll(img[rows], shift, 3)
        batch = batch + torch.randn_like(batch) * 0.1 * torch.rand(BATCH, 1, 1, 1)
        loss = F.cross_entropy(net(batch), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    if path:
        torch.save(net.state_dict(), path)
    return net.eval()


def to_tensor(dataset: Dataset) -> Tensor:
    """Return all spectrograms of a dataset, float32 `[n, 1, bins, frames]`, -1...1."""
    return torch.stack([scale(dataset[i][0][..., 0]) for i in range(len(dataset))])


def scale(levels: np.ndarray) -> Tensor:
    """Return one spectrogram, float32 `[1, bins, frames]`, -1...1."""
    return torch.from_numpy(levels.astype(np.float32) / 127.5 - 1)[None]


def hear(sound: Sound, settings: Spectrogram) -> Tensor:
    """Return the spectrogram of a sound, as the recognizer gets it."""
    return scale(to_levels(sound.samples, settings))


def resynthesize(img: Tensor, settings: Spectrogram) -> Tensor:
    """Return the spectrograms of the sounds that are made from spectrograms."""
    rows = []
    for row in img:
        magnitude = to_magnitude((row[0].numpy() + 1) * 127.5, settings.range_db)
        rows.append(hear(Sound(synthesize(magnitude, settings), settings.rate), settings))
    return torch.stack(rows)


def generate(run: Path, count: int, psi: float, settings: Spectrogram) -> tuple[Tensor, Tensor]:
    """Return the spectrograms of generated sounds, each class equally often, and their classes."""
    studio = Studio(str(run), precision="fp32")
    labels = torch.arange(count) % 10
    sounds = (studio.render_sound(studio.generate(i, psi, label=int(labels[i]))) for i in range(count))
    return torch.stack([hear(sound, settings) for sound in sounds]), labels


@torch.no_grad()
def predict(net: nn.Sequential, img: Tensor) -> Tensor:
    """Return the class that the recognizer hears in each spectrogram."""
    return torch.cat([net(part).argmax(1) for part in img.split(250)])


def accuracy(net: nn.Sequential, img: Tensor, labels: Tensor) -> float:
    """Return the share of spectrograms in which the recognizer hears their class."""
    return float((predict(net, img) == labels).float().mean())


if __name__ == "__main__":
    main()
