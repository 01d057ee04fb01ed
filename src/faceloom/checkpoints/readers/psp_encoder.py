"""The encoder beside a generator in a checkpoint of pSp, e4e or ReStyle: read once, kept beside it, loaded by name."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from faceloom.checkpoints.library import ENCODER, imported_folder
from faceloom.checkpoints.readers.rename import check_state
from faceloom.checkpoints.sandbox.bounds import check_bounds
from faceloom.checkpoints.sandbox.containers import check_safetensors
from faceloom.checkpoints.sandbox.process import Content
from faceloom.errors import AssetError, CheckpointError, CorruptFile, UnknownFormat, WrongShape
from faceloom.files import replacing
from faceloom.networks.generator import Generator, image_at
from faceloom.networks.psp_encoder import SIDE, PspEncoder, PspEncoderConfig

ITERATIONS = 5
"""Of ReStyle, as its authors use it."""

_KINDS = {
    "GradualStyleEncoder": False,
    "BackboneEncoder": False,
    "Encoder4Editing": True,
    "ProgressiveBackboneEncoder": True,
}
"""The encoders that are read, as `opts` names them -> whether the first style is added to the others."""


@dataclass(frozen=True)
class FaceEncoder:
    """An encoder with the mean that its styles are relative to, and the generator that it was trained for."""

    network: PspEncoder
    mean: Tensor  # [num_ws, w_dim]
    G: Generator

    @torch.no_grad()
    def encode(self, img: Tensor) -> Tensor:
        """Reproduce aligned faces: `[n, 3, 256, 256]`, RGB, -1...1 -> w_plus `[n, num_ws, w_dim]`.

        ReStyle looks five times, each time at its last attempt too. Raises ShapeError for other images.
        """
        w_plus: Tensor = self.mean.expand(len(img), -1, -1)
        if self.network.config.in_channels == 3:
            styles: Tensor = self.network(img)
            return w_plus + styles
        for _ in range(ITERATIONS):
            w_plus = w_plus + self.network(torch.cat((img, image_at(self.G, w_plus, SIDE)), dim=1))
        return w_plus


def understand_encoder(content: Content) -> tuple[PspEncoderConfig, dict[str, Tensor], Tensor | None]:
    """Tell an encoder's configuration, weights and mean out of a checkpoint.

    Raises UnknownFormat for another kind of encoder, WrongShape or CorruptFile when the weights do not fit.
    """
    prefix = "state_dict.encoder."
    state = {name.removeprefix(prefix): t for name, t in content.tensors.items() if name.startswith(prefix)}
    state = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    kind = content.values.get("opts.encoder_type", "GradualStyleEncoder")
    if kind not in _KINDS:
        raise UnknownFormat(f"the encoder is a {str(kind)[:40]}", f"faceloom reads {', '.join(_KINDS)}")
    try:
        width, in_channels = state["input_layer.0.weight"].shape[:2]
        w_dim = state["styles.0.linear.weight"].shape[0]
    except (KeyError, ValueError, IndexError) as error:
        raise WrongShape(f"the encoder lacks {error}", "it is of another kind") from error
    convs = [re.fullmatch(r"styles\.(\d{1,3})\.convs\.\d{1,3}\.weight", name) for name in state]
    heads = [int(match[1]) for match in convs if match]
    depths = tuple(heads.count(i) for i in range(max(heads, default=0) + 1))
    config = PspEncoderConfig(depths, in_channels, width, w_dim, _KINDS[str(kind)])
    if not set(depths) <= {4, 5, 6}:
        raise WrongShape(f"the encoder's heads are {depths} layers deep", "it is of another kind")
    state = {name: tensor.float() for name, tensor in state.items()}
    check_state(_network, config, state)
    return config, state, _mean(content, config)


def _mean(content: Content, config: PspEncoderConfig) -> Tensor | None:
    """What is added to the styles; None: the generator's mean."""
    shape = len(config.head_depths), config.w_dim
    if not content.values.get("opts.start_from_latent_avg", True):
        return torch.zeros(shape)
    mean = content.tensors.get("latent_avg")
    if mean is None:
        return None
    rows = mean.float().reshape(-1, mean.shape[-1])
    if rows.shape[1] != shape[1] or len(rows) not in (1, shape[0]):
        raise WrongShape(f"latent_avg: expected {list(shape)}, got {list(mean.shape)}", "it is of another generator")
    return rows.expand(shape).contiguous()


def _network(config: PspEncoderConfig) -> PspEncoder:
    """The network without the counters that only training needs."""
    network = PspEncoder(config)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.num_batches_tracked = None
    return network


def save_encoder(folder: Path, content: Content) -> str:
    """Keep the encoder of a checkpoint, if it has one, in a generator's folder; gives in words what became of it."""
    if not any(name.startswith("state_dict.encoder.input_layer.") for name in content.tensors):
        return "none"
    try:
        config, state, mean = understand_encoder(content)
    except CheckpointError as error:  # the generator is worth having without it
        return f"not read: {error.message}"
    card = {"version": "1", "config": json.dumps(asdict(config))}
    tensors = {f"network.{name}": tensor.contiguous() for name, tensor in state.items()}
    with replacing(folder / ENCODER) as draft:
        save_file(tensors | ({} if mean is None else {"mean": mean}), draft, card)
    return "read"


def load_encoder(name: str) -> FaceEncoder:
    """Load the encoder that was imported with the generator `name`.

    Raises AssetError when there is none, CorruptFile or WrongShape when its file is damaged.
    """
    from faceloom.checkpoints.load import load_generator

    path = imported_folder(name) / ENCODER
    if not path.exists():
        raise AssetError(f"'{name}' was imported without an encoder", "import a checkpoint of pSp, e4e or ReStyle")
    G = load_generator(name).G
    config, tensors = _read(path)
    state = {name.removeprefix("network."): tensor for name, tensor in tensors.items() if name != "mean"}
    check_state(_network, config, state)
    network = _network(config)
    network.load_state_dict(state, strict=False)  # it was checked; torch asks for counters of training steps
    mean = tensors.get("mean", G.w_avg.expand(G.num_ws, -1))
    if mean.shape != (G.num_ws, G.w_dim):
        raise WrongShape(f"the encoder makes {len(mean)} styles, the generator takes {G.num_ws}", "import it again")
    return FaceEncoder(network.eval().requires_grad_(False), mean, G)


def _read(path: Path) -> tuple[PspEncoderConfig, dict[str, Tensor]]:
    try:
        check_safetensors(path)
        with safe_open(path, "pt") as file:
            told = json.loads(file.metadata()["config"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        config = PspEncoderConfig(**told | {"head_depths": tuple(told["head_depths"])})
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CorruptFile(f"{path} is damaged: {error}", "import the checkpoint again") from error
    check_bounds(config)
    return config, tensors
