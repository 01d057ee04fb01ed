"""Train the heads of early exits to draw what the whole default generator draws.

    python recipes/early_exit/train.py --data DIR --out src/faceloom/data

DIR is a folder with faces.csv and faces.zip. Three kinds of people are drawn once, by the frozen generator: generated
ones; portraits of the train split as the encoder reproduces them, edited at random; and people whose layers are mixed
from two others, with noise. A random part of each picture stays in memory with its features and styles. The head learns
from these parts, and is measured on people that are held out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from bench.portraits import val_portraits
from faceloom.checkpoints.load import load_generator
from faceloom.checkpoints.shipped import load_analyzer, load_encoder
from faceloom.edit.attributes import load_shipped_basis, random_edits
from faceloom.images import to_img
from faceloom.invert.encode import encoder_guess
from faceloom.latents import broadcast, z_from_seeds
from faceloom.memory import keep_memory
from faceloom.networks.early_exit import EXITS, EarlyExit, ExitHead, following_styles
from faceloom.networks.generator import area_reduce
from faceloom.networks.mobilestylegan import MobileStyleGAN, inverse_haar
from faceloom.networks.regions import block_features
from faceloom.networks.tuned import network_of

SEED = 0
HELD_OUT = 24  # people of the measurement
PART = 64  # side in feature pixels of the part of a picture that is stored
CROP, BATCH = 48, 12  # side in feature pixels, and number, of the crops of a step
RATE = 1.5e-3


@dataclass(frozen=True)
class Example:
    """A part of a picture: features `[c, h, w]`, styles `[s]` of the layers after them, and pixels `[3, 2h, 2w]`."""

    features: Tensor
    styles: Tensor
    pixels: Tensor


def main() -> None:
    """Draw the people, train, measure and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with faces.csv and faces.zip")
    parser.add_argument("--people", type=int, default=1200)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights")
    args = parser.parse_args()
    keep_memory()
    torch.manual_seed(SEED)
    network = network_of(load_generator(precision="bf16").G)
    people = list(draw_people(network, args.data, args.people))
    held_out = [people.pop(i * len(people) // HELD_OUT) for i in range(HELD_OUT)]
    examples = [make_examples(network, w_plus) for w_plus in people]
    print(f"{len(examples)} people", flush=True)
    for side, block in EXITS.items():
        head = ExitHead(block)
        own = [parts[side] for parts in examples]
        standardize(head, own)
        train(head, own, args.steps)
        print(f"{side} px")
        measure(network, head.eval(), held_out)
        weights = {name: tensor.half().contiguous() for name, tensor in head.state_dict().items()}
        save_file(weights, args.out / f"exit_{side}.safetensors")


def draw_people(network: MobileStyleGAN, data: Path, count: int) -> Iterator[Tensor]:
    """Yield latents `[1, num_ws, w_dim]`: a quarter generated, a quarter mixed, and half of them portraits."""
    random = torch.Generator().manual_seed(SEED)
    edit = random_edits(load_shipped_basis())
    quarter = count // 4
    w = network.mapping(z_from_seeds(range(3 * quarter), network.z_dim)).detach()
    psi = 0.4 + 0.6 * torch.rand(len(w), 1, generator=random)
    w = network.w_avg + psi * (w - network.w_avg)
    spread = w.std(0)
    for row in w[:quarter]:
        yield broadcast(row[None], network.num_ws)
    for first, last in zip(w[quarter : 2 * quarter], w[2 * quarter :], strict=True):
        w_plus = broadcast(first[None], network.num_ws).clone()
        w_plus[:, int(torch.randint(3, 20, (), generator=random)) :] = last
        noise = torch.randn(w_plus.shape, generator=random) * spread
        yield w_plus + 0.3 * torch.rand((), generator=random) * noise
    encoder = load_encoder()
    for _, picture in val_portraits(data, 2 * quarter, split="train"):
        w_plus = encoder_guess(network, encoder, to_img(picture))
        yield edit(w_plus, random) if torch.rand((), generator=random) < 0.8 else w_plus


@torch.no_grad()
def make_examples(network: MobileStyleGAN, w_plus: Tensor) -> dict[int, Example]:
    """Draw a person, and keep a random part for each of EXITS, by the side of its picture."""
    outputs = block_features(network, w_plus, list(EXITS.values()))
    picture = network.synthesis(w_plus)
    examples = {}
    for (side, block), features in zip(EXITS.items(), outputs, strict=True):
        y, x = (int(torch.randint(features.shape[-1] - PART + 1, ())) for _ in range(2))
        pixels = area_reduce(picture, side)[0, :, 2 * y : 2 * (y + PART), 2 * x : 2 * (x + PART)].bfloat16()
        part = features[0, :, y : y + PART, x : x + PART].clone(memory_format=torch.contiguous_format)
        examples[side] = Example(part, following_styles(network, w_plus, block)[0], pixels)
    return examples


@torch.no_grad()
def standardize(head: ExitHead, examples: list[Example]) -> None:
    """Store the mean and the spread of the styles, and begin with pictures that are nearly gray."""
    styles = torch.stack([example.styles for example in examples])
    head.mean.copy_(styles.mean(0))
    head.spread.copy_(styles.std(0) + 1e-3)
    for scale in (*head.scales, head.output_scale):
        scale.weight.mul_(0.2)
    head.output.weight.mul_(0.1)


def train(head: ExitHead, examples: list[Example], steps: int) -> None:
    """Train by the mean absolute and the mean squared error of the pixels, on random crops."""
    optimizer = torch.optim.Adam(head.parameters(), lr=RATE, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    start, average = time.perf_counter(), 0.0
    for step in range(steps):
        features, styles, pixels = make_batch(examples)
        img = inverse_haar(head(features, styles).float())
        error = img - pixels
        loss = error.abs().mean() + 4 * error.square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        current = error.square().mean().item()
        average = 0.98 * average + 0.02 * current if step else current
        if step % 100 == 0:
            print(f"{step}/{steps} {psnr(average):.2f} dB {time.perf_counter() - start:.0f} s", flush=True)


def make_batch(examples: list[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Return random crops of random people: features, styles and pixels."""
    crops = []
    for i in torch.randint(len(examples), (BATCH,)).tolist():
        example = examples[i]
        y, x = (int(torch.randint(PART - CROP + 1, ())) for _ in range(2))
        crops.append(
            (
                example.features[:, y : y + CROP, x : x + CROP],
                example.styles,
                example.pixels[:, 2 * y : 2 * (y + CROP), 2 * x : 2 * (x + CROP)].float(),
            )
        )
    features, styles, pixels = (torch.stack(column) for column in zip(*crops, strict=True))
    return features.contiguous(memory_format=torch.channels_last), styles, pixels


@torch.no_grad()
def measure(network: MobileStyleGAN, head: ExitHead, people: list[Tensor]) -> None:
    """Print the differences between pictures of the early exit and of the whole generator, and of their readings."""
    early, analyzer = EarlyExit(network, head), load_analyzer()
    errors, readings, similarities = [], [], []
    for w_plus in people:
        exact, img = (G.synthesis_at(w_plus, early.img_resolution).clamp(-1, 1) for G in (network, early))
        errors.append(float((exact - img).square().mean()))
        a, b = (analyzer(F.avg_pool2d(x, x.shape[-1] // 256)) for x in (exact, img))
        readings.append((b.attributes - a.attributes)[0])
        similarities.append(float(F.cosine_similarity(a.identity, b.identity)))
    print(f"PSNR: mean {np.mean([psnr(e) for e in errors]):.2f} dB, least {psnr(max(errors)):.2f} dB")
    print("mean absolute difference of the readings:", torch.stack(readings).abs().mean(0).tolist())
    print("mean difference of the readings:", torch.stack(readings).mean(0).tolist())
    print(f"identity similarity: mean {np.mean(similarities):.4f}, least {min(similarities):.4f}")


def psnr(error: float) -> float:
    """Return the peak signal-to-noise ratio in dB of a mean squared error of pixels in -1...1."""
    return float(10 * np.log10(4 / max(error, 1e-12)))


if __name__ == "__main__":
    main()
