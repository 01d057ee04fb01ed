"""Train the encoder, first on generated people with known latent codes, then on real ones through the generator.

    python recipes/encoder/train.py --data DIR --out build/encoder --minutes 4 50

Resumes from its checkpoint. Runs on the CPU in bf16; the schedule depends on time. README.md describes both parts.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from pictures import camera, people, portraits, to_img
from safetensors.torch import save_file
from torch import Tensor

from faceloom.checkpoints.load import load_generator, load_lpips
from faceloom.checkpoints.shipped import load_analyzer
from faceloom.edit.latent_statistics import measure_latents
from faceloom.memory import keep_memory
from faceloom.networks.encoder import Encoder
from faceloom.networks.lpips import distance

SEED = 0
CODES_BATCH, CODES_RATE = 32, 2e-3
IMAGES_BATCH, IMAGES_RATE, PORTRAITS = 8, 3e-4, 5  # portraits per batch; the others are generated people
AGAIN = 0.25  # share of batches of the second part with a second pass, which also has a loss
PIXELS, IDENTITY, CODES, DIFFERING, FAR = 1.0, 0.3, 0.1, 0.02, 0.005  # weights of losses relative to LPIPS


def main() -> None:
    """Train and save the encoder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, nargs=2, default=(4, 50), help="duration of each part")
    args = parser.parse_args()
    keep_memory()
    run = Run(args.data, args.out, [60 * minutes for minutes in args.minutes])
    run.train()
    state = {name: tensor.half().contiguous() for name, tensor in run.average.items() if "num_batches" not in name}
    save_file(state, args.out / "encoder.safetensors")


