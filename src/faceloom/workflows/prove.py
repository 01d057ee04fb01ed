"""The proof that generated faces teach: small networks trained on generated, on real, and on both kinds of faces.

For each task a classifier is trained from scratch on generated faces only, on k real ones only, and on both, and is
tested on real people who are set aside. Several seeds change the first weights, the order of the pictures, and which
real faces are taken. A parser is trained on the regions of generated faces and tested against mattes of real ones.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceloom.analyze.attributes import REGIONS, Region
from faceloom.errors import StoreError
from faceloom.networks.precision import fast_precision
from faceloom.networks.small_faces import SmallClassifier, SmallParser
from faceloom.workflows.prove_data import CLASSES, NO_REGION, UNKNOWN, Callback, Faces
from faceloom.workflows.prove_views import augment, crop, random_views, view

SOURCES = ("generated only", "real only", "both")
PARTS: Mapping[str, tuple[Region, ...]] = {
    "face": ("skin", "brows", "eyes", "lips", "glasses"),
    "brows": ("brows",),
    "eyes": ("eyes",),
    "lips": ("lips",),
}
"""The parts of a face that a parser is compared in with masks, and their regions."""
TEST_BATCH = 64  # faces that are tested at once, so that memory does not grow with their number
AVERAGING = 0.99  # part of the averaged weights that a step keeps, once there are many steps


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
    """The agreement of one parser with mattes or masks of real test faces: mean intersection over union, 0...1.

    `part` is 'person', compared with mattes, or one of PARTS, compared with masks.
    """

    seed: int
    part: str
    iou: float
    constant: float  # of the most frequent answer of the validation faces in each pixel, which shows how easy it is
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
        if _test_parts(real):
            report((place + 0.9) / len(config.seeds), f"seed {place + 1} of {len(config.seeds)}, parser")
            parsed += _measure_parser(train_parser(generated, seed, config), real, seed)
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
        answers = network(augment(crop(pixels, random), random))
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
    """Train a parser on the regions of generated faces only, of those that have them."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = SmallParser(len(REGIONS))
    known = (generated.regions[:, 0, 0] != NO_REGION).nonzero()[:, 0]
    random = torch.Generator().manual_seed(seed)

    def loss() -> Tensor:
        rows = known[torch.randint(len(known), (config.batch // 2,), generator=random)]
        theta = random_views(len(rows), random, part=1.0, center_y=0.5)
        img = augment(view(generated.pixels[rows].float() / 127.5 - 1, theta), random)
        regions = view(generated.regions[rows][:, None].float(), theta, mode="nearest")[:, 0].round().long()
        return F.cross_entropy(network(img), regions)

    _descend(network, loss, config.parser_steps, config.learning_rate, config, seed)
    return network


def _descend(
    network: nn.Module, loss: Callable[[], Tensor], steps: int, rate: float, config: ProofConfig, seed: int
) -> None:
    """Minimize a loss by AdamW with a rate that rises for a tenth of the steps, and falls as a cosine.

    The network gets the average of its weights over the last steps (Izmailov et al. 2018, with exponential weights).
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network)
    is_bf16 = fast_precision() == "bf16"
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=config.weight_decay)
    rise = max(steps // 10, 1)

    def part(step: int) -> float:
        return (step + 1) / rise if step < rise else 0.5 + 0.5 * math.cos(math.pi * (step - rise) / (steps - rise))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, part)
    network.train()
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # of the dropout
        for step in range(steps):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
                value = loss()
            value.backward()
            optimizer.step()
            schedule.step()
            _update_average(average, network, step)
    network.load_state_dict(average.state_dict())
    network.eval()


@torch.no_grad()
def _update_average(average: nn.Module, network: nn.Module, step: int) -> None:
    """Move averaged weights towards those of a network; the first steps are forgotten quickly."""
    kept = min(AVERAGING, (step + 1) / (step + 10))
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - kept)
        else:
            mean.copy_(value)


@torch.no_grad()
def _accuracy(network: SmallClassifier, faces: Faces, task: str, rows: Tensor) -> float:
    """Return the mean of the accuracies of the classes, 0...1; NaN without faces."""
    if not len(rows):
        return float("nan")
    index, labels = list(CLASSES).index(task), faces.labels[task][rows]
    answers = torch.cat([_answer(network, crop(faces.pixels[part]), index) for part in rows.split(TEST_BATCH)])
    return float(torch.stack([(answers[labels == k] == k).float().mean() for k in labels.unique()]).mean())


def _answer(network: SmallClassifier, img: Tensor, task: int) -> Tensor:
    """Return the most probable class of each picture `[n]` for a task, by the picture and its mirror image."""
    return torch.stack([network(side)[task].softmax(1) for side in (img, img.flip(3))]).mean(0).argmax(1)


def _test_parts(real: Faces) -> list[str]:
    """Return the parts that a parser can be tested in: those with mattes or masks of test faces."""
    rows = real.in_split("test")
    return [part for part in ("person", *PARTS) if bool(_targets(real, part, rows)[0].any())]


def _targets(real: Faces, part: str, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return which of some real faces show a part: bool `[n]`, and where: bool `[n, 64, 64]`."""
    if part == "person":
        mattes = real.mattes[rows] if len(real.mattes) else torch.full((len(rows), 1, 1), torch.nan)
        return mattes.isfinite().all(2).all(1), mattes > 0.5
    masks = real.masks[rows] if len(real.masks) else torch.full((len(rows), 1, 1), NO_REGION, dtype=torch.uint8)
    shown = _in_regions(masks, PARTS[part])
    return shown.any(2).any(1), shown


def _in_regions(regions: Tensor, names: Sequence[Region]) -> Tensor:
    """Return where a map of regions shows one of some: bool, in the shape of the map."""
    return torch.isin(regions, torch.tensor([REGIONS.index(name) for name in names], dtype=regions.dtype))


@torch.no_grad()
def _measure_parser(network: SmallParser, real: Faces, seed: int) -> list[ParserMeasurement]:
    """Compare what a parser finds with the mattes and masks of test faces; a person is all but the background."""
    found = []
    test, validation = real.in_split("test"), real.in_split("validation")
    for part in _test_parts(real):
        has, target = _targets(real, part, test)
        rows, target = test[has], target[has]
        theta = torch.eye(2, 3).repeat(len(rows), 1, 1)
        regions = network(view(real.pixels[rows].float() / 127.5 - 1, theta)).argmax(1)
        names = [name for name in REGIONS if name != "background"] if part == "person" else PARTS[part]
        shown = _in_regions(regions, names)
        has, others = _targets(real, part, validation)
        mean = (others[has] if bool(has.any()) else target).float().mean(0) > 0.5
        found.append(
            ParserMeasurement(seed, part, _iou(shown, target), _iou(mean.expand_as(target), target), len(rows))
        )
    return found


def _iou(a: Tensor, b: Tensor) -> float:
    """Return the mean intersection over union of masks `[n, h, w]`."""
    return float(((a & b).sum((1, 2)) / (a | b).sum((1, 2)).clamp_min(1)).mean())
