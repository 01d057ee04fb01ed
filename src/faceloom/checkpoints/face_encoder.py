"""Encoders imported together with a generator: saved beside it, and loaded by the generator's name."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from faceloom.checkpoints.check_state import check_state
from faceloom.checkpoints.library import ENCODER, locate_imported_generator
from faceloom.checkpoints.load import load_generator
from faceloom.checkpoints.readers import psp_encoder
from faceloom.checkpoints.sandbox.bounds import check_bounds
from faceloom.checkpoints.sandbox.containers import check_safetensors
from faceloom.checkpoints.sandbox.process import FileContent
from faceloom.errors import AssetError, CheckpointError, CorruptFile, WrongShape
from faceloom.files import atomic_write
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.psp_encoder import PSP_RESOLUTION, PspEncoder, PspEncoderConfig

RESTYLE_ITERATIONS = 5
"""Number of passes of a ReStyle encoder, as in its authors' code."""


@dataclass(frozen=True)
class FaceEncoder:
    """An encoder, the mean w_plus that its output is relative to, and the generator that it was trained for."""

    network: PspEncoder
    mean: Tensor  # [num_ws, w_dim]
    G: Generator

    @torch.no_grad()
    def encode(self, img: Tensor) -> Tensor:
        """Encode aligned faces: `[n, 3, 256, 256]`, RGB, -1...1 -> w_plus `[n, num_ws, w_dim]`.

        A ReStyle encoder makes RESTYLE_ITERATIONS passes; its input is the face and the image of the previous pass.
        Raises ShapeError for images of another shape.
        """
        w_plus: Tensor = self.mean.expand(len(img), -1, -1)
        if self.network.config.in_channels == 3:
            styles: Tensor = self.network(img)
            return w_plus + styles
        for _ in range(RESTYLE_ITERATIONS):
            w_plus = w_plus + self.network(torch.cat((img, image_at(self.G, w_plus, PSP_RESOLUTION)), dim=1))
        return w_plus


def save_encoder(folder: Path, content: FileContent) -> str:
    """Save the encoder of a checkpoint into a generator's folder, and return the outcome for the card.

    The outcome is 'none' without an encoder, 'read', or 'not read: ' with the reason.
    """
    if not psp_encoder.find(content.tensors):
        return "none"
    try:
        encoder = psp_encoder.read(content)
    except CheckpointError as error:  # the generator is useful without its encoder
        return f"not read: {error.message}"
    card = {"version": "1", "config": json.dumps(asdict(encoder.config))}
    tensors = {f"network.{name}": tensor.contiguous() for name, tensor in encoder.state_dict.items()}
    with atomic_write(folder / ENCODER) as draft:
        save_file(tensors | ({} if encoder.mean is None else {"mean": encoder.mean}), draft, card)
    return "read"


def load_imported_encoder(name: str) -> FaceEncoder:
    """Load the encoder that was imported with the generator `name`.

    Raises AssetError when there is none, CorruptFile or WrongShape when its file is damaged.
    """
    path = locate_imported_generator(name) / ENCODER
    if not path.exists():
        raise AssetError(f"'{name}' was imported without an encoder", "import a checkpoint of pSp, e4e or ReStyle")
    G = load_generator(name).G
    config, tensors = _read_file(path)
    state = {name.removeprefix("network."): tensor for name, tensor in tensors.items() if name != "mean"}
    check_state(psp_encoder.make_network, config, state)
    network = psp_encoder.make_network(config)
    network.load_state_dict(state, strict=False)  # strict loading would ask for the removed step counters
    mean = tensors.get("mean", G.w_avg.expand(G.num_ws, -1))
    if mean.shape != (G.num_ws, G.w_dim):
        raise WrongShape(f"the encoder makes {len(mean)} styles, the generator takes {G.num_ws}", "import it again")
    return FaceEncoder(network.eval().requires_grad_(False), mean, G)


def _read_file(path: Path) -> tuple[PspEncoderConfig, dict[str, Tensor]]:
    try:
        check_safetensors(path)
        with safe_open(path, "pt") as file:
            fields = json.loads(file.metadata()["config"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        config = PspEncoderConfig(**fields | {"head_depths": tuple(fields["head_depths"])})
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptFile(f"{path} is damaged: {error}", "import the checkpoint again") from error
    check_bounds(config)
    return config, tensors