class Run:
    """A training run: the network, its averaged weights, the optimizer and the time."""

    def __init__(self, data: Path, out: Path, seconds: list[float]) -> None:
        torch.manual_seed(SEED)
        self.checkpoint, self.seconds, self.rng = out / "checkpoint.pt", seconds, np.random.RandomState(SEED)
        self.G = load_generator(precision="bf16").G
        self.net = Encoder(self.G.num_ws, self.G.w_dim).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.net.trunk.load_state_dict(load_analyzer().trunk.state_dict())
        statistics = measure_latents(self.G)
        self.net.axes.copy_(statistics.axes)
        self.net.scales.copy_((statistics.variances + statistics.floor).sqrt())
        self.start = self.G.w_avg.expand(1, self.G.num_ws, -1)
        with torch.no_grad():
            self.net.mean_img.copy_(self.G.synthesis_at(self.start, 256)[0].clamp(-1, 1))
        self.worth = self.net.scales / self.net.scales.mean()
        self.alexnet, self.analyzer = load_lpips("alexnet", "bf16"), load_analyzer()
        self.people, self.w = people(data)
        self.portraits, self.dev = portraits(data, "train"), to_img(portraits(data, "dev"))
        self.adam = torch.optim.AdamW(self.net.parameters(), lr=CODES_RATE, betas=(0.9, 0.98), weight_decay=0.01)
        self.average = {name: tensor.clone() for name, tensor in self.net.state_dict().items()}
        self.nimg, self.spent = [0, 0], 0.0
        self.sums: dict[str, float] = {}
        if self.checkpoint.exists():
            self._resume()
        else:
            self._regress()

    @torch.no_grad()
    def _regress(self, held_out: int = 1000) -> None:
        """Initialize the last layer by ridge regression from the features of the analyzer's trunk to w."""
        self.net.eval()
        batches = np.array_split(np.arange(len(self.w)), len(self.w) // 50)
        features = torch.cat(
            [self.net.features(camera(to_img(self.people[rows]), self.rng)).flatten(1) for rows in batches]
        )
        x = features - self.net.features(self.net.mean_img[None]).flatten(1)
        y = self.net.to_axes(self.w - self.G.w_avg)
        x_held, y_held, x, y = x[:held_out], y[:held_out], x[held_out:], y[held_out:]
        gram, cross = (x.T @ x).double(), (x.T @ y).double()
        errors = {}
        for ridge in (0.3, 1.0, 3.0, 10.0):
            damped = gram + ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.double)
            weight = torch.linalg.solve(damped, cross).float()
            errors[ridge] = float(self._difference(x_held @ weight, y_held)), weight
            print(
                f"ridge {ridge}: {errors[ridge][0]:.3f} of {float(self._difference(y_held, 0 * y_held)):.3f}",
                flush=True,
            )
        self.net.linear.weight.copy_(min(errors.values(), key=lambda error: error[0])[1].T)
        self.average = {name: tensor.clone() for name, tensor in self.net.state_dict().items()}

    def train(self) -> None:
        """Train both parts for their times; print a line and save a checkpoint every two minutes."""
        start, saved = time.monotonic() - self.spent, self.spent
        while (spent := time.monotonic() - start) < sum(self.seconds):
            part = int(spent > self.seconds[0])
            progress = (spent - part * self.seconds[0]) / self.seconds[part]
            losses = self._images_step(progress) if part else self._codes_step(progress)
            for name, value in losses.items():
                self.sums[name] = 0.98 * self.sums.get(name, value) + 0.02 * value
            self.spent = spent
            if spent - saved > 120:
                saved = spent
                self._save()
                line = " ".join(f"{name} {value:.3f}" for name, value in self.sums.items())
                dev_scores = " ".join(f"{value:.3f}" for value in self.score())
                print(
                    f"{spent / 60:.1f} min, kimg {sum(self.nimg) / 1000:.1f}: {line}; dev LPIPS {dev_scores}",
                    flush=True,
                )
        self._save()

    @torch.no_grad()
    def score(self, attempts: int = 3, count: int = 16) -> list[float]:
        """Return LPIPS after each pass on portraits of held-out people."""
        net = Encoder(self.G.num_ws, self.G.w_dim).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        net.load_state_dict(self.average)
        img, results = self.dev[:count], []
        w_plus, attempt = self.start.expand(count, -1, -1), net.mean_img.expand(count, -1, -1, -1)
        for _ in range(attempts):
            w_plus = w_plus + net(img, attempt)
            attempt = torch.cat([self.G.synthesis_at(w, 256) for w in w_plus.split(4)]).clamp(-1, 1)
            results.append(distance(self.alexnet.features(attempt), self.alexnet.features(img)).mean().item())
        return results

    def _codes_step(self, progress: float) -> dict[str, float]:
        """Train on generated people with known codes, starting from the mean face or from another person."""
        self.net.train()
        rows, others = (self.rng.randint(len(self.w), size=CODES_BATCH) for _ in range(2))
        img, attempt = camera(to_img(self.people[rows]), self.rng), to_img(self.people[others])
        from_mean = torch.from_numpy(self.rng.rand(CODES_BATCH) < 0.5)
        attempt = torch.where(from_mean[:, None, None, None], self.net.mean_img, attempt)
        start = torch.where(from_mean[:, None], self.G.w_avg, self.w[others])
        with torch.autocast("cpu", torch.bfloat16):
            shared, differing = self.net.predict(img, attempt)
        truth = self.net.to_axes(self.w[rows] - start)[:, None]
        losses = {"codes": self._difference(shared, truth), "differing": self._difference(shared + differing, truth)}
        self._descend(losses, CODES_RATE * min(1.0, self.nimg[0] / 3000 + 0.01) * (1 - 0.9 * progress))
        self.nimg[0] += CODES_BATCH
        return to_numbers(losses)

    def _images_step(self, progress: float) -> dict[str, float]:
        """Train on real portraits with image losses, and on generated people with losses of their codes as well."""
        self.net.eval()  # freeze the normalization statistics, because batches are small and of two kinds
        rows = self.rng.randint(len(self.portraits), size=PORTRAITS)
        others = self.rng.randint(len(self.w), size=IMAGES_BATCH - PORTRAITS)
        real = to_img(self.portraits[rows])
        real = torch.where(torch.from_numpy(self.rng.rand(PORTRAITS) < 0.5)[:, None, None, None], real.flip(3), real)
        truth = torch.cat((real, to_img(self.people[others])))
        img = camera(truth, self.rng)
        with torch.no_grad():
            features, identity = self.alexnet.features(truth), self.analyzer(truth).identity
        w_plus, attempt = self.start.expand(IMAGES_BATCH, -1, -1), self.net.mean_img.expand_as(truth)
        logged: dict[str, float] = {}
        for number in range(1 + int(self.rng.rand() < AGAIN)):
            with torch.autocast("cpu", torch.bfloat16):
                shared, differing = self.net.predict(img, attempt)
            w_plus = w_plus.detach() + self.net.to_w(shared + differing)
            rendered = self.G.synthesis_at(w_plus, 256)
            along = self.net.to_axes(w_plus - self.start)
            known = self.net.to_axes(self.w[others] - self.G.w_avg)[:, None]
            losses = {
                f"lpips{number}": distance(self.alexnet.features(rendered), features).mean(),
                f"pixels{number}": PIXELS * (rendered - truth).abs().mean(),
                "identity": IDENTITY * (1 - (self.analyzer(rendered).identity * identity).sum(1)).mean(),
                "codes": CODES * self._difference(along[PORTRAITS:], known),
                "differing": DIFFERING * self._difference(along, along.mean(1, keepdim=True)),
                "far": FAR * self._difference(along, torch.zeros_like(along)),
            }
            self._descend(losses, IMAGES_RATE * min(1.0, self.nimg[1] / 400 + 0.05) * (1 - progress))
            attempt = rendered.detach().clamp(-1, 1)
            logged |= to_numbers(losses)
        self.nimg[1] += IMAGES_BATCH
        return logged

    def _difference(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the mean square difference along the axes, weighted by the axes' widths."""
        squares: Tensor = (a - b).square() * self.worth
        return squares.mean()

    def _descend(self, losses: dict[str, Tensor], rate: float) -> None:
        self.adam.param_groups[0]["lr"] = rate
        self.adam.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.adam.step()
        steps = self.nimg[0] / CODES_BATCH + self.nimg[1] / IMAGES_BATCH
        for name, tensor in self.net.state_dict().items():
            if tensor.is_floating_point():
                self.average[name].lerp_(tensor, 1 - min(0.99, steps / (steps + 20)))

    def _save(self) -> None:
        state = {name: getattr(self, name) for name in ("average", "nimg", "spent")}
        state |= {"net": self.net.state_dict(), "adam": self.adam.state_dict(), "rng": self.rng.get_state()}
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=False)
        self.net.load_state_dict(state["net"])
        self.adam.load_state_dict(state["adam"])
        self.rng.set_state(state["rng"])
        self.average, self.nimg, self.spent = state["average"], state["nimg"], state["spent"]


def to_numbers(losses: dict[str, Tensor]) -> dict[str, float]:
    """Convert losses to numbers."""
    return {name: loss.item() for name, loss in losses.items()}


if __name__ == "__main__":
    main()
