"""The proof that generated faces teach: small networks trained on generated, on real, and on both kinds of faces.

For each task a classifier is trained from scratch on generated faces only, on k real ones only, and on both, and is
tested on real people who are set aside. Several seeds change the first weights, the order of the pictures, and which
real faces are taken. A parser is trained on the regions of generated faces and tested against mattes of real ones.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.analyze.attributes import REGIONS
from faceloom.errors import StoreError
from faceloom.networks.small_faces import INPUT_SIDE, SmallClassifier, SmallParser
from faceloom.workflows.prove_data import CLASSES, UNKNOWN, Callback, Faces

CROP = 0.8  # part of the portrait's side that a classifier sees, from forehead to chin
CENTER_Y = 0.54  # of the crop, as a part of the portrait's height
SOURCES = ("generated only", "real only", "both")


@dataclass(frozen=True)
class ProofConfig:
    """Settings of a proof. They were chosen on validation people, never on those of the test."""

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    real_counts: tuple[int, ...] = (20, 100)  # numbers of real faces, drawn evenly from the classes
    steps: int = 700  # of a network that is trained on generated faces
    real_steps: int = 200  # of one that is trained on real faces, or goes on with both kinds
    parser_steps: int = 500
    batch: int = 48  # faces a step
    learning_rate: float = 2e-3  # largest rate of AdamW; it rises for a tenth of the steps and falls to 0
    tuning_rate: float = 5e-4  # the same for going on with both kinds
    weight_decay: float = 0.05


@dataclass(frozen=True)
class Measurement:
    """The accuracy of one network on the real test faces of a task.

    Convention: `real` is the number of real faces that it was trained on; accuracies are 0...1, and the mean of those
    of the classes, so that a frequent class does not decide; `tested` and `people` count the test faces and people.
    """

    task: str
    source: str
    real: int
    seed: int
    accuracy: float
    validation: float
    tested: int
    people: int


@dataclass(frozen=True)
class ParserMeasurement:
    """The agreement of one parser with the mattes of real test faces: mean intersection over union of the person."""

    seed: int
    iou: float
    constant: float  # of the mean matte of the validation faces, which shows how easy the task is
    tested: int


@dataclass(frozen=True)
class Proof:
    """All measurements of a proof, and the numbers of faces that it was made with."""

    measurements: tuple[Measurement, ...]
    parser: tuple[ParserMeasurement, ...]
    generated: int
    config: ProofConfig


def prove(
    generated: Faces, real: Faces, *, config: ProofConfig | None = None, callback: Callback | None = None
) -> Proof:
    """Train and test all networks. Tasks without real labels of every class are left out.

    Raises StoreError when no task remains.
    """
    config, report = config or ProofConfig(), callback or (lambda progress, text: None)
    tasks = [task for task in CLASSES if _is_testable(real, task)]
    if not tasks:
        hint = "every class needs faces of people in train and in test: give more people, or a column 'split'"
        raise StoreError("the real faces cannot test any task", hint)
    measurements: list[Measurement] = []
    parsed: list[ParserMeasurement] = []
    for place, seed in enumerate(config.seeds):
        report(place / len(config.seeds), f"seed {place + 1} of {len(config.seeds)}, generated faces")
        network = train_classifier(generated, seed, config)
        for task in tasks:
            report((place + 0.5) / len(config.seeds), f"seed {place + 1} of {len(config.seeds)}, {task}")
            measurements += _measure_task(network, generated, real, task, seed, config)
        if len(real.mattes) and bool(real.mattes[real.in_split("test")].isfinite().any()):
            parsed.append(_measure_parser(train_parser(generated, seed, config), real, seed))
    return Proof(tuple(measurements), tuple(parsed), len(generated), config)


def _is_testable(real: Faces, task: str) -> bool:
    """Return whether people for training and people for testing show every class of a task."""
    needed = set(range(len(CLASSES[task])))
    return all(needed <= set(real.labels[task][real.in_split(split)].tolist()) for split in ("train", "test"))


def _measure_task(
    network: SmallClassifier, generated: Faces, real: Faces, task: str, seed: int, config: ProofConfig
) -> list[Measurement]:
    """Measure the network of generated faces, and those of each number of real faces alone and together with them."""

    def measure(trained: SmallClassifier, source: str, count: int) -> Measurement:
        test, validation = (_known(real, task, real.in_split(split)) for split in ("test", "validation"))
        accuracy, checked = (_accuracy(trained, real, task, rows) for rows in (test, validation))
        people = len({real.people[i] for i in test.tolist()})
        return Measurement(task, source, count, seed, accuracy, checked, len(test), people)

    found = [measure(network, SOURCES[0], 0)]
    for count in config.real_counts:
        rows = choose_real(real, task, count, seed)
        if len(rows) < count:
            continue
        alone = _train(_new_classifier(seed), [(real, rows)], (task,), config.real_steps, config.learning_rate, config)
        found.append(measure(alone, SOURCES[1], count))
        sources = [(generated, _known(generated, task)), (real, rows)]
        start = copy.deepcopy(network)
        both = _train(start, sources, (task,), config.real_steps, config.tuning_rate, config, seed)
        found.append(measure(both, SOURCES[2], count))
    return found


def choose_real(real: Faces, task: str, count: int, seed: int) -> Tensor:
    """Choose real training faces, in turn from every class; fewer than `count` when a class has too few."""
    rows = _known(real, task, real.in_split("train"))
    order = rows[torch.from_numpy(np.random.RandomState(seed).permutation(len(rows)))]
    by_class = [order[real.labels[task][order] == k] for k in range(len(CLASSES[task]))]
    taken = [rows[: count // len(by_class) + (k < count % len(by_class))] for k, rows in enumerate(by_class)]
    return torch.cat(taken)


def _known(faces: Faces, task: str, rows: Tensor | None = None) -> Tensor:
    """Return the indices, among `rows`, of faces whose class is known."""
    rows = torch.arange(len(faces)) if rows is None else rows
    return rows[faces.labels[task][rows] != UNKNOWN]


def _new_classifier(seed: int) -> SmallClassifier:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return SmallClassifier([len(classes) for classes in CLASSES.values()])


def train_classifier(generated: Faces, seed: int, config: ProofConfig) -> SmallClassifier:
    """Train a classifier of all tasks on generated faces only."""
    rows = torch.arange(len(generated))
    sources = [(generated, rows)]
    return _train(_new_classifier(seed), sources, tuple(CLASSES), config.steps, config.learning_rate, config, seed)


def _train(
    network: SmallClassifier,
    sources: Sequence[tuple[Faces, Tensor]],
    tasks: Sequence[str],
    steps: int,
    rate: float,
    config: ProofConfig,
    seed: int = 0,
) -> SmallClassifier:
    """Train a classifier on equal shares of all sources."""
    random = torch.Generator().manual_seed(seed)
    share = config.batch // len(sources)
    weights = {task: _class_weights(sources, task) for task in tasks}

    def loss() -> Tensor:
        picked = [rows[torch.randint(len(rows), (share,), generator=random)] for _, rows in sources]
        pixels = torch.cat([faces.pixels[rows] for (faces, _), rows in zip(sources, picked, strict=True)])
        answers = network(augment_colors(crop(pixels, random), random))
        total = torch.zeros(())
        for task in tasks:
            labels = torch.cat([faces.labels[task][rows] for (faces, _), rows in zip(sources, picked, strict=True)])
            if bool((labels != UNKNOWN).any()):
                logits = answers[list(CLASSES).index(task)]
                total = total + F.cross_entropy(
                    logits, labels, weights[task], ignore_index=UNKNOWN, label_smoothing=0.05
                )
        return total

    _descend(network, loss, steps, rate, config, seed)
    return network


def _class_weights(sources: Sequence[tuple[Faces, Tensor]], task: str) -> Tensor:
    """Return weights that let every class of a task count alike, and sum to their number."""
    shares = torch.zeros(len(CLASSES[task]))
    for faces, rows in sources:
        counts = torch.bincount(faces.labels[task][_known(faces, task, rows)], minlength=len(shares))
        shares += counts / counts.sum().clamp_min(1)
    weights = 1 / shares.clamp_min(0.02)
    return weights / weights.mean()


def train_parser(generated: Faces, seed: int, config: ProofConfig) -> SmallParser:
    """Train a parser on the regions of generated faces only."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = SmallParser(len(REGIONS))
    random = torch.Generator().manual_seed(seed)

    def loss() -> Tensor:
        rows = torch.randint(len(generated), (config.batch // 2,), generator=random)
        theta = random_views(len(rows), random, part=1.0, center_y=0.5)
        img = augment_colors(view(generated.pixels[rows].float() / 127.5 - 1, theta), random)
        regions = view(generated.regions[rows][:, None].float(), theta, mode="nearest")[:, 0].round().long()
        return F.cross_entropy(network(img), regions)

    _descend(network, loss, config.parser_steps, config.learning_rate, config, seed)
    return network


def _descend(
    network: nn.Module, loss: Callable[[], Tensor], steps: int, rate: float, config: ProofConfig, seed: int
) -> None:
    """Minimize a loss by AdamW with a rate that rises for a tenth of the steps, and falls as a cosine."""
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=config.weight_decay)
    rise = max(steps // 10, 1)

    def part(step: int) -> float:
        return (step + 1) / rise if step < rise else 0.5 + 0.5 * math.cos(math.pi * (step - rise) / (steps - rise))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, part)
    network.train()
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # of the dropout
        for _ in range(steps):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
            schedule.step()
    network.eval()


@torch.no_grad()
def _accuracy(network: SmallClassifier, faces: Faces, task: str, rows: Tensor) -> float:
    """Return the mean of the accuracies of the classes, 0...1; NaN without faces."""
    if not len(rows):
        return float("nan")
    index, labels = list(CLASSES).index(task), faces.labels[task][rows]
    views = [crop(faces.pixels[rows]), crop(faces.pixels[rows]).flip(3)]
    answers = torch.stack([network(img)[index].softmax(1) for img in views]).mean(0).argmax(1)
    return float(torch.stack([(answers[labels == k] == k).float().mean() for k in labels.unique()]).mean())


@torch.no_grad()
def _measure_parser(network: SmallParser, real: Faces, seed: int) -> ParserMeasurement:
    """Compare the person that a parser finds, which is all but the background, with the mattes of test faces."""
    rows, others = (
        rows[real.mattes[rows].isfinite().all((1, 2))] for rows in (real.in_split("test"), real.in_split("validation"))
    )
    theta = torch.eye(2, 3).repeat(len(rows), 1, 1)
    logits = network(view(real.pixels[rows].float() / 127.5 - 1, theta))
    person, target = logits.argmax(1) != REGIONS.index("background"), real.mattes[rows] > 0.5
    mean = (real.mattes[others] if len(others) else real.mattes[rows]).mean(0) > 0.5
    return ParserMeasurement(seed, _iou(person, target), _iou(mean.expand_as(target), target), len(rows))


def _iou(a: Tensor, b: Tensor) -> float:
    """Return the mean intersection over union of masks `[n, h, w]`."""
    return float(((a & b).sum((1, 2)) / (a | b).sum((1, 2)).clamp_min(1)).mean())


def crop(pixels: Tensor, random: torch.Generator | None = None) -> Tensor:
    """Crop portraits `[n, 3, 96, 96]`, uint8, to what classifiers see, `[n, 3, 64, 64]`; at random with a generator."""
    img = pixels.float() / 127.5 - 1
    if random is not None:
        return view(img, random_views(len(img), random, part=CROP, center_y=CENTER_Y))
    middle = torch.tensor([[CROP, 0, 0], [0, CROP, 2 * CENTER_Y - 1]])
    return view(img, middle.repeat(len(img), 1, 1))


def random_views(count: int, random: torch.Generator, *, part: float, center_y: float) -> Tensor:
    """Return affine maps `[n, 2, 3]` of random views: turned, scaled, moved and mirrored."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=random)

    angle, scale = uniform(-0.2, 0.2), part * uniform(0.85, 1.1)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    x, y = uniform(-0.08, 0.08), uniform(-0.08, 0.08) + 2 * center_y - 1
    return torch.stack((cos * mirror, -sin, x, sin * mirror, cos, y), 1).view(count, 2, 3)


def view(img: Tensor, theta: Tensor, mode: str = "bilinear") -> Tensor:
    """Sample views `[n, c, 64, 64]` of pictures `[n, c, h, h]` by affine maps `[n, 2, 3]`."""
    grid = F.affine_grid(theta, [len(img), img.shape[1], INPUT_SIDE, INPUT_SIDE], align_corners=False)
    return F.grid_sample(img, grid, mode=mode, padding_mode="border", align_corners=False)


def augment_colors(img: Tensor, random: torch.Generator) -> Tensor:
    """Change the light, the contrast, the colors and the sharpness of pictures at random."""
    count = len(img)

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, 1, 1, generator=random)

    gray = img.mean(1, keepdim=True)
    img = gray + (img - gray) * (1 + 0.5 * normal(1)).clamp(0, 2)
    img = img * (1 + 0.2 * normal(1)).clamp(0.5, 1.6) + 0.15 * normal(1) + 0.07 * normal(3)
    soft = F.avg_pool2d(img, 3, stride=1, padding=1, count_include_pad=False)
    img = img.lerp(soft, torch.rand(count, 1, 1, 1, generator=random))
    return (img + 0.04 * torch.rand(count, 1, 1, 1, generator=random) * torch.randn(img.shape, generator=random)).clamp(
        -1, 1
    )
